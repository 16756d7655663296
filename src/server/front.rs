//! What stands before every family's handlers: the order of judgement, and what every answer bears.
//!
//! Path, method, credential, rate, scope, body size; then the handler judges the resource and the body's rules. Promises: a
//! request that is refused has changed nothing; a handler's panic ends here; every answer has the request's id, and every
//! request one entry in the journal.
//!
//! `HEAD` is answered as `GET` without a body. `OPTIONS` is a method like any other that no path takes: it is 405, and `Allow` says
//! which ones are taken. A service that wants CORS puts its own layer around the router.

use super::auth::{Authority, Header, Insecure, Scope, is_for_here, is_from_another_site, presented};
use super::body;
use super::journal::Entry;
use super::openapi::{self, Described};
use super::options::RouterOptions;
use super::path;
use super::rate::{Quota, RateLimiter};
use super::refusal::{Allow, Refusal};
use super::request_id::{NAME, request_id};
use super::status::{Answer, Shape, refused};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, Response};
use axum::routing::any;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tokio::time::Instant;

/// A family of the interface.
pub(crate) trait Family: Send + Sync + 'static {
    /// What can be asked.
    type Call: Copy + Send + Sync + 'static;
    /// In which shape it refuses.
    const SHAPE: Shape;
    /// Where it looks for a credential.
    const HEADER: Header;

    /// What can be asked at a path, given in decoded segments; `None` if there is nothing.
    fn offers(&self, path: &[&str]) -> Option<&'static [Offer<Self::Call>]>;

    /// Answers a call that may be made.
    fn answer(&self, call: Self::Call, asked: Asked<'_>) -> impl Future<Output = Result<Answer, Refusal>> + Send;
}

/// One thing that can be asked at a path.
pub(crate) struct Offer<C> {
    method: Method,
    scope: Scope,
    call: C,
}

/// A request, as a handler sees it.
pub(crate) struct Asked<'a> {
    /// The decoded segments of its path.
    pub(crate) path: &'a [Cow<'a, str>],
    /// Address, headers.
    pub(crate) parts: &'a Parts,
    /// All of its body.
    pub(crate) body: Bytes,
}

/// A family behind the order of judgement.
pub(crate) struct Front<F> {
    family: F,
    auth: Arc<dyn Authority>,
    /// What it tells is no secret, under whichever name it is asked.
    is_open: bool,
    options: RouterOptions,
    rate: Option<RateLimiter>,
}

impl<C> Offer<C> {
    pub(crate) const fn new(method: Method, scope: Scope, call: C) -> Self {
        Offer { method, scope, call }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn scope(&self) -> Scope {
        self.scope
    }

    pub(crate) fn call(&self) -> C
    where
        C: Copy,
    {
        self.call
    }
}

impl<F: Family> Front<F> {
    pub(crate) fn new(family: F, auth: Arc<dyn Authority>, options: RouterOptions) -> Self {
        Front {
            family,
            auth,
            is_open: false,
            rate: options.rate_limits.clone().map(RateLimiter::new),
            options,
        }
    }

    /// Open to everybody, as often as everybody likes.
    pub(crate) fn open(family: F, options: RouterOptions) -> Self {
        let options = RouterOptions {
            rate_limits: None,
            ..options
        };
        Front {
            is_open: true,
            ..Front::new(family, Arc::new(Insecure), options)
        }
    }

    /// A router for these paths and all that is below them.
    pub(crate) fn router(self, bases: &[&str]) -> Router {
        let serve = any(self.handler());
        bases.iter().fold(Router::new(), |router, base| {
            router
                .route(base, serve.clone())
                .route(&format!("{base}/"), serve.clone())
                .route(&format!("{base}/{{*below}}"), serve.clone())
        })
    }

    /// A router for these paths, with the family's document.
    pub(crate) fn described(self, bases: &[&str]) -> Router
    where
        F: Described,
    {
        let document = openapi::route(&self.family, self.options.clone());
        self.router(bases).merge(document)
    }

    /// A router for what no other one has.
    pub(crate) fn fallback(self) -> Router {
        Router::new().fallback(self.handler())
    }

    fn handler(self) -> impl Fn(Request) -> BoxFuture<'static, Response<Body>> + Clone + Send + Sync + 'static {
        let front = Arc::new(self);
        move |request: Request| {
            let front = Arc::clone(&front);
            async move { front.serve(request).await }.boxed()
        }
    }

    async fn serve(&self, request: Request) -> Response<Body> {
        let begun = Instant::now();
        let (parts, body) = request.into_parts();
        let id = request_id(&parts.headers);
        let mut quota = None;
        let judged = AssertUnwindSafe(self.judge(&parts, body, begun, &mut quota)).catch_unwind();
        let outcome = judged.await.unwrap_or(Err(Refusal::Panicked));
        let (mut response, cause) = match outcome {
            Ok(answer) => (answer.into_response(), None),
            Err(refusal) => (refused(F::SHAPE, &refusal, &id), refusal.cause()),
        };
        if parts.method == Method::HEAD {
            without_body(&mut response);
        }
        if let Some(rate) = &self.rate {
            show(quota.unwrap_or_else(|| rate.untouched()), &mut response);
        }
        self.note(&Entry {
            request_id: id.to_str().unwrap_or_default(),
            method: parts.method.as_str(),
            path: parts.uri.path(),
            status: response.status().as_u16(),
            took: begun.elapsed(),
            cause: cause.as_deref(),
        });
        response.headers_mut().insert(NAME, id);
        response
    }

    /// `quota` is what is left to the holder, once that is known.
    async fn judge(
        &self,
        parts: &Parts,
        body: Body,
        begun: Instant,
        quota: &mut Option<Quota>,
    ) -> Result<Answer, Refusal> {
        let path = path::segments(parts.uri.path()).ok_or(Refusal::Path)?;
        let segments: Vec<&str> = path.iter().map(|segment| &**segment).collect();
        let offers = self.family.offers(&segments).ok_or(Refusal::Path)?;
        let offer = offer(offers, &parts.method).ok_or_else(|| Refusal::Method(allow(offers)))?;

        let credential = presented(&parts.headers, F::HEADER);
        let grant = match credential {
            Some(credential) => self.auth.grant(credential),
            None => self.auth.anonymous(),
        };
        let grant = grant.ok_or(Refusal::Credential)?;
        if let Some(rate) = &self.rate {
            let left = rate.count(grant.holder(), begun);
            *quota = Some(left);
            left.retry_after.map_or(Ok(()), |seconds| Err(Refusal::Rate(seconds)))?;
        }
        if !grant.scopes().contains(offer.scope) {
            return Err(Refusal::Scope);
        }
        let is_question = matches!(parts.method, Method::GET | Method::HEAD);
        // Where nobody need show a credential, any site could have a visitor's browser send this, with one or without.
        let is_anybody = !self.is_open && self.auth.anonymous() == Some(grant);
        if is_anybody && !is_for_here(parts, self.options.public_url.as_deref()) {
            return Err(Refusal::Scope);
        }
        if is_anybody && !is_question && is_from_another_site(&parts.headers) {
            return Err(Refusal::Scope);
        }
        // A question has no body that anybody reads, so nobody can have us hold one.
        let body = match is_question {
            true => Default::default(),
            false => body::read(body, &parts.headers, &self.options).await?,
        };
        // An old browser may not say where a form is from, but a form's type is never JSON.
        if is_anybody && !body.is_empty() && !body::is_json(&parts.headers) {
            return Err(Refusal::ContentType);
        }
        let asked = Asked {
            path: &path,
            parts,
            body,
        };
        self.family.answer(offer.call, asked).await
    }

    fn note(&self, entry: &Entry<'_>) {
        if let Some(journal) = &self.options.journal {
            // What goes wrong in it is no reason not to answer.
            let _ = catch_unwind(AssertUnwindSafe(|| journal.answered(entry)));
        }
    }
}

/// The one for a method; `HEAD` asks what `GET` asks.
fn offer<'a, C>(offers: &'a [Offer<C>], method: &Method) -> Option<&'a Offer<C>> {
    let is_head = method == Method::HEAD;
    let mut offers = offers.iter();
    offers.find(|offer| offer.method == *method || (is_head && offer.method == Method::GET))
}

fn allow<C>(offers: &[Offer<C>]) -> Allow {
    let mut methods = Vec::new();
    for offer in offers {
        methods.push(offer.method.as_str());
        if offer.method == Method::GET {
            methods.push("HEAD");
        }
    }
    Allow(methods.join(", "))
}

fn without_body(response: &mut Response<Body>) {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
}

fn show(quota: Quota, response: &mut Response<Body>) {
    let headers = response.headers_mut();
    let names = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];
    let values = [quota.limit.into(), quota.remaining.into(), quota.reset];
    for (name, value) in names.into_iter().zip(values) {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}

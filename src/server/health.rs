//! `/healthz` and `/readyz`: whether the process lives, and whether it wants requests. Both are open to everybody, and tell nothing else.

use super::auth::{Header, Scope};
use super::front::{Asked, Family, Front, Offer};
use super::options::RouterOptions;
use super::refusal::Refusal;
use super::status::{Answer, Shape};
use crate::sync::primitives::{AtomicBool, Ordering};
use axum::Router;
use axum::http::Method;
use serde_json::json;
use std::sync::Arc;

/// Whether a service wants requests: what `/readyz` says. Clones share it.
///
/// ```
/// use fairpool::server::{Readiness, RouterOptions, health};
///
/// let readiness = Readiness::new(false);
/// let app: axum::Router = health(&readiness, RouterOptions::new());
/// readiness.set(true); // the store is read
/// assert!(readiness.is_ready());
/// ```
#[derive(Debug, Clone)]
pub struct Readiness(
    /// Bears no other memory with it.
    Arc<AtomicBool>,
);

impl Readiness {
    /// Ready from the beginning, or not yet.
    pub fn new(is_ready: bool) -> Self {
        Readiness(Arc::new(AtomicBool::new(is_ready)))
    }

    /// From now on ready, or not any more.
    pub fn set(&self, is_ready: bool) {
        self.0.store(is_ready, Ordering::Relaxed);
    }

    /// Whether requests are wanted.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A router with `/healthz`, which answers 200 as long as anything answers, and `/readyz`, which answers 200 or 503.
pub fn health(readiness: &Readiness, options: RouterOptions) -> Router {
    let health = Health(readiness.clone());
    Front::open(health, options).router(&["/healthz", "/readyz"])
}

struct Health(Readiness);

#[derive(Clone, Copy)]
enum Call {
    Live,
    Ready,
}

static LIVE: [Offer<Call>; 1] = [Offer::new(Method::GET, Scope::Read, Call::Live)];
static READY: [Offer<Call>; 1] = [Offer::new(Method::GET, Scope::Read, Call::Ready)];

impl Family for Health {
    type Call = Call;
    const SHAPE: Shape = Shape::Message;
    const HEADER: Header = Header::KeyOrBearer;

    fn offers(&self, path: &[&str]) -> Option<&'static [Offer<Call>]> {
        match path {
            ["healthz"] => Some(&LIVE),
            ["readyz"] => Some(&READY),
            _ => None,
        }
    }

    async fn answer(&self, call: Call, _asked: Asked<'_>) -> Result<Answer, Refusal> {
        Ok(match call {
            Call::Live => Answer::ok(&json!({"status": "ok"})),
            Call::Ready if self.0.is_ready() => Answer::ok(&json!({"status": "ready"})),
            Call::Ready => Answer::not_ready(&json!({"status": "not ready"})),
        })
    }
}

//! The layer, and the service that it makes.

use super::super::limit::handle::Limit;
use super::error::LimitedError;
use super::future::LimitedFuture;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// Puts a [`Limit`]'s line before a service: in place of a concurrency limit, one that is fair, bounded, clearable, resizable
/// and drainable while it runs. From [`Limit::layer`].
#[derive(Debug, Clone)]
pub struct LimitLayer(Limit);

/// A service behind a [`Limit`]. It is always ready: a request waits in its own future, and the service inside is asked whether
/// it is ready once the request has been admitted.
#[derive(Debug, Clone)]
pub struct Limited<S> {
    service: S,
    limit: Limit,
}

impl Limit {
    /// A `tower` layer over this limit. All services that it is laid over share the line.
    ///
    /// A request is in flight from its admission until the service's future has ended or is dropped; the body of a response
    /// that streams on afterwards is not covered.
    ///
    /// ```
    /// # use fairpool::{Limit, LimitedError, doc::block_on};
    /// # use std::convert::Infallible;
    /// use tower::{ServiceBuilder, ServiceExt, service_fn};
    ///
    /// # block_on(async {
    /// let limit = Limit::builder(8).queue_limit(100).build()?;
    /// let double = service_fn(|number: u32| async move { Ok::<_, Infallible>(2 * number) });
    /// let service = ServiceBuilder::new().layer(limit.layer()).service(double);
    ///
    /// assert_eq!(service.clone().oneshot(21).await, Ok(42));
    /// limit.close();
    /// assert!(matches!(service.oneshot(21).await, Err(LimitedError::Refused(_))));
    /// # Ok(()) });
    /// ```
    pub fn layer(&self) -> LimitLayer {
        LimitLayer(self.clone())
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = Limited<S>;

    fn layer(&self, service: S) -> Limited<S> {
        Limited {
            service,
            limit: self.0.clone(),
        }
    }
}

impl<S> Limited<S> {
    /// The limit before the service.
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// The service without the limit.
    pub fn into_inner(self) -> S {
        self.service
    }
}

impl<S, Request> Service<Request> for Limited<S>
where
    S: Service<Request> + Clone,
{
    type Response = S::Response;
    type Error = LimitedError<S::Error>;
    type Future = LimitedFuture<S, Request>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        LimitedFuture::new(self.limit.acquire_owned(), self.service.clone(), request)
    }
}

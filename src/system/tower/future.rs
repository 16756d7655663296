//! One request on its way through a limited service.
//!
//! | state | holds | a drop now |
//! |---|---|---|
//! | in line | a place in the line | leaves the line |
//! | admitted | a permit, while the service is not ready | gives the permit to the next in line |
//! | in the service | a permit, and the service's future | ends that future, then gives the permit on |

use super::super::limit::permit::OwnedPermit;
use super::super::limit::turn::AdmissionOwned;
use super::error::LimitedError;
use pin_project::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower_service::Service;

/// The future of a [`Limited`](crate::Limited) service. It joins the limit's line at its first poll; dropped at any time it
/// leaves nothing behind.
#[pin_project]
#[must_use = "a request does nothing until it is polled"]
pub struct LimitedFuture<S: Service<Request>, Request> {
    #[pin]
    state: State<S, Request>,
}

#[pin_project(project = Now)]
enum State<S: Service<Request>, Request> {
    InLine {
        #[pin]
        admission: AdmissionOwned,
        call: Option<(S, Request)>,
    },
    Admitted {
        call: Option<(S, Request)>,
        permit: Option<OwnedPermit>,
    },
    InService {
        // Ends before the permit goes to the next in line.
        #[pin]
        future: S::Future,
        permit: Option<OwnedPermit>,
    },
}

impl<S: Service<Request>, Request> LimitedFuture<S, Request> {
    pub(super) fn new(admission: AdmissionOwned, service: S, request: Request) -> Self {
        LimitedFuture {
            state: State::InLine {
                admission,
                call: Some((service, request)),
            },
        }
    }
}

impl<S: Service<Request>, Request> Future for LimitedFuture<S, Request> {
    type Output = Result<S::Response, LimitedError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                Now::InLine { admission, call } => State::Admitted {
                    permit: Some(ready!(admission.poll(cx)).map_err(LimitedError::Refused)?),
                    call: call.take(),
                },
                Now::Admitted { call, permit } => {
                    let (service, _) = call.as_mut().expect("bug: a request was sent twice");
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        drop((call.take(), permit.take()));
                        return Poll::Ready(Err(LimitedError::Service(error)));
                    }
                    let (mut service, request) = call.take().expect("bug: a request was sent twice");
                    State::InService {
                        future: service.call(request),
                        permit: permit.take(),
                    }
                }
                Now::InService { future, permit } => {
                    let response = ready!(future.poll(cx));
                    // Whoever keeps this future for longer does not keep the permit.
                    drop(permit.take());
                    return Poll::Ready(response.map_err(LimitedError::Service));
                }
            };
            state.set(next);
        }
    }
}

impl<S: Service<Request>, Request> fmt::Debug for LimitedFuture<S, Request> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::InLine { .. } => "in line",
            State::Admitted { .. } => "admitted",
            State::InService { .. } => "in the service",
        };
        f.debug_struct("LimitedFuture").field("state", &state).finish()
    }
}

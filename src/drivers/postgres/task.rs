//! The task that drives a connection: it lives on the runtime that connected, and ends with the connection's handle.

use super::cancel::Canceller;
use super::link::Link;
use super::settings::OpaqueNotice;
use super::stream::Watched;
use futures::future::{Either, join, select};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::AsyncMessage;

/// How long a session that nobody holds any more may take to end in good order.
const FAREWELL: Duration = Duration::from_secs(5);

/// tokio-postgres' part: it reads, writes, and says goodbye when its client is gone.
type Protocol = tokio_postgres::Connection<Watched, Watched>;

/// Drives until the session ends. When the handle is gone, what still runs is cancelled, the server hears goodbye, and this
/// ends when it has closed its side; or at once, and the socket with it, if there is no hope of that.
pub(super) async fn drive(protocol: Protocol, link: Arc<Link>, canceller: Canceller, notice: Option<OpaqueNotice>) {
    let driven = pin!(Driven {
        protocol,
        waker: Waker::from(link.clone()),
        link: link.clone(),
        notice,
    });
    let abandoned = pin!(link.abandoned());
    if let Either::Right(((), driven)) = select(driven, abandoned).await {
        if link.now().is_hopeless() {
            return;
        }
        let _ = timeout(FAREWELL, join(driven, canceller.call_off(&link))).await;
    }
}

struct Driven {
    protocol: Protocol,
    link: Arc<Link>,
    waker: Waker,
    notice: Option<OpaqueNotice>,
}

impl Future for Driven {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.link.begin(cx);
        let cx = &mut Context::from_waker(&this.waker);
        let ended = loop {
            match this.protocol.poll_message(cx) {
                Poll::Ready(Some(Ok(AsyncMessage::Notification(notification)))) => this.link.notify(notification),
                Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                    if let Some(told) = &this.notice {
                        told.call(&notice);
                    }
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => break Poll::Ready(()),
                Poll::Pending => break Poll::Pending,
            }
        };
        match ended {
            Poll::Ready(()) => this.link.end(),
            Poll::Pending => this.link.pause(),
        }
        ended
    }
}

/// However it ends: the protocol's, a panic of the notice's receiver, the runtime's.
impl Drop for Driven {
    fn drop(&mut self) {
        self.link.end();
    }
}

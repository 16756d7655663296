//! The server's side of the backend in memory: sessions that are counted, questions that are answered in order.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::Poll;

#[derive(Debug, Default)]
pub(crate) struct Server {
    pub(crate) sessions: AtomicU64,
}

/// What both ends know of a session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) server: Arc<Server>,
    pub(crate) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) severed: bool,
    pub(crate) ended: bool,
    pub(crate) in_transaction: bool,
    /// Answers that nobody has read.
    pub(crate) answers: VecDeque<u64>,
}

impl Session {
    pub(crate) fn end(&self) {
        let mut state = self.state.lock().unwrap();
        if !std::mem::replace(&mut state.ended, true) {
            self.server.sessions.fetch_sub(1, Relaxed);
        }
    }
}

/// The server needs a moment.
pub(crate) async fn later() {
    let mut asked = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

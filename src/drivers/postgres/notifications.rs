//! What `NOTIFY` sends to a session that listens.

use std::fmt;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_postgres::Notification;

/// Receives a connection's notifications, from the moment it was asked for. See
/// [`Connection::notifications`](super::Connection::notifications).
pub struct Notifications {
    receiver: broadcast::Receiver<Notification>,
}

/// What [`Notifications::next`] returns.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Notified {
    /// A notification.
    Notification(Notification),
    /// So many were dropped, since this receiver fell behind.
    Lost(u64),
}

impl Notifications {
    pub(super) fn new(receiver: broadcast::Receiver<Notification>) -> Self {
        Notifications { receiver }
    }

    /// The next one; `None` when the lease or the connection has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Notified> {
        match self.receiver.recv().await {
            Ok(notification) => Some(Notified::Notification(notification)),
            Err(RecvError::Lagged(lost)) => Some(Notified::Lost(lost)),
            Err(RecvError::Closed) => None,
        }
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifications")
            .field("waiting", &self.receiver.len())
            .finish_non_exhaustive()
    }
}

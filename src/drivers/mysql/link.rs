//! A connection of `mysql_async` that ends with its owner: no drop of it leaves a task or a session behind.

use futures::FutureExt;
use mysql_async::{BinaryProtocol, Conn, QueryResult};
use std::ops::{Deref, DerefMut};

/// Dropped, it says goodbye if that can be said at once, and closes its socket in any case. A [`Conn`] would spawn a task
/// that first reads whatever answer is due.
pub(super) struct Link(Option<Conn>);

impl Link {
    pub(super) fn new(conn: Conn) -> Self {
        Link(Some(conn))
    }

    pub(super) fn into_conn(mut self) -> Conn {
        self.0.take().expect("bug: only what consumes it takes it")
    }

    /// Whether `mysql_async` knows that rows or further results are due. It knows of no call that was dropped halfway.
    pub(super) fn has_unread(&mut self) -> bool {
        // Columns are there while a result is; of which protocol does not matter to this.
        QueryResult::<BinaryProtocol>::new(&mut **self).columns().is_some()
    }

    /// Tells the server that this was all, and closes the socket.
    pub(super) async fn farewell(self) {
        // It closes the socket itself if that fails.
        let _ = self.into_conn().disconnect().await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            // Its first poll marks the connection as disconnected, whatever comes of it; so nothing is spawned.
            let _ = conn.disconnect().now_or_never();
        }
    }
}

impl Deref for Link {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.0.as_ref().expect("bug: only what consumes it takes it")
    }
}

impl DerefMut for Link {
    fn deref_mut(&mut self) -> &mut Conn {
        self.0.as_mut().expect("bug: only what consumes it takes it")
    }
}

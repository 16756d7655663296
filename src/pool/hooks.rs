//! The user's own steps at three moments of a connection's life. Each has the timeout of the phase it belongs to; an error
//! or a panic closes the connection.

use super::manager::Manager;
use futures::future::BoxFuture;
use std::fmt;

/// A hook: `|conn| Box::pin(async move { … })`.
pub(crate) type Hook<M> = Box<
    dyn for<'a> Fn(&'a mut <M as Manager>::Connection) -> BoxFuture<'a, Result<(), <M as Manager>::Error>>
        + Send
        + Sync,
>;

pub(crate) struct Hooks<M: Manager> {
    pub(crate) after_connect: Option<Hook<M>>,
    pub(crate) before_acquire: Option<Hook<M>>,
    pub(crate) after_release: Option<Hook<M>>,
}

impl<M: Manager> Default for Hooks<M> {
    fn default() -> Self {
        Hooks {
            after_connect: None,
            before_acquire: None,
            after_release: None,
        }
    }
}

impl<M: Manager> fmt::Debug for Hooks<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("after_connect", &self.after_connect.is_some())
            .field("before_acquire", &self.before_acquire.is_some())
            .field("after_release", &self.after_release.is_some())
            .finish()
    }
}

/// Runs a hook if there is one.
pub(crate) async fn run<M: Manager>(hook: &Option<Hook<M>>, conn: &mut M::Connection) -> Result<(), M::Error> {
    match hook {
        Some(hook) => hook(conn).await,
        None => Ok(()),
    }
}

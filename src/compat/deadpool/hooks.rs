//! deadpool's hooks, run one after the other in the order in which they were given.

use super::connection::Connection;
use deadpool::managed::{Hook, HookError, Manager};

pub(super) struct Hooks<M: Manager> {
    pub(super) post_create: Vec<Hook<M>>,
    pub(super) pre_recycle: Vec<Hook<M>>,
    pub(super) post_recycle: Vec<Hook<M>>,
}

impl<M: Manager> Default for Hooks<M> {
    fn default() -> Self {
        Hooks {
            post_create: Vec::new(),
            pre_recycle: Vec::new(),
            post_recycle: Vec::new(),
        }
    }
}

/// The first error ends it.
pub(super) async fn run<M: Manager>(hooks: &[Hook<M>], conn: &mut Connection<M>) -> Result<(), HookError<M::Error>> {
    let (object, metrics) = conn.parts();
    for hook in hooks {
        match hook {
            Hook::Fn(hook) => hook(object, metrics)?,
            Hook::AsyncFn(hook) => hook(object, metrics).await?,
        }
    }
    Ok(())
}

//! What a server can take anew while it serves: who may ask.

use fairpool::server::auth::{Authority, Grant};
use std::sync::Arc;
use tokio::sync::watch;

/// The authority of now. Clones follow it.
#[derive(Clone)]
pub(crate) struct Current {
    authority: watch::Sender<Arc<dyn Authority>>,
}

impl Current {
    pub(crate) fn new(authority: Arc<dyn Authority>) -> Self {
        let (authority, _) = watch::channel(authority);
        Current { authority }
    }

    /// From now on this one.
    pub(crate) fn replace(&self, authority: Arc<dyn Authority>) {
        self.authority.send_replace(authority);
    }

    fn now(&self) -> Arc<dyn Authority> {
        self.authority.borrow().clone()
    }
}

impl Authority for Current {
    fn grant(&self, credential: &str) -> Option<Grant> {
        self.now().grant(credential)
    }

    fn anonymous(&self) -> Option<Grant> {
        self.now().anonymous()
    }
}

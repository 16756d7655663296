//! The registry as services hold it; its operations stand in a file for each family.

use super::builder::RegistryBuilder;
use super::state::Inner;
use std::fmt;
use std::sync::Arc;

/// All resources, live. Cheap to clone; all clones are the same registry. See the [page above](super).
#[derive(Clone)]
pub struct Registry {
    pub(super) inner: Arc<Inner>,
}

impl Registry {
    /// Begins a registry.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::new()
    }

    /// What is there and not as it is defined, each with the reason, in a line: a connection whose driver is missing or does not
    /// understand it, a connector whose connection is gone, one that is declared under a connection pool that is not there.
    pub fn problems(&self) -> Vec<String> {
        self.inner.problems()
    }

    /// Lets the store finish and give back its file; later changes fail. What is live goes on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops only the waiting.
    pub async fn close(&self) {
        self.inner.store.close().await;
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pools, connections, connectors) = {
            let state = self.inner.state.lock();
            (state.pools.all().len(), state.connections.len(), state.connectors.len())
        };
        f.debug_struct("Registry")
            .field("connection_pools", &pools)
            .field("connections", &connections)
            .field("connectors", &connectors)
            .finish_non_exhaustive()
    }
}

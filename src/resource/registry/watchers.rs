//! Who shows what the registry's pools and limits do, such as to Prometheus.

use super::builder::RegistryBuilder;
use crate::{Builder, Exporter, LimitBuilder, Manager, Observer, Subject};
use std::sync::Arc;

/// All of them; none of it costs anything where there are none.
#[derive(Clone, Default)]
pub(super) struct Watchers(Vec<Watcher>);

#[derive(Clone)]
pub(super) struct Watcher(Arc<dyn Exporter + Send + Sync>);

impl RegistryBuilder {
    /// Who shows what happens in every pool and every limit, as [`Builder::exporter`]. May be called for several. What they are called
    /// is what they were called when they were made: a connection pool, a connection, `connection/connector` where a connector
    /// has a pool of its own, and `database/pool`.
    ///
    /// ```
    /// # use fairpool::doc::block_on;
    /// use fairpool::export::PrometheusExporter;
    /// use fairpool::resource::models::{Bounded, NewConnectionPool, PoolName};
    /// use fairpool::resource::registry::Registry;
    ///
    /// # block_on(async {
    /// let exporter = PrometheusExporter::new();
    /// let registry = Registry::builder().exporter(exporter.clone()).open().await?;
    /// let gate = NewConnectionPool::new(PoolName::new("gate")?, Bounded::new(8)?);
    /// registry.create_connection_pool(gate).await?;
    /// assert!(exporter.render().contains(r#"="gate""#));
    /// # Ok(()) });
    /// ```
    pub fn exporter(mut self, exporter: impl Exporter + Send + Sync + 'static) -> Self {
        self.watchers.0.push(Watcher(Arc::new(exporter)));
        self
    }
}

impl Watchers {
    pub(super) fn pool<M: Manager>(&self, builder: Builder<M>) -> Builder<M> {
        self.all().fold(builder, Builder::exporter)
    }

    pub(super) fn limit(&self, builder: LimitBuilder) -> LimitBuilder {
        self.all().fold(builder, LimitBuilder::exporter)
    }

    /// For builders of other kinds.
    pub(super) fn all(&self) -> impl Iterator<Item = Watcher> {
        self.0.iter().cloned()
    }
}

impl Exporter for Watcher {
    fn watch(&self, subject: Subject) -> Arc<dyn Observer> {
        self.0.watch(subject)
    }
}

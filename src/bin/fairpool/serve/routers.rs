//! What is served: every family, health, metrics, and 404 for the rest.

use super::reload::Current;
use axum::Router;
use fairpool::export::PrometheusExporter;
use fairpool::resource::registry::Registry;
use fairpool::server::auth::Authority;
use fairpool::server::{
    Readiness, RouterOptions, connection_pools, connection_settings, connections, fallback, health, metrics, operations,
};
use std::sync::Arc;

pub(crate) struct Served<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) current: &'a Current,
    pub(crate) readiness: &'a Readiness,
    pub(crate) exporter: &'a PrometheusExporter,
    pub(crate) options: RouterOptions,
}

impl Served<'_> {
    pub(crate) fn router(&self) -> Router {
        let auth = || Arc::new(self.current.clone()) as Arc<dyn Authority>;
        let options = || self.options.clone();
        health(self.readiness, options())
            .merge(connection_pools(self.registry, auth(), options()))
            // Family 2: .merge(databases(self.registry, auth(), options().rate_limits(self.current.rate_limits())))
            .merge(connection_settings(self.registry, auth(), options()))
            .merge(connections(self.registry, auth(), options()))
            .merge(operations(self.registry, auth(), options()))
            .merge(metrics(self.exporter, auth(), options()))
            .merge(fallback(options()))
    }
}

//! What is served: every family, health, metrics, and 404 for the rest.

use super::reload::InForce;
use axum::Router;
use fairpool::export::PrometheusExporter;
use fairpool::resource::registry::Registry;
use fairpool::server::auth::Authority;
use fairpool::server::{
    Readiness, RouterOptions, connection_pools, connection_settings, connections, databases, fallback, health, metrics,
    operations,
};
use std::sync::Arc;

pub(super) struct Served<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) in_force: &'a InForce,
    pub(crate) readiness: &'a Readiness,
    pub(crate) exporter: &'a PrometheusExporter,
    pub(crate) options: RouterOptions,
}

impl Served<'_> {
    pub(crate) fn router(&self) -> Router {
        let auth = || Arc::new(self.in_force.current.clone()) as Arc<dyn Authority>;
        let options = || self.options.clone();
        health(self.readiness, options())
            .merge(connection_pools(self.registry, auth(), options()))
            .merge(databases(
                self.registry,
                auth(),
                options().rate_limits(self.in_force.rate_limits.clone()),
            ))
            .merge(connection_settings(self.registry, auth(), options()))
            .merge(connections(self.registry, auth(), options()))
            .merge(operations(self.registry, auth(), options()))
            .merge(metrics(self.exporter, auth(), options()))
            .merge(fallback(options()))
    }
}

//! `/metrics`: what an exporter of Prometheus' text format has, for those who may read (features `server` and `prometheus`).

use super::auth::{Authority, Header, Scope};
use super::front::{Asked, Family, Front, Offer};
use super::options::RouterOptions;
use super::refusal::Refusal;
use super::status::{Answer, Shape};
use crate::export::PrometheusExporter;
use axum::Router;
use axum::http::Method;
use std::sync::Arc;

/// A router with `/metrics`, for holders of the scope `read`. The names of pools are in it, so it is not open to everybody unless
/// the [authority](Authority) is.
///
/// ```
/// use fairpool::export::PrometheusExporter;
/// use fairpool::server::{RouterOptions, auth::ApiKeys, metrics};
/// use std::sync::Arc;
///
/// let exporter = PrometheusExporter::new();
/// let mut keys = ApiKeys::new();
/// keys.add("a-key-for-prometheus-alone", fairpool::server::auth::Scope::Read)?;
/// let app: axum::Router = metrics(&exporter, Arc::new(keys), RouterOptions::new());
/// # Ok::<(), fairpool::server::auth::WeakCredential>(())
/// ```
pub fn metrics(exporter: &PrometheusExporter, auth: Arc<dyn Authority>, options: RouterOptions) -> Router {
    Front::new(Metrics(exporter.clone()), auth, options).router(&["/metrics"])
}

struct Metrics(PrometheusExporter);

static ONE: [Offer<()>; 1] = [Offer::new(Method::GET, Scope::Read, ())];

impl Family for Metrics {
    type Call = ();
    const SHAPE: Shape = Shape::Message;
    const HEADER: Header = Header::KeyOrBearer;

    fn offers(&self, path: &[&str]) -> Option<&'static [Offer<()>]> {
        (path == ["metrics"]).then_some(&ONE)
    }

    async fn answer(&self, (): (), _asked: Asked<'_>) -> Result<Answer, Refusal> {
        Ok(Answer::Text(PrometheusExporter::CONTENT_TYPE, self.0.render()))
    }
}

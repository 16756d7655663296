//! What is said where nothing is: for a service that consists of these routers only.

use super::auth::Header;
use super::front::{Asked, Family, Front, Offer};
use super::options::RouterOptions;
use super::refusal::Refusal;
use super::status::{Answer, Shape};
use axum::Router;

/// A router whose fallback answers every path with 404, in the first family's words, with an id and an entry in the journal.
///
/// ```
/// use fairpool::server::{Readiness, RouterOptions, fallback, health};
///
/// let options = RouterOptions::new();
/// let app = health(&Readiness::new(true), options.clone()).merge(fallback(options));
/// # let _: axum::Router = app;
/// ```
pub fn fallback(options: RouterOptions) -> Router {
    Front::open(Nothing, options).fallback()
}

struct Nothing;

impl Family for Nothing {
    type Call = ();
    const SHAPE: Shape = Shape::Message;
    const HEADER: Header = Header::KeyOrBearer;

    fn offers(&self, _path: &[&str]) -> Option<&'static [Offer<()>]> {
        None
    }

    async fn answer(&self, (): (), _asked: Asked<'_>) -> Result<Answer, Refusal> {
        Err(Refusal::Path)
    }
}

//! Family 1: connection pools over HTTP. It only translates: a pool's rules are the models', what becomes of it the registry's.

use super::auth::{Authority, Header, Scope};
use super::body::typed_json;
use super::front::{Asked, Family, Front, Offer};
use super::links::{Links, Meta};
use super::options::RouterOptions;
use super::path::pairs;
use super::refusal::{Missing, Refusal};
use super::status::{Answer, Shape};
use crate::resource::models::{ConnectionPool, ConnectionPoolChange, ListQuery, NewConnectionPool, PoolId};
use crate::resource::registry::Registry;
use axum::Router;
use axum::http::Method;
use axum::http::request::Parts;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The routes of connection pools, below `/api/v1/connection-pools`.
///
/// A credential is looked for in `Authorization`: an API key as it is, or a token after the word `Bearer`.
pub fn connection_pools(registry: &Registry, auth: Arc<dyn Authority>, options: RouterOptions) -> Router {
    let pools = Pools {
        registry: registry.clone(),
        options: options.clone(),
    };
    Front::new(pools, auth, options).described(&["/api/v1/connection-pools"])
}

pub(crate) struct Pools {
    registry: Registry,
    options: RouterOptions,
}

#[derive(Clone, Copy)]
pub(crate) enum Call {
    List,
    Create,
    Show,
    Change,
    Delete,
    Clear,
}

static ALL: [Offer<Call>; 2] = [
    Offer::new(Method::GET, Scope::Read, Call::List),
    Offer::new(Method::POST, Scope::Write, Call::Create),
];
static ONE: [Offer<Call>; 3] = [
    Offer::new(Method::GET, Scope::Read, Call::Show),
    Offer::new(Method::PUT, Scope::Write, Call::Change),
    Offer::new(Method::DELETE, Scope::Write, Call::Delete),
];
static CLEAR: [Offer<Call>; 1] = [Offer::new(Method::POST, Scope::Operate, Call::Clear)];

impl Family for Pools {
    type Call = Call;
    const SHAPE: Shape = Shape::Message;
    const HEADER: Header = Header::KeyOrBearer;

    fn offers(&self, path: &[&str]) -> Option<&'static [Offer<Call>]> {
        match path {
            ["api", "v1", "connection-pools"] => Some(&ALL),
            ["api", "v1", "connection-pools", id] if !id.is_empty() => Some(&ONE),
            ["api", "v1", "connection-pools", id, "clear"] if !id.is_empty() => Some(&CLEAR),
            _ => None,
        }
    }

    async fn answer(&self, call: Call, asked: Asked<'_>) -> Result<Answer, Refusal> {
        let parts = asked.parts;
        match call {
            Call::List => self.list(parts),
            Call::Create => {
                let new = NewConnectionPool::try_from(typed_json(&asked.body, &parts.headers)?)?;
                let made = self.registry.create_connection_pool(new).await?;
                Ok(Answer::ok(&json!({"data": made})))
            }
            Call::Show => {
                let pool = self.find(&asked)?;
                let query = ListQuery::from_pairs(pairs(&parts.uri))?;
                Ok(self.shown(&pool, &query))
            }
            Call::Change => {
                let pool = self.find(&asked)?;
                let change = ConnectionPoolChange::try_from(typed_json(&asked.body, &parts.headers)?)?;
                let changed = self.registry.change_connection_pool(pool.id(), change).await?;
                Ok(Answer::ok(&json!({"data": changed})))
            }
            Call::Delete => {
                let pool = self.find(&asked)?;
                self.registry.delete_connection_pool(pool.id()).await?;
                Ok(Answer::ok(&json!({"message": "The connection pool has been deleted."})))
            }
            Call::Clear => {
                let pool = self.find(&asked)?;
                let cleared = self.registry.clear_connection_pool(pool.id())?;
                Ok(Answer::ok(&json!({"cleared": cleared})))
            }
        }
    }
}

/// A pool as answers show it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    pool: &'a ConnectionPool,
    connectors: Vec<Value>,
}

#[derive(Serialize)]
struct Data<T> {
    data: T,
}

#[derive(Serialize)]
struct List<T> {
    data: Vec<T>,
    links: Links,
    meta: Meta,
}

impl Pools {
    fn list(&self, parts: &Parts) -> Result<Answer, Refusal> {
        let query = ListQuery::from_pairs(pairs(&parts.uri))?;
        let page = self.registry.connection_pools(&query);
        let (links, meta) = (
            Links::new(&page, parts, &self.options),
            Meta::new(&page, parts, &self.options),
        );
        let data = &page.items;
        if query.includes_connectors() {
            let data = data.iter().map(|pool| self.with_connectors(pool, &query)).collect();
            return Ok(Answer::ok(&List { data, links, meta }));
        }
        let data = data.iter().collect();
        Ok(Answer::ok(&List { data, links, meta }))
    }

    fn shown(&self, pool: &ConnectionPool, query: &ListQuery) -> Answer {
        if query.includes_connectors() {
            let data = self.with_connectors(pool, query);
            return Answer::ok(&Data { data });
        }
        Answer::ok(&Data { data: pool })
    }

    fn with_connectors<'a>(&self, pool: &'a ConnectionPool, query: &ListQuery) -> Shown<'a> {
        // Deleted meanwhile, it has none.
        let connectors = self.registry.connectors_of(pool.id()).unwrap_or_default();
        let connectors = connectors.iter().map(|(connector, system)| {
            let system = system.as_deref().filter(|_| query.includes_systems());
            json!(connector.included(system))
        });
        Shown {
            pool,
            connectors: connectors.collect(),
        }
    }

    /// The pool of the path. An id that is no positive integer, too large or written in another way (`01`) is none's.
    fn find(&self, asked: &Asked<'_>) -> Result<ConnectionPool, Refusal> {
        let missing = || Refusal::Missing(Missing::Resource);
        let id = asked.path.get(3).ok_or_else(missing)?;
        let id: PoolId = id.parse().map_err(|_| missing())?;
        Ok(self.registry.connection_pool(id)?)
    }
}

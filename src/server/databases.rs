//! Family 2: managed databases over HTTP: their pools, the settings of their engines, their version. Topics belong to an engine that is
//! not here yet, and are refused with that reason.

use super::auth::{Authority, Header, Scope};
use super::body::json;
use super::front::{Asked, Family, Front, Offer};
use super::options::RouterOptions;
use super::refusal::Refusal;
use super::status::{Answer, Shape};
use crate::resource::models::{
    Database, DatabasePool, DatabasePoolDefinition, DatabasePoolReplacement, Engine, EngineVersion, EvictionPolicy,
    SqlMode,
};
use crate::resource::registry::{Registry, RegistryError, ResourceKind};
use axum::Router;
use axum::http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

/// The routes of managed databases, below `/v2/databases`.
///
/// A credential is looked for in `Authorization`, after the word `Bearer`. Every answer says how many requests its holder has left;
/// unless the options say otherwise, of 250 a minute and 5,000 an hour. Nothing is divided into pages, so what a query says of
/// them is ignored.
pub fn databases(registry: &Registry, auth: Arc<dyn Authority>, options: RouterOptions) -> Router {
    let limits = options.rate_limits.clone().unwrap_or_default();
    Front::new(Databases(registry.clone()), auth, options.rate_limits(limits)).described(&["/v2/databases"])
}

pub(crate) struct Databases(Registry);

#[derive(Clone, Copy)]
pub(crate) enum Call {
    Pools,
    CreatePool,
    Pool,
    ReplacePool,
    DeletePool,
    Policy,
    SetPolicy,
    Modes,
    SetModes,
    Upgrade,
    Topics,
    CreateTopic,
    Topic,
    ChangeTopic,
    DeleteTopic,
}

static POOLS: [Offer<Call>; 2] = [
    Offer::new(Method::GET, Scope::Read, Call::Pools),
    Offer::new(Method::POST, Scope::Write, Call::CreatePool),
];
static POOL: [Offer<Call>; 3] = [
    Offer::new(Method::GET, Scope::Read, Call::Pool),
    Offer::new(Method::PUT, Scope::Write, Call::ReplacePool),
    Offer::new(Method::DELETE, Scope::Write, Call::DeletePool),
];
static POLICY: [Offer<Call>; 2] = [
    Offer::new(Method::GET, Scope::Read, Call::Policy),
    Offer::new(Method::PUT, Scope::Write, Call::SetPolicy),
];
static MODES: [Offer<Call>; 2] = [
    Offer::new(Method::GET, Scope::Read, Call::Modes),
    Offer::new(Method::PUT, Scope::Write, Call::SetModes),
];
static UPGRADE: [Offer<Call>; 1] = [Offer::new(Method::PUT, Scope::Write, Call::Upgrade)];
static TOPICS: [Offer<Call>; 2] = [
    Offer::new(Method::GET, Scope::Read, Call::Topics),
    Offer::new(Method::POST, Scope::Write, Call::CreateTopic),
];
static TOPIC: [Offer<Call>; 3] = [
    Offer::new(Method::GET, Scope::Read, Call::Topic),
    Offer::new(Method::PUT, Scope::Write, Call::ChangeTopic),
    Offer::new(Method::DELETE, Scope::Write, Call::DeleteTopic),
];

impl Family for Databases {
    type Call = Call;
    const SHAPE: Shape = Shape::Id;
    const HEADER: Header = Header::Bearer;

    fn offers(&self, path: &[&str]) -> Option<&'static [Offer<Call>]> {
        let ["v2", "databases", below @ ..] = path else {
            return None;
        };
        if below.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        match below {
            [_, "pools"] => Some(&POOLS),
            [_, "pools", _] => Some(&POOL),
            [_, "eviction_policy"] => Some(&POLICY),
            [_, "sql_mode"] => Some(&MODES),
            [_, "upgrade"] => Some(&UPGRADE),
            [_, "topics"] => Some(&TOPICS),
            [_, "topics", _] => Some(&TOPIC),
            _ => None,
        }
    }

    async fn answer(&self, call: Call, asked: Asked<'_>) -> Result<Answer, Refusal> {
        let Databases(registry) = self;
        let segment = |at: usize| asked.path.get(at).map_or("", |segment| &**segment);
        let (id, name) = (segment(2), segment(4));
        let body = || json(&asked.body);
        // The database is judged before the body.
        let database = registry.database(id)?;
        match call {
            Call::Pools => {
                let pools = registry.database_pools(id)?;
                let pools: Vec<_> = pools.iter().map(|pool| shown(&database, pool)).collect();
                Ok(Answer::ok(&json!({"pools": pools})))
            }
            Call::CreatePool => {
                let definition = DatabasePoolDefinition::try_from(body()?)?;
                let made = registry.create_database_pool(id, definition).await.map_err(refused)?;
                Ok(Answer::created(&json!({"pool": shown(&database, &made)})))
            }
            Call::Pool => {
                let pool = registry.database_pool(id, name)?;
                Ok(Answer::ok(&json!({"pool": shown(&database, &pool)})))
            }
            Call::ReplacePool => {
                registry.database_pool(id, name)?;
                let replacement = DatabasePoolReplacement::try_from(body()?)?;
                registry.replace_database_pool(id, name, replacement).await?;
                Ok(Answer::NoContent)
            }
            Call::DeletePool => {
                registry.delete_database_pool(id, name).await?;
                Ok(Answer::NoContent)
            }
            Call::Policy => Ok(Answer::ok(&registry.eviction_policy(id).await?.to_body())),
            Call::SetPolicy => {
                let policy = EvictionPolicy::from_body(&body()?)?;
                registry.set_eviction_policy(id, policy).await?;
                Ok(Answer::NoContent)
            }
            Call::Modes => Ok(Answer::ok(&registry.sql_mode(id).await?.to_body())),
            Call::SetModes => {
                let modes = SqlMode::from_body(&body()?)?;
                registry.set_sql_mode(id, modes).await?;
                Ok(Answer::NoContent)
            }
            Call::Upgrade => {
                let version = EngineVersion::from_body(&body()?)?;
                registry.upgrade(id, version).await?;
                Ok(Answer::NoContent)
            }
            Call::CreateTopic | Call::ChangeTopic => body().and(Err(no_topics(&database))),
            Call::Topics | Call::Topic | Call::DeleteTopic => Err(no_topics(&database)),
        }
    }
}

/// A pool as answers show it: with where it leads. Nothing is looked up again: it may have been deleted meanwhile.
fn shown(database: &Database, pool: &DatabasePool) -> Value {
    let mut shown = json!(pool);
    shown["connection"] = json!(database.connection_of(pool));
    shown
}

/// This family has words of its own for a name that is taken.
fn refused(error: RegistryError) -> Refusal {
    match error {
        RegistryError::Taken {
            kind: ResourceKind::DatabasePool,
            ..
        } => Refusal::Conflict("pool name is not available".into()),
        error => error.into(),
    }
}

/// Topics are Kafka's, and there is no driver for it yet.
fn no_topics(database: &Database) -> Refusal {
    Refusal::Unsupported(match database.engine() {
        Engine::Kafka => "topics are not supported yet: there is no driver for kafka".into(),
        engine => format!("topics belong to the engine kafka, and this database is of {engine}").into(),
    })
}

//! Family 2: settings of a managed database's engine, asked of its server and set on it. The server keeps them, nothing here does.
//!
//! | setting | engine | asked by | set by | and then |
//! |---|---|---|---|---|
//! | eviction policy | Redis, Valkey | `CONFIG GET maxmemory-policy` | `CONFIG SET` | – |
//! | SQL modes | MySQL, MariaDB | `SELECT @@GLOBAL.sql_mode` | `SET GLOBAL` | named connections to that server begin a new generation |
//!
//! A session of MySQL keeps the modes with which it began. So after a change no connection is lent that was opened before it, by
//! any connection of type `mysql` one of whose hosts may be that server: has its port, and an address of its own.

use super::super::models::{ConnectionType, DatabaseUrl, Engine, EvictionPolicy, SqlMode};
use super::engine_place::Place;
use super::error::RegistryError;
use super::live::LiveSystem;
use super::root::Registry;
use super::state::Inner;
use futures::future::join_all;
use std::sync::Arc;

/// # Family 2: settings of engines
///
/// A server is asked over a connection of its own, and has three seconds to take it and three to answer. Who gives up earlier does not stop
/// what has begun.
impl Registry {
    /// What a Redis database does when its memory is full, as its server says.
    ///
    /// # Errors
    ///
    /// There is no such database; it is no Redis, or its server's policy is none that can be named
    /// ([`Unsupported`](RegistryError::Unsupported)); its server does not answer ([`Unavailable`](RegistryError::Unavailable)).
    pub async fn eviction_policy(&self, id: &str) -> Result<EvictionPolicy, RegistryError> {
        let server = self.server_of(id, Engine::Redis, EvictionPolicy::FIELD)?;
        self.in_task(|_| async move {
            let policy = engines::eviction_policy(server.url.reveal()).await;
            policy.map_err(|failure| server.error(failure))
        })
        .await
    }

    /// Has a Redis database's server follow this policy from now on, until it restarts.
    ///
    /// # Errors
    ///
    /// There is no such database; it is no Redis, or its server refuses ([`Unsupported`](RegistryError::Unsupported)); its server does not
    /// answer ([`Unavailable`](RegistryError::Unavailable)), and then it may have been done all the same.
    pub async fn set_eviction_policy(&self, id: &str, policy: EvictionPolicy) -> Result<(), RegistryError> {
        let server = self.server_of(id, Engine::Redis, EvictionPolicy::FIELD)?;
        self.in_task(move |_| async move {
            let done = engines::set_eviction_policy(server.url.reveal(), policy).await;
            done.map_err(|failure| server.error(failure))
        })
        .await
    }

    /// The SQL modes of new sessions of a MySQL or MariaDB database, as its server says.
    ///
    /// # Errors
    ///
    /// There is no such database; it is no MySQL ([`Unsupported`](RegistryError::Unsupported)); its server does not answer
    /// ([`Unavailable`](RegistryError::Unavailable)).
    pub async fn sql_mode(&self, id: &str) -> Result<SqlMode, RegistryError> {
        let server = self.server_of(id, Engine::Mysql, SqlMode::FIELD)?;
        self.in_task(|_| async move {
            let modes = engines::sql_mode(server.url.reveal()).await;
            modes.map_err(|failure| server.error(failure))
        })
        .await
    }

    /// Sets the SQL modes of a MySQL or MariaDB database's server, until it restarts. From the answer on every lease of a named
    /// connection to that server has them; what is lent goes on with the old ones.
    ///
    /// # Errors
    ///
    /// There is no such database; it is no MySQL, or its server refuses, say a mode that it does not know
    /// ([`Unsupported`](RegistryError::Unsupported), with its reason); its server does not answer
    /// ([`Unavailable`](RegistryError::Unavailable)), and then it may have been done all the same.
    pub async fn set_sql_mode(&self, id: &str, modes: SqlMode) -> Result<(), RegistryError> {
        let server = self.server_of(id, Engine::Mysql, SqlMode::FIELD)?;
        self.in_task(|inner| async move {
            let done = engines::set_sql_mode(server.url.reveal(), &modes).await;
            if matches!(done, Ok(()) | Err(Failure::Unanswered(_))) {
                inner.renew_mysql(&server.url).await;
            }
            done.map_err(|failure| server.error(failure))
        })
        .await
    }

    fn server_of(&self, id: &str, engine: Engine, setting: &str) -> Result<Server, RegistryError> {
        let database = self.database(id)?;
        if database.engine() == engine {
            let (id, url) = (database.id().to_string(), database.url().clone());
            return Ok(Server { id, url });
        }
        let own = database.engine();
        let reason = format!("{setting} is a setting of the engine {engine}, and this database is of {own}");
        Err(RegistryError::Unsupported(reason))
    }
}

/// Why there is no answer to go by. The text shows no secret.
#[derive(Debug)]
#[cfg_attr(
    not(any(feature = "mysql", feature = "redis")),
    expect(dead_code, reason = "nobody is asked")
)]
pub(super) enum Failure {
    /// The engine was not reached, or says that it can do nothing now.
    Silent(String),
    /// It was asked, and nobody knows what became of it.
    Unanswered(String),
    /// It has answered that it will not, or with something that is no answer here.
    Refused(String),
}

/// Where a database is now.
struct Server {
    id: String,
    url: DatabaseUrl,
}

impl Server {
    fn error(&self, failure: Failure) -> RegistryError {
        let id = &self.id;
        match failure {
            Failure::Silent(reason) => RegistryError::Unavailable(format!("database {id:?}: {reason}")),
            Failure::Unanswered(reason) => {
                let reason = format!("database {id:?}: {reason}; what was asked may have been done");
                RegistryError::Unavailable(reason)
            }
            Failure::Refused(reason) => RegistryError::Unsupported(reason),
        }
    }
}

/// Of a connection's hosts; `None` where one cannot be read.
type Places = Vec<Option<Place>>;

impl Inner {
    /// No connection that was opened so far to the server of this URL is lent any more.
    async fn renew_mysql(&self, url: &DatabaseUrl) {
        let place = Place::new(url.reveal());
        let systems = self.mysql_systems().into_iter().map(|(hosts, system)| {
            let place = &place;
            async move {
                let hosts = hosts.iter().map(|host| may_be(place, host));
                if join_all(hosts).await.contains(&true) {
                    system.invalidate();
                }
            }
        });
        join_all(systems).await;
    }

    fn mysql_systems(&self) -> Vec<(Places, Arc<dyn LiveSystem>)> {
        let state = self.state.lock();
        let entries = state.connections.values();
        let entries = entries.filter(|entry| entry.model.kind() == ConnectionType::Mysql);
        let live = entries.filter_map(|entry| {
            let hosts = entry.model.query_hosts().iter();
            let hosts = hosts.map(|host| Place::new(host.reveal())).collect();
            Some((hosts, entry.system.clone().ok()?))
        });
        live.collect()
    }
}

/// What cannot be read may be anything.
async fn may_be(one: &Option<Place>, another: &Option<Place>) -> bool {
    match (one, another) {
        (Some(one), Some(another)) => one.may_be(another).await,
        _ => true,
    }
}

/// Those whose feature is on, and what is said in place of the others.
mod engines {
    #[cfg(feature = "mysql")]
    pub(super) use super::super::engine_mysql::{set_sql_mode, sql_mode};
    #[cfg(feature = "redis")]
    pub(super) use super::super::engine_redis::{eviction_policy, set_eviction_policy};

    #[cfg(not(feature = "mysql"))]
    pub(super) use without_mysql::{set_sql_mode, sql_mode};
    #[cfg(not(feature = "redis"))]
    pub(super) use without_redis::{eviction_policy, set_eviction_policy};

    #[cfg(not(feature = "redis"))]
    mod without_redis {
        use super::super::{EvictionPolicy, Failure, lacking};

        pub(in super::super) async fn eviction_policy(_url: &str) -> Result<EvictionPolicy, Failure> {
            Err(lacking("redis"))
        }

        pub(in super::super) async fn set_eviction_policy(_url: &str, _policy: EvictionPolicy) -> Result<(), Failure> {
            Err(lacking("redis"))
        }
    }

    #[cfg(not(feature = "mysql"))]
    mod without_mysql {
        use super::super::{Failure, SqlMode, lacking};

        pub(in super::super) async fn sql_mode(_url: &str) -> Result<SqlMode, Failure> {
            Err(lacking("mysql"))
        }

        pub(in super::super) async fn set_sql_mode(_url: &str, _modes: &SqlMode) -> Result<(), Failure> {
            Err(lacking("mysql"))
        }
    }
}

#[cfg(not(all(feature = "mysql", feature = "redis")))]
fn lacking(feature: &str) -> Failure {
    Failure::Refused(format!("this program is built without the feature `{feature}`"))
}

#[cfg(all(test, not(all(feature = "mysql", feature = "redis"))))]
mod tests {
    use super::super::fixed::Declared;
    use super::*;
    use crate::doc::block_on;
    use crate::resource::models::DatabaseDefinition;
    use serde_json::json;

    #[test]
    fn an_engine_whose_feature_is_off_is_refused_with_the_reason() {
        block_on(async {
            let cache = json!({"id": "it", "engine": "redis", "url": "redis://127.0.0.1:1"});
            let shop = json!({"id": "shop", "engine": "mysql", "url": "mysql://127.0.0.1:1"});
            let mut declared = Declared::new();
            for database in [cache, shop] {
                declared = declared.database(DatabaseDefinition::try_from(&database)?);
            }
            let registry = Registry::builder().fixed(declared).open().await?;
            let said = |feature: &str| format!("this program is built without the feature `{feature}`");
            if cfg!(not(feature = "redis")) {
                let none = EvictionPolicy::NoEviction;
                for refused in [
                    registry.eviction_policy("it").await.map(drop),
                    registry.set_eviction_policy("it", none).await,
                ] {
                    assert_eq!(refused.unwrap_err().to_string(), said("redis"));
                }
            }
            if cfg!(not(feature = "mysql")) {
                let none = SqlMode::default();
                for refused in [
                    registry.sql_mode("shop").await.map(drop),
                    registry.set_sql_mode("shop", none).await,
                ] {
                    assert_eq!(refused.unwrap_err().to_string(), said("mysql"));
                }
            }
            Ok(())
        });
    }
}

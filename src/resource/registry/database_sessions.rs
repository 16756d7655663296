//! How a service takes sessions of a managed database's pool.

use super::super::models::DatabasePoolName;
use super::database::LivePool;
use super::error::RegistryError;
use super::root::Registry;
use crate::drivers::postgres::{Login, Session, SessionError, SessionMode};
use std::fmt;
use std::sync::Arc;

/// Opens sessions over a pool of a managed database. It follows every later change: of size, mode, database and user, a move to
/// another server, the pool's end. Cheap to clone.
///
/// Sessions that are open follow too, each when it next takes a server connection; one that holds a connection, in a transaction or
/// in session mode, keeps its mode and its user until it has given that back.
#[derive(Clone)]
pub struct DatabaseSessions {
    name: DatabasePoolName,
    live: Arc<LivePool>,
}

/// # Family 2: sessions
impl Registry {
    /// Sessions of a database's pool, in its mode.
    ///
    /// ```
    /// # use fairpool::{doc::block_on, resource::registry::Registry};
    /// use fairpool::drivers::postgres::{Login, SessionMode};
    /// use fairpool::resource::models::{DatabaseDefinition, DatabasePoolDefinition};
    /// use fairpool::resource::registry::Declared;
    /// use serde_json::json;
    ///
    /// # block_on(async {
    /// let url = "postgresql://doadmin:secret@db.example:25060/defaultdb";
    /// let orders = DatabaseDefinition::try_from(json!({"id": "orders", "engine": "pg", "url": url}))?;
    /// let registry = Registry::builder().fixed(Declared::new().database(orders)).open().await?;
    /// let pool = json!({"name": "backend-pool", "mode": "transaction", "size": 10, "db": "defaultdb"});
    /// registry.create_database_pool("orders", DatabasePoolDefinition::try_from(pool)?).await?;
    ///
    /// // The pool names no user, so each session is somebody's.
    /// let sessions = registry.sessions_of("orders", "backend-pool")?;
    /// let session = sessions.open_as(Login::new("alice", "in wonderland"));
    /// assert_eq!((session.user(), session.mode()), (Some("alice"), SessionMode::Transaction));
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such database, no such pool of it, or it is not live, with the reason.
    pub fn sessions_of(&self, id: &str, name: &str) -> Result<DatabaseSessions, RegistryError> {
        let entry = self.inner.known_database_pool(id, name)?;
        let live = entry.live.clone();
        let live = live.map_err(|reason| RegistryError::Unavailable(format!("database pool {name:?}: {reason}")))?;
        let name = entry.model.name().clone();
        Ok(DatabaseSessions { name, live })
    }
}

impl DatabaseSessions {
    /// The pool's name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// How long a session keeps a server connection now.
    pub fn mode(&self) -> SessionMode {
        self.live.sessions().sessions().mode()
    }

    /// Opens a session as the pool's user. It waits for nothing, and takes a server connection when it has something to ask. If
    /// the pool names no user, its statements fail with [`SessionError::Nobody`].
    pub fn open(&self) -> Session {
        self.live.sessions().open()
    }

    /// Opens a session for this inbound user: as whom it connects, unless the pool names a user, who then stands for all.
    pub fn open_as(&self, login: Login) -> Session {
        self.live.sessions().open_as(login)
    }

    /// As [`open_as`](DatabaseSessions::open_as), with a first connection had before the session is handed out, so that a wrong
    /// password shows here.
    ///
    /// # Errors
    ///
    /// [`SessionError::Login`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the line.
    pub async fn log_in(&self, login: Login) -> Result<Session, SessionError> {
        self.live.sessions().log_in(login).await
    }
}

impl fmt::Debug for DatabaseSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSessions")
            .field("pool", &self.name())
            .finish_non_exhaustive()
    }
}

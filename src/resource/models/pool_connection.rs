//! Where a database pool leads, as its answers show it: all that a client needs but the password.

use super::database::Database;
use super::database_pool::{DatabasePool, RoleName};
use super::database_url::encoded;
use serde::Serialize;

/// The `connection` of a database pool's answer.
///
/// ```
/// use fairpool::resource::models::{Database, DatabaseDefinition, DatabasePool, DatabasePoolDefinition};
/// use serde_json::json;
///
/// let url = "postgresql://doadmin:sesame@db.example:25060/defaultdb?sslmode=require";
/// let database = DatabaseDefinition::try_from(json!({"id": "orders", "engine": "pg", "url": url}))?;
/// let pool = json!({"name": "backend-pool", "mode": "transaction", "size": 10, "db": "shop", "user": "app"});
/// let pool = DatabasePool::from(DatabasePoolDefinition::try_from(pool)?);
/// let connection = Database::from(database).connection_of(&pool);
/// assert_eq!(connection.uri, "postgresql://app@db.example:25060/shop?sslmode=require");
/// assert!(connection.ssl);
/// # Ok::<(), fairpool::resource::models::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PoolConnection {
    /// Of the server; several with commas between them.
    pub host: String,
    /// Of the first host.
    pub port: u16,
    /// The pool's.
    pub database: String,
    /// The pool's, if it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whether nothing goes over the network in clear.
    pub ssl: bool,
    /// All of it, without a password.
    pub uri: String,
}

impl Database {
    /// Where a pool leads.
    pub fn connection_of(&self, pool: &DatabasePool) -> PoolConnection {
        let url = self.url();
        let user = pool.user().map(RoleName::as_str);
        let (at, database) = (user.map(encoded), encoded(pool.db().as_str()));
        let at = at.map_or(String::new(), |user| format!("{user}@"));
        let known = ["disable", "prefer", "require", "verify-ca", "verify-full"];
        let sslmode = url.option("sslmode").filter(|mode| known.contains(&mode.as_str()));
        let ssl = matches!(sslmode.as_deref(), Some("require" | "verify-ca" | "verify-full"));
        let query = sslmode.map_or(String::new(), |mode| format!("?sslmode={mode}"));
        PoolConnection {
            host: url.hosts(),
            port: url.port().unwrap_or(self.engine().port()),
            database: pool.db().to_string(),
            user: user.map(str::to_owned),
            ssl,
            uri: format!("{}://{at}{}/{database}{query}", url.scheme(), url.authority()),
        }
    }
}

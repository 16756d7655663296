//! A managed database, of the second family: which engine, where its servers are, and whose passwords are known. A file declares
//! it; what the store keeps of it is [`DatabaseRecord`].

use super::choice::choice;
use super::database_pool::RoleName;
use super::database_url::DatabaseUrl;
use super::engine::EngineVersion;
use super::invalid::{Invalid, Violation};
use super::secret::Secret;
use super::text::{PRINTABLE, printable, text};
use serde::{Serialize, Serializer};

text! {
    /// What a database goes by in a path: a UUID, or any other text of 1 to 255 characters.
    DatabaseId(1..=255, printable, PRINTABLE)
}

choice! {
    /// What kind of server a database has. `postgres` and `postgresql` are read as `pg`, `mariadb` as `mysql`, `valkey` as `redis`.
    Engine {
        /// PostgreSQL.
        Postgres = "pg" | "postgres" | "postgresql",
        /// MySQL or MariaDB.
        Mysql = "mysql" | "mariadb",
        /// Redis or Valkey.
        Redis = "redis" | "valkey",
        /// Kafka.
        Kafka = "kafka",
    }
}

/// A database as it is now: as it was declared, on the server to which it has moved.
///
/// ```
/// use fairpool::resource::models::{Database, DatabaseDefinition, Engine};
/// use serde_json::json;
///
/// let declared = DatabaseDefinition::try_from(&json!({
///     "id": "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30",
///     "name": "orders",
///     "engine": "postgres",
///     "url": "postgres://doadmin:sesame@db15.example:25060/defaultdb",
///     "server": [{"version": "16", "url": "postgres://doadmin:sesame@db16.example:25060/defaultdb"}],
/// }))?;
/// let database = Database::from(declared);
/// assert_eq!(database.engine(), Engine::Postgres);
/// assert_eq!(json!(database)["url"], "postgres://***@db15.example:25060/defaultdb");
/// assert!(!format!("{database:?}").contains("sesame"));
/// # Ok::<(), fairpool::resource::models::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    definition: DatabaseDefinition,
    moved_to: Option<EngineVersion>,
}

/// A database as a configuration file declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseDefinition {
    id: DatabaseId,
    name: RoleName,
    engine: Engine,
    url: DatabaseUrl,
    version: Option<EngineVersion>,
    servers: Vec<DatabaseServer>,
    users: Vec<DatabaseUser>,
}

/// A server to which a database can move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatabaseServer {
    pub(super) version: EngineVersion,
    pub(super) url: DatabaseUrl,
}

/// A user of a database whose password pools may use: those that name him as their `user`, and no session that somebody else opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseUser {
    pub(super) name: RoleName,
    pub(super) password: Secret,
}

/// What the store keeps of a database: the server to which it has moved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DatabaseRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<EngineVersion>,
}

impl DatabaseRecord {
    /// The version to which the database has moved, if a definition has no server of it.
    #[must_use]
    pub fn lost_by(&self, definition: &DatabaseDefinition) -> Option<&EngineVersion> {
        let version = self.version.as_ref()?;
        let servers = definition.servers.iter().map(|server| &server.version);
        let mut declared = servers.chain(definition.version.as_ref());
        declared.all(|known| known != version).then_some(version)
    }
}

impl Engine {
    /// The port that its servers have, unless a URL names another.
    pub const fn port(self) -> u16 {
        match self {
            Engine::Postgres => 5432,
            Engine::Mysql => 3306,
            Engine::Redis => 6379,
            Engine::Kafka => 9092,
        }
    }

    fn judge(self, url: &DatabaseUrl) -> Result<(), Violation> {
        let (schemes, form): (&[&str], _) = match self {
            Engine::Postgres => (&["postgres", "postgresql"], "a URL of postgres or postgresql"),
            Engine::Mysql => (&["mysql", "mariadb"], "a URL of mysql or mariadb"),
            Engine::Redis => (
                &[
                    "redis",
                    "rediss",
                    "valkey",
                    "valkeys",
                    "unix",
                    "redis+unix",
                    "valkey+unix",
                ],
                "a URL of redis, rediss, valkey, valkeys or unix",
            ),
            Engine::Kafka => (&["kafka"], "a URL of kafka"),
        };
        match schemes.contains(&url.scheme()) {
            true => Ok(()),
            false => Err(Violation::NotA(form)),
        }
    }
}

impl Database {
    /// As it was declared, on the server of this record, if that is among those declared.
    #[must_use]
    pub fn with(definition: DatabaseDefinition, record: &DatabaseRecord) -> Self {
        let moved_to = record.version.clone();
        let moved_to = moved_to.filter(|version| definition.servers.iter().any(|server| server.version == *version));
        Database { definition, moved_to }
    }

    /// What a path calls it.
    pub fn id(&self) -> &DatabaseId {
        &self.definition.id
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        self.definition.name.as_str()
    }

    /// Its engine.
    pub fn engine(&self) -> Engine {
        self.definition.engine
    }

    /// The version of its server, as far as it was declared.
    pub fn version(&self) -> Option<&EngineVersion> {
        self.moved_to.as_ref().or(self.definition.version.as_ref())
    }

    /// Its server now.
    pub fn url(&self) -> &DatabaseUrl {
        let moved_to = self.moved_to.as_ref();
        let server =
            moved_to.and_then(|version| self.definition.servers.iter().find(|known| known.version == *version));
        server.map_or(&self.definition.url, |server| &server.url)
    }

    /// As it was declared.
    pub fn definition(&self) -> &DatabaseDefinition {
        &self.definition
    }

    /// The server of this version: of exactly this one, or else the first of the same major version. `None` in its place is
    /// the one of the declared `url`.
    pub fn server(&self, version: &EngineVersion) -> Option<(Option<&EngineVersion>, &DatabaseUrl)> {
        let own = self.definition.version.as_ref();
        let own = own.map(|version| (version, None, &self.definition.url));
        let others = self.definition.servers.iter();
        let others = others.map(|server| (&server.version, Some(&server.version), &server.url));
        let all = || others.clone().chain(own);
        let exact = all().find(|(known, ..)| *known == version);
        let found = exact.or_else(|| all().find(|(known, ..)| known.major() == version.major()));
        found.map(|(_, choice, url)| (choice, url))
    }

    /// What the store would keep, were it on the server of this choice.
    #[must_use]
    pub fn record_of(&self, choice: Option<&EngineVersion>) -> DatabaseRecord {
        DatabaseRecord {
            version: choice.cloned(),
        }
    }

    /// The password that is known of a user: the declared one, or the one of the server's URL if that is the URL's own user.
    pub fn password_of(&self, user: &str) -> Option<Secret> {
        let declared = self.definition.users.iter().find(|known| known.name.as_str() == user);
        match declared {
            Some(known) => Some(known.password.clone()),
            None if self.url().user().as_deref() == Some(user) => self.url().password(),
            None => None,
        }
    }
}

impl From<DatabaseDefinition> for Database {
    fn from(definition: DatabaseDefinition) -> Self {
        Database::with(definition, &DatabaseRecord::default())
    }
}

/// `id`, `name`, `engine`, `version` if it is known, the server's `url` without user and password, and the `servers`.
impl Serialize for Database {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            id: &'a DatabaseId,
            name: &'a RoleName,
            engine: Engine,
            #[serde(skip_serializing_if = "Option::is_none")]
            version: Option<&'a EngineVersion>,
            url: &'a DatabaseUrl,
            servers: &'a [DatabaseServer],
        }
        let DatabaseDefinition {
            id,
            name,
            engine,
            servers,
            ..
        } = &self.definition;
        let shown = Shown {
            id,
            name,
            engine: *engine,
            version: self.version(),
            url: self.url(),
            servers,
        };
        shown.serialize(serializer)
    }
}

impl DatabaseDefinition {
    /// A database of this id, which is its name too, with a server at this URL.
    ///
    /// # Errors
    ///
    /// The URL is not one of this engine.
    pub fn new(id: DatabaseId, engine: Engine, url: DatabaseUrl) -> Result<Self, Invalid> {
        engine.judge(&url).map_err(|violation| Invalid::new("url", violation))?;
        let name = RoleName::new(id.as_str()).expect("bug: an id keeps the rules of a name");
        Ok(DatabaseDefinition {
            id,
            name,
            engine,
            url,
            version: None,
            servers: Vec::new(),
            users: Vec::new(),
        })
    }

    /// Under this name.
    #[must_use]
    pub fn name(self, name: RoleName) -> Self {
        DatabaseDefinition { name, ..self }
    }

    /// With a server to which it can move.
    ///
    /// # Errors
    ///
    /// The URL is not one of this engine.
    pub fn server(mut self, version: EngineVersion, url: DatabaseUrl) -> Result<Self, Invalid> {
        let at = self.servers.len();
        let judged = self.engine.judge(&url);
        judged.map_err(|violation| Invalid::new(format!("server.{at}.url"), violation))?;
        self.servers.push(DatabaseServer { version, url });
        Ok(self)
    }

    /// The version of the server at the URL, so that the database can move back to it.
    #[must_use]
    pub fn version(self, version: EngineVersion) -> Self {
        let version = Some(version);
        DatabaseDefinition { version, ..self }
    }

    /// With a user whose password pools may use.
    #[must_use]
    pub fn user(mut self, name: RoleName, password: Secret) -> Self {
        self.users.push(DatabaseUser { name, password });
        self
    }

    /// What a path calls it.
    pub fn id(&self) -> &DatabaseId {
        &self.id
    }

    /// Its engine.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Every server that it names, with the place in which it does.
    pub(crate) fn urls(&self) -> impl Iterator<Item = (String, &DatabaseUrl)> {
        let others = self.servers.iter().enumerate();
        let others = others.map(|(at, server)| (format!("server.{at}.url"), &server.url));
        std::iter::once(("url".to_owned(), &self.url)).chain(others)
    }
}

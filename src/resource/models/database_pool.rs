//! Connection pools of a managed database, of the second family: how many server connections, to what, as whom, and for how
//! long a client keeps one.

use super::choice::choice;
use super::fields::{Fields, Read, from_outside};
use super::number::PoolSize;
use super::stored::stored_as_shown;
use super::text::{PRINTABLE, printable, text};

text! {
    /// A database pool's name: 3 to 60 letters, digits, `-` and `_`, unique in its database.
    DatabasePoolName(3..=60, |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_', "letters, digits, - and _")
}

text! {
    /// The name of a database or of a user: 1 to 255 characters.
    RoleName(1..=255, printable, PRINTABLE)
}

choice! {
    /// For how long a client keeps its server connection.
    PoolMode {
        /// Until the client leaves.
        Session = "session",
        /// Until the transaction ends.
        Transaction = "transaction",
        /// Until the statement ends; a transaction of several is refused.
        Statement = "statement",
    }
}

/// A pool in front of one database.
///
/// ```
/// use fairpool::resource::models::{DatabasePool, DatabasePoolDefinition, DatabasePoolReplacement, PoolMode};
/// use serde_json::json;
///
/// let posted = json!({"name": "backend-pool", "mode": "transaction", "size": 10, "db": "defaultdb", "user": "doadmin"});
/// let pool = DatabasePool::from(DatabasePoolDefinition::try_from(&posted)?);
/// assert_eq!(json!(pool), posted);
///
/// let put = DatabasePoolReplacement::try_from(&json!({"mode": "session", "size": 8, "db": "defaultdb"}))?;
/// let replaced = pool.replaced(put);
/// assert_eq!((replaced.mode(), replaced.user()), (PoolMode::Session, None));
/// assert!(replaced.leads_elsewhere_than(&pool));
/// # Ok::<(), fairpool::resource::models::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DatabasePool {
    name: DatabasePoolName,
    #[serde(flatten)]
    rest: DatabasePoolReplacement,
}

/// A database pool as it is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabasePoolDefinition {
    name: DatabasePoolName,
    rest: DatabasePoolReplacement,
}

/// All of a database pool but its name: a change replaces it in full, so a missing user removes it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DatabasePoolReplacement {
    mode: PoolMode,
    size: PoolSize,
    db: RoleName,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<RoleName>,
}

impl DatabasePool {
    /// This pool with everything replaced but its name.
    #[must_use]
    pub fn replaced(&self, by: DatabasePoolReplacement) -> Self {
        DatabasePool {
            name: self.name.clone(),
            rest: by,
        }
    }

    /// Its name.
    pub fn name(&self) -> &DatabasePoolName {
        &self.name
    }

    /// For how long a client keeps its server connection.
    pub fn mode(&self) -> PoolMode {
        self.rest.mode
    }

    /// How many server connections there may be, over all users.
    pub fn size(&self) -> u32 {
        self.rest.size.value()
    }

    /// The database to which it connects.
    pub fn db(&self) -> &RoleName {
        &self.rest.db
    }

    /// As whom; `None` for the inbound user.
    pub fn user(&self) -> Option<&RoleName> {
        self.rest.user.as_ref()
    }

    /// Whether its connections are no use to the other one: to another database or as another user.
    pub fn leads_elsewhere_than(&self, other: &DatabasePool) -> bool {
        (&self.rest.db, &self.rest.user) != (&other.rest.db, &other.rest.user)
    }
}

impl DatabasePoolDefinition {
    /// A pool of this name.
    pub fn new(name: DatabasePoolName, rest: DatabasePoolReplacement) -> Self {
        DatabasePoolDefinition { name, rest }
    }

    /// The name that it asks for, which has to be unique in its database.
    pub fn name(&self) -> &DatabasePoolName {
        &self.name
    }
}

impl DatabasePoolReplacement {
    /// To this database, as the inbound user.
    pub fn new(mode: PoolMode, size: PoolSize, db: RoleName) -> Self {
        DatabasePoolReplacement {
            mode,
            size,
            db,
            user: None,
        }
    }

    /// As this user, whoever comes in.
    #[must_use]
    pub fn user(self, user: RoleName) -> Self {
        DatabasePoolReplacement {
            user: Some(user),
            ..self
        }
    }
}

impl From<DatabasePoolDefinition> for DatabasePool {
    fn from(definition: DatabasePoolDefinition) -> Self {
        DatabasePool {
            name: definition.name,
            rest: definition.rest,
        }
    }
}

impl Read for DatabasePoolReplacement {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (mode, size) = (fields.required("mode"), fields.required("size"));
        let (db, user) = (fields.required("db"), fields.optional("user"));
        Some(DatabasePoolReplacement {
            mode: mode?,
            size: size?,
            db: db?,
            user: user?,
        })
    }
}

impl Read for DatabasePoolDefinition {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name");
        let rest = DatabasePoolReplacement::read(fields);
        Some(DatabasePoolDefinition {
            name: name?,
            rest: rest?,
        })
    }
}

impl Read for DatabasePool {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        DatabasePoolDefinition::read(fields).map(DatabasePool::from)
    }
}

from_outside!(DatabasePoolDefinition, DatabasePoolReplacement);
stored_as_shown!(DatabasePool);

//! Connection pools of the first family: a limit on requests in flight, and how long they wait in its line.

use super::fields::{Fields, Read, from_outside};
use super::invalid::Violation;
use super::moment::Moment;
use super::number::{Seconds, id};
use super::stored::stored_as_shown;
use super::text::text;
use serde_json::Value;
use std::time::Duration;

id! {
    /// By which a connection pool is found.
    PoolId
}

text! {
    /// A connection pool's name: 1 to 255 characters, unique among pools. The document allows control characters; what shows a name in
    /// a line of its own (errors, events, metrics) escapes them, and so do the names of the pools' [`Limit`](crate::Limit)s.
    PoolName(1..=255, |_| true, "")
}

/// A named limit on how many requests are in flight at once, over all connectors of the pool.
///
/// ```
/// use fairpool::resource::models::{ConnectionPool, ConnectionPoolChange, NewConnectionPool, PoolId};
/// use serde_json::json;
///
/// let new = NewConnectionPool::try_from(&json!({"name": "orders", "limit": 8, "timeout": 30}))?;
/// let pool = ConnectionPool::new(PoolId::new(1)?, new, "2026-11-21T04:38:36.000000Z".parse()?);
/// assert_eq!(
///     serde_json::to_string(&pool)?,
///     r#"{"id":1,"name":"orders","limit":8,"timeout":30,"#.to_owned()
///         + r#""created_at":"2026-11-21T04:38:36.000000Z","updated_at":"2026-11-21T04:38:36.000000Z"}"#,
/// );
///
/// let change = ConnectionPoolChange::try_from(&json!({"timeout": null}))?;
/// let changed = pool.changed(change, "2026-11-21T05:00:00.000000Z".parse()?);
/// assert_eq!((changed.limit(), changed.timeout()), (8, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ConnectionPool {
    id: PoolId,
    name: PoolName,
    limit: Seats,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<Seconds>,
    created_at: Moment,
    updated_at: Moment,
}

/// A connection pool as it is to be made: `name` and `limit`, perhaps a `timeout`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConnectionPool {
    name: PoolName,
    limit: Seats,
    timeout: Option<Seconds>,
}

/// What is to change in a connection pool: only what is given. The default changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectionPoolChange {
    name: Option<PoolName>,
    limit: Option<Seats>,
    timeout: Option<Option<Seconds>>,
}

/// How many requests may be in flight.
type Seats = super::number::Bounded<1, { u32::MAX }>;

impl ConnectionPool {
    /// A pool that is made now, under an id that nobody else has.
    pub fn new(id: PoolId, new: NewConnectionPool, now: Moment) -> Self {
        ConnectionPool {
            id,
            name: new.name,
            limit: new.limit,
            timeout: new.timeout,
            created_at: now,
            updated_at: now,
        }
    }

    /// This pool after a change.
    #[must_use]
    pub fn changed(&self, change: ConnectionPoolChange, now: Moment) -> Self {
        ConnectionPool {
            id: self.id,
            name: change.name.unwrap_or_else(|| self.name.clone()),
            limit: change.limit.unwrap_or(self.limit),
            timeout: change.timeout.unwrap_or(self.timeout),
            created_at: self.created_at,
            updated_at: now,
        }
    }

    /// Its id.
    pub fn id(&self) -> PoolId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &PoolName {
        &self.name
    }

    /// How many requests may be in flight at once.
    pub fn limit(&self) -> u32 {
        self.limit.value()
    }

    /// How long a request waits in line; `None` for any time.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout.map(Seconds::as_seconds)
    }

    /// When it was made.
    pub fn created_at(&self) -> Moment {
        self.created_at
    }

    /// When it was last changed.
    pub fn updated_at(&self) -> Moment {
        self.updated_at
    }
}

impl NewConnectionPool {
    /// A pool without a timeout.
    pub fn new(name: PoolName, limit: Seats) -> Self {
        NewConnectionPool {
            name,
            limit,
            timeout: None,
        }
    }

    /// How long a request waits in line.
    #[must_use]
    pub fn timeout(self, timeout: Seconds) -> Self {
        NewConnectionPool {
            timeout: Some(timeout),
            ..self
        }
    }

    /// The name that it asks for, which has to be unique.
    pub fn name(&self) -> &PoolName {
        &self.name
    }
}

impl ConnectionPoolChange {
    /// Another name.
    #[must_use]
    pub fn name(self, name: PoolName) -> Self {
        ConnectionPoolChange {
            name: Some(name),
            ..self
        }
    }

    /// Another limit.
    #[must_use]
    pub fn limit(self, limit: Seats) -> Self {
        ConnectionPoolChange {
            limit: Some(limit),
            ..self
        }
    }

    /// Another timeout, or `None` to wait for any time.
    #[must_use]
    pub fn timeout(self, timeout: Option<Seconds>) -> Self {
        ConnectionPoolChange {
            timeout: Some(timeout),
            ..self
        }
    }

    /// The name that it asks for, if any, which has to be unique.
    pub fn new_name(&self) -> Option<&PoolName> {
        self.name.as_ref()
    }
}

// The fields are read in the order in which the document lists a request's, since the first fault makes the message.

impl Read for NewConnectionPool {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let limit = fields.required("limit");
        let timeout = fields.optional("timeout");
        // What is required may not be empty either, by the convention of the framework behind the document.
        let is_empty = fields.value("name").and_then(Value::as_str) == Some("");
        let name = if is_empty {
            fields.refuse("name", Violation::Required)
        } else {
            fields.required("name")
        };
        Some(NewConnectionPool {
            name: name?,
            limit: limit?,
            timeout: timeout?,
        })
    }
}

impl Read for ConnectionPoolChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (limit, timeout, name) = (fields.given("limit"), fields.removable("timeout"), fields.given("name"));
        Some(ConnectionPoolChange {
            name: name?,
            limit: limit?,
            timeout: timeout?,
        })
    }
}

impl Read for ConnectionPool {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id");
        let new = NewConnectionPool::read(fields);
        let (created_at, updated_at) = (fields.required("created_at"), fields.required("updated_at"));
        let pool = ConnectionPool::new(id?, new?, created_at?);
        Some(ConnectionPool {
            updated_at: updated_at?,
            ..pool
        })
    }
}

from_outside!(NewConnectionPool, ConnectionPoolChange);
stored_as_shown!(ConnectionPool);

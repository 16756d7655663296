//! Everything live in numbers.

use super::super::models::ConnectorName;
use super::database_pools::{DatabasePoolEntry, key};
use super::desk::{Desk, Live};
use super::error::{RegistryError, ResourceKind};
use super::pools::PoolEntry;
use super::root::Registry;
use super::state::{ConnectionEntry, ConnectorEntry};
use crate::{LimitStatus, State, Status, Totals};
use serde::Serialize;

/// Something live at one moment. A number that this kind has not is missing; in JSON it has no key.
///
/// | | connection pool | connection | connector | database pool |
/// |---|---|---|---|---|
/// | `limit` | of its pool | of its shared pool | of the pool that it uses | its size |
/// | `open`, `idle`, `connecting`, `generation` | – | of all its pools | of the pool that it uses, with GENERAL shared | of all its users |
/// | `in_use` | requests in flight | leases | its own leases | leases |
/// | `pending` | in its line | in the lines of its pools | its own, wherever they stand | in its line |
/// | `oldest_wait`, `totals` | of its line | of its pools | of the pool that it uses | of its line |
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LiveStatus {
    /// `connection-pools`, `connections`, `connectors` or `database-pools`.
    pub kind: &'static str,
    /// Its name; of a database's pool `id/name`.
    pub name: String,
    /// The most there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Connections that exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<u32>,
    /// Connections waiting to be lent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<u32>,
    /// Lent, or in flight.
    pub in_use: u32,
    /// Connections being opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connecting: Option<u32>,
    /// Requests that wait.
    pub pending: u32,
    /// For how long the first in line has waited, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_wait: Option<f64>,
    /// Raised by each new definition and each invalidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// `open`, `paused`, `draining`, `closed`, or `not live`.
    pub state: &'static str,
    /// Why it is not live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What has happened so far.
    pub totals: LiveTotals,
}

/// What has happened to something live since it became so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct LiveTotals {
    /// Connections lent and given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leases: Option<u64>,
    /// Connections opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened: Option<u64>,
    /// Connections closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<u64>,
    /// Attempts to connect that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_failures: Option<u64>,
    /// Requests that had to wait.
    pub queued: u64,
    /// Requests whose time ran out.
    pub timeouts: u64,
    /// Requests that a clear removed.
    pub cleared: u64,
    /// Requests dropped while they waited.
    pub cancelled: u64,
}

/// # Status
impl Registry {
    /// Everything live: connection pools by id, connections and connectors by name, pools of databases by the database's id and
    /// their name.
    pub fn status(&self) -> Vec<LiveStatus> {
        let of_databases: Vec<_> = {
            let state = self.inner.state.lock();
            let declared = state
                .database_pools
                .iter()
                .filter(|(id, _)| state.databases.contains_key(id.as_str()));
            let pools = declared.flat_map(|(id, pools)| pools.iter().map(move |(name, entry)| (key(id, name), entry)));
            pools.map(|(name, entry)| (name, entry.clone())).collect()
        };
        let (pools, connections, connectors) = {
            let state = self.inner.state.lock();
            let connections: Vec<_> = state.connections.values().cloned().collect();
            let connectors: Vec<_> = state.connectors.values().cloned().collect();
            (state.pools.all().clone(), connections, connectors)
        };
        let pools = pools.iter().map(|entry| of_pool(entry));
        let connections = connections.iter().map(|entry| of_connection(entry));
        let connectors = connectors.iter().map(|entry| of_connector(entry));
        let of_databases = of_databases.iter().map(|(name, entry)| of_database_pool(name, entry));
        pools.chain(connections).chain(connectors).chain(of_databases).collect()
    }

    /// One of them. A connection pool is found by its name or its id.
    ///
    /// # Errors
    ///
    /// There is nothing live of this name.
    pub fn status_of(&self, kind: ResourceKind, name: &str) -> Result<LiveStatus, RegistryError> {
        match kind {
            ResourceKind::ConnectionPool => Ok(of_pool(&*self.inner.pool_of(name)?)),
            ResourceKind::Connection => Ok(of_connection(&*self.inner.known_connection(name)?)),
            ResourceKind::Connector | ResourceKind::ApiProxy => Ok(of_connector(&*self.inner.known_connector(name)?)),
            ResourceKind::DatabasePool => Ok(of_database_pool(name, &*self.inner.named_database_pool(name)?)),
            ResourceKind::Project | ResourceKind::Database => Err(super::operations::not_live(kind)),
        }
    }

    /// [`status_of`](Registry::status_of) a connector.
    ///
    /// # Errors
    ///
    /// There is none of this name.
    pub fn status_of_connector(&self, name: &str) -> Result<LiveStatus, RegistryError> {
        self.status_of(ResourceKind::Connector, name)
    }
}

fn of_pool(entry: &PoolEntry) -> LiveStatus {
    let status: LimitStatus = entry.limit.status();
    LiveStatus {
        limit: Some(status.limit),
        in_use: status.in_flight,
        pending: status.pending,
        oldest_wait: status.oldest_wait.map(|wait| wait.as_secs_f64()),
        state: word(status.state),
        totals: LiveTotals {
            queued: status.totals.queued,
            timeouts: status.totals.timeouts,
            cleared: status.totals.cleared,
            cancelled: status.totals.cancelled,
            ..LiveTotals::default()
        },
        ..nothing(ResourceKind::ConnectionPool, entry.model.name().as_str())
    }
}

fn of_connection(entry: &ConnectionEntry) -> LiveStatus {
    let name = entry.model.name().as_str();
    let system = match &entry.system {
        Ok(system) => system,
        Err(reason) => return not_live(ResourceKind::Connection, name, reason),
    };
    let statuses = system.statuses();
    let sum = |of: fn(&Status) -> u32| statuses.iter().map(of).sum();
    let oldest = statuses.iter().filter_map(|status| status.oldest_wait).max();
    LiveStatus {
        limit: statuses.first().map(|shared| shared.limit),
        open: Some(sum(Status::open)),
        idle: Some(sum(|status| status.idle)),
        in_use: sum(|status| status.in_use),
        connecting: Some(sum(|status| status.connecting)),
        pending: sum(|status| status.pending),
        oldest_wait: oldest.map(|wait| wait.as_secs_f64()),
        generation: statuses.first().map(|shared| shared.generation),
        state: statuses.first().map_or("closed", |shared| word(shared.state)),
        totals: totals(statuses.iter().map(|status| &status.totals)),
        ..nothing(ResourceKind::Connection, name)
    }
}

fn of_connector(entry: &ConnectorEntry) -> LiveStatus {
    let name: &ConnectorName = entry.model.name();
    let desk: &Desk = &entry.desk;
    let seat = desk.seat();
    let live = match &seat.live {
        Live::Yes(live) => live,
        Live::No(reason) => return not_live(ResourceKind::Connector, name.as_str(), reason),
        Live::Deleted => return not_live(ResourceKind::Connector, name.as_str(), "it has been deleted"),
    };
    let (pool, gate) = (live.status(), desk.gate().status());
    // Each is looked at by itself, and between the looks requests move on.
    let inside = gate.in_flight.saturating_add(gate.pending);
    let pending = desk.pending().min(inside);
    let state = match gate.state {
        State::Open => pool.state,
        held => held,
    };
    LiveStatus {
        limit: Some(pool.limit),
        open: Some(pool.open()),
        idle: Some(pool.idle),
        in_use: inside - pending,
        connecting: Some(pool.connecting),
        pending,
        oldest_wait: pool.oldest_wait.map(|wait| wait.as_secs_f64()),
        generation: Some(pool.generation),
        state: word(state),
        totals: totals([&pool.totals]),
        ..nothing(ResourceKind::Connector, name.as_str())
    }
}

fn of_database_pool(name: &str, entry: &DatabasePoolEntry) -> LiveStatus {
    match &entry.live {
        Ok(live) => live.look(nothing(ResourceKind::DatabasePool, name)),
        Err(reason) => not_live(ResourceKind::DatabasePool, name, reason),
    }
}

fn nothing(kind: ResourceKind, name: &str) -> LiveStatus {
    LiveStatus {
        kind: kind.path(),
        name: name.to_owned(),
        limit: None,
        open: None,
        idle: None,
        in_use: 0,
        connecting: None,
        pending: 0,
        oldest_wait: None,
        generation: None,
        state: "not live",
        reason: None,
        totals: LiveTotals::default(),
    }
}

fn not_live(kind: ResourceKind, name: &str, reason: &str) -> LiveStatus {
    LiveStatus {
        reason: Some(reason.to_owned()),
        ..nothing(kind, name)
    }
}

pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Paused => "paused",
        State::Draining => "draining",
        State::Closed => "closed",
    }
}

fn totals<'a>(all: impl IntoIterator<Item = &'a Totals>) -> LiveTotals {
    let (mut leases, mut opened, mut closed, mut connect_failures) = (0, 0, 0, 0);
    let mut sum = LiveTotals::default();
    for totals in all {
        leases += totals.leases;
        opened += totals.opened;
        closed += totals.closed;
        connect_failures += totals.connect_failures;
        sum.queued += totals.queued;
        sum.timeouts += totals.timeouts;
        sum.cleared += totals.cleared;
        sum.cancelled += totals.cancelled;
    }
    LiveTotals {
        leases: Some(leases),
        opened: Some(opened),
        closed: Some(closed),
        connect_failures: Some(connect_failures),
        ..sum
    }
}

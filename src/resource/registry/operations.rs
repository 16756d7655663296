//! What operators do to what is live: clear, pause, resume, drain, invalidate. Nothing of it is stored; a restart begins afresh.

use super::super::models::PoolId;
use super::error::{RegistryError, ResourceKind};
use super::live::{LiveSystem, is_open};
use super::pools::PoolEntry;
use super::root::Registry;
use super::state::{ConnectionEntry, ConnectorEntry, Inner};
use crate::LimitDrainReport;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// An operation on something live.
///
/// | | connection pool | connection | connector | database pool |
/// |---|---|---|---|---|
/// | `Clear` | its line fails | the lines of its pools fail | all that wait through it fail, wherever they stand | its line fails |
/// | `Pause`, `Resume` | its line is held | nothing is lent or opened | its requests are held before they ask for anything | nothing is lent |
/// | `Drain` | nobody new is admitted; the line and those in flight finish, then it is closed | the same | the same | the same |
/// | `Resume` after `Drain` | it admits again, and whoever is still in flight counts | it lends again, when all that it had lent is back and closed; until then that is refused | it admits again | as a connection |
/// | `Resume` during `Drain` | the drain is called off | refused, as long as anything is out or in line | the drain is called off | as a connection |
/// | `Invalidate` | – | what is open closes when it comes back | the same, in the pool that it uses now: with GENERAL also for others | as a connection |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Fail those who wait now.
    Clear,
    /// Admit nobody new, let the others finish until the patience ends, then close.
    Drain {
        /// How long they may take.
        patience: Duration,
    },
    /// Hold the line; nobody fails, but timeouts run on.
    Pause,
    /// Go on, also after a drain.
    Resume,
    /// Start a new generation.
    Invalidate,
}

/// What an operation came to: only what it can say.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct OperationReport {
    /// How many requests a clear removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleared: Option<usize>,
    /// Whether a drain ended with nobody cut off and nothing left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed: Option<bool>,
    /// What was still in flight when its patience ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub still_out: Option<u32>,
    /// How many requests it cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<usize>,
    /// Whether a resume called the drain off, so that it has closed nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_off: Option<bool>,
    /// How long it took, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took: Option<f64>,
}

/// # Operations
impl Registry {
    /// Does this to something live. An operation that has begun is finished, whether or not the caller still waits.
    ///
    /// # Errors
    ///
    /// There is nothing of this name that is live, this kind has no such operation, or a drained connection that is to be resumed
    /// has not yet got back what it had lent.
    ///
    /// ```
    /// # use fairpool::{doc::block_on, resource::registry::Registry};
    /// use fairpool::resource::models::{Bounded, NewConnectionPool, PoolName};
    /// use fairpool::resource::registry::{Operation, ResourceKind};
    ///
    /// # block_on(async {
    /// # let registry = Registry::builder().open().await?;
    /// let new = NewConnectionPool::new(PoolName::new("orders")?, Bounded::new(8)?);
    /// let id = registry.create_connection_pool(new).await?.id();
    /// let report = registry.operate(ResourceKind::ConnectionPool, "orders", Operation::Clear).await?;
    /// assert_eq!(report.cleared, Some(0));
    /// registry.operate(ResourceKind::ConnectionPool, "orders", Operation::Pause).await?;
    /// assert!(registry.limit(id)?.try_acquire().is_err());
    /// # Ok(()) });
    /// ```
    pub async fn operate(
        &self,
        kind: ResourceKind,
        name: &str,
        operation: Operation,
    ) -> Result<OperationReport, RegistryError> {
        let resumes = operation == Operation::Resume;
        match kind {
            ResourceKind::ConnectionPool => {
                let entry = self.inner.pool_of(name)?;
                if resumes && !is_open(entry.limit.status().state) {
                    let id = entry.model.id();
                    return self.in_turn(move |inner| async move { inner.reopen_pool(id) }).await;
                }
                self.in_task(move |inner| async move { inner.operate_pool(&entry, operation).await })
                    .await
            }
            ResourceKind::Connection => {
                let entry = self.inner.known_connection(name)?;
                if resumes && entry.system.as_ref().is_ok_and(|system| !system.is_open()) {
                    let name = name.to_owned();
                    return self
                        .in_turn(move |inner| async move { inner.begin_anew(&name).await })
                        .await;
                }
                self.in_task(move |inner| async move { inner.operate_connection(&entry, operation).await })
                    .await
            }
            ResourceKind::Connector | ResourceKind::ApiProxy => {
                let entry = self.inner.known_connector(name)?;
                self.in_task(move |inner| async move { inner.operate_connector(&entry, operation).await })
                    .await
            }
            ResourceKind::DatabasePool => {
                let entry = self.inner.named_database_pool(name)?;
                let name = name.to_owned();
                if resumes && entry.live.as_ref().is_ok_and(|live| !live.is_open()) {
                    return self
                        .in_turn(move |inner| async move { inner.reopen_database_pool(&name) })
                        .await;
                }
                self.in_task(move |inner| async move { inner.operate_database_pool(&name, &entry, operation).await })
                    .await
            }
            ResourceKind::Project | ResourceKind::Database => Err(not_live(kind)),
        }
    }
}

/// What has no status and no operations of its own.
pub(super) fn not_live(kind: ResourceKind) -> RegistryError {
    RegistryError::Unsupported(format!("a {kind} is nothing live"))
}

impl Inner {
    /// By its name, or by its id where that is nobody's name.
    pub(super) fn pool_of(&self, name: &str) -> Result<Arc<PoolEntry>, RegistryError> {
        let named = self.state.lock().pools.by_name(name).cloned();
        match (named, name.parse()) {
            (Some(entry), _) => Ok(entry),
            (None, Ok(id)) => self.pool(id),
            (None, Err(_)) => Err(RegistryError::not_found(ResourceKind::ConnectionPool, name)),
        }
    }

    /// In the writer's turn: one that has been deleted stays closed, and nobody deletes it meanwhile.
    fn reopen_pool(&self, id: PoolId) -> Result<OperationReport, RegistryError> {
        self.pool(id)?.limit.reopen();
        Ok(OperationReport::default())
    }

    /// In the writer's turn, so that nobody changes its definition meanwhile.
    async fn begin_anew(self: &Arc<Self>, name: &str) -> Result<OperationReport, RegistryError> {
        let entry = self.known_connection(name)?;
        let left = match &entry.system {
            Ok(system) if system.is_open() => return Ok(OperationReport::default()),
            Ok(system) => left_behind(&**system),
            Err(_) => 0,
        };
        // Another system beside one that still lends would be more connections than the backend was to have.
        if left > 0 {
            let (kind, name) = (ResourceKind::Connection, name.to_owned());
            return Err(RegistryError::StillOut { kind, name, left });
        }
        let (model, origin) = (entry.model.clone(), entry.origin);
        let way = self.apart(move |inner| inner.way(&entry.model, None)).await?;
        let way = way.map_err(RegistryError::Unsupported)?;
        self.place_connection(model, origin, Ok(way));
        Ok(OperationReport::default())
    }

    async fn operate_pool(&self, entry: &PoolEntry, operation: Operation) -> Result<OperationReport, RegistryError> {
        let limit = &entry.limit;
        match operation {
            Operation::Clear => return Ok(OperationReport::cleared(limit.clear())),
            Operation::Pause => limit.pause(),
            Operation::Resume => limit.resume(),
            Operation::Drain { patience } => return Ok(limit.drain(patience).await.into()),
            Operation::Invalidate => {
                let reason = "a connection pool has no connections of its own to invalidate";
                return Err(RegistryError::Unsupported(reason.to_owned()));
            }
        }
        Ok(OperationReport::default())
    }

    async fn operate_connection(
        &self,
        entry: &ConnectionEntry,
        operation: Operation,
    ) -> Result<OperationReport, RegistryError> {
        let name = entry.model.name();
        let system = entry.system.as_ref().map_err(|reason| {
            RegistryError::Unavailable(format!("connection {:?} is not live: {reason}", name.as_str()))
        })?;
        match operation {
            Operation::Clear => return Ok(OperationReport::cleared(system.clear())),
            Operation::Pause => system.pause(),
            Operation::Resume => system.resume(),
            Operation::Drain { patience } => {
                let report = system.drain(patience).await;
                let took = report.pools.iter().map(|pool| pool.took).max().unwrap_or_default();
                return Ok(OperationReport {
                    completed: Some(report.completed()),
                    still_out: Some(report.pools.iter().map(|pool| pool.still_out).sum()),
                    failed: Some(report.pools.iter().map(|pool| pool.failed).sum()),
                    took: Some(took.as_secs_f64()),
                    ..OperationReport::default()
                });
            }
            Operation::Invalidate => system.invalidate(),
        }
        Ok(OperationReport::default())
    }

    async fn operate_connector(
        &self,
        entry: &ConnectorEntry,
        operation: Operation,
    ) -> Result<OperationReport, RegistryError> {
        let desk = &entry.desk;
        match operation {
            Operation::Clear => return Ok(OperationReport::cleared(desk.clear())),
            Operation::Pause => desk.gate().pause(),
            Operation::Resume if is_open(desk.gate().status().state) => desk.gate().resume(),
            Operation::Resume => desk.reopen(),
            Operation::Drain { patience } => return Ok(desk.drain(patience).await.into()),
            Operation::Invalidate => match desk.seat().live {
                super::desk::Live::Yes(live) => live.invalidate(),
                super::desk::Live::No(reason) => {
                    let name = entry.model.name().as_str();
                    let reason = format!("connector {name:?} is not live: {reason}");
                    return Err(RegistryError::Unavailable(reason));
                }
                super::desk::Live::Deleted => {
                    return Err(RegistryError::not_found(ResourceKind::Connector, entry.model.name()));
                }
            },
        }
        Ok(OperationReport::default())
    }
}

impl From<LimitDrainReport> for OperationReport {
    fn from(report: LimitDrainReport) -> Self {
        OperationReport {
            completed: Some(report.completed),
            still_out: Some(report.still_out),
            failed: Some(report.failed),
            called_off: report.called_off.then_some(true),
            took: Some(report.took.as_secs_f64()),
            ..OperationReport::default()
        }
    }
}

/// Requests in the lines of a system that ends, and connections that it still has: lent, or on their way in or out.
fn left_behind(system: &dyn LiveSystem) -> u32 {
    let statuses = system.statuses();
    statuses.iter().map(|status| status.occupied() + status.pending).sum()
}

impl OperationReport {
    pub(super) fn cleared(requests: usize) -> Self {
        OperationReport {
            cleared: Some(requests),
            ..OperationReport::default()
        }
    }
}

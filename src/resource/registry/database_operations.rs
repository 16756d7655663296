//! What operators do to a pool of a managed database.

use super::database_pools::DatabasePoolEntry;
use super::error::{RegistryError, ResourceKind};
use super::operations::{Operation, OperationReport};
use super::state::Inner;

impl Inner {
    /// In the writer's turn: one that has been deleted stays closed, and nobody deletes it meanwhile.
    pub(super) fn reopen_database_pool(&self, name: &str) -> Result<OperationReport, RegistryError> {
        let entry = self.named_database_pool(name)?;
        if let Some(live) = entry.live.as_ref().ok().filter(|live| !live.is_open()) {
            // Another pool beside one that still lends would be more connections than its size.
            let (kind, name, left) = (ResourceKind::DatabasePool, name.to_owned(), live.left_behind());
            if left > 0 {
                return Err(RegistryError::StillOut { kind, name, left });
            }
            live.reopen();
        }
        Ok(OperationReport::default())
    }

    /// `name`: `id/pool`.
    pub(super) async fn operate_database_pool(
        &self,
        name: &str,
        entry: &DatabasePoolEntry,
        operation: Operation,
    ) -> Result<OperationReport, RegistryError> {
        let live = entry.live.as_ref();
        let live =
            live.map_err(|reason| RegistryError::Unavailable(format!("database pool {name:?} is not live: {reason}")))?;
        match operation {
            Operation::Clear => return Ok(OperationReport::cleared(live.clear())),
            Operation::Pause => live.pause(),
            Operation::Resume => live.resume(),
            Operation::Drain { patience } => return Ok(live.drain(patience).await),
            Operation::Invalidate => live.invalidate(),
        }
        Ok(OperationReport::default())
    }
}

//! How a change is made: judged, committed by the store, made live; one after the other, whether or not the caller still waits.
//!
//! | a change is cut off | because | then |
//! |---|---|---|
//! | while it waits for its turn | its runtime ended | nothing has happened |
//! | during the commit | the same | the store has all of it or nothing; the next change reads the store first |
//! | afterwards | it cannot be: making it live does not wait | – |

use super::super::models::Stored;
use super::super::store::{Change, Committed, Document, StoreError};
use super::error::RegistryError;
use super::root::Registry;
use super::state::Inner;
use crate::Permit;
use crate::sync::primitives::Ordering::Relaxed;
use serde_json::Value;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What a change comes to.
pub(super) enum Plan<T> {
    /// It changes nothing.
    Nothing(T),
    /// The store commits this, and then that makes it live. It cannot fail: what could has been tried before.
    Commit(Vec<Change>, Live<T>),
}

type Live<T> = Box<dyn FnOnce(&Arc<Inner>, Committed) -> T + Send>;

/// How often a change is planned anew because somebody else wrote to the store.
const RETRIES: u32 = 8;

impl<T> Plan<T> {
    pub(super) fn commit(
        changes: Vec<Change>,
        live: impl FnOnce(&Arc<Inner>, Committed) -> T + Send + 'static,
    ) -> Result<Self, RegistryError> {
        Ok(Plan::Commit(changes, Box::new(live)))
    }
}

impl Registry {
    /// Runs a change in a task of its own. The plan is made in the writer's turn, perhaps more than once.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        plan: impl Fn(&Inner) -> Result<Plan<T>, RegistryError> + Send + Sync + 'static,
    ) -> Result<T, RegistryError> {
        self.in_task(move |inner| async move { inner.write(plan).await }).await
    }

    /// What has begun is finished, whether or not the caller still waits.
    pub(super) async fn in_task<T, F>(&self, work: impl FnOnce(Arc<Inner>) -> F) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RegistryError>> + Send + 'static,
    {
        let runtime = Handle::try_current()
            .map_err(|_| RegistryError::Unavailable("changes are made on a tokio runtime, and there is none".into()))?;
        // Dropped here, the caller does not learn what became of it.
        let done = runtime.spawn(work(self.inner.clone())).await;
        done.unwrap_or_else(|_| {
            Err(RegistryError::Unavailable(
                "the runtime ended before the change did".into(),
            ))
        })
    }
}

impl Inner {
    /// A writer's turn, in the order in which they came. Whoever gives up in line loses only its place.
    pub(super) async fn turn(&self) -> Permit<'_> {
        let turn = self.writer.acquire().await;
        turn.expect("bug: nobody closes or clears the writers' line")
    }

    async fn write<T>(
        self: Arc<Self>,
        plan: impl Fn(&Inner) -> Result<Plan<T>, RegistryError>,
    ) -> Result<T, RegistryError> {
        let _turn = self.turn().await;
        let mut tries = 0;
        loop {
            if self.is_torn.load(Relaxed) {
                self.reload().await?;
                self.is_torn.store(false, Relaxed);
            }
            let (changes, live) = match plan(&self)? {
                Plan::Nothing(outcome) => return Ok(outcome),
                Plan::Commit(changes, live) => (changes, live),
            };
            self.is_torn.store(true, Relaxed);
            match self.store.commit(changes).await {
                Ok(committed) => {
                    let outcome = live(&self, committed);
                    self.is_torn.store(false, Relaxed);
                    return Ok(outcome);
                }
                // Somebody else has written: what this plan began with is not so any more.
                Err(StoreError::Conflict { .. }) if tries < RETRIES => tries += 1,
                Err(error) => {
                    let is_torn = matches!(error, StoreError::Conflict { .. });
                    self.is_torn.store(is_torn, Relaxed);
                    return Err(RegistryError::Store(error));
                }
            }
        }
    }
}

/// As the store keeps it.
pub(super) fn body(model: &impl Stored) -> Document {
    document(&model.to_store())
}

/// The same without its number, which is its key.
pub(super) fn numbered_body(model: &impl Stored) -> Document {
    let mut value = model.to_store();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("id");
    }
    document(&value)
}

fn document(value: &Value) -> Document {
    Document::new(value).expect("bug: a model is JSON of a few levels")
}

/// The number that the store drew for the only thing that was created.
pub(super) fn drawn<I>(committed: &Committed, new: fn(u64) -> Option<I>) -> I {
    let key = committed.created.first().and_then(|key| key.parse().ok());
    key.and_then(new)
        .expect("bug: a store draws a number for each creation")
}

//! How a change is made: judged, committed by the store, made live; one after the other, and whole, whether or not the caller still
//! waits.
//!
//! | a change is cut off | because | then |
//! |---|---|---|
//! | while it waits for its turn | its caller gave up, or its runtime ended | nothing has happened |
//! | while it is judged | the same, or it panicked | nothing has happened |
//! | during the commit | its runtime ended, it panicked, or the store failed | the store has all of it or nothing; the next change reads the store first |
//! | afterwards | it panicked | the same; else it cannot be: making it live does not wait |
//!
//! The writers' line is bounded, so that a store that does not answer gathers no crowd.

use super::super::models::Stored;
use super::super::store::{Change, Committed, Document, StoreError};
use super::error::RegistryError;
use super::root::Registry;
use super::state::Inner;
use crate::OwnedPermit;
use crate::sync::primitives::Ordering::Relaxed;
use futures::channel::oneshot;
use futures::future::{Either, select};
use serde_json::Value;
use std::pin::pin;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::JoinError;

/// What a change comes to.
pub(super) enum Plan<T> {
    /// It changes nothing.
    Nothing(T),
    /// To know it takes work that may block, which is done on a thread of its own.
    Apart(Apart<T>),
    /// The store commits this, and then that makes it live. It cannot fail: what could has been tried before.
    Commit(Vec<Change>, Live<T>),
}

type Apart<T> = Box<dyn FnOnce(&Arc<Inner>) -> Result<Plan<T>, RegistryError> + Send>;

type Live<T> = Box<dyn FnOnce(&Arc<Inner>, Committed) -> T + Send>;

/// How often a change is planned anew because somebody else wrote to the store.
const RETRIES: u32 = 8;

/// How many changes may wait for their turn.
pub(super) const WRITERS_IN_LINE: u32 = 1024;

impl<T> Plan<T> {
    pub(super) fn commit(
        changes: Vec<Change>,
        live: impl FnOnce(&Arc<Inner>, Committed) -> T + Send + 'static,
    ) -> Result<Self, RegistryError> {
        Ok(Plan::Commit(changes, Box::new(live)))
    }

    pub(super) fn apart(
        work: impl FnOnce(&Arc<Inner>) -> Result<Self, RegistryError> + Send + 'static,
    ) -> Result<Self, RegistryError> {
        Ok(Plan::Apart(Box::new(work)))
    }
}

impl Registry {
    /// Makes a change. The plan is made in the writer's turn, perhaps more than once.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        plan: impl Fn(&Inner) -> Result<Plan<T>, RegistryError> + Send + Sync + 'static,
    ) -> Result<T, RegistryError> {
        self.in_turn(move |inner| async move { inner.write(plan).await }).await
    }

    /// Does a writer's work in its turn, in the order in which they came. What has begun is finished, whether or not the caller still
    /// waits; whoever gives up before has asked for nothing.
    pub(super) async fn in_turn<T, F>(
        &self,
        work: impl FnOnce(Arc<Inner>) -> F + Send + 'static,
    ) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RegistryError>> + Send + 'static,
    {
        // Dropped with this future.
        let (_caller, gone) = oneshot::channel::<()>();
        // In the task already: a turn must not wait for a caller that does not poll.
        self.in_task(move |inner| async move {
            let _turn = inner.turn(gone).await?;
            work(inner).await
        })
        .await
    }

    /// Does this in a task of its own, whether or not the caller still waits.
    pub(super) async fn in_task<T, F>(&self, work: impl FnOnce(Arc<Inner>) -> F) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RegistryError>> + Send + 'static,
    {
        let runtime = Handle::try_current()
            .map_err(|_| RegistryError::Unavailable("changes are made on a tokio runtime, and there is none".into()))?;
        // Dropped here, the caller does not learn what became of it.
        let done = runtime.spawn(work(self.inner.clone())).await;
        done.unwrap_or_else(|error| Err(broken_off(&error)))
    }
}

impl Inner {
    /// `gone`: the caller is.
    async fn turn(&self, gone: oneshot::Receiver<()>) -> Result<OwnedPermit, RegistryError> {
        let turn = pin!(self.writer.acquire_owned());
        // In this order: a turn that comes when the caller has gone is the next one's.
        match select(gone, turn).await {
            Either::Left(_) => Err(RegistryError::Unavailable("the caller gave up before its turn".into())),
            Either::Right((Ok(turn), _)) => Ok(turn),
            Either::Right((Err(_), _)) => Err(RegistryError::Crowded {
                waiting: WRITERS_IN_LINE,
            }),
        }
    }

    /// Does what may block, such as what drivers make of definitions, on a thread where nobody else waits. It must change nothing:
    /// if the runtime ends, nobody waits for it.
    pub(super) async fn apart<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Inner>) -> T + Send + 'static,
    ) -> Result<T, RegistryError> {
        let inner = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.map_err(|error| broken_off(&error))
    }

    /// In the writers' turn.
    pub(super) async fn write<T: Send + 'static>(
        self: Arc<Self>,
        plan: impl Fn(&Inner) -> Result<Plan<T>, RegistryError>,
    ) -> Result<T, RegistryError> {
        let mut tries = 0;
        loop {
            if self.is_torn.load(Relaxed) {
                self.reload().await?;
                self.is_torn.store(false, Relaxed);
            }
            let mut planned = plan(&self)?;
            let (changes, live) = loop {
                match planned {
                    Plan::Nothing(outcome) => return Ok(outcome),
                    Plan::Apart(work) => planned = self.apart(work).await??,
                    Plan::Commit(changes, live) => break (changes, live),
                }
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
                // It stays torn: a commit that failed may be in the store all the same.
                Err(error) => return Err(RegistryError::Store(error)),
            }
        }
    }
}

fn broken_off(error: &JoinError) -> RegistryError {
    match error.is_panic() {
        true => RegistryError::Panicked,
        false => RegistryError::Unavailable("the runtime ended before the change did".into()),
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

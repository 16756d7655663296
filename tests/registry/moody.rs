//! A store over one in memory that fails, waits or panics when it is told to.

use fairpool::resource::store::{Change, Committed, Contents, MemoryStore, Store, StoreError};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use tokio::sync::Semaphore;

/// See above.
#[derive(Debug, Clone)]
pub(crate) struct Moody {
    pub(crate) inner: MemoryStore,
    pub(crate) fails: Arc<AtomicBool>,
    /// What fails has been stored first.
    pub(crate) stores_all_the_same: Arc<AtomicBool>,
    pub(crate) panics: Arc<AtomicBool>,
    /// A commit takes a permit before it begins.
    pub(crate) turns: Arc<Semaphore>,
}

impl Moody {
    pub(crate) fn new() -> Self {
        Moody {
            inner: MemoryStore::new(),
            fails: Arc::default(),
            stores_all_the_same: Arc::default(),
            panics: Arc::default(),
            turns: Arc::new(Semaphore::new(1000)),
        }
    }
}

impl Store for Moody {
    fn load(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        self.inner.load()
    }

    fn commit(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Committed, StoreError>> {
        async move {
            self.turns.acquire().await.expect("it is never closed").forget();
            if self.panics.load(SeqCst) {
                panic!("the store is out of its mind");
            }
            if self.stores_all_the_same.load(SeqCst) {
                self.inner.commit(changes.clone()).await?;
            }
            if self.fails.load(SeqCst) {
                let (file, reason, source) = ("fairpool.db".into(), "no space is left".to_owned(), None);
                return Err(StoreError::Failed { file, reason, source });
            }
            self.inner.commit(changes).await
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

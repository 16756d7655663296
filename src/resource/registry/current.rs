//! A manager whose definition can be replaced while its pools lend.
//!
//! **Promise**: whoever opened a connection also validates, resets and closes it, whatever was defined since. A definition is
//! replaced first and a new generation begun then, so that nothing opened under the old one is lent afterwards.

use super::waiting::Queue;
use crate::Manager;
use crate::sync::primitives::{AtomicU32, Mutex, Ordering::Relaxed};
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// The managers of a connection's hosts, tried in turn.
pub(super) struct Hosts<M> {
    managers: Vec<Arc<M>>,
    /// At which the next attempt begins: at the one after the last that was tried and did not answer.
    next: AtomicU32,
}

impl<M: Manager> Hosts<M> {
    /// At least one.
    pub(super) fn new(managers: Vec<Arc<M>>) -> Self {
        Hosts {
            managers,
            next: AtomicU32::new(0),
        }
    }

    fn first(&self) -> &M {
        &self.managers[0]
    }

    /// Tries each host once, each but the last for its share of an attempt's time: a silent one leaves some to the others. An
    /// attempt that is cut off all the same leaves the next host to the next one.
    async fn connect(&self) -> Result<Opened<M>, M::Error> {
        let count = self.managers.len();
        let begin = self.next.load(Relaxed) as usize;
        let share = self.first().defaults().connect_timeout / self.managers.len() as u32;
        let mut refusal = None;
        for turn in begin..begin + count {
            let at = turn % count;
            self.next.store(((at + 1) % count) as u32, Relaxed);
            let manager = &self.managers[at];
            let is_last = turn + 1 == begin + count;
            // Boxed, so that a driver's own futures add nothing to the depth of a lease's: a service's compiler has a limit.
            let attempt = Box::pin(manager.connect());
            let outcome = match is_last {
                true => attempt.await,
                false => match tokio::time::timeout(share, attempt).await {
                    Ok(outcome) => outcome,
                    Err(_) => continue,
                },
            };
            match outcome {
                Ok(connection) => {
                    self.next.store(at as u32, Relaxed);
                    let by = manager.clone();
                    return Ok(Opened { connection, by });
                }
                // What may pass counts more than what will not: another attempt is worth while.
                Err(error) => match &refusal {
                    Some(known) if manager.is_transient(known) => {}
                    _ => refusal = Some(error),
                },
            }
        }
        Err(refusal.expect("bug: a connection has a host"))
    }
}

/// The manager of a live connection: that of its definition now.
pub(super) struct Current<M: Manager> {
    backend: String,
    /// Replaced whole; nothing is called under it.
    hosts: Mutex<Arc<Hosts<M>>>,
    /// Who waits for a connection of the shared pool.
    queue: Arc<Queue>,
}

impl<M: Manager> Current<M> {
    pub(super) fn new(connection: &str, hosts: Arc<Hosts<M>>) -> Self {
        Current {
            backend: format!("connection {connection}"),
            hosts: Mutex::new(hosts),
            queue: Arc::default(),
        }
    }

    pub(super) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    pub(super) fn replace(&self, hosts: Arc<Hosts<M>>) {
        let old = std::mem::replace(&mut *self.hosts.lock(), hosts);
        drop(old);
    }

    fn hosts(&self) -> Arc<Hosts<M>> {
        self.hosts.lock().clone()
    }
}

impl<M: Manager> fmt::Debug for Current<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

/// A connection with the manager that opened it.
pub(super) struct Opened<M: Manager> {
    connection: M::Connection,
    by: Arc<M>,
}

impl<M: Manager> Opened<M> {
    pub(super) fn into_inner(self) -> M::Connection {
        self.connection
    }
}

impl<M: Manager> Deref for Opened<M> {
    type Target = M::Connection;

    fn deref(&self) -> &M::Connection {
        &self.connection
    }
}

impl<M: Manager> DerefMut for Opened<M> {
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.connection
    }
}

impl<M: Manager> fmt::Debug for Opened<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

impl<M: Manager> Manager for Current<M> {
    type Connection = Opened<M>;
    type Error = M::Error;

    async fn connect(&self) -> Result<Opened<M>, M::Error> {
        self.hosts().connect().await
    }

    async fn validate(&self, conn: &mut Opened<M>) -> Result<(), M::Error> {
        let Opened { connection, by } = conn;
        by.validate(connection).await
    }

    fn reset(&self, conn: &mut Opened<M>) -> Option<impl Future<Output = Result<(), M::Error>> + Send> {
        let Opened { connection, by } = conn;
        by.reset(connection)
    }

    fn is_broken(&self, conn: &mut Opened<M>) -> bool {
        let Opened { connection, by } = conn;
        by.is_broken(connection)
    }

    fn close(&self, conn: Opened<M>) -> Option<impl Future<Output = ()> + Send> {
        let Opened { connection, by } = conn;
        Some(async move {
            if let Some(farewell) = by.close(connection) {
                farewell.await;
            }
        })
    }

    fn is_transient(&self, error: &M::Error) -> bool {
        self.hosts().first().is_transient(error)
    }

    fn backend(&self) -> Option<String> {
        Some(self.backend.clone())
    }

    fn detached(&self, conn: &mut Opened<M>) {
        let Opened { connection, by } = conn;
        by.detached(connection);
    }

    fn defaults(&self) -> crate::Options {
        self.hosts().first().defaults()
    }
}

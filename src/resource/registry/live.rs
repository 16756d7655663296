//! Systems and connectors of unlike managers behind one face, and the factories that make them.

use super::super::models::Connection;
use super::current::{Current, Hosts};
use super::error::AnyConnectorError;
use super::lease::AnyLease;
use super::waiting::Queue;
use super::watchers::Watchers;
use crate::{Connector, Management, Manager, State, Status, System, SystemDrainReport};
use futures::future::BoxFuture;
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// Makes connections of one type live.
pub(super) trait Driver: Send + Sync {
    /// What a definition leads to; nothing is opened. The error says why it leads nowhere.
    fn prepare(&self, connection: &Connection, limit: u32) -> Result<Box<dyn Prepared>, String>;
}

/// A definition that a driver has understood.
pub(super) trait Prepared: Send {
    /// Whether a system is of the same manager, so that it can go on under this definition.
    fn fits(&self, system: &dyn LiveSystem) -> bool;
    /// The system goes on under this definition, in a new generation.
    fn replace(self: Box<Self>, system: &dyn LiveSystem);
    /// A system of its own.
    fn found(self: Box<Self>, watchers: &Watchers) -> Result<Arc<dyn LiveSystem>, String>;
}

/// A system, whatever its manager.
pub(super) trait LiveSystem: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn connector(&self, name: &str, management: Management) -> Result<Arc<dyn LiveConnector>, String>;
    /// Whether it lends, perhaps after a pause.
    fn is_open(&self) -> bool;
    /// Of the shared pool.
    fn set_limit(&self, limit: u32);
    fn invalidate(&self);
    fn pause(&self);
    fn resume(&self);
    fn clear(&self) -> usize;
    fn drain(&self, patience: Duration) -> BoxFuture<'_, SystemDrainReport>;
    /// Of the shared pool, then of the others.
    fn statuses(&self) -> Vec<Status>;
}

/// A connector, whatever its manager.
pub(super) trait LiveConnector: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn set_management(&self, management: Management) -> Result<(), String>;
    /// For connections that are opened for this connector alone.
    fn set_connect_timeout(&self, timeout: Duration);
    /// Starts a new generation in the pool from which its connections come.
    fn invalidate(&self);
    fn status(&self) -> Status;
    /// Who waits for a connection of the pool that it shares with others; `None` where it has its own.
    fn shared_queue(&self) -> Option<Arc<Queue>>;
    /// How long a request waits for a connection.
    fn patience(&self) -> Option<Duration>;
    fn acquire(&self, within: Option<Duration>) -> BoxFuture<'static, Result<AnyLease, AnyConnectorError>>;
}

/// A driver that a closure makes: one manager for each of a connection's hosts, in their order.
pub(super) struct Factory<F, M, E> {
    make: F,
    made: PhantomData<fn() -> (M, E)>,
}

impl<F, M, E> Factory<F, M, E> {
    pub(super) fn new(make: F) -> Self {
        Factory {
            make,
            made: PhantomData,
        }
    }
}

impl<F, M, E> Driver for Factory<F, M, E>
where
    F: Fn(&Connection) -> Result<Vec<M>, E> + Send + Sync,
    M: Manager,
    E: fmt::Display,
{
    fn prepare(&self, connection: &Connection, limit: u32) -> Result<Box<dyn Prepared>, String> {
        let managers = (self.make)(connection).map_err(|error| error.to_string())?;
        let managers = managers.into_iter().map(Arc::new).collect();
        Ok(Box::new(Ready {
            name: connection.name().as_str().into(),
            hosts: Arc::new(Hosts::new(managers)),
            limit,
        }))
    }
}

struct Ready<M> {
    name: Arc<str>,
    hosts: Arc<Hosts<M>>,
    limit: u32,
}

impl<M: Manager> Prepared for Ready<M> {
    fn fits(&self, system: &dyn LiveSystem) -> bool {
        system.as_any().is::<System<Current<M>>>()
    }

    fn replace(self: Box<Self>, system: &dyn LiveSystem) {
        let system = system.as_any().downcast_ref::<System<Current<M>>>();
        let system = system.expect("bug: only what fits is replaced");
        // In this order: what begins to connect after the replacement is of the new definition, and nothing before it is lent
        // after the call.
        system.manager().replace(self.hosts);
        LiveSystem::set_limit(system, self.limit);
        system.invalidate();
    }

    fn found(self: Box<Self>, watchers: &Watchers) -> Result<Arc<dyn LiveSystem>, String> {
        let manager = Current::new(&self.name, self.hosts);
        let watchers = watchers.clone();
        let system = System::builder(manager, self.limit).name(self.name);
        let system = system.pools(move |builder| watchers.pool(builder)).build();
        Ok(Arc::new(system.map_err(|error| error.to_string())?))
    }
}

impl<M: Manager> LiveSystem for System<Current<M>> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn connector(&self, name: &str, management: Management) -> Result<Arc<dyn LiveConnector>, String> {
        let connector = System::connector(self, name).management(management).build();
        Ok(Arc::new(connector.map_err(|error| error.to_string())?))
    }

    fn is_open(&self) -> bool {
        is_open(self.pool().status().state)
    }

    fn set_limit(&self, limit: u32) {
        if self.pool().options().limit != limit {
            let done = self.pool().set_limit(limit);
            done.expect("bug: the limit of a shared pool is in range");
        }
    }

    fn invalidate(&self) {
        System::invalidate(self);
    }

    fn pause(&self) {
        System::pause(self);
    }

    fn resume(&self) {
        System::resume(self);
    }

    fn clear(&self) -> usize {
        System::clear(self)
    }

    fn drain(&self, patience: Duration) -> BoxFuture<'_, SystemDrainReport> {
        Box::pin(System::drain(self, patience))
    }

    fn statuses(&self) -> Vec<Status> {
        self.pools().iter().map(|pool| pool.status()).collect()
    }
}

impl<M: Manager> LiveConnector for Connector<Current<M>> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn set_management(&self, management: Management) -> Result<(), String> {
        Connector::set_management(self, management).map_err(|error| error.to_string())
    }

    fn set_connect_timeout(&self, timeout: Duration) {
        if self.management() != Management::General {
            let done = self.pool().set_connect_timeout(timeout);
            done.expect("bug: a timeout of settings is at least a second");
        }
    }

    fn invalidate(&self) {
        self.pool().invalidate();
    }

    fn status(&self) -> Status {
        self.pool().status()
    }

    fn shared_queue(&self) -> Option<Arc<Queue>> {
        let is_shared = self.management() == Management::General;
        is_shared.then(|| self.pool().manager().queue().clone())
    }

    fn patience(&self) -> Option<Duration> {
        self.pool().options().acquire_timeout
    }

    fn acquire(&self, within: Option<Duration>) -> BoxFuture<'static, Result<AnyLease, AnyConnectorError>> {
        let connector = self.clone();
        Box::pin(async move {
            let lease = match within {
                Some(within) => connector.acquire_within(within).await,
                None => connector.acquire().await,
            };
            Ok(AnyLease::new(lease?))
        })
    }
}

/// Whether a pool or limit in this state still lends, perhaps after a pause.
pub(super) fn is_open(state: State) -> bool {
    matches!(state, State::Open | State::Paused)
}

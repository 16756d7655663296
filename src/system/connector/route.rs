//! Where a connector's connections come from now, and how that changes while requests are on their way.
//!
//! **Invariant**: a pool that a connector has left is retired after the route has been changed. A request that meets its closed
//! door therefore finds another route and takes that; one that stands in its line already is served there.

use super::super::management::Management;
use super::handle::Core;
use crate::pool::handle::Pool;
use crate::pool::manager::Manager;
use crate::pool::options::OptionsError;
use crate::sync::slots::MAX_SLOTS;
use std::sync::Arc;

pub(super) struct Route<M: Manager> {
    pub(super) management: Management,
    /// The connector's own pool, or the system's.
    pub(super) pool: Pool<Arc<M>>,
    /// Counts the changes of the pool.
    pub(super) turn: u64,
}

impl<M: Manager> Clone for Route<M> {
    fn clone(&self) -> Self {
        Route {
            management: self.management,
            pool: self.pool.clone(),
            turn: self.turn,
        }
    }
}

impl<M: Manager> Core<M> {
    pub(super) fn route(&self) -> Route<M> {
        self.route.lock().clone()
    }

    /// Takes another way. Of several callers at once the last one's wish stands.
    pub(super) fn set_management(&self, management: Management) -> Result<(), OptionsError> {
        if let Management::Custom(size) = management {
            let fine = (1..=MAX_SLOTS).contains(&size);
            OptionsError::unless(fine, "custom size", &size, "from 1 to 65536")?;
        }
        let mut fresh = None;
        let mut made = false;
        let left = loop {
            {
                let mut route = self.route.lock();
                if keeps_pool(route.management, management) {
                    route.management = management;
                    break fresh;
                }
                if made {
                    route.management = management;
                    route.turn += 1;
                    let to = fresh.unwrap_or_else(|| self.system.shared.general.clone());
                    let from = std::mem::replace(&mut route.pool, to);
                    break Some(from);
                }
            }
            // Outside the lock: the builder passes through the user's hands.
            fresh = self.system.shared.own_pool(self.name(), management)?;
            made = true;
        };
        if let Some(pool) = left {
            self.leave(&pool);
        }
        self.apply_size()
    }

    /// Gives a CUSTOM pool the size that the route names. Of several callers at once the last to look sees them agree.
    fn apply_size(&self) -> Result<(), OptionsError> {
        loop {
            let route = self.route();
            let Management::Custom(size) = route.management else {
                return Ok(());
            };
            if route.pool.options().limit != size {
                route.pool.set_limit(size)?;
            }
            let now = self.route();
            if (now.management, now.turn) == (route.management, route.turn) {
                return Ok(());
            }
        }
    }

    /// The connector goes another way from now on; its own pool serves whoever is in it, then closes.
    pub(super) fn leave(&self, pool: &Pool<Arc<M>>) {
        if !Arc::ptr_eq(&pool.shared, &self.system.shared.general.shared) {
            pool.retire();
        }
    }
}

/// Whether a change needs no other pool.
fn keeps_pool(from: Management, to: Management) -> bool {
    matches!(
        (from, to),
        (Management::General, Management::General)
            | (Management::Custom(_), Management::Custom(_))
            | (Management::None, Management::None)
    )
}

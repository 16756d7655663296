//! Where managers lead that follow: another server or database can take the place of the first one while their pools lend.

use super::manager::Postgres;
use super::settings::Settings;
use crate::sync::primitives::Mutex;
use std::fmt;
use std::sync::Arc;

/// Leads managers to a database, and later to another one.
///
/// A connection is validated, reset and closed as whoever opened it meant it; what opens connections asks the signpost each time.
/// So a pool moves in two steps, in this order: [`turn_to`](Signpost::turn_to), then its `invalidate`, after which nothing is
/// lent that leads to the first database.
///
/// # Examples
///
/// ```
/// use fairpool::Pool;
/// use fairpool::drivers::postgres::{Postgres, Signpost};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let signpost = Signpost::new(Postgres::from_url("postgresql://app@db15.example/orders")?);
/// let pool = Pool::builder(signpost.manager()).limit(8).build()?;
///
/// signpost.turn_to(Postgres::from_url("postgresql://app@db16.example/orders")?);
/// pool.invalidate();
/// assert_eq!(signpost.target().database(), "orders on db16.example:5432");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Signpost {
    /// Replaced whole; nothing is called and nothing dropped under it.
    settings: Arc<Mutex<Arc<Settings>>>,
}

impl Signpost {
    /// Leads to this database.
    pub fn new(postgres: Postgres) -> Self {
        Signpost {
            settings: Arc::new(Mutex::new(postgres.current())),
        }
    }

    /// A manager that follows. Its clones do too; one that is set up further ([`parameter`](Postgres::parameter) and the like)
    /// does not: what the signpost leads to is to be set up before.
    pub fn manager(&self) -> Postgres {
        Postgres::following(self.clone())
    }

    /// Leads to another database from now on.
    pub fn turn_to(&self, postgres: Postgres) {
        let old = std::mem::replace(&mut *self.settings.lock(), postgres.current());
        drop(old);
    }

    /// Where it leads now; this manager does not follow.
    pub fn target(&self) -> Postgres {
        Postgres::of(self.now())
    }

    pub(super) fn now(&self) -> Arc<Settings> {
        self.settings.lock().clone()
    }
}

impl fmt::Debug for Signpost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signpost").field("to", &self.now().database).finish()
    }
}

//! Who a session is on the server: a user with a password, which nothing shows.

use super::super::manager::Postgres;
use super::super::settings::Settings;
use std::fmt;
use std::sync::Arc;

/// A user and a password: the key under which a session's server connections stand.
///
/// Two logins are the same only if their passwords are, so nobody gets a connection that another password opened: a wrong one
/// meets the server, which says no. `Debug` and `Display` show the user alone.
///
/// # Examples
///
/// ```
/// use fairpool::drivers::postgres::Login;
///
/// let alice = Login::new("alice", "in wonderland");
/// assert_eq!(format!("{alice} {alice:?}"), "alice Login(\"alice\")");
/// assert_ne!(alice, Login::new("alice", "behind the looking-glass"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Login {
    user: Arc<str>,
    password: Arc<str>,
}

impl Login {
    /// This user with this password.
    pub fn new(user: impl Into<Arc<str>>, password: impl Into<Arc<str>>) -> Self {
        Login {
            user: user.into(),
            password: password.into(),
        }
    }

    /// The user.
    pub fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn shared_user(&self) -> Arc<str> {
        self.user.clone()
    }

    /// The same database as this user.
    pub(super) fn on(&self, postgres: &Postgres) -> Postgres {
        postgres.clone().with_login(self)
    }

    /// Has connections be opened as this user.
    pub(in super::super) fn sign(&self, settings: &mut Settings) {
        settings.config.user(&*self.user);
        settings.config.password(&*self.password);
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.user)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Login").field(&self.user).finish()
    }
}

//! What all sessions of one pool share, and the connections that it lends them.

use super::super::connection::Connection;
use super::super::link::COPY_IN;
use super::super::manager::Postgres;
use super::error::SessionError;
use super::login::Login;
use super::mode::{Losses, SessionMode, SessionState};
use crate::sync::primitives::{AtomicU64, Ordering::Relaxed};
use crate::{Keyed, KeyedPooled, OwnedPooled, Pool};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Shared by the sessions and whoever opens them.
#[derive(Debug)]
pub(super) struct House {
    pub(super) source: Source,
    pub(super) rules: Rules,
    /// Sessions that are open; counted, not relied on.
    pub(super) open: AtomicU64,
}

/// How sessions are run.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) mode: SessionMode,
    pub(super) losses: Losses,
    pub(super) audit: bool,
    pub(super) told: Option<Told>,
}

/// Is told what a session loses.
#[derive(Clone)]
pub(super) struct Told(pub(super) Arc<dyn Fn(SessionState) + Send + Sync>);

/// Where server connections come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// All sessions are one user.
    Pool(Pool<Postgres>),
    /// Each is its own, or all that of their terms.
    Users(Keyed<Login, Postgres>),
}

/// A server connection lent to a session. Small, since an idle session has room for one.
pub(super) enum Lease {
    Pool(OwnedPooled<Postgres>),
    User(Box<KeyedPooled<Login, Postgres>>),
}

impl House {
    pub(super) fn new(source: Source, mode: SessionMode) -> Self {
        let rules = Rules {
            mode,
            losses: Losses::default(),
            audit: false,
            told: None,
        };
        House::with(source, rules)
    }

    pub(super) fn with(source: Source, rules: Rules) -> Self {
        House {
            source,
            rules,
            open: AtomicU64::new(0),
        }
    }

    pub(super) fn sessions(&self) -> u64 {
        self.open.load(Relaxed)
    }

    /// Waits in the one line of all sessions.
    pub(super) async fn lend(&self, login: Option<&Login>) -> Result<Lease, SessionError> {
        match (&self.source, login) {
            (Source::Pool(pool), _) => match pool.acquire_owned().await {
                Ok(conn) => Ok(Lease::Pool(conn)),
                Err(error) => Err(SessionError::Acquire(error)),
            },
            (Source::Users(keyed), Some(login)) => match keyed.acquire(login).await {
                Ok(conn) => {
                    if conn.uses() == 0 {
                        supersede(keyed, login);
                    }
                    Ok(Lease::User(Box::new(conn)))
                }
                Err(error) => Err(SessionError::Login {
                    user: login.shared_user(),
                    error,
                }),
            },
            (Source::Users(_), None) => Err(SessionError::Nobody),
        }
    }
}

/// The server has just taken this password. Connections that another one opened are not lent again: it has been changed.
fn supersede(keyed: &Keyed<Login, Postgres>, login: &Login) {
    for (other, counts) in keyed.status().keys {
        if other.user() == login.user() && other != *login && counts.occupied() > 0 {
            keyed.invalidate_key(&other);
        }
    }
}

impl Lease {
    /// Whether it is of no more use: the session is over, or the server waits for data that nobody will send.
    pub(super) fn is_at_odds(&self) -> bool {
        self.is_broken() || self.link().now().has(COPY_IN)
    }

    pub(super) fn mark_broken(&mut self) {
        match self {
            Lease::Pool(conn) => conn.mark_broken(),
            Lease::User(conn) => conn.mark_broken(),
        }
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Lease::Pool(conn) => conn,
            Lease::User(conn) => conn,
        }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        match self {
            Lease::Pool(conn) => conn,
            Lease::User(conn) => conn,
        }
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("told")
    }
}

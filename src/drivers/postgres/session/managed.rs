//! Sessions whose mode and user somebody else changes while they are open: an operator, or a file that is read again.
//!
//! **Rule**: a session goes by the terms of now whenever it takes a server connection, also if they change while it waits for
//! one. One that holds a connection (in a transaction, or in session mode) keeps its mode and user until that goes back, so a
//! change never takes state from anybody.

use super::error::SessionError;
use super::house::House;
use super::login::Login;
use super::session::Session;
use super::sessions::UserSessions;
use crate::sync::primitives::Mutex;
use std::fmt;
use std::sync::Arc;

/// Opens sessions over a pool of users, and lets its mode and its users be changed meanwhile. Cheap to clone.
///
/// With a user of its own, all sessions are that user on the server, whoever they were opened for. Without one, each is whom it was
/// opened as; one that was [opened](ManagedSessions::open) for nobody then fails with [`SessionError::Nobody`].
///
/// # Examples
///
/// ```
/// use fairpool::drivers::postgres::{Login, ManagedSessions, Postgres, SessionMode, UserSessions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let orders = Postgres::from_url("postgresql://db.example/orders")?;
/// let keyed = UserSessions::connections(orders).limit(20).build()?;
/// let by = |mode| UserSessions::new(keyed.clone(), mode);
/// let sessions = ManagedSessions::new(by(SessionMode::Transaction), None);
///
/// let session = sessions.open_as(Login::new("alice", "in wonderland"));
/// // From its next transaction on, the session is `app`; and so are those that are opened without a login.
/// sessions.change(by(SessionMode::Statement), Some(Login::new("app", "secret")));
/// assert_eq!(sessions.open().user(), Some("app"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ManagedSessions {
    terms: Arc<Mutex<Terms>>,
}

/// Replaced whole; nothing is dropped under the lock, and nothing called that waits.
#[derive(Clone)]
struct Terms {
    sessions: UserSessions,
    user: Option<Login>,
}

/// Whom a session was opened for, and where its terms are.
pub(super) struct Inbound {
    terms: Arc<Mutex<Terms>>,
    login: Option<Login>,
}

impl ManagedSessions {
    /// Sessions as these, all of this user if there is one.
    pub fn new(sessions: UserSessions, user: Option<Login>) -> Self {
        ManagedSessions {
            terms: Arc::new(Mutex::new(Terms { sessions, user })),
        }
    }

    /// Opens a session for nobody in particular. It waits for nothing, and takes a server connection when it has something to
    /// ask.
    pub fn open(&self) -> Session {
        self.opened(None)
    }

    /// Opens a session for this user. If the sessions have a user of their own, it is that one on the server.
    pub fn open_as(&self, login: Login) -> Session {
        self.opened(Some(login))
    }

    /// As [`open_as`](ManagedSessions::open_as), with the password shown to the server now: see
    /// [`UserSessions::log_in`]. If the sessions have a user of their own, it is that one's.
    ///
    /// # Errors
    ///
    /// [`SessionError::Login`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the line.
    pub async fn log_in(&self, login: Login) -> Result<Session, SessionError> {
        let mut session = self.open_as(login);
        session.knock().await?;
        Ok(session)
    }

    /// Other terms from now on: a mode, a user, or another pool. Sessions that are open follow when they next take a server
    /// connection.
    pub fn change(&self, sessions: UserSessions, user: Option<Login>) {
        self.change_with(sessions, user, || ());
    }

    /// The same, with what changes at the same moment: whoever meets the one finds the other. It must not wait.
    pub(crate) fn change_with(&self, sessions: UserSessions, user: Option<Login>, with: impl FnOnce()) {
        let old = {
            let mut terms = self.terms.lock();
            with();
            std::mem::replace(&mut *terms, Terms { sessions, user })
        };
        drop(old);
    }

    /// As sessions are opened now.
    pub fn sessions(&self) -> UserSessions {
        self.terms.lock().sessions.clone()
    }

    /// As whom, if not as themselves.
    pub fn user(&self) -> Option<Login> {
        self.terms.lock().user.clone()
    }

    fn opened(&self, login: Option<Login>) -> Session {
        let inbound = Inbound {
            terms: self.terms.clone(),
            login,
        };
        let (house, login) = inbound.now();
        let mut session = Session::new(house, login);
        session.inbound = Some(Arc::new(inbound));
        session
    }
}

impl Inbound {
    pub(super) fn now(&self) -> (Arc<House>, Option<Login>) {
        let (house, user) = {
            let terms = self.terms.lock();
            (terms.sessions.house.clone(), terms.user.clone())
        };
        (house, user.or_else(|| self.login.clone()))
    }

    /// Whether these are the terms of now.
    pub(super) fn is_now(&self, house: &Arc<House>, login: Option<&Login>) -> bool {
        let terms = self.terms.lock();
        let now = terms.user.as_ref().or(self.login.as_ref());
        Arc::ptr_eq(&terms.sessions.house, house) && now == login
    }
}

impl fmt::Debug for ManagedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Terms { sessions, user } = self.terms.lock().clone();
        f.debug_struct("ManagedSessions")
            .field("sessions", &sessions)
            .field("user", &user)
            .finish()
    }
}

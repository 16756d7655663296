//! Those who open sessions: over a pool whose connections are all one user's, and over one in which each session has its own.

use super::super::manager::Postgres;
use super::error::SessionError;
use super::house::{House, Rules, Source, Told};
use super::login::Login;
use super::mode::{Losses, SessionMode, SessionState};
use super::session::Session;
use crate::{DrainReport, Keyed, KeyedBuilder, Pool};
use std::sync::Arc;
use std::time::Duration;

/// Opens sessions over a pool: many of them, over few server connections, in the pool's one line.
///
/// Cheap to clone. What the pool can do ([`clear`](Pool::clear), [`pause`](Pool::pause), [`set_limit`](Pool::set_limit), its
/// status and its observers) it does for its sessions. See [the guide](crate::guides::sessions).
///
/// # Examples
///
/// ```
/// use fairpool::Pool;
/// use fairpool::drivers::postgres::{Postgres, Refusal, SessionMode, Sessions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::builder(Postgres::from_url("postgresql://app:secret@db.example/orders")?).limit(5).build()?;
/// let sessions = Sessions::new(pool, SessionMode::Statement);
///
/// let mut session = sessions.open(); // no connection yet, and none for what the mode refuses
/// let error = session.execute("BEGIN", &[]).await.unwrap_err();
/// assert_eq!(error.refusal(), Some(Refusal::Transaction));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Sessions {
    pool: Pool<Postgres>,
    house: Arc<House>,
}

/// Opens sessions that are each a user of their own on the server, all under one bound and in one line.
///
/// # Examples
///
/// ```
/// use fairpool::drivers::postgres::{Login, Postgres, SessionMode, UserSessions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let orders = Postgres::from_url("postgresql://db.example/orders")?; // names nobody
/// let keyed = UserSessions::connections(orders).limit(20).per_key(5).build()?;
/// let sessions = UserSessions::new(keyed, SessionMode::Transaction);
///
/// let session = sessions.open_as(Login::new("alice", "in wonderland"));
/// assert_eq!(session.user(), Some("alice"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct UserSessions {
    keyed: Keyed<Login, Postgres>,
    pub(super) house: Arc<House>,
}

impl Sessions {
    /// Sessions over this pool.
    pub fn new(pool: Pool<Postgres>, mode: SessionMode) -> Self {
        let house = Arc::new(House::new(Source::Pool(pool.clone()), mode));
        Sessions { pool, house }
    }

    /// Opens a session. It waits for nothing, and takes a server connection when it has something to ask.
    pub fn open(&self) -> Session {
        Session::new(self.house.clone(), None)
    }

    /// The pool that the sessions share.
    pub fn pool(&self) -> &Pool<Postgres> {
        &self.pool
    }

    /// Admits no statement that needs a new server connection, waits for sessions to give back those that they hold, for at
    /// most `patience`, and closes all. A session in a transaction is waited for, and can end it; one in session mode holds
    /// its connection until it is dropped, and counts as [`still_out`](DrainReport::still_out).
    ///
    /// # Cancel safety
    ///
    /// As for [`Pool::drain`].
    pub async fn drain(&self, patience: Duration) -> DrainReport {
        self.pool.drain(patience).await
    }
}

impl UserSessions {
    /// Begins a keyed pool of connections to this database, as whoever opens a session. A user and a password that the URL
    /// names are not used.
    pub fn connections(postgres: Postgres) -> KeyedBuilder<Login, Postgres> {
        Keyed::builder(move |login: &Login| login.on(&postgres))
    }

    /// Sessions over such a pool.
    pub fn new(keyed: Keyed<Login, Postgres>, mode: SessionMode) -> Self {
        let house = Arc::new(House::new(Source::Users(keyed.clone()), mode));
        UserSessions { keyed, house }
    }

    /// Opens a session of this user. The password is shown to the server by the first statement that needs a new connection;
    /// one that the server refuses is told at once, to this session alone.
    pub fn open_as(&self, login: Login) -> Session {
        Session::new(self.house.clone(), Some(login))
    }

    /// As [`open_as`](UserSessions::open_as), with the password shown to the server now, unless a connection that it opened is
    /// idle: a session's first connection is had before it is handed out, and kept for its first statement in session mode
    /// alone.
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

    /// Ends what a user's connections have been opened with so far: idle ones close now, those in use when they come back.
    /// After a password was changed, this makes sure that the old one is of no more use. The first connection that a new
    /// password opens does the same. Where the server asks for no password (`trust`), any password counts as taken: then a session
    /// with a wrong one ends the connections of the others of its user, though no more than that.
    pub fn forget(&self, user: &str) {
        for (login, _) in self.keyed.status().keys {
            if login.user() == user {
                self.keyed.invalidate_key(&login);
            }
        }
    }

    /// The pool that the sessions share.
    pub fn keyed(&self) -> &Keyed<Login, Postgres> {
        &self.keyed
    }

    /// As [`Sessions::drain`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Keyed::drain`].
    pub async fn drain(&self, patience: Duration) -> DrainReport {
        self.keyed.drain(patience).await
    }
}

/// What both can be told.
macro_rules! rules {
    ($sessions:ident) => {
        impl $sessions {
            /// What is done about statements that make [session state](SessionState) in a mode that cannot keep it; of
            /// sessions opened from now on, by this handle.
            pub fn losses(self, losses: Losses) -> Self {
                self.set(|rules| rules.losses = losses)
            }

            /// Is told each time a session in transaction or statement mode is about to lose state, whether that is refused
            /// or allowed; for a log or a counter. It runs where the statement is made, or, of what is allowed and an
            /// [audit](Self::audit) finds, where the connection is given back.
            pub fn on_loss(self, told: impl Fn(SessionState) + Send + Sync + 'static) -> Self {
                self.set(|rules| rules.told = Some(Told(Arc::new(told))))
            }

            /// Whether the server is asked, each time that a connection is given back in transaction or statement mode, what
            /// the session has left in it. That finds what no text tells, such as a function that takes a lock, and costs a
            /// round trip each time: for tests and for a look at a program that is about to change its mode.
            ///
            /// What is found is told to [`on_loss`](Self::on_loss), and is a [`SessionError::LeftBehind`] where losses are
            /// refused.
            pub fn audit(self, on: bool) -> Self {
                self.set(|rules| rules.audit = on)
            }

            /// How long its sessions keep a server connection.
            pub fn mode(&self) -> SessionMode {
                self.house.rules.mode
            }

            /// How many sessions are open.
            pub fn open_sessions(&self) -> u64 {
                self.house.sessions()
            }

            fn set(mut self, change: impl FnOnce(&mut Rules)) -> Self {
                let mut rules = self.house.rules.clone();
                change(&mut rules);
                self.house = Arc::new(House::with(self.house.source.clone(), rules));
                self
            }
        }
    };
}

rules!(Sessions);
rules!(UserSessions);

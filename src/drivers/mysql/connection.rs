//! What the pool lends: a connection of `mysql_async`, and what has to be known to lend it again.

use super::error::Error;
use super::kill::Victim;
use super::link::Link;
use super::settings::{Reset, Settings};
use super::state::{Place, State, numbered};
use super::tls::unreadable;
use mysql_async::prelude::Queryable;
use mysql_async::{ChangeUserOpts, Conn, Opts};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long an answer that a lease left unread may take; after that the connection is closed, which is cheaper.
const READ_OFF: Duration = Duration::from_millis(250);

/// A connection to a MySQL or MariaDB server. It dereferences to [`mysql_async::Conn`], with all that one can do.
///
/// The pool lends it; [`Manager::connect`](crate::Manager::connect) opens one without a pool. Whatever borrows it mutably
/// counts as a use, after which it is reset. Its own `Debug` shows no secret; that of `Conn`, and of what borrows one,
/// prints all options with the password.
pub struct Connection {
    link: Link,
    settings: Arc<Settings>,
    id: u32,
    opts: Opts,
    place: Place,
    opened: Instant,
    /// What the server made of it before it was prepared.
    state: State,
    has_roles: bool,
    /// The server's reset is not enough here, or unknown.
    needs_login: bool,
    /// Whether a lease may have done anything to it; until a reset has succeeded.
    touched: bool,
}

impl Connection {
    /// The database and the address, as in `orders on db.example:3306`.
    pub fn server(&self) -> &str {
        &self.settings.server
    }

    /// The connection of `mysql_async` alone, for good. The pool's manager no longer looks after it.
    pub fn into_inner(self) -> Conn {
        self.link.into_conn()
    }

    pub(super) async fn open(settings: Arc<Settings>) -> Result<Self, Error> {
        let refused = |error| Error::connect(&settings.server, error);
        let mut link = match Conn::new(settings.opts.clone()).await {
            Ok(conn) => Link::new(conn),
            Err(error @ mysql_async::Error::Io(_)) => {
                return Err(unreadable(&settings.opts).await.unwrap_or_else(|| refused(error)));
            }
            Err(error) => return Err(refused(error)),
        };
        let (state, has_roles) = State::first(&mut link).await.map_err(refused)?;
        let place = Place::ask(&mut link).await.map_err(refused)?;
        let Some(state) = state else {
            return Err(Error::OutOfStep {
                server: settings.server.clone(),
            });
        };
        settings.prepare(&mut link).await?;
        Ok(Connection {
            id: link.id(),
            opts: link.opts().clone(),
            link,
            settings,
            place,
            opened: Instant::now(),
            state,
            has_roles,
            needs_login: false,
            touched: false,
        })
    }

    /// Whether it was cut off, or is no longer the one that was opened here: exchanged, or logged in as somebody else.
    pub(super) fn is_broken(&self) -> bool {
        self.link.is_disconnected() || self.link.id() != self.id || *self.link.opts() != self.opts
    }

    pub(super) fn is_clean(&self) -> bool {
        !self.touched
    }

    pub(super) async fn validate(&mut self) -> Result<(), Error> {
        let pong = self.link.ping().await;
        pong.map_err(|error| Error::failed(&self.settings.server, error))
    }

    pub(super) async fn reset(&mut self) -> Result<(), Error> {
        self.read_off().await?;
        match self.settings.reset {
            Reset::Rollback => {
                // Without NO CHAIN, a session's completion_type could open the next transaction at once.
                let answer = numbered(&mut self.link, "ROLLBACK AND NO CHAIN NO RELEASE; ", "").await;
                let answer = answer.map_err(|error| Error::failed(&self.settings.server, error))?;
                answer.ok_or_else(|| self.out_of_step())?;
            }
            Reset::Full | Reset::Login => {
                self.restore().await?;
                self.settings.prepare(&mut self.link).await?;
            }
        }
        self.touched = false;
        Ok(())
    }

    /// Reads what `mysql_async` knows to be due, and forgets an error that it has kept for the next call.
    async fn read_off(&mut self) -> Result<(), Error> {
        if self.link.has_unread() {
            // Any command reads it first.
            match timeout(READ_OFF, self.link.ping()).await {
                // An error at the end of the answer takes the place of the pong.
                Ok(Ok(()) | Err(mysql_async::Error::Server(_))) => {}
                Ok(Err(error)) => return Err(Error::failed(&self.settings.server, error)),
                Err(_) => {
                    return Err(Error::Abandoned {
                        server: self.settings.server.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Undoes everything, down to what the server makes of a new session.
    async fn restore(&mut self) -> Result<(), Error> {
        let server = self.settings.server.clone();
        let failed = |error| Error::failed(&server, error);
        if self.settings.reset == Reset::Full && !self.needs_login {
            let reset = match self.link.reset().await {
                // One that was kept, or a true refusal, which comes again.
                Err(mysql_async::Error::Server(_)) => self.link.reset().await,
                answer => answer,
            };
            if reset.map_err(failed)? {
                let state = State::ask(&mut self.link, self.has_roles).await.map_err(failed)?;
                let state = state.ok_or_else(|| self.out_of_step())?;
                if state == self.state {
                    return Ok(());
                }
                // It does so each time, then.
                self.needs_login = state.differs_in_names(&self.state);
            } else {
                self.needs_login = true;
            }
        }
        let login = match self.link.change_user(ChangeUserOpts::default()).await {
            Err(mysql_async::Error::Server(_)) => self.link.change_user(ChangeUserOpts::default()).await,
            answer => answer,
        };
        login.map_err(failed)?;
        let state = State::ask(&mut self.link, self.has_roles).await.map_err(failed)?;
        if state.ok_or_else(|| self.out_of_step())? != self.state {
            return Err(Error::NotRestored { server });
        }
        Ok(())
    }

    /// Ends the session, with whatever it still runs.
    pub(super) async fn close(mut self) {
        let is_ours = self.link.id() == self.id;
        if self.is_at_rest().await {
            return self.link.farewell().await;
        }
        let Connection {
            link,
            settings,
            id,
            place,
            opened,
            ..
        } = self;
        drop(link);
        if settings.kill_abandoned && is_ours {
            Victim { id, place, opened }.kill(settings).await;
        }
    }

    /// Whether the server waits for the next command. Only an answer tells, where a lease has used the connection.
    async fn is_at_rest(&mut self) -> bool {
        if self.link.is_disconnected() || self.link.has_unread() {
            return false;
        }
        !self.touched
            || matches!(
                timeout(READ_OFF, numbered(&mut self.link, "", "")).await,
                Ok(Ok(Some(_)))
            )
    }

    fn out_of_step(&self) -> Error {
        Error::OutOfStep {
            server: self.settings.server.clone(),
        }
    }
}

impl Deref for Connection {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.link
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Conn {
        // Nothing can be sent without this.
        self.touched = true;
        &mut self.link
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("server", &self.settings.server)
            .field("id", &self.id)
            .field("touched", &self.touched)
            .field("broken", &self.is_broken())
            .finish_non_exhaustive()
    }
}

//! One statement of a session: whether its mode allows it, on which server connection, and what becomes of that afterwards.
//!
//! | mode | after a statement, the server says | the connection |
//! |---|---|---|
//! | session | anything | stays |
//! | transaction | no transaction is open | goes back |
//! | transaction | one is | stays |
//! | statement | none is open | goes back |
//! | statement | one is: the text was misread | goes back, is rolled back, and the statement was refused |
//!
//! A turn that is dropped before its end has left a statement under way. Where connections are shared it goes back as it is:
//! the pool's reset calls the statement off.

use super::super::connection::Connection;
use super::super::link::STALE;
use super::audit;
use super::error::{Abortion, Refusal, SessionError};
use super::house::Lease;
use super::mode::{Losses, SessionMode};
use super::session::{Session, Standing, TRIES};
use super::words::Reading;
use futures::FutureExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

pub(super) struct Turn<'a> {
    session: &'a mut Session,
    sql: &'a str,
    /// A [`SessionTransaction`](super::SessionTransaction) begins or ends, and not by SQL of the user's.
    is_guards: bool,
    /// Whether a transaction of the user's SQL was open as it began.
    was_open: bool,
    is_over: bool,
}

/// Runs a statement from the connection's cache. One whose plan no longer fits the schema has done nothing, so outside of a
/// transaction it is prepared anew and runs again: which connection had it cached is nothing that a session could know.
macro_rules! prepared {
    ($turn:ident, $sql:ident, $run:ident, $params:ident) => {{
        let conn = $turn.conn();
        let statement = conn.prepare_cached($sql).await?;
        let answer = conn.$run(&statement, $params).await;
        if answer.is_ok() || $turn.was_open || !conn.link().now().has(STALE) {
            return answer;
        }
        let statement = conn.prepare_cached($sql).await?;
        conn.$run(&statement, $params).await
    }};
}

impl<'a> Turn<'a> {
    /// Has a server connection for this statement, if it is allowed.
    pub(super) async fn begin(session: &'a mut Session, sql: &'a str) -> Result<Self, SessionError> {
        let reading = Reading::of(sql);
        let mut tries = TRIES;
        loop {
            session.follow();
            session.stand(reading.rolls_back)?;
            if session.mode() == SessionMode::Statement && reading.opens {
                return Err(session.refused(Refusal::Transaction));
            }
            session.check(reading)?;
            if session.seat(&mut tries).await? {
                return Ok(Turn::seated(session, sql, false));
            }
        }
    }

    /// The same, for the `BEGIN` of a guard.
    pub(super) async fn begin_transaction(session: &'a mut Session, sql: &'a str) -> Result<Self, SessionError> {
        let mut tries = TRIES;
        loop {
            session.follow();
            if session.mode() == SessionMode::Statement {
                return Err(session.refused(Refusal::Transaction));
            }
            session.stand(false)?;
            if session.seat(&mut tries).await? {
                break;
            }
        }
        let mut turn = Turn::seated(session, sql, true);
        if turn.was_open {
            turn.is_over = true;
            return Err(turn.session.refused(Refusal::Nested));
        }
        Ok(turn)
    }

    /// The end of a guard, which holds a connection.
    pub(super) fn of_guard(session: &'a mut Session) -> Self {
        Turn {
            session,
            sql: "",
            is_guards: true,
            was_open: false,
            is_over: false,
        }
    }

    fn seated(session: &'a mut Session, sql: &'a str, is_guards: bool) -> Self {
        let was_open = session.lease.as_ref().is_some_and(|conn| conn.is_in_transaction());
        Turn {
            session,
            sql,
            is_guards,
            was_open,
            is_over: false,
        }
    }

    pub(super) fn conn(&self) -> &Connection {
        self.session.conn()
    }

    pub(super) async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        prepared!(self, sql, query, params)
    }

    pub(super) async fn query_one(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row, Error> {
        prepared!(self, sql, query_one, params)
    }

    pub(super) async fn query_opt(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Error> {
        prepared!(self, sql, query_opt, params)
    }

    pub(super) async fn execute(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, Error> {
        prepared!(self, sql, execute, params)
    }

    /// The connection stays with a guard.
    pub(super) fn keep(mut self) {
        self.is_over = true;
    }

    /// What the statement came to; and the connection goes back, if its mode says so.
    pub(super) async fn end<T>(mut self, outcome: Result<T, Error>) -> Result<T, SessionError> {
        let mode = self.session.mode();
        let conn = self.session.conn_mut();
        if outcome.is_err() && !conn.is_at_odds() {
            // The error came before the server said what has become of the transaction.
            conn.settled().await;
        }
        let outcome = outcome.map_err(|error| SessionError::Server {
            database: conn.database().into(),
            error,
        });
        let is_open = conn.is_in_transaction();
        if conn.is_at_odds() {
            conn.mark_broken();
            self.is_over = true;
            let _ = self.session.disconnected(self.was_open && !self.is_guards);
            return outcome;
        }
        let goes_back = match mode {
            SessionMode::Session => false,
            SessionMode::Transaction => !is_open,
            SessionMode::Statement => true,
        };
        if !goes_back {
            self.is_over = true;
            return outcome;
        }
        // From here on a drop loses nothing but the audit.
        self.was_open = false;
        let outcome = match outcome {
            Ok(_) if is_open => Err(self.session.refused(Refusal::Transaction)),
            Ok(answer) => self.audit().await.map(|()| answer),
            Err(error) => Err(error),
        };
        self.is_over = true;
        self.session.lease = None;
        outcome
    }

    async fn audit(&self) -> Result<(), SessionError> {
        let rules = &self.session.house.rules;
        if !rules.audit {
            return Ok(());
        }
        let found = audit::left(self.conn()).await.map_err(|error| SessionError::Server {
            database: self.conn().database().into(),
            error,
        })?;
        if let Some(told) = &rules.told {
            for (state, _) in &found {
                (told.0)(*state);
            }
        }
        match rules.losses {
            Losses::Refuse if !found.is_empty() => Err(SessionError::LeftBehind {
                mode: rules.mode,
                found,
            }),
            _ => Ok(()),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let is_shared = self.session.mode().shares_connections();
        if self.is_guards {
            self.session.give_up();
            return;
        }
        // Whether a COMMIT was carried out nobody knows; nor, while the connection stays, whether a BEGIN was.
        if self.was_open || (!is_shared && Reading::of(self.sql).controls) {
            self.session.standing = Standing::Aborted(Abortion::Dropped);
        }
        if is_shared {
            self.session.lease = None;
        }
    }
}

impl Session {
    pub(super) fn conn(&self) -> &Connection {
        self.lease.as_ref().expect("bug: a turn without a connection")
    }

    pub(super) fn conn_mut(&mut self) -> &mut Lease {
        self.lease.as_mut().expect("bug: a turn without a connection")
    }

    /// Has a connection; `false`: the session's terms have changed while it waited for one.
    async fn seat(&mut self, tries: &mut u32) -> Result<bool, SessionError> {
        if let Some(conn) = &mut self.lease {
            // What a dropped call or guard has left under way.
            if !conn.is_at_odds() {
                conn.settled().await;
            }
            if conn.is_at_odds() {
                conn.mark_broken();
                return Err(self.disconnected(true));
            }
        } else {
            // In session mode for good; a turn that is dropped gives it back otherwise.
            self.lease = self.lend(tries).await?;
        }
        Ok(self.lease.is_some())
    }

    /// Whether the session can go on, of which a `ROLLBACK` makes sure.
    fn stand(&mut self, rolls_back: bool) -> Result<(), SessionError> {
        match &self.standing {
            Standing::Sound => Ok(()),
            Standing::Aborted(_) if rolls_back => {
                self.standing = Standing::Sound;
                Ok(())
            }
            Standing::Aborted(why) => Err(SessionError::Aborted(*why)),
            Standing::Lost(database) => Err(SessionError::Lost {
                database: database.clone(),
            }),
            Standing::Discarded(database) => Err(SessionError::Discarded {
                database: database.clone(),
            }),
        }
    }

    /// Whether the statement can be made here, and its mode can keep what it makes.
    pub(super) fn check(&self, reading: Reading) -> Result<(), SessionError> {
        let rules = &self.house.rules;
        if reading.copies {
            return Err(self.refused(Refusal::Copy));
        }
        if !rules.mode.shares_connections() {
            return Ok(());
        }
        for state in reading.states() {
            // What an audit is going to find is told then, once.
            let is_audited = rules.audit && rules.losses == Losses::Allow && state.is_audited();
            if let Some(told) = rules.told.as_ref().filter(|_| !is_audited) {
                (told.0)(state);
            }
            if rules.losses == Losses::Refuse {
                return Err(self.refused(Refusal::State(state)));
            }
        }
        Ok(())
    }

    /// The connection has ended; what is left to say of that. `was_open`: with a transaction of the user's SQL.
    fn disconnected(&mut self, was_open: bool) -> SessionError {
        let database = self.conn().database().into();
        let why = match self.conn().link().now().has_forgotten() {
            true => Abortion::Discarded,
            false => Abortion::Disconnected,
        };
        self.lease = None;
        if !self.mode().shares_connections() {
            self.standing = match why {
                Abortion::Discarded => Standing::Discarded(database),
                _ => Standing::Lost(database),
            };
        } else if was_open {
            self.standing = Standing::Aborted(why);
        }
        match self.stand(false) {
            Err(error) => error,
            Ok(()) => SessionError::Aborted(why),
        }
    }

    /// A guard is gone without an end. A connection that stays is told to roll back; the request is queued, and what it comes
    /// to is seen to by the next turn.
    pub(super) fn give_up(&mut self) {
        if self.mode().shares_connections() {
            self.lease = None;
        } else if let Some(conn) = &self.lease {
            let _ = conn.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

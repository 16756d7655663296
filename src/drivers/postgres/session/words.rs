//! What a text of SQL asks for, as far as its words tell: whether it opens or ends a transaction, and what it leaves in the
//! session. Free of allocation, as it reads every statement of a session that shares connections.
//!
//! | seen | not seen |
//! |---|---|
//! | `BEGIN`, `START TRANSACTION`; `COMMIT`, `END`, `ROLLBACK`, `ABORT`, `PREPARE TRANSACTION` | – |
//! | `SET` (not `LOCAL`, `TRANSACTION`, `CONSTRAINTS`), `set_config(…, false)` | `set_config` with a third argument that is no literal |
//! | `LISTEN`, `PREPARE`, `DECLARE … WITH HOLD`, `LOAD` | – |
//! | `CREATE TEMP …` and `SELECT … INTO TEMP`, unless `ON COMMIT DROP` | – |
//! | `COPY … FROM STDIN`, `COPY … TO STDOUT` | – |
//! | `pg_advisory_lock`, `pg_try_advisory_lock` and their `_shared` ones | – |
//!
//! Nothing is seen in the body of a function, a procedure or a `DO`. Whether a transaction is open in the end the server's
//! answer tells, whatever was read here.

use super::mode::SessionState;
use super::statement::{Control, Statement};
use super::tokens::{Token, Tokens};

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reading {
    /// The text leaves a transaction open.
    pub(super) opens: bool,
    /// A statement of it begins or ends a transaction.
    pub(super) controls: bool,
    /// Its first statement rolls a transaction back.
    pub(super) rolls_back: bool,
    /// A statement of it copies from or to the client.
    pub(super) copies: bool,
    /// The session state that it makes, a bit for each kind.
    states: u8,
}

impl Reading {
    pub(super) fn of(sql: &str) -> Self {
        let mut reading = Reading::default();
        let mut statement = Statement::default();
        for token in Tokens::new(sql) {
            if token == Token::Mark(b';') && statement.is_over() {
                reading.add(&statement);
                statement = Statement::default();
            } else {
                statement.take(token);
            }
        }
        reading.add(&statement);
        reading
    }

    /// The session state that it makes.
    pub(super) fn states(self) -> impl Iterator<Item = SessionState> {
        SessionState::ALL
            .into_iter()
            .filter(move |state| self.states & (1 << *state as u8) != 0)
    }

    fn add(&mut self, statement: &Statement<'_>) {
        match statement.control() {
            Some(Control::Begin) => self.opens = true,
            Some(Control::End { rolls_back }) => {
                self.rolls_back |= rolls_back && !self.controls;
                self.opens = statement.has_chain();
            }
            None => {}
        }
        self.controls |= statement.control().is_some();
        self.copies |= statement.copies();
        self.states |= statement.states();
    }
}

#[cfg(test)]
mod tests {
    use super::SessionState::*;
    use super::*;

    fn made(sql: &str) -> Vec<SessionState> {
        Reading::of(sql).states().collect()
    }

    fn control(sql: &str) -> (bool, bool, bool) {
        let reading = Reading::of(sql);
        (reading.opens, reading.controls, reading.rolls_back)
    }

    #[test]
    fn a_transaction_that_stays_open_is_told_from_one_that_ends() {
        for sql in [
            "BEGIN",
            "/* a */ begin work;",
            "START TRANSACTION READ ONLY",
            "COMMIT AND CHAIN",
            "select 1; BEGIN; select 2",
        ] {
            assert_eq!(control(sql), (true, true, false), "{sql}");
        }
        for sql in [
            "COMMIT",
            "END;",
            "BEGIN; SELECT 1; COMMIT",
            "PREPARE TRANSACTION 'x'",
            "COMMIT AND NO CHAIN",
        ] {
            assert_eq!(control(sql), (false, true, false), "{sql}");
        }
        for sql in ["ROLLBACK", "ABORT", "rollback work", "ROLLBACK; SELECT 1"] {
            assert_eq!(control(sql), (false, true, true), "{sql}");
        }
        for sql in [
            "",
            ";;",
            "SAVEPOINT a",
            "ROLLBACK TO a",
            "ROLLBACK WORK TO SAVEPOINT a",
            "RELEASE a",
            "COMMIT PREPARED 'x'",
            "SELECT 'BEGIN; '",
            "SELECT 1 AS begin",
            "DO $$ BEGIN COMMIT; END $$",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
            "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; END)",
        ] {
            assert_eq!(control(sql), (false, false, false), "{sql}");
        }
    }

    #[test]
    fn state_that_outlasts_a_transaction_is_seen() {
        for (sql, state) in [
            ("SET search_path TO a", Parameter),
            ("set session role b", Parameter),
            ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", Parameter),
            ("SELECT set_config('a.b', (SELECT x FROM f(1, true)), false)", Parameter),
            ("SELECT pg_catalog.set_config('a', $1, FALSE)", Parameter),
            ("LISTEN a", Listen),
            ("BEGIN; LISTEN a; COMMIT", Listen),
            ("PREPARE a AS SELECT 1", PreparedStatement),
            ("CREATE TEMP TABLE a (b int)", TemporaryObject),
            (
                "create local temporary table a (b int) on commit delete rows",
                TemporaryObject,
            ),
            ("CREATE OR REPLACE TEMP VIEW a AS SELECT 1", TemporaryObject),
            ("CREATE TABLE pg_temp.a (b int)", TemporaryObject),
            ("SELECT 1 INTO TEMP a", TemporaryObject),
            ("SELECT 1 INTO LOCAL TEMPORARY TABLE a", TemporaryObject),
            ("SELECT pg_advisory_lock(1)", AdvisoryLock),
            ("SELECT \"pg_try_advisory_lock_shared\" (1, 2)", AdvisoryLock),
            ("DECLARE a CURSOR WITH HOLD FOR SELECT 1", HeldCursor),
            ("LOAD 'auto_explain'", Library),
        ] {
            assert_eq!(made(sql), [state], "{sql}");
        }
        assert_eq!(made("SET a = 1; LISTEN b; SELECT 1"), [Parameter, Listen]);
    }

    #[test]
    fn a_copy_from_or_to_the_client_is_told_from_one_of_files() {
        for sql in [
            "COPY a FROM STDIN",
            "copy (SELECT stdin) to stdout (FORMAT csv)",
            "SELECT 1; COPY a TO STDOUT",
        ] {
            assert!(Reading::of(sql).copies, "{sql}");
        }
        for sql in [
            "COPY a FROM 'stdin'",
            "COPY (SELECT stdin FROM a) TO PROGRAM 'stdout'",
            "SELECT stdin",
        ] {
            assert!(!Reading::of(sql).copies, "{sql}");
        }
    }

    #[test]
    fn what_ends_with_its_transaction_is_not_session_state() {
        for sql in [
            "SET LOCAL a = 1",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "SET CONSTRAINTS ALL DEFERRED",
            "SELECT set_config('a', 'b', true)",
            "SELECT set_config('a', 'b', $1)",
            "UPDATE t SET local = 1",
            "RESET ALL",
            "UNLISTEN *",
            "PREPARE TRANSACTION 'a'",
            "CREATE TEMP TABLE a (b int) ON COMMIT DROP",
            "CREATE TABLE temp (temporary int)",
            "SELECT pg_advisory_xact_lock(1), pg_advisory_unlock(2)",
            "DECLARE a CURSOR WITHOUT HOLD FOR SELECT 1",
            "DECLARE a CURSOR FOR SELECT 1",
            "SELECT 'pg_advisory_lock(1)'",
            "INSERT INTO temp VALUES (1)",
        ] {
            assert_eq!(made(sql), [], "{sql}");
        }
    }
}

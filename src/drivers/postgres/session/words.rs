//! What a text of SQL asks for, as far as its words tell: whether it opens or ends a transaction, and what it leaves in the
//! session. Free of allocation, as it reads every statement of a session that shares connections.
//!
//! | seen | not seen |
//! |---|---|
//! | `BEGIN`, `START TRANSACTION`; `COMMIT`, `END`, `ROLLBACK`, `ABORT`, `PREPARE TRANSACTION` | – |
//! | `SET` (not `LOCAL`, `TRANSACTION`, `CONSTRAINTS`), `set_config(…, false)` | `set_config` with a third argument that is no literal |
//! | `LISTEN`, `PREPARE`, `DECLARE … WITH HOLD`, `LOAD` | – |
//! | `CREATE TEMP …` and `SELECT … INTO TEMP`, unless `ON COMMIT DROP` | – |
//! | `pg_advisory_lock`, `pg_try_advisory_lock` and their `_shared` ones | – |
//!
//! Nothing is seen in the body of a function, a procedure or a `DO`. Whether a transaction is open in the end the server's
//! answer tells, whatever was read here.

use super::mode::SessionState;
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
                self.opens = statement.has_chain;
            }
            None => {}
        }
        self.controls |= statement.control().is_some();
        self.states |= statement.states();
    }
}

/// As much of a statement as has to be remembered.
#[derive(Debug, Default)]
struct Statement<'a> {
    /// Its first words; names in quotes are none.
    words: [&'a str; 5],
    count: usize,
    /// The last three tokens, if they were words or names; and whether the last one was a word.
    last: [&'a str; 3],
    depth: usize,
    /// Within the `BEGIN ATOMIC … END` of a function.
    body: usize,
    set_config: SetConfig,
    has_chain: bool,
    has_hold: bool,
    has_drop: bool,
    into_temporary: bool,
    in_temporary_schema: bool,
    locks: bool,
    sets: bool,
}

enum Control {
    Begin,
    End { rolls_back: bool },
}

/// Where in the arguments of `set_config` we are.
#[derive(Debug, Default)]
struct SetConfig {
    /// The depth within its brackets; 0 outside.
    depth: usize,
    commas: usize,
    is_false: bool,
}

const LOCKS: [&str; 4] = [
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
];

impl<'a> Statement<'a> {
    /// Whether a semicolon ends it here.
    fn is_over(&self) -> bool {
        self.depth == 0 && self.body == 0
    }

    fn take(&mut self, token: Token<'a>) {
        match token {
            Token::Word(word) => self.word(word),
            Token::Name(name) => self.remember(name),
            Token::Value => self.remember(""),
            Token::Mark(b'(') => {
                self.depth += 1;
                self.call();
                self.remember("");
            }
            Token::Mark(b')') => {
                if self.depth == self.set_config.depth {
                    self.sets |= self.set_config.commas == 2 && self.set_config.is_false;
                    self.set_config = SetConfig::default();
                }
                self.depth = self.depth.saturating_sub(1);
                self.remember("");
            }
            Token::Mark(b',') if self.set_config.depth > 0 && self.depth == self.set_config.depth => {
                self.set_config.commas += 1;
                self.set_config.is_false = false;
                self.remember("");
            }
            Token::Mark(b'.') => {
                self.in_temporary_schema |= is(self.last[2], "pg_temp") && self.depth == 0;
                self.remember("");
            }
            Token::Mark(_) => self.remember(""),
        }
    }

    fn word(&mut self, word: &'a str) {
        if let Some(place) = self.words.get_mut(self.count) {
            *place = word;
        }
        self.count += 1;
        let [before, last] = [self.last[1], self.last[2]];
        self.has_chain |= is(last, "and") && is(word, "chain");
        self.has_hold |= is(last, "with") && is(word, "hold");
        self.has_drop |= is(before, "on") && is(last, "commit") && is(word, "drop");
        let is_temporary = is(word, "temp") || is(word, "temporary");
        let is_scope = is(last, "local") || is(last, "global");
        self.into_temporary |= is_temporary && (is(last, "into") || (is_scope && is(before, "into")));
        if self.set_config.depth > 0 && self.depth == self.set_config.depth {
            self.set_config.is_false = is(word, "false");
        }
        if self.makes_routine() {
            if is(last, "begin") && is(word, "atomic") || self.body > 0 && is(word, "case") {
                self.body += 1;
            } else if is(word, "end") {
                self.body = self.body.saturating_sub(1);
            }
        }
        self.remember(word);
    }

    /// A bracket opens behind the last word.
    fn call(&mut self) {
        let name = self.last[2];
        self.locks |= LOCKS.iter().any(|lock| is(name, lock));
        if is(name, "set_config") {
            self.set_config = SetConfig {
                depth: self.depth,
                ..SetConfig::default()
            };
        }
    }

    fn remember(&mut self, word: &'a str) {
        self.last = [self.last[1], self.last[2], word];
    }

    fn begins(&self, words: &[&str]) -> bool {
        words.len() <= self.count && self.words.iter().zip(words).all(|(has, word)| is(has, word))
    }

    fn makes_routine(&self) -> bool {
        let kind = if self.begins(&["create", "or", "replace"]) {
            3
        } else {
            1
        };
        self.begins(&["create"]) && (is(self.words[kind], "function") || is(self.words[kind], "procedure"))
    }

    fn control(&self) -> Option<Control> {
        let savepoint = || {
            self.words[..self.count.min(3)]
                .iter()
                .skip(1)
                .any(|word| is(word, "to"))
        };
        match () {
            () if self.begins(&["begin"]) || self.begins(&["start", "transaction"]) => Some(Control::Begin),
            () if self.begins(&["commit", "prepared"]) || self.begins(&["rollback", "prepared"]) => None,
            () if self.begins(&["commit"]) || self.begins(&["end"]) || self.begins(&["prepare", "transaction"]) => {
                Some(Control::End { rolls_back: false })
            }
            () if self.begins(&["abort"]) || self.begins(&["rollback"]) && !savepoint() => {
                Some(Control::End { rolls_back: true })
            }
            () => None,
        }
    }

    fn states(&self) -> u8 {
        let made = [
            (SessionState::Parameter, self.sets || self.sets_parameter()),
            (SessionState::Listen, self.begins(&["listen"])),
            (
                SessionState::PreparedStatement,
                self.begins(&["prepare"]) && !self.begins(&["prepare", "transaction"]),
            ),
            (SessionState::TemporaryObject, self.makes_temporary()),
            (SessionState::AdvisoryLock, self.locks),
            (SessionState::HeldCursor, self.begins(&["declare"]) && self.has_hold),
            (SessionState::Library, self.begins(&["load"])),
        ];
        made.iter()
            .filter(|(_, is_made)| *is_made)
            .fold(0, |bits, (state, _)| bits | (1 << *state as u8))
    }

    /// `SET SESSION CHARACTERISTICS` is one too.
    fn sets_parameter(&self) -> bool {
        let passing = ["local", "transaction", "constraints"];
        self.begins(&["set"]) && !passing.iter().any(|word| is(self.words[1], word))
    }

    fn makes_temporary(&self) -> bool {
        if self.into_temporary {
            return true;
        }
        let mut next = if self.begins(&["create", "or", "replace"]) {
            3
        } else {
            1
        };
        if is(self.words[next], "local") || is(self.words[next], "global") {
            next += 1;
        }
        let is_temporary = ["temp", "temporary"].iter().any(|word| is(self.words[next], word));
        self.begins(&["create"]) && (is_temporary || self.in_temporary_schema) && !self.has_drop
    }
}

/// Keywords are read in any case.
fn is(word: &str, keyword: &str) -> bool {
    word.eq_ignore_ascii_case(keyword)
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

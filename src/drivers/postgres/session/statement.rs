//! One statement, told by its words as they come: what it begins with, and the few that matter in the middle of it.
//!
//! A name in quotes is no keyword, but may be a function's.

use super::mode::SessionState;
use super::tokens::Token;

/// As much of a statement as has to be remembered.
#[derive(Debug, Default)]
pub(super) struct Statement<'a> {
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
    names_client: bool,
    into_temporary: bool,
    in_temporary_schema: bool,
    locks: bool,
    sets: bool,
}

/// What it does to a transaction.
pub(super) enum Control {
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
    pub(super) fn is_over(&self) -> bool {
        self.depth == 0 && self.body == 0
    }

    pub(super) fn take(&mut self, token: Token<'a>) {
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
        if self.set_config.depth > 0 && self.depth == self.set_config.depth {
            self.set_config.is_false = is(word, "false");
        }
        if !matches!(word.len(), 3..=9) {
            // None of those below, which come in the middle of a statement.
            return self.remember(word);
        }
        let [before, last] = [self.last[1], self.last[2]];
        self.has_chain |= is(word, "chain") && is(last, "and");
        self.has_hold |= is(word, "hold") && is(last, "with");
        self.has_drop |= is(word, "drop") && is(last, "commit") && is(before, "on");
        self.names_client |= self.depth == 0 && (is(word, "stdin") || is(word, "stdout"));
        if is(word, "temp") || is(word, "temporary") {
            let is_scope = is(last, "local") || is(last, "global");
            let is_table = is(before, "insert") || is(before, "merge");
            self.into_temporary |= (is(last, "into") && !is_table) || (is_scope && is(before, "into"));
        }
        if self.makes_routine() {
            if is(word, "atomic") && is(last, "begin") || self.body > 0 && is(word, "case") {
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

    pub(super) fn control(&self) -> Option<Control> {
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

    /// `COMMIT AND CHAIN`.
    pub(super) fn has_chain(&self) -> bool {
        self.has_chain
    }

    pub(super) fn copies(&self) -> bool {
        self.begins(&["copy"]) && self.names_client
    }

    /// The session state that it makes, a bit for each kind.
    pub(super) fn states(&self) -> u8 {
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

//! How long a session keeps a server connection, and what in a session's state a mode cannot keep.

use std::fmt;

/// How long a [`Session`](super::Session) keeps a server connection, with PgBouncer's meaning (`pool_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionMode {
    /// From its first statement until it is dropped. Everything works, and an idle session costs a connection.
    Session,
    /// For a transaction: from its `BEGIN` to its end; a statement outside of one is a transaction of its own.
    Transaction,
    /// For a statement: one call. Transactions over several are refused.
    Statement,
}

/// What a server connection remembers for its session beyond a transaction. In transaction and statement mode the session
/// would lose it at once, since its next statement may run on another connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SessionState {
    /// `SET` without `LOCAL`, `set_config(…, false)`; roles are parameters too.
    Parameter,
    /// `LISTEN`.
    Listen,
    /// `PREPARE`. What the protocol prepares is not concerned: each connection has its cache.
    PreparedStatement,
    /// A temporary table, view or sequence that does not end with its transaction.
    TemporaryObject,
    /// `pg_advisory_lock` and its kin without `_xact_`.
    AdvisoryLock,
    /// `DECLARE … WITH HOLD`.
    HeldCursor,
    /// `LOAD`, which nothing undoes.
    Library,
}

/// What is done about a statement that makes [`SessionState`] in a mode that cannot keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Losses {
    /// It is refused before it is sent, with the statement to use instead.
    #[default]
    Refuse,
    /// It runs, as it would under PgBouncer, and what it made is gone with the connection. Unlike there, no other session
    /// ever sees it.
    Allow,
}

impl SessionMode {
    /// Whether sessions change server connections, and so keep none of a connection's state.
    pub fn shares_connections(self) -> bool {
        self != SessionMode::Session
    }
}

impl SessionState {
    pub(super) const ALL: [SessionState; 7] = [
        SessionState::Parameter,
        SessionState::Listen,
        SessionState::PreparedStatement,
        SessionState::TemporaryObject,
        SessionState::AdvisoryLock,
        SessionState::HeldCursor,
        SessionState::Library,
    ];

    /// Whether an audit finds it.
    pub(super) fn is_audited(self) -> bool {
        self != SessionState::Library
    }

    /// What does the same within a transaction, or elsewhere.
    pub fn instead(self) -> &'static str {
        match self {
            SessionState::Parameter => "SET LOCAL in a transaction, or a parameter of every connection",
            SessionState::Listen => "a connection of its own, detached from the pool",
            SessionState::PreparedStatement => "queries with parameters: each connection keeps them prepared",
            SessionState::TemporaryObject => "a temporary table with ON COMMIT DROP in a transaction",
            SessionState::AdvisoryLock => "pg_advisory_xact_lock in a transaction",
            SessionState::HeldCursor => "a cursor without HOLD in a transaction",
            SessionState::Library => "session_preload_libraries",
        }
    }
}

impl fmt::Display for SessionMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SessionMode::Session => "session",
            SessionMode::Transaction => "transaction",
            SessionMode::Statement => "statement",
        })
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SessionState::Parameter => "a parameter of the session",
            SessionState::Listen => "LISTEN",
            SessionState::PreparedStatement => "a statement prepared by SQL",
            SessionState::TemporaryObject => "a temporary object",
            SessionState::AdvisoryLock => "an advisory lock of the session",
            SessionState::HeldCursor => "a cursor WITH HOLD",
            SessionState::Library => "a loaded library",
        })
    }
}

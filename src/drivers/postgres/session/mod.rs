//! Sessions: many users of few server connections, each of which a session keeps as long as its mode says.
//!
//! | file | what |
//! |---|---|
//! | `sessions.rs` | who opens sessions: over a pool of one user, over one with a login for each session |
//! | `managed.rs` | the same where mode and user can change while sessions are open |
//! | `session.rs` | the handle and its calls |
//! | `turn.rs` | one statement: allowed, on which connection, and whether that stays |
//! | `transaction.rs` | a transaction's guard |
//! | `house.rs` | what all sessions of a pool share; the connections that it lends |
//! | `mode.rs`, `login.rs`, `error.rs` | the words: modes and what they lose; users; what can go wrong |
//! | `words.rs`, `statement.rs`, `tokens.rs` | what a text of SQL asks for |
//! | `audit.rs` | what the server says is left |
//!
//! The table of what each mode breaks is in [the guide](crate::guides::sessions).

mod audit;
mod error;
mod house;
mod login;
mod managed;
mod mode;
#[expect(clippy::module_inception, reason = "the noun that the room is named after")]
mod session;
mod sessions;
mod statement;
mod tokens;
mod transaction;
mod turn;
mod words;

pub use error::{Abortion, Refusal, SessionError};
pub use login::Login;
pub use managed::ManagedSessions;
pub use mode::{Losses, SessionMode, SessionState};
pub use session::Session;
pub use sessions::{Sessions, UserSessions};
pub use transaction::{SessionTransaction, SessionTransactionBuilder};

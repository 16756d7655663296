//! PostgreSQL through [`tokio_postgres`], with TLS by rustls and a cache of prepared statements.
//!
//! A [`Connection`] is a [`tokio_postgres::Client`] by `Deref`, so all of that crate works on what the pool lends. A task on
//! the runtime that connected drives it. What passes on the wire is watched, message by message and without keeping any: so the
//! driver knows what is unanswered, whether a transaction is open and whether the server has ended the session.
//!
//! # Connect
//!
//! [`Postgres::from_url`] reads a URL as libpq does, [`Postgres::from_config`] takes tokio-postgres' own configuration. Of
//! several hosts, each address is tried in turn. The error is one line, of the option or the database that it is about:
//!
//! ```text
//! url: unknown option sslmod
//! sslrootcert: no file /etc/app/ca.pem
//! cannot connect to orders on db.example:5432: network: Connection refused (os error 111)
//! cannot connect to orders on db.example:5432: the server says: password authentication failed for user "app" (SQLSTATE 28P01)
//! cannot connect to orders on db.example:5432: sslmode=verify-full: the server's certificate has expired
//! cannot connect to orders on db.internal:5432: socks5: the proxy proxy.example:1080 wants a user and a password
//! ```
//!
//! *Permanent*, so that a line with no connection open fails at once: whatever somebody has to change, such as options,
//! certificates, and what the server refuses by an SQLSTATE of the classes 0A, 0L, 0P, 22, 28, 3D, 3F and 42. *Transient*: the
//! network, a server that starts, ends or is full, and all else. PgBouncer has one SQLSTATE for all that it says, so there the words
//! tell: wrong passwords, and users, databases and parameters that it does not know, are permanent.
//!
//! Queries fail with tokio-postgres' own error, whose text is no more than `db error`: its source has what the server said, so log it with
//! its sources, as `report` in `examples/axum_postgres.rs` does, or with `Debug`.
//!
//! # Health check
//!
//! A round trip with an empty query.
//!
//! # Reset
//!
//! None after a lease that asked for nothing. Otherwise what still runs is given 50 ms and then cancelled, by the protocol's own
//! way and without any chance of hitting a later query; then one round trip undoes what was left:
//!
//! | left by a lease | undone by | [`Full`](Reset::Full) | [`Observed`](Reset::Observed) | [`Rollback`](Reset::Rollback) |
//! |---|---|---|---|---|
//! | a query, a pipeline, a half-read answer, a COPY | waiting, a cancel | yes | yes | yes |
//! | the sink of a COPY, or a half-read `RowStream`, that somebody keeps | the reset's timeout: the connection is closed | yes | yes | yes |
//! | an answer that has arrived, in a `RowStream` that somebody keeps | the same | yes | | |
//! | an open or failed transaction, its locks and cursors | `ROLLBACK` | yes | yes | yes |
//! | cursors `WITH HOLD` | `CLOSE ALL` | yes | yes | |
//! | another user or role | `SET SESSION AUTHORIZATION DEFAULT; RESET ROLE` | yes | yes | |
//! | parameters: search_path, time zone, timeouts, … | `RESET ALL` | yes | if set by `SET` | |
//! | `LISTEN`, and receivers of notifications | `UNLISTEN *` | yes | yes | |
//! | advisory locks of the session | `pg_advisory_unlock_all()` | yes | | |
//! | temporary tables | `DISCARD TEMP` | yes | if made by `CREATE` | |
//! | what `currval` and `lastval` remember | `DISCARD SEQUENCES` | yes | | |
//! | SQL's prepared statements | `DEALLOCATE`, each by its name: one more round trip if there are any | yes | yes | |
//!
//! That round trip took 47 µs where one of `SELECT 1` took 25 µs and one of `DISCARD ALL` 23 µs: medians of pgbench beside
//! PostgreSQL 15 on the loopback of a machine with two cores, 2026-11-21. `cargo bench --features postgres --bench resets`
//! measures it through a pool.
//!
//! The statements of [`prepare_cached`](Connection::prepare_cached) survive, which `DISCARD ALL` would end. What the server, the
//! [parameters](Postgres::parameter) and the [setup](Postgres::setup) have set holds again.
//!
//! # What is broken
//!
//! A connection whose session has ended, or to which the server has said that it will end: killed, shut down, timed out. One
//! on which a lease ran `DISCARD ALL` or `DEALLOCATE ALL`, or used a statement that the server no longer had, since tokio-postgres
//! counts on statements of its own. One that began a `COPY FROM STDIN` by a simple query, which tokio-postgres cannot answer.
//! One with a [cancel](Canceller) that was sent and given up, since it may still arrive. One whose reset or health check was given up.
//!
//! A connection that leaves the pool says goodbye, and waits until the server has closed, so that its place is free when the server's
//! is. Where nothing is to be expected of that (the COPY above, and what was given up) the socket is closed at once.
//!
//! # Options
//!
//! Those of the URL are libpq's:
//!
//! | in the URL | default | meaning |
//! |---|---|---|
//! | `user`, `password`, `dbname`, `host`, `hostaddr`, `port` | user of the process, –, the user, –, –, 5432 | instead of the URL's own parts; hosts may be several, or the directory of a socket |
//! | `application_name`, `options` | – | for the server |
//! | `connect_timeout` | – | seconds for each address, TLS and password included; the pool's own bounds all of it |
//! | `keepalives`, `keepalives_idle`, `keepalives_interval`, `keepalives_count` | on, 2 h, system, system | of TCP |
//! | `tcp_user_timeout` | system | milliseconds, on Linux |
//! | `target_session_attrs` | `any` | or `read-write`, `read-only` |
//! | `load_balance_hosts` | `disable` | or `random` |
//! | `channel_binding` | `prefer` | or `disable`, `require` |
//! | `sslmode` | `prefer` | see [`SslMode`] |
//! | `sslrootcert` | system's, where one is needed | a PEM file of authorities, or `system`, which needs and implies `verify-full` |
//! | `sslcert`, `sslkey` | – | PEM files with the client's certificate and its key |
//! | `sslnegotiation` | `postgres` | `direct` begins with the handshake: PostgreSQL 17 |
//!
//! | method | default | meaning |
//! |---|---|---|
//! | [`reset`](Postgres::reset) | `Full` | what is undone between leases |
//! | [`statement_cache`](Postgres::statement_cache) | 256 | prepared statements kept by each connection |
//! | [`parameter`](Postgres::parameter) | – | a parameter of every session |
//! | [`setup`](Postgres::setup) | – | SQL for every new connection |
//! | [`notification_buffer`](Postgres::notification_buffer) | 1024 | how far a receiver may fall behind |
//! | [`on_notice`](Postgres::on_notice) | dropped | what to do with the server's notices |
//! | [`tls`](Postgres::tls) | – | a configuration of rustls instead of the URL's options |
//! | [`socks5`](Postgres::socks5) | – | the proxy to go through |
//!
//! Behind PgBouncer see [the guide](crate::guides::sessions#a-plain-pool-behind-pgbouncer).
//!
//! Not as in libpq: without `sslrootcert`, `verify-ca` and `verify-full` trust the system's authorities; `prefer` does not fall
//! back to plain text when a handshake fails; environment, service and password files are not read; `sslmode=allow`, encrypted keys,
//! revocation lists and GSSAPI are not supported. Where certificates are checked, one that is its own authority (`openssl req -x509`
//! makes such) is refused, even if `sslrootcert` names it: let it sign another one for the server.
//!
//! # Example
//!
//! ```no_run
//! use fairpool::Pool;
//! use fairpool::drivers::postgres::Postgres;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let orders = Postgres::from_url("postgresql://app:secret@db.example/orders?sslmode=verify-full")?;
//!     let pool = Pool::builder(orders).limit(8).build()?;
//!
//!     let mut conn = pool.acquire().await?;
//!     let tx = conn.transaction().await?;
//!     let insert = tx.prepare_cached("INSERT INTO orders (item) VALUES ($1) RETURNING id").await?;
//!     let id: i64 = tx.query_one(&insert, &[&"tea"]).await?.get(0);
//!     tx.commit().await?;
//!     println!("order {id}");
//!     Ok(())
//! }
//! ```

mod cancel;
mod connect;
mod connection;
mod error;
mod frames;
mod ledger;
mod link;
mod manager;
mod notifications;
mod reset;
mod session;
mod settings;
mod signpost;
mod socket;
mod socks;
mod statements;
mod stream;
mod task;
mod tls;
mod transaction;
mod url;
mod verify;

pub use cancel::Canceller;
pub use connection::{Connection, TransactionStatus};
pub use error::Error;
pub use manager::Postgres;
pub use notifications::{Notifications, Notified};
pub use reset::Reset;
pub use session::{
    Abortion, Login, Losses, ManagedSessions, Refusal, Session, SessionError, SessionMode, SessionState,
    SessionTransaction, SessionTransactionBuilder, Sessions, UserSessions,
};
pub use signpost::Signpost;
pub use tls::SslMode;
pub use transaction::Transaction;

/// The very `rustls` for [`Postgres::tls`].
pub use rustls;
/// The very `tokio_postgres` that this driver is built on, so that versions match.
pub use tokio_postgres;

//! MySQL and MariaDB through [`mysql_async`]: its connections, not its pool.
//!
//! A [`Connection`] is a [`mysql_async::Conn`] by `Deref`, so all of that crate works on what the pool lends. Each reset ends with
//! a question that only its own answer can answer, so that no lease reads an answer that was meant for another.
//!
//! # Connect
//!
//! [`Mysql::from_url`] reads the URL of `mysql_async`, [`Mysql::from_opts`] takes its options. After the handshake come three
//! round trips, one of them `mysql_async`'s: what the session is like and on which server it is; then the [setup](Mysql::setup).
//! The error is one line, of the option or the server that it is about:
//!
//! ```text
//! url: sslmode: no such option
//! ssl_ca: no file /etc/app/ca.pem
//! cannot connect to orders on db.example:3306: Connection refused (os error 111)
//! cannot connect to orders on db.example:3306: Access denied for user 'app'@'10.0.0.7' (using password: YES) (error 1045)
//! cannot connect to orders on db.example:3306: require_ssl: the server's certificate has expired
//! ```
//!
//! *Permanent*, so that a line with no connection open fails at once: options, certificates, and what the server refuses by an
//! SQLSTATE of the classes 28 and 42 or for the account's or the host's sake (1044, 1045, 1049, 1129, 1130, …); a setup that the
//! server refuses. *Transient*: the network, a server that is full (1040, 1203, 1226) or going down, and all else.
//!
//! # Health check
//!
//! `COM_PING`, a round trip.
//!
//! # Reset
//!
//! None after a lease that never borrowed the connection mutably, without which nothing can be sent. Otherwise:
//!
//! | left by a lease | [`Full`](Reset::Full), [`Login`](Reset::Login) | [`Rollback`](Reset::Rollback) |
//! |---|---|---|
//! | a call dropped halfway | closed | closed |
//! | an unread answer | read off in 250 ms, or closed | the same |
//! | an open transaction, its locks | undone | undone |
//! | `XA` begun | undone | closed |
//! | session variables: autocommit, isolation, `sql_mode`, time zone, `NAMES`, … | undone | |
//! | user variables, `LAST_INSERT_ID`, `LASTVAL` | undone | |
//! | temporary tables | undone | |
//! | `LOCK TABLES`, `GET_LOCK`, global read locks, `HANDLER` | undone | |
//! | prepared statements, by `PREPARE` or by the protocol, with `mysql_async`'s cache | undone | kept |
//! | another database or role | undone, in `Full` by logging in anew | |
//! | a handler for local files | undone | |
//! | another user, a `Conn` put in another's place | closed | closed |
//!
//! What it costs on the loopback, where a ping takes 25 µs (MariaDB 10.11, two busy cores, best to median of five runs, 2026-11-21):
//!
//! | reset | round trips | time |
//! |---|---|---|
//! | `Full`: `COM_RESET_CONNECTION`, then the question | 2 | 49–75 µs |
//! | the same, where a lease changed its database or role | 5 or more | 154–174 µs |
//! | `Login`: `COM_CHANGE_USER`, then the question | 3 or more | 79–108 µs |
//! | `Rollback`: one query of two statements | 1 | 50–53 µs |
//! | the setup | 1 for each statement | |
//! | a close in the middle of a statement, with its kill and a new connection | – | 3–4 ms |
//!
//! `COM_RESET_CONNECTION` leaves the database and the role as they are, and on MySQL sets the character set to the server's instead
//! of the connection's. So the question also asks for these; where they are not as they were, the connection logs in anew, and where
//! that is for the character set, does so from then on. Prepared statements end with any of this, and cost a round trip each to prepare
//! anew. No reset that spares them is complete: the server has no other word for "all user variables" or "all temporary
//! tables". There is no reset without a round trip either: after a transaction or a result set was dropped, the next call clears it
//! away first, and if that call is dropped in turn, `mysql_async` 0.37 takes itself for sound with an answer still due. Its own
//! pool would lend that answer to the next user.
//!
//! # What is broken
//!
//! A connection whose call failed on the way, or was dropped before its answer came, as far as `mysql_async` knows; one that is logged in
//! as somebody else, or is not the one that was opened. The reset finds the others: a session that was killed, one that is out of step.
//!
//! A server goes on with a statement although its connection is gone. So the session of a connection that is closed in the middle of
//! something is [killed](Mysql::kill_abandoned), over a connection of its own: two at a time, which come on top of the pool's limit.
//! The close waits up to 2 s for the session's end; where the server has no room, it is tried for 30 s. Numbers of sessions begin
//! anew with the server, and behind one address there may be several; so the kill first compares the server, and how long it has
//! been up.
//!
//! # Options
//!
//! | in the URL | default | meaning |
//! |---|---|---|
//! | `require_ssl` | `false` | TLS, or no connection |
//! | `ssl_ca` | – | a PEM file of authorities, read at once; with it no others are trusted, unless `built_in_roots=true` |
//! | `built_in_roots` | `true` | trust the authorities that Mozilla trusts |
//! | `verify_ca`, `verify_identity` | `true` | whether a certificate has to be of a trusted authority, and for this host |
//! | `socket` | – | the path of the server's socket, instead of host and port |
//! | `prefer_socket` | `false` | on a local host: ask for the socket's path, and connect again |
//! | `compression` | – | `fast`, `on`, `best` or a digit |
//! | `stmt_cache_size` | 32 | prepared statements kept by each connection |
//! | `max_allowed_packet`, `wait_timeout` | the server's | bytes, seconds |
//! | `tcp_keepalive`, `tcp_nodelay` | –, `true` | milliseconds; no delay for small packets |
//! | `client_found_rows` | `false` | count rows that were found, not those that were changed |
//! | `secure_auth`, `enable_cleartext_plugin` | `true`, `false` | ways to log in |
//!
//! | method | default | meaning |
//! |---|---|---|
//! | [`reset`](Mysql::reset) | `Full` | what is undone between leases |
//! | [`setup`](Mysql::setup) | – | SQL for every new connection and after each reset |
//! | [`ssl_ca`](Mysql::ssl_ca) | – | as in the URL |
//! | [`tls`](Mysql::tls) | – | `mysql_async`'s own options for TLS: other authorities, a client's certificate |
//! | [`kill_abandoned`](Mysql::kill_abandoned) | on | whether a statement is killed when its connection is closed |
//!
//! Not as in `mysql_async`: the options of its pool are errors in a URL, and ignored in `Opts`; TLS options without `require_ssl`
//! are errors; `prefer_socket` is off in a URL that does not ask for it, and wherever TLS is required, since the socket has none.
//! `after_connect`, `init` and `setup` of `Opts` are all run after each reset too, in their order, and are not in
//! [`Conn::opts`](mysql_async::Conn::opts): a lease that resets the connection itself runs them itself. What the pool's own `after_connect`
//! hook sets ends with the first reset.
//!
//! Not as in MySQL's own clients: a certificate that is its own authority (`openssl req -x509` makes such) is refused where certificates
//! are checked, even if `ssl_ca` names it: let it sign another one for the server.
//!
//! `Debug` of [`Mysql`], [`Connection`] and [`Error`] shows no secret. That of [`mysql_async::Conn`], `Opts`, `Transaction` and `QueryResult`
//! prints the password: do not log these. A `Transaction` that is leaked by `mem::forget` keeps `start_transaction` from working on
//! its connection, until the connection is closed.
//!
//! # Example
//!
//! ```no_run
//! use fairpool::Pool;
//! use fairpool::drivers::mysql::Mysql;
//! use fairpool::drivers::mysql::mysql_async::{TxOpts, prelude::Queryable};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let orders = Mysql::from_url("mysql://app:secret@db.example/orders?require_ssl=true")?;
//!     let pool = Pool::builder(orders).limit(8).build()?;
//!
//!     let mut conn = pool.acquire().await?;
//!     let mut tx = conn.start_transaction(TxOpts::default()).await?;
//!     tx.exec_drop("INSERT INTO orders (item) VALUES (?)", ("tea",)).await?;
//!     let id = tx.last_insert_id();
//!     tx.commit().await?;
//!     println!("order {id:?}");
//!     Ok(())
//! }
//! ```

mod connection;
mod error;
mod kill;
mod link;
mod manager;
mod settings;
mod state;
mod tls;
mod url;

pub use connection::Connection;
pub use error::Error;
pub use manager::Mysql;
pub use settings::Reset;

/// The very `mysql_async` that this driver is built on, so that versions match.
pub use mysql_async;

//! Redis through the crate [`redis`], of which this driver uses the commands, the types and the parser, over a socket of its
//! own: one pooled [`Connection`] is one socket, without a task behind it.
//!
//! A connection implements [`ConnectionLike`](redis::aio::ConnectionLike), so commands, [`AsyncCommands`](redis::AsyncCommands),
//! pipelines, scripts and scans work on a lease as on any connection of the crate. Whoever awaits an answer reads the socket
//! himself, which saves the two hops through the task of a `MultiplexedConnection`, and means that dropping the connection
//! closes the socket at once, on any thread.
//!
//! # Connect
//!
//! [`Redis::from_url`] takes `redis://user:password@host:6379/0` (a password alone is `redis://:password@host`), `rediss://` for TLS, and `unix:///run/redis.sock`; also
//! `valkey://` and its kin. After a question mark may follow:
//!
//! | option | for | meaning |
//! |---|---|---|
//! | `protocol` | all | `resp2` (the default) or `resp3` |
//! | `client_name` | all | the connection's name in `CLIENT LIST` |
//! | `ca_file`, `cert_file`, `key_file` | TLS | files in PEM: the authorities, the client's certificate and its key |
//! | `db`, `user`, `pass` | Unix sockets | what stands before the question mark elsewhere |
//!
//! [`Redis::from_client`] and [`Redis::from_config`] take what the crate has. A connect opens the socket and signs on in one round
//! trip: `AUTH` or `HELLO 3`, `SELECT`, `CLIENT SETNAME`, `CLIENT SETINFO` (whose answers do not matter), and a `PING`, so
//! that a server that wants a password says so here. TLS is rustls with ring, whatever provider the process has installed.
//! Errors are one line, without secrets:
//!
//! ```text
//! url: port: must be a number from 1 to 65535 (in a user's name or password, write / ? # @ : and % as %2F %3F %23 %40 %3A and %25)
//! cannot connect to database 0 on cache.example:6379: WRONGPASS invalid username-password pair or user is disabled.
//! ca_file: no file /etc/ssl/cache-ca.pem
//! cannot connect to database 0 on cache.example:6379: tls: invalid peer certificate: certificate expired: …
//! cannot connect to database 0 on cache.internal:6379: socks5: the proxy proxy.example:1080 wants a user and a password
//! ```
//!
//! *Permanent*, so that a line with no connection open fails at once: credentials and rights (`WRONGPASS`, `NOAUTH`, `NOPERM`), a
//! database or a protocol that the server does not have, certificates, options. *Transient*: a server that is not there,
//! hangs up, is loading, busy or full (`maxclients`).
//!
//! Not as in `redis-cli`: a certificate that is its own authority (`openssl req -x509` makes such) is refused, even if `ca_file` names
//! it: let it sign another one for the server. And `rediss://` to a port without TLS gets no answer, as the server takes what comes for
//! the beginning of a command: the pool says `no answer within connect_timeout`.
//!
//! There is no timeout in here: the pool has those of its steps, and a command takes as long as it takes; give it a
//! [`tokio::time::timeout`] of its own. Dropping a command's future is safe, see below.
//!
//! # Health check
//!
//! `PING` with a word that nobody can guess, which has to come back: so also an answer that belongs to an earlier question would
//! be noticed. A user who may not ping passes (`NOPERM`), as does one whose server cannot write to its disk or runs a script
//! (`MISCONF`, `BUSY`): the connection is sound.
//!
//! # Reset
//!
//! The driver sees every command before it is sent, and knows which of them can leave something behind in a connection: not reads
//! and writes of keys, nor scripts. After a lease that used only such commands there is nothing to reset, and that is nearly every
//! lease. What it does not know, such as commands of modules, counts as leaving something; [`Redis::harmless`] adds those for
//! which you vouch.
//!
//! | left by the lease | undone by | round trips |
//! |---|---|---|
//! | nothing: reads, writes, scripts, atomic pipelines | – | 0 |
//! | answers that nobody waited for: a dropped future, a pipeline cut off | they are read and dropped | 0, until they come |
//! | `MULTI` half-way, `WATCH` | `DISCARD`, `UNWATCH`, `PING` | 1 |
//! | another database, user, protocol, name; `SUBSCRIBE` and its kin; tracking; `READONLY`; unknown commands | `RESET`, the sign-on, `PING` | 1 |
//! | a blocking command (`BLPOP`, `XREAD`, `WAIT`) whose answer has not come | the connection is closed | a connect |
//! | `MONITOR`, `CLIENT REPLY`, `CLIENT NO-EVICT`, `CLIENT NO-TOUCH`, `CLIENT SETINFO`, `SCRIPT DEBUG`, `QUIT` | the connection is closed | a connect |
//!
//! Measured on loopback (two cores, both busy; Redis 7.0, 2026-11-21): 0.2 µs to find that there is nothing to reset; each of the
//! resets took as long as a `GET` beside it, 20 to 100 µs; a connect and its farewell five to ten times that.
//!
//! A transaction that a lease has ended itself, by `EXEC`, `DISCARD` or `UNWATCH`, leaves nothing. `RESET` exists since Redis 6.2;
//! where it is unknown, or the user may use neither it nor `PING`, the reset fails, and the connection is closed instead. Every reset
//! ends with a word that nobody can guess, and whatever comes before its echo is dropped. What a command does to the server stays
//! (`CONFIG SET`, `CLIENT PAUSE`), as do keys.
//!
//! A blocking command that was left behind would take an element out of a list for nobody, and hold up any reset; another connection
//! could end it (`CLIENT UNBLOCK`), but would cost as much as a new one.
//!
//! [`Reset::Always`] does the long way after every lease, and [`Reset::Never`] only waits for answers.
//!
//! # What is broken
//!
//! A connection whose socket has failed or was closed by the server, one that said something unasked, and the last two rows above.
//! What has arrived is looked at when a lease ends, without waiting. A session that the server has ended while it was idle is noticed
//! by the health check, or by the first command, whose error names the server.
//!
//! A connection that leaves the pool shuts its socket down and waits until the server has done so too, so that when
//! [`drain`](crate::Pool::drain) returns, the server's own count is down. There is no `QUIT`: it is deprecated, and would
//! wait its turn behind whatever is under way. A server that did not answer a reset or a health check is not waited for.
//!
//! # Options
//!
//! | option | default | meaning |
//! |---|---|---|
//! | [`client_name`](Redis::client_name) | – | the connection's name in `CLIENT LIST` |
//! | [`reset`](Redis::reset) | [`Altered`](Reset::Altered) | how a connection is cleaned between two leases |
//! | [`harmless`](Redis::harmless) | – | further commands that leave nothing behind |
//! | [`ca_file`](Redis::ca_file) | the system's authorities | who may sign the server's certificate |
//! | [`client_certificate`](Redis::client_certificate) | – | the certificate that the server asks for |
//! | [`tls`](Redis::tls) | – | a configuration of rustls instead |
//! | [`socks5`](Redis::socks5) | – | the proxy to go through |
//!
//! Of the crate's own configuration the address, the user, the database, the protocol, the library's name, keepalive and the user
//! timeout are taken over; `TCP_NODELAY` is always on.
//!
//! **Subscriptions** are no work for a pool: a subscriber keeps its connection. [`Redis::pubsub`] opens one beside the pool, with the
//! crate's own type, and the same server, user and TLS. Push messages that come to a leased connection (RESP3) are dropped.
//!
//! **Blocking commands** keep their connection while they wait, so give consumers a pool of their own.
//!
//! Missing: clusters and sentinels (a pool is one server's), and the crate's client-side cache.
//!
//! # Example
//!
//! ```no_run
//! use fairpool::Pool;
//! use fairpool::drivers::redis::Redis;
//! use fairpool::drivers::redis::redis::{AsyncCommands, pipe};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let cache = Redis::from_url("redis://127.0.0.1/")?;
//!     let pool = Pool::builder(cache).limit(8).build()?;
//!
//!     let mut conn = pool.acquire().await?;
//!     let () = conn.set("item:1", "tea").await?;
//!     let item: String = conn.get("item:1").await?;
//!     assert_eq!(item, "tea");
//!
//!     let (sold,): (i64,) = pipe().atomic().incr("sold", 1).query_async(&mut *conn).await?;
//!     println!("{sold} sold");
//!     Ok(())
//! }
//! ```

mod commands;
mod connection;
mod error;
mod greeting;
mod manager;
mod reset;
mod settings;
mod socket;
mod socks;
mod stream;
mod tls;
mod url;
mod wire;

pub use connection::Connection;
pub use error::{Error, Stage};
pub use manager::Redis;
pub use reset::Reset;

/// The very `redis` that this driver is built on, so that versions match.
pub use redis;
/// The very `rustls` for [`Redis::tls`].
pub use rustls;

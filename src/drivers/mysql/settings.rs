//! What all connections of a manager share: where to, how they are prepared and how they are cleaned.

use super::error::Error;
use mysql_async::{Conn, Opts, OptsBuilder};
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How a connection that a lease has used is cleaned before it is lent again. What a lease never borrowed mutably is
/// clean, and costs nothing. The [page above](super) has a table of what each of them undoes.
///
/// Each of them ends by asking for a number that was drawn for it. Only its own answer holds that number, so the next
/// lease never reads an answer of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Reset {
    /// All of it, by `COM_RESET_CONNECTION`: two round trips. Prepared statements go too, on the server and in
    /// `mysql_async`'s cache. Where the lease changed its database or its role, or where the server has forgotten the
    /// character set, logs in anew as [`Login`](Reset::Login) does.
    #[default]
    Full,
    /// All of it, by `COM_CHANGE_USER`: the connection logs in anew, in as many round trips as the account's way to log in
    /// has. `Full` does the same on servers before MySQL 5.7.3 and MariaDB 10.2.4. For leases that often change the database.
    Login,
    /// Rolls back, in one round trip, and keeps prepared statements. **Everything else that a lease does to its session is
    /// left to the next one**: user and session variables (`autocommit`, `time_zone` and `sql_mode` among them), temporary
    /// tables, `LOCK TABLES`, `GET_LOCK`, `HANDLER`, `PREPARE`, the database, the role, the character set, a handler set by
    /// `set_infile_handler`. For programs that do none of this.
    Rollback,
}

/// What all connections of a manager share.
#[derive(Clone)]
pub(super) struct Settings {
    /// What connections are opened with: [`Opts`] without what is run by [`prepare`](Settings::prepare).
    pub(super) opts: Opts,
    pub(super) server: Arc<str>,
    pub(super) reset: Reset,
    pub(super) kill_abandoned: bool,
    given: Opts,
    setup: Vec<String>,
    /// The sessions that end others: few at a time, as they come on top of the pool's limit.
    pub(super) killers: Arc<Semaphore>,
}

impl Settings {
    pub(super) fn new(given: Opts) -> Self {
        let host = given.ip_or_hostname();
        // What a URL writes in brackets is looked up without.
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let place = match given.socket() {
            Some(socket) => socket.to_owned(),
            None if host.contains(':') => format!("[{host}]:{}", given.tcp_port()),
            None => format!("{host}:{}", given.tcp_port()),
        };
        let server = match given.db_name() {
            Some(database) => format!("{database} on {place}"),
            None => place,
        };
        // A connection that has to be encrypted must not leave its socket for one that is not.
        let prefers_socket = given.prefer_socket() && given.ssl_opts().is_none();
        let opts = OptsBuilder::from_opts(given.clone())
            .ip_or_hostname(host)
            .prefer_socket(prefers_socket)
            .after_connect(|_| Box::pin(ready(Ok(()))))
            .init(Vec::<String>::new())
            .setup(Vec::<String>::new());
        Settings {
            opts: opts.into(),
            server: server.into(),
            reset: Reset::default(),
            kill_abandoned: true,
            given,
            setup: Vec::new(),
            killers: Arc::new(Semaphore::new(2)),
        }
    }

    pub(super) fn add_setup(&mut self, statement: String) {
        self.setup.push(statement);
    }

    /// Other options, everything else as before.
    pub(super) fn replace(&mut self, given: Opts) {
        let Settings {
            opts, server, given, ..
        } = Settings::new(given);
        *self = Settings {
            opts,
            server,
            given,
            ..self.clone()
        };
    }

    pub(super) fn given(&self) -> &Opts {
        &self.given
    }

    /// Makes a session what a lease expects: a new one, and one that was reset to what the server makes of a new one.
    pub(super) async fn prepare(&self, conn: &mut Conn) -> Result<(), Error> {
        use mysql_async::prelude::Queryable;
        let failed = |statement| {
            move |error| Error::Setup {
                server: self.server.clone(),
                statement,
                error,
            }
        };
        if let Some(callback) = self.given.after_connect() {
            callback(conn).await.map_err(failed(0))?;
        }
        let statements = self.given.init().iter().chain(self.given.setup()).chain(&self.setup);
        for (sql, number) in statements.zip(1..) {
            conn.query_drop(sql).await.map_err(failed(number))?;
        }
        Ok(())
    }
}

/// Without passwords, and without statements, which may hold some.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("server", &self.server)
            .field("user", &self.opts.user())
            .field("tls", &self.opts.ssl_opts().is_some())
            .field("reset", &self.reset)
            .field("kill_abandoned", &self.kill_abandoned)
            .finish_non_exhaustive()
    }
}

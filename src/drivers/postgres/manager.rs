//! The manager: which database, and how its connections are opened and cleaned.

use super::connect::connect;
use super::connection::Connection;
use super::error::Error;
use super::reset::Reset;
use super::session::Login;
use super::settings::{OpaqueNotice, OpaqueSql, Settings, wishes};
use super::signpost::Signpost;
use super::socks::Proxy;
use super::tls::Tls;
use super::url;
use crate::Manager;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use tokio_postgres::Config;
use tokio_postgres::error::DbError;

/// Opens connections to one PostgreSQL database. The [page above](super) says what each option does.
///
/// # Examples
///
/// ```
/// use fairpool::drivers::postgres::{Postgres, Reset};
///
/// # fn main() -> Result<(), fairpool::drivers::postgres::Error> {
/// let orders = Postgres::from_url("postgresql://app:secret@db.example/orders?sslmode=verify-full&sslrootcert=system");
/// # let orders = Postgres::from_url("postgresql://app:secret@db.example/orders");
/// let orders = orders?
///     .parameter("statement_timeout", "5s")
///     .statement_cache(100)
///     .reset(Reset::Full);
/// assert_eq!(orders.database(), "orders on db.example:5432");
/// assert!(!format!("{orders:?}").contains("secret"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it opens nothing by itself; give it to a pool"]
pub struct Postgres {
    settings: Arc<Settings>,
    follows: Option<Follows>,
}

/// Whom a manager asks where to connect, and as whom if not as anybody that is named there.
#[derive(Clone)]
struct Follows {
    signpost: Signpost,
    login: Option<Login>,
}

impl Postgres {
    /// The database of a URL as libpq reads them, `postgresql://user:password@host:port/database?option=value`. Files that
    /// it names are read now.
    ///
    /// # Errors
    ///
    /// [`Error::Option`], which names the part of the URL, or the option with its file, that is wrong.
    pub fn from_url(url: &str) -> Result<Self, Error> {
        let (config, wishes) = url::parse(url)?;
        Ok(Postgres::of(Arc::new(Settings::new(config, &wishes)?)))
    }

    /// The database of a configuration of tokio-postgres.
    ///
    /// # Errors
    ///
    /// [`Error::Option`] if there is no host in it, or if their numbers do not fit.
    pub fn from_config(config: Config) -> Result<Self, Error> {
        let wishes = wishes(&config);
        Ok(Postgres::of(Arc::new(Settings::new(config, &wishes)?)))
    }

    pub(super) fn of(settings: Arc<Settings>) -> Self {
        let follows = None;
        Postgres { settings, follows }
    }

    pub(super) fn following(signpost: Signpost) -> Self {
        let (settings, login) = (signpost.now(), None);
        Postgres {
            settings,
            follows: Some(Follows { signpost, login }),
        }
    }

    /// Another database of the same server.
    pub fn dbname(self, name: &str) -> Self {
        self.set(|settings| settings.set_dbname(name))
    }

    /// TLS as this configuration wants it, or no connection, whatever the URL says about `sslmode`, certificates and
    /// authorities. Sockets in the file system stay as they are.
    pub fn tls(self, config: rustls::ClientConfig) -> Self {
        self.set(|settings| settings.tls = Tls::new(config, None, false))
    }

    /// Through a SOCKS5 proxy, which wants this user and password, if any. The proxy looks up the names of hosts, so none is asked
    /// for here, and TLS is between this end and the server. `connect_timeout` covers the way through it.
    ///
    /// A [cancel](super::Canceller::cancel) asks the proxy for the host again: of several servers behind one name another may get
    /// it, and ignore it.
    ///
    /// # Errors
    ///
    /// [`Error::Option`]: no host or port, a user or password that is empty or longer than 255 bytes, or a database whose host is the
    /// directory of a socket.
    ///
    /// # Examples
    ///
    /// ```
    /// use fairpool::drivers::postgres::Postgres;
    ///
    /// let orders = Postgres::from_url("postgresql://app@db.internal/orders")?;
    /// let orders = orders.socks5("proxy.example", 1080, Some(("ann", "secret")))?;
    /// assert!(!format!("{orders:?}").contains("secret"));
    ///
    /// let local = Postgres::from_url("postgresql://app@%2Frun%2Fpostgresql/orders")?;
    /// assert!(local.socks5("proxy.example", 1080, None).is_err());
    /// # Ok::<(), fairpool::drivers::postgres::Error>(())
    /// ```
    pub fn socks5(self, host: &str, port: u16, login: Option<(&str, &str)>) -> Result<Self, Error> {
        let proxy = Arc::new(Proxy::new(host, port, login)?);
        if self.settings.is_near() {
            return Err(Error::option("socks5", "no proxy leads to the directory of a socket"));
        }
        Ok(self.set(|settings| settings.proxy = Some(proxy)))
    }

    /// What is undone between two leases.
    pub fn reset(self, reset: Reset) -> Self {
        self.set(|settings| settings.reset = reset)
    }

    /// How many prepared statements a connection keeps for [`prepare_cached`](Connection::prepare_cached).
    pub fn statement_cache(self, statements: usize) -> Self {
        self.set(|settings| settings.statement_cache = statements)
    }

    /// A parameter of every session, such as `search_path`, `statement_timeout` or `role`. It is part of the connect, so it costs
    /// no round trip, and a reset returns to it. An error names it, and never shows its value.
    pub fn parameter(self, name: &str, value: &str) -> Self {
        self.set(|settings| settings.add_parameter(name, value))
    }

    /// SQL that runs on each new connection, after those of earlier calls; several statements may be separated by semicolons. It
    /// counts as how a connection should be: a reset that has undone it runs it again, in the same round trip, so it must
    /// bear that. An error names it by the number of its call, and never quotes it. For what is no more than a parameter, [`parameter`](Postgres::parameter) is cheaper.
    pub fn setup(self, sql: impl Into<String>) -> Self {
        let sql = sql.into();
        self.set(|settings| settings.setup.push(OpaqueSql(sql)))
    }

    /// How many notifications a receiver may fall behind, see [`Connection::notifications`]; at least 1, and at most
    /// 1048576, since room for them is taken at once.
    pub fn notification_buffer(self, notifications: usize) -> Self {
        self.set(|settings| settings.notification_buffer = notifications.clamp(1, 1 << 20))
    }

    /// Is told every notice that the server sends, warnings among them, which are dropped otherwise. It runs on the
    /// connection's task, so it must be quick; if it panics the connection ends.
    pub fn on_notice(self, told: impl Fn(&DbError) + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.notice = Some(OpaqueNotice(Arc::new(told))))
    }

    /// The database and where it is, as errors say it: `orders on db.example:5432`. Of one that follows a [`Signpost`], as it was
    /// when it began.
    pub fn database(&self) -> &str {
        &self.settings.database
    }

    /// The same database as this user.
    pub(super) fn with_login(self, login: &Login) -> Self {
        let follows = self.follows.clone();
        let login = Some(login.clone());
        let postgres = self.set(|settings| login.iter().for_each(|login| login.sign(settings)));
        Postgres {
            follows: follows.map(|known| Follows { login, ..known }),
            ..postgres
        }
    }

    /// As connections are opened now.
    pub(super) fn current(&self) -> Arc<Settings> {
        let Some(Follows { signpost, login }) = &self.follows else {
            return self.settings.clone();
        };
        let mut settings = signpost.now();
        if let Some(login) = login {
            login.sign(Arc::make_mut(&mut settings));
        }
        settings
    }

    /// What is set stays so, wherever the signpost leads that it followed.
    fn set(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.current();
        change(Arc::make_mut(&mut settings));
        Postgres::of(settings)
    }
}

impl Manager for Postgres {
    type Connection = Connection;
    type Error = Error;

    async fn connect(&self) -> Result<Connection, Error> {
        connect(&self.current()).await
    }

    async fn validate(&self, conn: &mut Connection) -> Result<(), Error> {
        conn.validate().await
    }

    fn reset(&self, conn: &mut Connection) -> Option<impl Future<Output = Result<(), Error>> + Send> {
        conn.is_dirty().then(|| conn.reset())
    }

    fn is_broken(&self, conn: &mut Connection) -> bool {
        conn.is_broken()
    }

    fn close(&self, conn: Connection) -> Option<impl Future<Output = ()> + Send> {
        Some(conn.close())
    }

    fn backend(&self) -> Option<String> {
        Some(self.current().database.to_string())
    }

    fn is_transient(&self, error: &Error) -> bool {
        error.is_transient()
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("settings", &self.settings).finish()
    }
}

//! The manager: which server, and how its connections are prepared and cleaned.

use super::connection::Connection;
use super::error::Error;
use super::settings::{Reset, Settings};
use super::tls::Authorities;
use super::url;
use crate::Manager;
use mysql_async::{Opts, OptsBuilder, SslOpts};
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

/// Opens connections to one MySQL or MariaDB server. The [page above](super) says what each option does.
///
/// # Examples
///
/// ```
/// use fairpool::drivers::mysql::{Mysql, Reset};
///
/// let orders = Mysql::from_url("mysql://ann:secret@db.example/orders?tcp_keepalive=30000")?
///     .setup("SET time_zone = '+00:00'")
///     .reset(Reset::Full);
/// assert_eq!(orders.server(), "orders on db.example:3306");
/// assert!(!format!("{orders:?}").contains("secret"));
///
/// let error = Mysql::from_url("mysql://ann:secret@db.example/orders?sslmode=require").unwrap_err();
/// assert_eq!(error.to_string(), "url: sslmode: no such option");
/// # Ok::<(), fairpool::drivers::mysql::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "it opens nothing by itself; give it to a pool"]
pub struct Mysql {
    settings: Arc<Settings>,
}

impl Mysql {
    /// A server by its URL, `mysql://user:password@host:port/database?option=value`; `mariadb://` is the same.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names the part or the option and shows no value.
    pub fn from_url(url: &str) -> Result<Self, Error> {
        Ok(Mysql::from_opts(url::parse(url)?))
    }

    /// A server by `mysql_async`'s own options. Those for its pool are ignored; `after_connect`, `init` and `setup` are run
    /// on each new connection and after each reset, in this order and each in the order given.
    pub fn from_opts(opts: impl Into<Opts>) -> Self {
        Mysql {
            settings: Arc::new(Settings::new(opts.into())),
        }
    }

    /// A statement that is run on each new connection, and again after each reset, after the earlier ones of these: to set
    /// session variables or make temporary tables. If it fails, so does the connect.
    pub fn setup(self, statement: impl Into<String>) -> Self {
        self.set(|settings| settings.add_setup(statement.into()))
    }

    /// How a connection that was used is cleaned.
    pub fn reset(self, reset: Reset) -> Self {
        self.set(|settings| settings.reset = reset)
    }

    /// Whether a session that may still run a statement is killed when its connection is closed, over a connection of its own.
    /// Without it the server goes on to the end of the statement, holding its locks, though nobody will read the answer.
    pub fn kill_abandoned(self, on: bool) -> Self {
        self.set(|settings| settings.kill_abandoned = on)
    }

    /// Requires TLS as these options want it, whatever the options before said. Certificates and keys that they hold as bytes have to be
    /// PEM; what is wrong with them is said by the first connect.
    ///
    /// # Examples
    ///
    /// ```
    /// use fairpool::drivers::mysql::Mysql;
    /// use fairpool::drivers::mysql::mysql_async::{ClientIdentity, SslOpts};
    ///
    /// # let (ca, cert, key) = (Vec::new(), Vec::new(), Vec::new());
    /// let tls = SslOpts::default()
    ///     .with_root_certs(vec![ca.into()])
    ///     .with_client_identity(Some(ClientIdentity::new(cert.into(), key.into())));
    /// let orders = Mysql::from_url("mysql://ann:secret@db.example/orders")?.tls(tls);
    /// # Ok::<(), fairpool::drivers::mysql::Error>(())
    /// ```
    pub fn tls(self, tls: SslOpts) -> Self {
        let opts = OptsBuilder::from_opts(self.settings.given().clone()).ssl_opts(tls);
        self.set(|settings| settings.replace(opts.into()))
    }

    /// Requires TLS, and trusts the authorities in this PEM file, which is read now, and no others but those given in the options.
    ///
    /// # Errors
    ///
    /// [`Error::Config`]: the file is missing or cannot be read, or holds no certificate.
    pub fn ssl_ca(self, file: impl AsRef<Path>) -> Result<Self, Error> {
        let given = self.settings.given();
        let ssl = given
            .ssl_opts()
            .cloned()
            .unwrap_or_default()
            .with_disable_built_in_roots(true);
        let ssl = Authorities::read(file)?.add_to(ssl);
        let opts = OptsBuilder::from_opts(given.clone()).ssl_opts(ssl);
        Ok(self.set(|settings| settings.replace(opts.into())))
    }

    /// The database and the address, as in `orders on db.example:3306`.
    pub fn server(&self) -> &str {
        &self.settings.server
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Manager for Mysql {
    type Connection = Connection;
    type Error = Error;

    async fn connect(&self) -> Result<Connection, Error> {
        Connection::open(self.settings.clone()).await
    }

    async fn validate(&self, conn: &mut Connection) -> Result<(), Error> {
        conn.validate().await
    }

    fn reset(&self, conn: &mut Connection) -> Option<impl Future<Output = Result<(), Error>> + Send> {
        (!conn.is_clean()).then(|| conn.reset())
    }

    fn is_broken(&self, conn: &mut Connection) -> bool {
        conn.is_broken()
    }

    fn close(&self, conn: Connection) -> Option<impl Future<Output = ()> + Send> {
        Some(conn.close())
    }

    fn backend(&self) -> Option<String> {
        Some(self.server().to_owned())
    }

    fn is_transient(&self, error: &Error) -> bool {
        error.is_transient()
    }
}

impl fmt::Debug for Mysql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mysql").field(&self.settings).finish()
    }
}

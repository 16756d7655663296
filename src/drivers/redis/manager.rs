//! The manager: which server, and how its connections are opened and cleaned.

use super::connection::Connection;
use super::error::{Error, Stage};
use super::reset::Reset;
use super::settings::{Place, Settings};
use super::socks::Proxy;
use super::url;
use crate::Manager;
use redis::aio::PubSub;
use redis::{Client, ConnectionInfo, RedisConnectionInfo};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

/// Opens connections to one Redis server. The [page above](super) says what each option does.
///
/// # Examples
///
/// ```
/// use fairpool::drivers::redis::{Redis, Reset};
///
/// let cache = Redis::from_url("rediss://app:secret@cache.example/2?protocol=resp3")?
///     .client_name("orders")
///     .ca_file("/etc/ssl/cache-ca.pem")
///     .reset(Reset::Altered);
/// assert_eq!(cache.server(), "database 2 on cache.example:6379");
/// assert!(!format!("{cache:?}").contains("secret"));
/// # Ok::<(), fairpool::drivers::redis::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "it opens nothing by itself; give it to a pool"]
pub struct Redis {
    settings: Arc<Settings>,
}

impl Redis {
    /// A server by its URL: `redis://user:password@host:6379/0`, `rediss://` for TLS, `unix:///run/redis.sock?db=0`. The
    /// [page above](super#connect) has the options that may follow.
    ///
    /// # Errors
    ///
    /// [`Error::Option`] names the part that cannot be used, and never shows what may be part of a password.
    ///
    /// # Examples
    ///
    /// ```
    /// use fairpool::drivers::redis::Redis;
    ///
    /// let error = Redis::from_url("redis://cache.example:port/0").unwrap_err();
    /// assert!(error.to_string().starts_with("url: port: must be a number from 1 to 65535"));
    /// let error = Redis::from_url("redis://cache.example/0?timeout=5").unwrap_err();
    /// assert_eq!(error.to_string(), "url: timeout: no such option (there are protocol, client_name)");
    /// ```
    pub fn from_url(url: &str) -> Result<Self, Error> {
        Ok(Redis {
            settings: Arc::new(url::parse(url)?),
        })
    }

    /// A server by the crate's own configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Option`] if it asks for TLS without a check of the certificate, or contains certificates, which the crate lets
    /// nobody read: give those to [`ca_file`](Redis::ca_file) and [`client_certificate`](Redis::client_certificate).
    pub fn from_config(config: &ConnectionInfo) -> Result<Self, Error> {
        Ok(Redis {
            settings: Arc::new(Settings::new(config)?),
        })
    }

    /// The server of a client of the crate.
    ///
    /// # Errors
    ///
    /// As for [`from_config`](Redis::from_config).
    ///
    /// # Examples
    ///
    /// ```
    /// use fairpool::drivers::redis::{Redis, redis::Client};
    ///
    /// let client = Client::open("redis://127.0.0.1/1")?;
    /// assert_eq!(Redis::from_client(&client)?.server(), "database 1 on 127.0.0.1:6379");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_client(client: &Client) -> Result<Self, Error> {
        Redis::from_config(client.get_connection_info())
    }

    /// The name of each connection in the server's `CLIENT LIST`.
    pub fn client_name(self, name: impl Into<String>) -> Self {
        self.set(|settings| settings.client_name = Some(name.into()))
    }

    /// How a connection is cleaned between two leases.
    pub fn reset(self, reset: Reset) -> Self {
        self.set(|settings| settings.reset = reset)
    }

    /// Further commands, of modules or of later servers, of which you know that they leave nothing behind in a connection and
    /// have one answer each: no reset after a lease that used no others.
    pub fn harmless<N: AsRef<str>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.set(|settings| {
            let names = names.into_iter().map(|name| name.as_ref().to_ascii_uppercase());
            settings.harmless.extend(names);
        })
    }

    /// The file with the authorities, in PEM, by one of which the server's certificate must be signed; instead of those that
    /// the system trusts. It is read with the first connection.
    pub fn ca_file(self, path: impl AsRef<Path>) -> Self {
        self.set_tls(|settings| settings.tls.ca_file = Some(path.as_ref().to_owned()))
    }

    /// The files with the client's certificate (and what it is signed by), and with its key, in PEM. They are read with the
    /// first connection.
    pub fn client_certificate(self, cert_file: impl AsRef<Path>, key_file: impl AsRef<Path>) -> Self {
        let files = (cert_file.as_ref().to_owned(), key_file.as_ref().to_owned());
        self.set_tls(|settings| settings.tls.client = Some(files))
    }

    /// A configuration of rustls, instead of the files.
    pub fn tls(self, config: impl Into<Arc<rustls::ClientConfig>>) -> Self {
        let config = config.into();
        self.set_tls(|settings| settings.tls.whole = Some(config))
    }

    /// Through a SOCKS5 proxy, which wants this user and password, if any. The proxy looks up the server's name, so it is not asked
    /// for here, and TLS is between this end and the server.
    ///
    /// # Errors
    ///
    /// [`Error::Option`]: no host or port, a user or password that is empty or longer than 255 bytes, or a server on a Unix socket.
    ///
    /// # Examples
    ///
    /// ```
    /// use fairpool::drivers::redis::Redis;
    ///
    /// let cache = Redis::from_url("redis://cache.internal/0")?.socks5("proxy.example", 1080, Some(("ann", "secret")))?;
    /// assert!(!format!("{cache:?}").contains("secret"));
    /// # Ok::<(), fairpool::drivers::redis::Error>(())
    /// ```
    pub fn socks5(self, host: &str, port: u16, login: Option<(&str, &str)>) -> Result<Self, Error> {
        let proxy = Proxy::new(host, port, login)?;
        if matches!(self.settings.place, Place::Unix(_)) {
            return Err(Error::option("socks5", "no proxy leads to a Unix socket"));
        }
        Ok(self.set(|settings| settings.proxy = Some(proxy)))
    }

    /// The database and the address, as in errors: `database 0 on cache.example:6379`.
    pub fn server(&self) -> &str {
        &self.settings.server
    }

    /// Opens a connection for subscriptions, beside the pool: it is the caller's, the pool does not count it, and it cannot be
    /// used for anything else. It has the same server, user, database and TLS.
    ///
    /// # Errors
    ///
    /// As for a connect of the pool.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use fairpool::{Pool, drivers::redis::Redis};
    /// use futures::StreamExt;
    ///
    /// # async fn example(pool: Pool<Redis>) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut orders = pool.manager().pubsub().await?;
    /// orders.subscribe("orders").await?;
    /// while let Some(message) = orders.on_message().next().await {
    ///     println!("{}", message.get_payload::<String>()?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pubsub(&self) -> Result<PubSub, Error> {
        let stream = Connection::open(self.settings.clone()).await?.into_stream();
        // It has signed on, so there is nothing left to tell the crate.
        let session = RedisConnectionInfo::default().set_skip_set_lib_name();
        let opened = PubSub::new(&session, stream).await;
        opened.map_err(|error| Error::protocol(&self.settings.server, Stage::Connect, &error))
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// What was made of the former files is not used again.
    fn set_tls(self, change: impl FnOnce(&mut Settings)) -> Self {
        self.set(|settings| {
            change(settings);
            settings.tls_config = Arc::default();
        })
    }
}

impl Manager for Redis {
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

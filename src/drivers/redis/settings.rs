//! What connections are opened with. The public face is [`Redis`](super::Redis).

use redis::io::tcp::TcpSettings;
use redis::{ConnectionAddr, ConnectionInfo, RedisConnectionInfo};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::OnceCell;

use super::error::Error;
use super::reset::Reset;
use super::socks::Proxy;

/// Everything that a connection is opened with; shared by the manager and its connections.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) place: Place,
    pub(super) tcp: TcpSettings,
    pub(super) proxy: Option<Proxy>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: i64,
    pub(super) resp3: bool,
    pub(super) client_name: Option<String>,
    /// The name and version of the library that the server is told, if any.
    pub(super) library: Option<(String, String)>,
    pub(super) reset: Reset,
    /// Names of commands, in capitals, that the user vouches for.
    pub(super) harmless: Vec<String>,
    pub(super) tls: TlsSettings,
    /// Made of the above with the first connection that needs it.
    pub(super) tls_config: Arc<OnceCell<Arc<rustls::ClientConfig>>>,
    /// The database and the address, for errors.
    pub(super) server: Arc<str>,
}

/// Where the server is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Tcp { host: String, port: u16 },
    Tls { host: String, port: u16 },
    Unix(PathBuf),
}

/// How TLS is set up.
#[derive(Clone, Default)]
pub(super) struct TlsSettings {
    pub(super) ca_file: Option<PathBuf>,
    /// The files of the client's certificate and of its key.
    pub(super) client: Option<(PathBuf, PathBuf)>,
    /// Takes the place of all of it.
    pub(super) whole: Option<Arc<rustls::ClientConfig>>,
}

/// A text that is never printed.
#[derive(Clone)]
pub(super) struct Secret(pub(super) String);

impl Settings {
    /// As the crate's own configuration has it.
    pub(super) fn new(info: &ConnectionInfo) -> Result<Self, Error> {
        let place = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Place::Tcp {
                host: host.clone(),
                port: *port,
            },
            ConnectionAddr::TcpTls { insecure: true, .. } => {
                return Err(Error::url(
                    "#insecure",
                    "not supported; Redis::tls takes a configuration of rustls that checks what you like",
                ));
            }
            ConnectionAddr::TcpTls {
                tls_params: Some(_), ..
            } => {
                return Err(Error::url(
                    "tls",
                    "the crate does not let its certificates be read: give them to Redis::ca_file and \
                     Redis::client_certificate",
                ));
            }
            ConnectionAddr::TcpTls { host, port, .. } => Place::Tls {
                host: host.clone(),
                port: *port,
            },
            ConnectionAddr::Unix(path) => Place::Unix(path.clone()),
            _ => return Err(Error::url("address", "of a kind that this driver does not know")),
        };
        let session = info.redis_settings();
        let server = format!("database {} on {}", session.db(), info.addr()).into();
        Ok(Settings {
            place,
            tcp: info.tcp_settings().clone(),
            proxy: None,
            username: session.username().map(str::to_owned),
            password: session.password().map(|password| Secret(password.to_owned())),
            database: session.db(),
            resp3: session.protocol().supports_resp3(),
            client_name: None,
            library: library(session),
            reset: Reset::default(),
            harmless: Vec::new(),
            tls: TlsSettings::default(),
            tls_config: Arc::default(),
            server,
        })
    }
}

fn library(session: &RedisConnectionInfo) -> Option<(String, String)> {
    let name = session.lib_name().unwrap_or("fairpool").to_owned();
    let version = session.lib_ver().unwrap_or(env!("CARGO_PKG_VERSION")).to_owned();
    (!session.skip_set_lib_name()).then_some((name, version))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("ca_file", &self.ca_file)
            .field("cert_file", &self.client.as_ref().map(|(certificate, _)| certificate))
            .field("whole", &self.whole.is_some())
            .finish()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("server", &self.server)
            .field("username", &self.username)
            .field("password", &self.password)
            .field("resp3", &self.resp3)
            .field("client_name", &self.client_name)
            .field("reset", &self.reset)
            .field("harmless", &self.harmless)
            .field("tls", &self.tls)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

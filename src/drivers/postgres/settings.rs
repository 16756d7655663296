//! What a connection has to know to be opened and cleaned. The public face is [`Postgres`](super::Postgres).

use super::error::Error;
use super::reset::Reset;
use super::socks::Proxy;
use super::tls::{SslMode, Tls, Wishes};
use std::fmt;
use std::sync::Arc;
use tokio_postgres::Config;
use tokio_postgres::config::{self, Host, SslNegotiation};
use tokio_postgres::error::DbError;

/// Everything that a connection is opened with; shared by the manager and all its connections.
#[derive(Clone)]
pub(super) struct Settings {
    /// As it was given; the parts about TLS are in `tls`.
    pub(super) config: Config,
    pub(super) tls: Tls,
    pub(super) proxy: Option<Arc<Proxy>>,
    /// The database and its hosts, for errors.
    pub(super) database: Arc<str>,
    pub(super) reset: Reset,
    pub(super) statement_cache: usize,
    pub(super) notification_buffer: usize,
    pub(super) setup: Vec<OpaqueSql>,
    pub(super) notice: Option<OpaqueNotice>,
}

/// SQL that may hold a secret.
#[derive(Clone)]
pub(super) struct OpaqueSql(pub(super) String);

/// What a notice is told to.
#[derive(Clone)]
pub(super) struct OpaqueNotice(pub(super) Arc<dyn Fn(&DbError) + Send + Sync>);

impl Settings {
    pub(super) fn new(config: Config, wishes: &Wishes) -> Result<Self, Error> {
        check(&config)?;
        Ok(Settings {
            tls: wishes.fulfil()?,
            proxy: None,
            database: database(&config).into(),
            config,
            reset: Reset::default(),
            statement_cache: 256,
            notification_buffer: 1024,
            setup: Vec::new(),
            notice: None,
        })
    }

    /// Whether some host is the directory of a socket, to which no proxy leads.
    pub(super) fn is_near(&self) -> bool {
        let hosts = self.config.get_hosts();
        hosts.iter().any(|host| !matches!(host, Host::Tcp(_)))
    }

    /// The configuration with which tokio-postgres begins a session on a stream that is encrypted already.
    pub(super) fn session(&self) -> Config {
        let mut config = self.config.clone();
        config.ssl_mode(config::SslMode::Require);
        config.ssl_negotiation(SslNegotiation::Direct);
        config
    }

    /// The parameter of those that a session starts with which this text is about, if it quotes its value.
    pub(super) fn quoted_in(&self, text: &str) -> Option<String> {
        let quoted = parameters(self.config.get_options().unwrap_or_default());
        let mut quoted: Vec<_> = quoted
            .into_iter()
            .filter(|(_, value)| !value.is_empty() && text.contains(value))
            .collect();
        let named = quoted.iter().position(|(name, _)| text.contains(name));
        // Without its name, a value of a few letters stands in most texts, and is no secret.
        let at = named.or_else(|| quoted.iter().position(|(_, value)| value.len() > 3))?;
        Some(quoted.swap_remove(at).0)
    }

    pub(super) fn set_dbname(&mut self, name: &str) {
        self.config.dbname(name);
        self.database = database(&self.config).into();
    }

    /// Adds a parameter to those that a session starts with.
    pub(super) fn add_parameter(&mut self, name: &str, value: &str) {
        let mut options = self
            .config
            .get_options()
            .map_or(String::new(), |options| format!("{options} "));
        options.push_str("-c ");
        for part in [name, "=", value] {
            for letter in part.chars() {
                if letter.is_whitespace() || letter == '\\' {
                    options.push('\\');
                }
                options.push(letter);
            }
        }
        self.config.options(options);
    }
}

/// The names and values that the options of a session set.
fn parameters(options: &str) -> Vec<(String, String)> {
    let words = words(options);
    let mut words = words.iter().map(String::as_str);
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let pair = match word.strip_prefix("-c") {
            Some("") => words.next(),
            Some(pair) => Some(pair),
            None => word.strip_prefix("--"),
        };
        let pair = pair.and_then(|pair| pair.split_once('='));
        found.extend(pair.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    found
}

/// Options as the server splits them: at blanks, unless a backslash stands before one.
fn words(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut letters = options.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => word.extend(letters.next()),
            blank if blank.is_whitespace() => words.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// What a configuration of tokio-postgres' own says about TLS.
pub(super) fn wishes(config: &Config) -> Wishes {
    Wishes {
        mode: Some(match config.get_ssl_mode() {
            config::SslMode::Disable => SslMode::Disable,
            config::SslMode::Require => SslMode::Require,
            _ => SslMode::Prefer,
        }),
        direct: config.get_ssl_negotiation() == SslNegotiation::Direct,
        ..Wishes::default()
    }
}

/// What tokio-postgres would find out at the first connect.
fn check(config: &Config) -> Result<(), Error> {
    let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let count = hosts.len().max(addresses.len());
    if count == 0 {
        return Err(Error::option("host", "is missing"));
    }
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        let said = format!("{} of them for {} hosts", addresses.len(), hosts.len());
        return Err(Error::option("hostaddr", said));
    }
    if ports_differ(ports) && ports.len() != count {
        return Err(Error::option(
            "port",
            format_args!("{} of them for {count} hosts", ports.len()),
        ));
    }
    let is_empty = |host: &Host| matches!(host, Host::Tcp(name) if name.is_empty());
    if addresses.is_empty() && hosts.iter().any(is_empty) {
        return Err(Error::option("host", "is empty"));
    }
    Ok(())
}

fn ports_differ(ports: &[u16]) -> bool {
    ports.len() > 1
}

/// `orders on db.example:5432`.
fn database(config: &Config) -> String {
    let name = config
        .get_dbname()
        .or(config.get_user())
        .unwrap_or("(its user's database)");
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    let hosts: Vec<String> = (0..count).map(|at| host(config, at)).collect();
    format!("{name} on {}", hosts.join(", "))
}

/// The host at this place, as a person would write it.
pub(super) fn host(config: &Config, at: usize) -> String {
    let port = port(config, at);
    match (config.get_hosts().get(at), config.get_hostaddrs().get(at)) {
        (Some(Host::Tcp(name)), _) if name.contains(':') => format!("[{name}]:{port}"),
        (Some(Host::Tcp(name)), _) => format!("{name}:{port}"),
        #[cfg(unix)]
        (Some(Host::Unix(dir)), _) => format!("{}:{port}", dir.display()),
        (None, Some(address)) => std::net::SocketAddr::new(*address, port).to_string(),
        (None, None) => String::new(),
    }
}

/// The port of the host at this place.
pub(super) fn port(config: &Config, at: usize) -> u16 {
    let ports = config.get_ports();
    ports.get(at).or(ports.first()).copied().unwrap_or(5432)
}

impl OpaqueNotice {
    pub(super) fn call(&self, notice: &DbError) {
        (self.0)(notice);
    }
}

/// Without what could be a secret: parameters of the session may be as secret as its setup.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut config = self.config.clone();
        if config.get_options().is_some() {
            config.options("_");
        }
        f.debug_struct("Settings")
            .field("config", &config)
            .field("tls", &self.tls)
            .field("proxy", &self.proxy)
            .field("reset", &self.reset)
            .field("statement_cache", &self.statement_cache)
            .field("notification_buffer", &self.notification_buffer)
            .field("setup", &self.setup)
            .field("notice", &self.notice)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OpaqueSql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sql")
    }
}

impl fmt::Debug for OpaqueNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("notice")
    }
}

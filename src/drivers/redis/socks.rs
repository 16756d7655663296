//! The way through a SOCKS5 proxy, which is asked for the server by its name. Knows neither Redis nor TLS, and shows
//! neither the user nor the password.

use super::error::Error;
use super::settings::Settings;
use super::socket::tcp;
use std::fmt;
use std::io;
use tokio::net::TcpStream;
use tokio_socks::Error as Said;
use tokio_socks::tcp::Socks5Stream;

/// What is wrong, and whether somebody has to change something.
type Failure = (String, bool);

/// A proxy, and who we are to it.
#[derive(Clone)]
pub(super) struct Proxy {
    host: String,
    port: u16,
    login: Option<(String, String)>,
}

impl Proxy {
    pub(super) fn new(host: &str, port: u16, login: Option<(&str, &str)>) -> Result<Self, Error> {
        let wrong = |reason| Err(Error::option("socks5", reason));
        if host.is_empty() || port == 0 {
            return wrong("host and port of the proxy are missing");
        }
        if login.is_some_and(|(user, password)| [user, password].iter().any(|text| !(1..=255).contains(&text.len()))) {
            return wrong("the user and the password have 1 to 255 bytes each");
        }
        Ok(Proxy {
            host: host.to_owned(),
            port,
            login: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
        })
    }

    /// A socket that ends at the server, for which the proxy looks.
    pub(super) async fn reach(&self, host: &str, port: u16, settings: &Settings) -> Result<TcpStream, Error> {
        self.ask(host, port, settings)
            .await
            .map_err(|(reason, permanent)| Error::Proxy {
                server: settings.server.clone(),
                reason,
                permanent,
            })
    }

    async fn ask(&self, host: &str, port: u16, settings: &Settings) -> Result<TcpStream, Failure> {
        let socket = tcp(&self.host, self.port, &settings.tcp).await;
        let socket = socket.map_err(|error| self.failure(format_args!("cannot be reached: {error}"), false))?;
        let asked = match &self.login {
            None => Socks5Stream::connect_with_socket(socket, (host, port)).await,
            Some((user, password)) => {
                Socks5Stream::connect_with_password_and_socket(socket, (host, port), user, password).await
            }
        };
        asked.map(Socks5Stream::into_inner).map_err(|said| self.refusal(&said))
    }

    fn refusal(&self, said: &Said) -> Failure {
        match said {
            Said::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.failure("hung up", false),
            Said::Io(error) => self.failure(error, false),
            Said::AuthorizationRequired | Said::NoAcceptableAuthMethods if self.login.is_none() => {
                self.failure("wants a user and a password", true)
            }
            Said::NoAcceptableAuthMethods => self.failure("takes neither a user with a password nor nobody", true),
            Said::PasswordAuthFailure(_) => self.failure("does not accept the user and the password", true),
            Said::ConnectionNotAllowedByRuleset => self.failure("does not allow a connection to the server", true),
            Said::CommandNotSupported | Said::AddressTypeNotSupported | Said::InvalidTargetAddress(_) => {
                self.failure(format_args!("cannot look for such a server: {said}"), true)
            }
            Said::GeneralSocksServerFailure
            | Said::NetworkUnreachable
            | Said::HostUnreachable
            | Said::ConnectionRefused
            | Said::TtlExpired => self.failure(format_args!("did not reach the server: {said}"), false),
            _ => self.failure("does not speak SOCKS5", true),
        }
    }

    fn failure(&self, reason: impl fmt::Display, permanent: bool) -> Failure {
        (format!("socks5: the proxy {self} {reason}"), permanent)
    }
}

/// Its address.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("address", &format_args!("{self}"))
            .field("login", &self.login.is_some())
            .finish()
    }
}

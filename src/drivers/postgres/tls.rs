//! TLS as libpq's `sslmode` means it: what is asked for, what is checked, and how the server is asked.
//!
//! The cryptography is ring's, whatever the process has installed as its default.

use super::error::Error;
use super::socket::Socket;
use super::stream::Stream;
use super::verify::{AnyName, Anyone};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// An encrypted socket.
pub(super) type TlsSocket = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Asks a server to encrypt: a length and a number, as a startup message would begin.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What webpki says of a certificate that is marked as an authority's, and so may be no server's.
const OWN_AUTHORITY: &str = "CaUsedAsEndEntity";

/// The values of `sslmode`, as in libpq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// TLS if the server offers it. Without `sslrootcert` nobody's certificate is checked: against somebody who listens,
    /// not against somebody in the middle.
    #[default]
    Prefer,
    /// TLS or no connection. As in libpq, the certificate is checked only if `sslrootcert` says by whom it must be signed.
    Require,
    /// The server's certificate has to be signed by a known authority; its name does not matter.
    VerifyCa,
    /// And it has to be for the host that was asked for.
    VerifyFull,
}

/// The parts of a configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Wishes {
    pub(super) mode: Option<SslMode>,
    pub(super) direct: bool,
    /// A file, or `system`.
    pub(super) root: Option<String>,
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
}

/// What is done with a new socket.
#[derive(Clone)]
pub(super) enum Tls {
    Disable,
    Use {
        connector: MakeRustlsConnect,
        /// None: as a configuration of rustls' own wants it.
        mode: Option<SslMode>,
        /// Whether the handshake comes without asking.
        direct: bool,
    },
}

/// Why there is no stream.
#[derive(Debug)]
pub(super) enum Failure {
    Network(io::Error),
    /// The proxy does not get us there; whether that may pass.
    Proxy {
        reason: String,
        transient: bool,
    },
    /// Encryption cannot be had as asked; whether that may pass.
    Tls {
        reason: String,
        transient: bool,
    },
}

impl SslMode {
    pub(super) fn name(self) -> &'static str {
        match self {
            SslMode::Disable => "disable",
            SslMode::Prefer => "prefer",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        use SslMode::{Disable, Prefer, Require, VerifyCa, VerifyFull};
        [Disable, Prefer, Require, VerifyCa, VerifyFull]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
}

impl Wishes {
    /// Reads the files and checks that all of it fits together.
    pub(super) fn fulfil(&self) -> Result<Tls, Error> {
        let is_system = self.root.as_deref() == Some("system");
        let mode = match (self.mode, is_system) {
            (None | Some(SslMode::VerifyFull), true) => SslMode::VerifyFull,
            (Some(_), true) => return Err(Error::option("sslrootcert", "system needs sslmode=verify-full")),
            (mode, false) => mode.unwrap_or_default(),
        };
        if self.direct && matches!(mode, SslMode::Disable | SslMode::Prefer) {
            return Err(Error::option(
                "sslnegotiation",
                "direct needs sslmode=require or stricter",
            ));
        }
        let client = self.client()?;
        if mode == SslMode::Disable {
            return Ok(Tls::Disable);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::option("sslmode", error))?;
        let builder = match (&self.root, mode) {
            (None, SslMode::Prefer | SslMode::Require) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anyone::new(&provider))),
            (root, SslMode::VerifyFull) => builder.with_root_certificates(roots(root.as_deref())?),
            (root, _) => {
                let verifier = AnyName::new(roots(root.as_deref())?, provider)
                    .map_err(|error| Error::option("sslrootcert", error))?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        let mut config = match client {
            Some((chain, key)) => builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| Error::option("sslkey", format_args!("does not fit sslcert: {error}")))?,
            None => builder.with_no_client_auth(),
        };
        if self.direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(Tls::new(config, Some(mode), self.direct))
    }

    fn client(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, Error> {
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => {
                let chain = certificates("sslcert", cert)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("sslkey", key, &error))?;
                Ok(Some((chain, key)))
            }
            (None, None) => Ok(None),
            (Some(_), None) => Err(Error::option("sslkey", "is missing, sslcert needs it")),
            (None, Some(_)) => Err(Error::option("sslcert", "is missing, sslkey needs it")),
        }
    }
}

/// The authorities that may have signed a server's certificate; by default, and as `system`, those of the operating system.
fn roots(file: Option<&str>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    match file {
        None | Some("system") => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let why = found.errors.first().map_or(String::new(), |error| format!(": {error}"));
                let said = format!("the operating system knows no authorities{why}");
                return Err(Error::option("sslrootcert", said));
            }
        }
        Some(file) => {
            for certificate in certificates("sslrootcert", file)? {
                roots
                    .add(certificate)
                    .map_err(|error| Error::option("sslrootcert", format_args!("{file}: {error}")))?;
            }
        }
    }
    Ok(roots)
}

fn certificates(field: &'static str, file: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => {
            Err(Error::option(field, format_args!("no certificate in {file}")))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unreadable(field, file, &error)),
    }
}

fn unreadable(field: &'static str, file: &str, error: &rustls::pki_types::pem::Error) -> Error {
    if Path::new(file).exists() {
        // The error of a key may quote what it could not read.
        let why = match error {
            rustls::pki_types::pem::Error::Io(error) => error.to_string(),
            rustls::pki_types::pem::Error::NoItemsFound => "nothing of that kind in it".to_owned(),
            _ => "it is not a PEM file".to_owned(),
        };
        Error::option(field, format_args!("cannot read {file}: {why}"))
    } else {
        Error::option(field, format_args!("no file {file}"))
    }
}

impl Tls {
    pub(super) fn new(config: ClientConfig, mode: Option<SslMode>, direct: bool) -> Self {
        Tls::Use {
            connector: MakeRustlsConnect::new(config),
            mode,
            direct,
        }
    }

    /// What a new connection says first: TLS, or not.
    pub(super) async fn secure(&self, mut socket: Socket, name: &str) -> Result<Stream, Failure> {
        let Tls::Use {
            connector,
            mode,
            direct,
        } = self
        else {
            return Ok(Stream::Plain(socket));
        };
        if !direct {
            socket.write_all(&SSL_REQUEST).await.map_err(Failure::Network)?;
            let mut answer = [0];
            socket.read_exact(&mut answer).await.map_err(Failure::Network)?;
            match (&answer, mode) {
                (b"S", _) => {}
                (b"N", Some(SslMode::Prefer)) => return Ok(Stream::Plain(socket)),
                (b"N", _) => {
                    return Err(Failure::permanent(format!("{self}: the server does not offer TLS")));
                }
                // A server that cannot even fork says so in words.
                (b"E", _) => {
                    return Err(Failure::Tls {
                        reason: "the server refused to talk about TLS".to_owned(),
                        transient: true,
                    });
                }
                _ => return Err(Failure::permanent("whoever answers is no PostgreSQL server".to_owned())),
            }
        }
        let Ok(handshake) = MakeTlsConnect::<Socket>::make_tls_connect(&mut connector.clone(), name);
        match handshake.connect(socket).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err(error) => Err(Failure::handshake(error, self, name)),
        }
    }
}

impl Failure {
    fn permanent(reason: String) -> Self {
        Failure::Tls {
            reason,
            transient: false,
        }
    }

    fn handshake(error: io::Error, asked: &Tls, name: &str) -> Self {
        let inner: Option<&(dyn StdError + Send + Sync)> = error.get_ref();
        let rustls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let said = match rustls {
            Some(rustls::Error::InvalidCertificate(invalid)) => match invalid {
                // The latter if an authority of the same name, but with another key, has signed it.
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    let field = match asked {
                        Tls::Use { mode: None, .. } => "tls",
                        _ => "sslrootcert",
                    };
                    format!("{field}: the server's certificate is signed by none of these authorities")
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    format!("{asked}: the server's certificate has expired")
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    format!("{asked}: the server's certificate is not valid yet")
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    format!("{asked}: the server's certificate is not for the host {name}")
                }
                CertificateError::Other(other) if other.to_string() == OWN_AUTHORITY => {
                    format!(
                        "{asked}: the server's certificate is an authority's own; it has to be one that an authority has signed"
                    )
                }
                other => format!("{asked}: the server's certificate is not acceptable: {other}"),
            },
            Some(other) => refusal(other).unwrap_or_else(|| format!("{asked}: {other}")),
            None if error.kind() == io::ErrorKind::InvalidInput => {
                format!("host: {name} cannot be a name in a certificate")
            }
            None => return Failure::Network(error),
        };
        Failure::permanent(said)
    }
}

/// What it means if the server ends a handshake, or the session right after it, with a word about a certificate: about the client's.
pub(super) fn refusal(error: &rustls::Error) -> Option<String> {
    use rustls::AlertDescription as Alert;
    let rustls::Error::AlertReceived(alert) = error else {
        return None;
    };
    match alert {
        Alert::CertificateRequired => Some("sslcert: the server demands one".to_owned()),
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied
        | Alert::DecryptError => Some(format!("sslcert: the server does not accept it: {alert:?}")),
        _ => None,
    }
}

/// What was asked for, as errors name it.
impl fmt::Display for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tls::Disable => write!(f, "sslmode={}", SslMode::Disable.name()),
            Tls::Use { mode: Some(mode), .. } => write!(f, "sslmode={}", mode.name()),
            Tls::Use { mode: None, .. } => f.write_str("tls"),
        }
    }
}

/// Without the configuration, which may hold a key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

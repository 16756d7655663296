//! TLS: which authorities are trusted, and what to say of a certificate that is not. Encryption itself is `mysql_async`'s.

use super::error::Error;
use mysql_async::{IoError, Opts, SslOpts, TlsError};
use rustls::CertificateError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::io::ErrorKind;
use std::path::Path;

/// What webpki says of a certificate that is marked as an authority's, and so may be no server's.
const OWN_AUTHORITY: &str = "CaUsedAsEndEntity";

/// The certificates of authorities, from a file.
pub(super) struct Authorities(Vec<u8>);

impl Authorities {
    /// Reads the file now, so that one that is missing or holds something else is told before the first connect.
    pub(super) fn read(file: impl AsRef<Path>) -> Result<Self, Error> {
        let file = file.as_ref();
        let bad = |reason: String| Error::Config {
            field: "ssl_ca".to_owned(),
            reason,
        };
        let pem = std::fs::read(file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => bad(format!("no file {}", file.display())),
            _ => bad(format!("cannot read {}: {error}", file.display())),
        })?;
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let sound = certificate.map_err(|error| error.to_string()).and_then(|certificate| {
                let mut store = rustls::RootCertStore::empty();
                store.add(certificate).map_err(|error| error.to_string())
            });
            sound.map_err(|error| bad(format!("{}: {error}", file.display())))?;
            found += 1;
        }
        if found == 0 {
            return Err(bad(format!("no certificate in {}", file.display())));
        }
        Ok(Authorities(pem))
    }

    pub(super) fn add_to(self, ssl: SslOpts) -> SslOpts {
        let mut roots = ssl.root_certs().to_vec();
        roots.push(self.0.into());
        ssl.with_root_certs(roots)
    }
}

/// Which of the files of authorities that the options name cannot be read. `mysql_async` reads them when it first connects, and
/// its error names none.
pub(super) async fn unreadable(opts: &Opts) -> Option<Error> {
    for root in opts.ssl_opts()?.root_certs() {
        if let Err(error) = root.read().await {
            return Some(Error::Config {
                field: "root_certs".to_owned(),
                reason: format!("cannot read {root:?}: {error}"),
            });
        }
    }
    None
}

/// What is wrong with TLS to a server.
pub(super) struct Fault {
    /// The option that it is about.
    pub(super) field: &'static str,
    pub(super) reason: String,
    /// Whether somebody has to change something.
    pub(super) is_permanent: bool,
}

impl Fault {
    /// What an error of a connect says about TLS, if it does.
    pub(super) fn of(error: &mysql_async::Error) -> Option<Fault> {
        let permanent = |field, reason: &str| {
            Some(Fault {
                field,
                reason: reason.to_owned(),
                is_permanent: true,
            })
        };
        let error = match error {
            mysql_async::Error::Io(IoError::Tls(TlsError::Tls(error))) => error,
            mysql_async::Error::Io(IoError::Tls(error)) => return permanent("require_ssl", &error.to_string()),
            mysql_async::Error::Io(IoError::Io(error)) => error.get_ref()?.downcast_ref::<rustls::Error>()?,
            mysql_async::Error::Driver(mysql_async::DriverError::NoClientSslFlagFromServer) => {
                return permanent("require_ssl", "the server offers no TLS");
            }
            _ => return None,
        };
        match error {
            rustls::Error::InvalidCertificate(wrong) => match wrong {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    permanent("require_ssl", "the server's certificate has expired")
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    permanent("require_ssl", "the server's certificate is not valid yet")
                }
                // Of an authority of the same name, but another key.
                CertificateError::UnknownIssuer | CertificateError::BadSignature => permanent(
                    "ssl_ca",
                    "the server's certificate is of an authority that is not trusted",
                ),
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    permanent("verify_identity", "the server's certificate is for another host")
                }
                CertificateError::Other(other) if other.to_string() == OWN_AUTHORITY => permanent(
                    "require_ssl",
                    "the server's certificate is an authority's own; it has to be one that an authority has signed",
                ),
                _ => permanent("require_ssl", &error.to_string()),
            },
            rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_) => {
                permanent("require_ssl", &error.to_string())
            }
            _ => Some(Fault {
                field: "require_ssl",
                reason: error.to_string(),
                is_permanent: false,
            }),
        }
    }
}

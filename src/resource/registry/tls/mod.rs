//! TLS as the texts of a named connection want it: `ca`, `cert`, `key`, `passphrase`.
//!
//! | file | what |
//! |---|---|
//! | `key` | the client's key, opened by its passphrase |
//! | `anyone` | a server that nobody has to vouch for |
//!
//! Promises: an error begins with the field that it is about, and shows nothing of what stands in any of them.

#[cfg(any(feature = "postgres", feature = "redis"))]
mod anyone;
mod key;

use crate::resource::models::{Connection, Protocol};
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// What a connection's texts say, read and found to fit together.
#[cfg_attr(
    not(any(feature = "postgres", feature = "redis")),
    allow(dead_code, reason = "mysql takes the texts, once they are known to be good")
)]
pub(super) struct Texts {
    /// None: whoever the driver trusts by itself.
    authorities: Option<RootCertStore>,
    client: Option<Client>,
    /// Whether nobody has to vouch for the server.
    is_loose: bool,
}

/// Who the client is.
#[cfg_attr(
    not(any(feature = "postgres", feature = "redis")),
    allow(dead_code, reason = "mysql takes the texts, once they are known to be good")
)]
struct Client {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Texts {
    /// Of a connection without TLS they are not read at all: `None`.
    pub(super) fn of(connection: &Connection) -> Result<Option<Self>, String> {
        if connection.protocol() == Protocol::Plain {
            return Ok(None);
        }
        Ok(Some(Texts {
            authorities: connection.ca().map(authorities).transpose()?,
            client: client(connection)?,
            is_loose: connection.protocol() == Protocol::TlsLoose,
        }))
    }

    /// Whether they say nothing beyond the protocol.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(super) fn are_empty(&self) -> bool {
        self.authorities.is_none() && self.client.is_none()
    }

    /// A configuration of rustls, which trusts the authorities of the system where no other is given.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(super) fn config(&self) -> Result<rustls::ClientConfig, String> {
        let provider = std::sync::Arc::new(ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("protocol: {error}"))?;
        let config = match (&self.authorities, self.is_loose) {
            (_, true) => config
                .dangerous()
                .with_custom_certificate_verifier(std::sync::Arc::new(anyone::Anyone::new(&provider))),
            (Some(authorities), false) => config.with_root_certificates(authorities.clone()),
            (None, false) => config.with_root_certificates(system()?),
        };
        match &self.client {
            None => Ok(config.with_no_client_auth()),
            Some(Client { chain, key }) => config
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|_| unfit()),
        }
    }

    /// The client's key in PEM, opened, for those who read no other.
    #[cfg(feature = "mysql")]
    pub(super) fn key(&self) -> Result<Option<String>, String> {
        self.client.as_ref().map(|client| key::pem(&client.key)).transpose()
    }
}

fn authorities(text: &str) -> Result<RootCertStore, String> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates("ca", text)? {
        let added = authorities.add(certificate);
        added.map_err(|_| "ca: a certificate in it cannot be read".to_owned())?;
    }
    Ok(authorities)
}

/// Those that the system trusts.
#[cfg(any(feature = "postgres", feature = "redis"))]
fn system() -> Result<RootCertStore, String> {
    let mut authorities = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    authorities.add_parsable_certificates(found.certs);
    match authorities.is_empty() {
        true => Err("ca: is missing, and this system trusts no authority".to_owned()),
        false => Ok(authorities),
    }
}

fn client(connection: &Connection) -> Result<Option<Client>, String> {
    let wrong = |said: &str| Err(said.to_owned());
    let (cert, key) = match (connection.cert(), connection.key()) {
        (Some(cert), Some(key)) => (cert, key),
        (Some(_), None) => return wrong("key: is missing, cert needs it"),
        (None, Some(_)) => return wrong("cert: is missing, key needs it"),
        (None, None) if connection.passphrase().is_some() => {
            return wrong("passphrase: there is no key for it to open");
        }
        (None, None) => return Ok(None),
    };
    let chain = certificates("cert", cert)?;
    let key = key::open(key, connection.passphrase())?;
    let provider: CryptoProvider = ring::default_provider();
    let loaded = provider.key_provider.load_private_key(key.clone_key());
    let loaded = loaded.map_err(|_| "key: none of RSA, ECDSA (P-256, P-384) or Ed25519".to_owned())?;
    match CertifiedKey::new(chain.clone(), loaded).keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => Err(unfit()),
        // There are kinds of keys that do not tell.
        Ok(()) | Err(rustls::Error::InconsistentKeys(_)) => Ok(Some(Client { chain, key })),
        Err(_) => wrong("cert: a certificate in it cannot be read"),
    }
}

fn unfit() -> String {
    "key: not the key of cert".to_owned()
}

fn certificates(field: &str, text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    // Answers show this field.
    if text.contains("PRIVATE KEY-----") {
        return Err(format!("{field}: a private key stands in it; write that as key alone"));
    }
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => Err(format!("{field}: no certificate in it")),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err(format!("{field}: not in PEM")),
    }
}

//! How TLS is set up: rustls with ring, whatever provider the process has installed; and the files that are read for it.

use super::error::Error;
use super::settings::{Settings, TlsSettings};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::path::Path;
use std::sync::Arc;

/// A field, and what is wrong with it.
type Wrong = (&'static str, String);

/// The configuration of all connections: made with the first one, off the async threads, as it reads files.
pub(super) async fn config(settings: &Settings) -> Result<Arc<ClientConfig>, Error> {
    if let Some(whole) = &settings.tls.whole {
        return Ok(whole.clone());
    }
    let made = settings.tls_config.get_or_try_init(|| async {
        let files = settings.tls.clone();
        let made = tokio::task::spawn_blocking(move || make(&files)).await;
        made.unwrap_or_else(|error| Err(("tls", error.to_string())))
    });
    made.await
        .cloned()
        .map_err(|(field, reason)| Error::option(field, reason))
}

/// That nothing was asked of TLS where there is none.
pub(super) fn check_absent(settings: &Settings) -> Result<(), Error> {
    let TlsSettings { ca_file, client, whole } = &settings.tls;
    let field = match (ca_file, client, whole) {
        (None, None, None) => return Ok(()),
        (Some(_), ..) => "ca_file",
        (_, Some(_), _) => "cert_file",
        _ => "tls",
    };
    Err(Error::option(field, "the URL asks for no encryption, write rediss://"))
}

fn make(files: &TlsSettings) -> Result<Arc<ClientConfig>, Wrong> {
    let mut roots = RootCertStore::empty();
    match &files.ca_file {
        Some(path) => {
            for certificate in certificates("ca_file", path)? {
                let added = roots.add(certificate);
                added.map_err(|error| ("ca_file", format!("{}: {error}", path.display())))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            let (added, _) = roots.add_parsable_certificates(found.certs);
            if added == 0 {
                let why = found.errors.first().map_or(String::new(), |error| format!(": {error}"));
                return Err((
                    "ca_file",
                    format!("is missing, and this system trusts no authority{why}"),
                ));
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ("tls", error.to_string()))?
        .with_root_certificates(roots);
    let config = match &files.client {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates("cert_file", certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| ("key_file", file(key, &error)))?;
            let config = config.with_client_auth_cert(chain, key);
            config.map_err(|error| ("cert_file", error.to_string()))?
        }
    };
    Ok(Arc::new(config))
}

fn certificates(field: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Wrong> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match all {
        Ok(all) if all.is_empty() => Err((field, format!("no certificate in {}", path.display()))),
        Ok(all) => Ok(all),
        Err(error) => Err((field, file(path, &error))),
    }
}

fn file(path: &Path, error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) if error.kind() == std::io::ErrorKind::NotFound => format!("no file {}", path.display()),
        pem::Error::Io(error) => format!("cannot read {}: {error}", path.display()),
        // Nothing of the file itself is shown: it may be a key.
        pem::Error::NoItemsFound => format!("nothing of that kind in {}", path.display()),
        _ => format!("{} is not in PEM", path.display()),
    }
}

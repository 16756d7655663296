//! Certificates for a test: an authority, and what it signs for `localhost` and 127.0.0.1, in date or expired, and for clients; or
//! itself.

use super::keeper::{is_root, run};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An authority, and a certificate of a server that it has signed.
pub(crate) struct Certificates {
    dir: tempfile::TempDir,
    cert: String,
    key: String,
    authority: Option<CertifiedIssuer<'static, KeyPair>>,
}

impl Certificates {
    /// A certificate that is in date.
    pub(crate) fn valid() -> Certificates {
        Certificates::until(2200)
    }

    /// A certificate that was in date until 2001.
    pub(crate) fn expired() -> Certificates {
        Certificates::until(2001)
    }

    /// A certificate that is its own authority, as `openssl req -x509` makes it.
    pub(crate) fn of_its_own() -> Certificates {
        let mut params = CertificateParams::new(names()).expect("good names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("signed").pem();
        Certificates::written(&cert, cert.clone(), &key, None)
    }

    fn until(year: i32) -> Certificates {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "fairpool tests");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("signed");
        let mut params = CertificateParams::new(names()).expect("good names");
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &authority).expect("signed");
        Certificates::written(&authority.pem(), cert.pem(), &key, Some(authority))
    }

    fn written(
        ca: &str,
        cert: String,
        key: &KeyPair,
        authority: Option<CertifiedIssuer<'static, KeyPair>>,
    ) -> Certificates {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("permitted");
        fs::write(dir.path().join("ca.pem"), ca).expect("written");
        Certificates {
            dir,
            cert,
            key: key.serialize_pem(),
            authority,
        }
    }

    /// A certificate for a client with this key, in PEM.
    pub(crate) fn client(&self, name: &str, key: &KeyPair) -> String {
        let authority = self.authority.as_ref().expect("an authority");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.signed_by(key, authority).expect("signed").pem()
    }

    /// The authority's own certificate, in PEM.
    pub(crate) fn authority(&self) -> String {
        fs::read_to_string(self.ca()).expect("read")
    }

    /// The file with the authority's own certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Writes the server's certificate, its key and the authority's certificate into `dir`, for the user `owner`; their paths.
    pub(crate) fn install(&self, dir: &Path, owner: &str) -> [PathBuf; 3] {
        let files = ["server.pem", "server.key", "ca.pem"].map(|name| dir.join(name));
        let [cert, key, ca] = &files;
        fs::write(cert, &self.cert).expect("written");
        fs::write(key, &self.key).expect("written");
        fs::copy(self.ca(), ca).expect("copied");
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).expect("permitted");
        if is_root() {
            run(Command::new("chown").arg(owner).args(&files));
        }
        files
    }
}

fn names() -> [String; 2] {
    ["localhost".to_owned(), "127.0.0.1".to_owned()]
}

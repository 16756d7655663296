//! Over TLS: a server is known by an authority that is trusted, and by no other.

use crate::kit::{fairpool, ran, refused};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed")
}

/// Answers everything with an empty list.
fn serve(config: ServerConfig) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().expect("an address").port()
    );
    let config = Arc::new(config);
    thread::spawn(move || {
        while let Ok((socket, _)) = listener.accept() {
            let connection = ServerConnection::new(config.clone()).expect("a good configuration");
            let mut stream = StreamOwned::new(connection, socket);
            // Whoever does not trust us says nothing.
            if stream.read(&mut [0; 4096]).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]");
            }
        }
    });
    url
}

#[test]
fn a_server_is_known_by_an_authority_that_is_trusted() {
    let (ours, other) = (authority(), authority());
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let key = KeyPair::generate().expect("a key");
    let cert = params.signed_by(&key, &ours).expect("signed");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a certificate");
    let url = serve(config);
    let folder = tempfile::tempdir().expect("a folder");
    let trusting = |authority: &CertifiedIssuer<'_, KeyPair>| {
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, authority.pem()).expect("a file");
        let mut command = fairpool(&[
            "connections",
            "list",
            "--server",
            &url,
            "--api-key",
            "some-key-or-other",
        ]);
        command.env("SSL_CERT_FILE", file).env_remove("SSL_CERT_DIR");
        command
    };
    let known = ran(trusting(&ours));
    assert_eq!(
        (known.code, &*known.out, &*known.error),
        (Some(0), "no connections\n", "")
    );
    let said = refused(trusting(&other), 1);
    let expected = format!("error: cannot reach {url}: invalid peer certificate: ");
    assert!(said.starts_with(&expected), "{said}");
}

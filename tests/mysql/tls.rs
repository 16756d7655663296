//! TLS: on, off, and each way in which a certificate can be wrong.

use super::servers::certificates::Certificates;
use super::servers::mysql::Mysql as Server;
use super::{manager, pool};
use fairpool::Manager;
use fairpool::drivers::mysql::mysql_async::prelude::Queryable;
use fairpool::drivers::mysql::mysql_async::{Opts, OptsBuilder, SslOpts};
use fairpool::drivers::mysql::{Connection, Mysql};
use std::path::Path;

async fn cipher(conn: &mut Connection) -> String {
    let answer: Option<(String, String)> = conn
        .query_first("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        .await
        .expect("told");
    answer.expect("a row").1
}

fn url(server: &Server, host: &str, options: &str) -> String {
    format!(
        "mysql://tls:secret@{host}:{}/app?require_ssl=true{options}",
        server.port
    )
}

/// What a connect by this URL says, which must be permanent.
async fn refused(url: &str) -> String {
    let manager = Mysql::from_url(url).expect("a good url");
    let error = manager.connect().await.expect_err(url);
    assert!(!error.is_transient(), "{error}");
    let whole = format!("{error} {error:?}");
    assert!(
        !whole.contains("secret") && !error.to_string().contains('\n'),
        "{whole}"
    );
    error.to_string()
}

#[tokio::test]
async fn a_trusted_server_is_talked_to_in_secret() {
    let certificates = Certificates::valid();
    let Some(server) = Server::with_tls(&certificates, &[]) else {
        return;
    };
    let ca = certificates.ca();
    let by_url = Mysql::from_url(&url(&server, "127.0.0.1", &format!("&ssl_ca={}", ca.display())));
    let by_setter = Mysql::from_url(&url(&server, "localhost", "")).and_then(|manager| manager.ssl_ca(&ca));
    let opts = OptsBuilder::from_opts(Opts::from_url(&url(&server, "127.0.0.1", "")).expect("a good url"));
    // It would prefer the server's socket, where nothing is encrypted.
    let by_opts = Mysql::from_opts(opts.ssl_opts(SslOpts::default().with_root_certs(vec![ca.into()])));
    for manager in [by_url.expect("good"), by_setter.expect("good"), by_opts] {
        let pool = pool(manager, 1);
        for _ in 0..2 {
            let mut conn = pool.acquire().await.expect("trusted");
            assert!(cipher(&mut conn).await.starts_with("TLS"));
        }
    }
    let mut open = manager(&server).connect().await.expect("a connection");
    assert_eq!(cipher(&mut open).await, "", "off unless it is asked for");
}

#[tokio::test]
async fn an_unknown_authority_is_one_clear_error_until_it_is_waived() {
    let Some(server) = Server::with_tls(&Certificates::valid(), &[]) else {
        return;
    };
    let expected = "ssl_ca: the server's certificate is of an authority that is not trusted";
    let said = refused(&url(&server, "127.0.0.1", "")).await;
    assert!(
        said.starts_with("cannot connect to app on 127.0.0.1:") && said.ends_with(expected),
        "{said}"
    );
    let others = Certificates::valid();
    let said = refused(&url(
        &server,
        "localhost",
        &format!("&ssl_ca={}", others.ca().display()),
    ))
    .await;
    assert!(said.ends_with(expected), "{said}");
    let waived = Mysql::from_url(&url(&server, "127.0.0.1", "&verify_ca=false&verify_identity=false"));
    let mut conn = waived.expect("good").connect().await.expect("not verified");
    assert!(cipher(&mut conn).await.starts_with("TLS"));
}

#[tokio::test]
async fn an_expired_certificate_is_one_clear_error() {
    let certificates = Certificates::expired();
    let Some(server) = Server::with_tls(&certificates, &[]) else {
        return;
    };
    let said = refused(&url(
        &server,
        "127.0.0.1",
        &format!("&ssl_ca={}", certificates.ca().display()),
    ))
    .await;
    assert!(
        said.ends_with(": require_ssl: the server's certificate has expired"),
        "{said}"
    );
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_is_one_clear_error() {
    let certificates = Certificates::of_its_own();
    let Some(server) = Server::with_tls(&certificates, &[]) else {
        return;
    };
    let ca = format!("&ssl_ca={}", certificates.ca().display());
    let said = refused(&url(&server, "127.0.0.1", &ca)).await;
    let expected = ": require_ssl: the server's certificate is an authority's own; \
                    it has to be one that an authority has signed";
    assert!(said.ends_with(expected), "{said}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_one_clear_error_until_it_is_waived() {
    let certificates = Certificates::valid();
    let Some(server) = Server::with_tls(&certificates, &["--bind-address=0.0.0.0"]) else {
        return;
    };
    server.sql("CREATE USER tls@'127.0.0.2' IDENTIFIED BY 'secret' REQUIRE SSL; GRANT ALL ON app.* TO tls@'127.0.0.2'");
    let ca = format!("&ssl_ca={}", certificates.ca().display());
    // It is for 127.0.0.1, and the same server listens here too.
    let said = refused(&url(&server, "127.0.0.2", &ca)).await;
    assert!(
        said.ends_with(": verify_identity: the server's certificate is for another host"),
        "{said}"
    );
}

#[tokio::test]
async fn a_server_without_tls_and_an_account_that_wants_it_are_told() {
    let Some(server) = Server::start(&["--skip-ssl"]) else {
        return;
    };
    let said = refused(&format!("{}?require_ssl=true", server.url())).await;
    assert!(said.ends_with(": require_ssl: the server offers no TLS"), "{said}");
}

#[tokio::test]
async fn a_file_of_authorities_that_is_none_is_told_before_any_connect() {
    let dir = tempfile::tempdir().expect("a directory");
    let text = dir.path().join("text.pem");
    std::fs::write(&text, "no certificate").expect("written");
    let broken = dir.path().join("broken.pem");
    std::fs::write(
        &broken,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .expect("written");
    let manager = Mysql::from_url("mysql://app:secret@db/app").expect("a good url");
    for (file, expected) in [
        (Path::new("/no/ca.pem"), "ssl_ca: no file /no/ca.pem".to_owned()),
        (&text, format!("ssl_ca: no certificate in {}", text.display())),
        (&broken, format!("ssl_ca: {}: ", broken.display())),
        (dir.path(), format!("ssl_ca: cannot read {}: ", dir.path().display())),
    ] {
        let error = manager.clone().ssl_ca(file).expect_err("refused");
        assert!(
            error.to_string().starts_with(&expected) && !error.is_transient(),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_missing_file_in_ready_made_options_is_told_at_the_first_connect() {
    let Some(server) = Server::with_tls(&Certificates::valid(), &[]) else {
        return;
    };
    let roots = vec![Path::new("/no/ca.pem").to_owned().into()];
    let opts = OptsBuilder::from_opts(Opts::from_url(&server.url()).expect("a good url"));
    let manager = Mysql::from_opts(opts.ssl_opts(SslOpts::default().with_root_certs(roots)));
    let error = manager.connect().await.expect_err("it is not there");
    assert!(
        error.to_string().contains("root_certs: ") && error.to_string().contains("/no/ca.pem"),
        "{error}"
    );
    assert!(!error.is_transient(), "{error}");
}

//! What a server and its certificate refuse: known at the first connect, told at once, in one line that names the field, and without
//! the password.
#![cfg(feature = "postgres")]

mod servers;

use fairpool::drivers::postgres::{Error, Postgres};
use fairpool::{AcquireError, Manager, Pool};
use servers::certificates::Certificates;
use servers::postgres::Postgres as Server;
use std::time::Duration;

const NEVER: Duration = Duration::from_secs(60);

/// What a pool says at once, since no retry can help.
async fn refused(url: &str) -> String {
    let manager = Postgres::from_url(url).expect("a good URL");
    let told = format!("{manager:?}");
    let pool = Pool::builder(manager)
        .acquire_timeout(Some(NEVER))
        .build()
        .expect("good options");
    let refused = pool.acquire().await.expect_err("nobody connects with this");
    let all = format!("{told} {refused} {refused:?} {refused:#?}");
    for secret in ["secret", "wr0ng"] {
        assert!(!all.contains(secret), "tells the secret: {all}");
    }
    let AcquireError::Connect(error) = refused else {
        panic!("not told at once: {refused}")
    };
    assert!(matches!(*error, Error::Connect { transient: false, .. }));
    let line = error.to_string();
    let Some((database, line)) = line
        .strip_prefix("cannot connect to ")
        .and_then(|line| line.split_once(": "))
    else {
        panic!("another beginning: {line}")
    };
    assert!(!line.contains('\n'), "{line:?}");
    format!("{}: {line}", database.split(':').next().unwrap_or_default())
}

/// What a connection says of itself, or the error.
async fn connects(url: &str, look: &str) -> String {
    let pool = Pool::builder(Postgres::from_url(url).expect("a good URL"))
        .build()
        .expect("good options");
    let conn = pool.acquire().await.unwrap_or_else(|error| panic!("{url}: {error}"));
    conn.query_one(look, &[]).await.expect("an answer").get(0)
}

/// With another password and options.
fn with(server: &Server, host: &str, options: &str) -> String {
    format!("postgresql://app:secret@{host}:{}/app?{options}", server.port)
}

#[tokio::test]
async fn a_wrong_name_or_password() {
    let Some(server) = Server::start(&[]) else { return };
    let url = server.url();
    for (wrong, said) in [
        (
            url.replace("secret", "wr0ng"),
            "app on 127.0.0.1: the server says: password authentication failed for user \"app\" (SQLSTATE 28P01)",
        ),
        (
            url.replace("app:secret", "nobody:wr0ng"),
            "app on 127.0.0.1: the server says: password authentication failed for user \"nobody\" (SQLSTATE 28P01)",
        ),
        (
            format!("{}nothing", url.trim_end_matches("app")),
            "nothing on 127.0.0.1: the server says: database \"nothing\" does not exist (SQLSTATE 3D000)",
        ),
        (
            url.replace(":secret", ""),
            "app on 127.0.0.1: invalid configuration: password missing",
        ),
        (
            format!("{url}?options=-c%20no_such%3D1"),
            "app on 127.0.0.1: the server says: unrecognized configuration parameter \"no_such\" (SQLSTATE 42704)",
        ),
        (format!("{url}?channel_binding=require"), ""),
        (
            format!("{url}?sslmode=require"),
            "app on 127.0.0.1: sslmode=require: the server does not offer TLS",
        ),
        (
            url.replace("app:secret", "tls:secret"),
            "app on 127.0.0.1: the server says: pg_hba.conf rejects connection for host \"127.0.0.1\", user \"tls\", database \"app\", no encryption (SQLSTATE 28000)",
        ),
    ] {
        let answer = refused(&wrong).await;
        match said {
            "" => assert!(answer.contains("channel binding"), "{answer}"),
            said => assert_eq!(answer, said),
        }
    }
}

#[tokio::test]
async fn a_setup_that_cannot_run_is_named_and_not_quoted() {
    let Some(server) = Server::start(&[]) else { return };
    let manager = Postgres::from_url(&server.url())
        .expect("a good URL")
        .setup("SET a.b = 'secret'")
        .setup("SELECT 'secret' SELEC secret");
    let pool = Pool::builder(manager).build().expect("good options");
    let refused = pool.acquire().await.expect_err("no SQL");
    let said = refused.to_string();
    assert!(
        said.ends_with(": statement 2 of the setup: refused (SQLSTATE 42601)"),
        "{said}"
    );
    let told = format!("{said} {refused:?} {refused:#?} {:?}", pool.manager());
    assert!(!told.contains("secret") && !told.contains("SELEC"), "{told}");
    let AcquireError::Connect(error) = &refused else {
        panic!("not told at once: {said}")
    };
    let all = format!("{:?}", error.postgres());
    assert!(all.contains("secret"), "out of reach: {all}");
}

/// The server quotes it.
#[tokio::test]
async fn a_parameter_that_cannot_be_set_is_named_and_not_quoted() {
    let Some(server) = Server::start(&[]) else { return };
    let manager = || Postgres::from_url(&server.url()).expect("a good URL");
    let of_url = format!("{}?options=--work_mem%3Dsecret%20-csearch_path%3Da", server.url());
    for (manager, said) in [
        (
            manager()
                .parameter("search_path", "a")
                .parameter("statement_timeout", "my secret\\"),
            "parameter statement_timeout: refused (SQLSTATE 22023)",
        ),
        (
            manager().parameter("role", "secret"),
            "parameter role: refused (SQLSTATE 22023)",
        ),
        (
            Postgres::from_url(&of_url).expect("a good URL"),
            "parameter work_mem: refused (SQLSTATE 22023)",
        ),
    ] {
        let error = manager.connect().await.expect_err("no such value");
        let line = error.to_string();
        assert!(line.ends_with(&format!(": {said}")) && !error.is_transient(), "{line}");
        let told = format!("{line} {error:?} {error:#?} {manager:?}");
        assert!(!told.contains("secret"), "{told}");
        assert!(format!("{:?}", error.postgres()).contains("secret"), "out of reach");
    }
}

/// It runs again with the reset, which is refused then.
#[tokio::test]
async fn a_setup_that_can_run_only_once_is_not_quoted_either() {
    let Some(server) = Server::start(&[]) else { return };
    let manager = Postgres::from_url(&server.url())
        .expect("a good URL")
        .setup("CREATE TABLE secret (a int)");
    let mut conn = manager.connect().await.expect("a connection");
    conn.batch_execute("SELECT 1").await.expect("done");
    let reset = Manager::reset(&manager, &mut conn).expect("something to undo");
    let error = reset.await.expect_err("the table is there");
    let told = format!("{error} {error:?}");
    assert!(told.contains("(SQLSTATE 42P07)") && !told.contains("secret"), "{told}");
}

#[tokio::test]
async fn a_certificate_that_is_not_the_right_one() {
    let certificates = Certificates::valid();
    let Some(server) = Server::with_tls(&certificates, &[]) else {
        return;
    };
    let (ca, other) = (certificates.ca(), Certificates::valid());
    let (ca, other) = (ca.display(), other.ca());
    let name = |options: String| with(&server, "db.example", &format!("hostaddr=127.0.0.1&{options}"));
    // Under its right name, and wherever the mode does not ask for it.
    let look = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
    for url in [
        with(&server, "localhost", &format!("sslmode=verify-full&sslrootcert={ca}")),
        with(&server, "127.0.0.1", &format!("sslmode=verify-full&sslrootcert={ca}")),
        name(format!("sslmode=verify-ca&sslrootcert={ca}")),
        name(format!("sslmode=require&sslrootcert={ca}")),
        name("sslmode=require".to_owned()),
        name("sslmode=prefer".to_owned()),
        name("sslmode=require&channel_binding=require".to_owned()),
    ] {
        assert_eq!(connects(&url, look).await, "TLSv1.3", "{url}");
    }
    let said = "app on db.example: sslmode=verify-full: the server's certificate is not for the host db.example";
    assert_eq!(
        refused(&name(format!("sslmode=verify-full&sslrootcert={ca}"))).await,
        said
    );
    let other = other.display();
    // An authority of the same name with another key, and one of another name.
    let stranger = rcgen::CertificateParams::new(["stranger".to_owned()]).expect("good names");
    let stranger = stranger
        .self_signed(&rcgen::KeyPair::generate().expect("a key"))
        .expect("signed");
    let dir = tempfile::tempdir().expect("a directory");
    let strange = dir.path().join("strange.pem");
    std::fs::write(&strange, stranger.pem()).expect("written");
    let strange = format!("sslmode=verify-full&sslrootcert={}", strange.display());
    let said = "app on localhost: sslrootcert: the server's certificate is signed by none of these authorities";
    for mode in ["verify-full", "verify-ca", "require", "prefer"] {
        let url = with(&server, "localhost", &format!("sslmode={mode}&sslrootcert={other}"));
        assert_eq!(refused(&url).await, said, "{mode}");
    }
    assert_eq!(refused(&with(&server, "localhost", &strange)).await, said);
}

#[tokio::test]
async fn an_expired_certificate() {
    let certificates = Certificates::expired();
    let Some(server) = Server::with_tls(&certificates, &[]) else {
        return;
    };
    let ca = certificates.ca();
    for mode in ["verify-full", "verify-ca"] {
        let url = with(
            &server,
            "localhost",
            &format!("sslmode={mode}&sslrootcert={}", ca.display()),
        );
        let said = format!("app on localhost: sslmode={mode}: the server's certificate has expired");
        assert_eq!(refused(&url).await, said);
    }
    connects(&with(&server, "localhost", "sslmode=require"), "SELECT 'anyone'").await;
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority() {
    let certificates = Certificates::of_its_own();
    let Some(server) = Server::with_tls(&certificates, &[]) else {
        return;
    };
    for mode in ["verify-full", "verify-ca", "require"] {
        let options = format!("sslmode={mode}&sslrootcert={}", certificates.ca().display());
        let said = refused(&with(&server, "localhost", &options)).await;
        let expected = format!(
            "app on localhost: sslmode={mode}: the server's certificate is an authority's own; \
             it has to be one that an authority has signed"
        );
        assert_eq!(said, expected);
    }
    connects(&with(&server, "localhost", "sslmode=require"), "SELECT 'anyone'").await;
}

#[tokio::test]
async fn a_certificate_of_the_client_that_the_server_does_not_accept() {
    let certificates = Certificates::valid();
    let trust = format!("ssl_ca_file={}", certificates.ca().display());
    let Some(server) = Server::with_tls(&certificates, &[&trust]) else {
        return;
    };
    let dir = tempfile::tempdir().expect("a directory");
    let pair = |certificates: &Certificates, name: &str| {
        let dir = dir.path().join(name);
        std::fs::create_dir(&dir).expect("created");
        let [cert, key, _] = certificates.install(&dir, "root");
        format!("sslmode=require&sslcert={}&sslkey={}", cert.display(), key.display())
    };
    let good = with(&server, "localhost", &pair(&certificates, "good"));
    let look = "SELECT (client_serial IS NOT NULL)::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(connects(&good, look).await, "true");
    let foreign = refused(&with(&server, "localhost", &pair(&Certificates::valid(), "foreign"))).await;
    assert_eq!(
        foreign,
        "app on localhost: sslcert: the server does not accept it: DecryptError"
    );
    let expired = refused(&with(&server, "localhost", &pair(&Certificates::expired(), "expired"))).await;
    assert!(
        expired.starts_with("app on localhost: sslcert: the server does not accept it: "),
        "{expired}"
    );
}

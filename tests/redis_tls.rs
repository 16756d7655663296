//! Redis over TLS: who is let in, and what a certificate or a file that is no good says.
#![cfg(feature = "redis")]

mod servers;

use fairpool::drivers::redis::redis::AsyncCommands;
use fairpool::drivers::redis::{Error, Redis, rustls};
use fairpool::{Manager, Pool};
use servers::certificates::Certificates;
use servers::redis::Redis as Server;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn url(server: &Server, host: &str) -> String {
    format!("rediss://app:s3cr3t@{host}:{}/0", server.tls_port)
}

/// The one line that a connect says; it is permanent.
async fn refused(driver: Redis) -> Outcome<String> {
    let error = driver.connect().await.err().ok_or("connected")?;
    let text = error.to_string();
    assert!(!error.is_transient() && text.lines().count() == 1, "{text}");
    assert!(!format!("{text} {error:?} {driver:?}").contains("s3cr3t"), "{error:?}");
    let pool = Pool::builder(driver).build()?;
    let error = pool.acquire().await.expect_err("refused");
    assert!(error.to_string().contains(&text), "{error}");
    Ok(text)
}

#[tokio::test]
async fn a_certificate_that_is_no_good_is_refused_for_good_and_says_why() -> Outcome {
    let (good, old) = (Certificates::valid(), Certificates::expired());
    let Some(server) = Server::with_tls(&good, &["--bind", "127.0.0.1", "127.0.0.2"]) else {
        return Ok(());
    };
    let begin = format!(
        "cannot connect to database 0 on localhost:{}: tls: invalid peer certificate: ",
        server.tls_port
    );
    let trusting = |server: &Server, host: &str, ca| Outcome::Ok(Redis::from_url(&url(server, host))?.ca_file(ca));
    let text = refused(trusting(&server, "localhost", old.ca())?).await?;
    assert!(text.starts_with(&begin), "{text}");
    let text = refused(trusting(&server, "127.0.0.2", good.ca())?).await?;
    assert!(
        text.contains("not valid for name") && text.contains("127.0.0.2"),
        "{text}"
    );
    let Some(server) = Server::with_tls(&old, &[]) else {
        return Ok(());
    };
    let text = refused(trusting(&server, "localhost", old.ca())?).await?;
    assert!(
        text.contains("tls: invalid peer certificate: certificate expired"),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_is_refused_in_plain_words() -> Outcome {
    let own = Certificates::of_its_own();
    let Some(server) = Server::with_tls(&own, &[]) else {
        return Ok(());
    };
    let text = refused(Redis::from_url(&url(&server, "localhost"))?.ca_file(own.ca())).await?;
    let expected =
        ": tls: the server's certificate is an authority's own; it has to be one that an authority has signed";
    assert!(text.ends_with(expected), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_no_good_is_named_with_its_option() -> Outcome {
    let certificates = Certificates::valid();
    let Some(server) = Server::with_tls(&certificates, &[]) else {
        return Ok(());
    };
    let dir = tempfile::tempdir()?;
    let garbage = dir.path().join("garbage.pem");
    std::fs::write(&garbage, "s3cr3t")?;
    let to = || Redis::from_url(&url(&server, "localhost"));
    let ca = certificates.ca();
    for (driver, beginning) in [
        (
            to()?.ca_file("/no/such/ca.pem"),
            "ca_file: no file /no/such/ca.pem".to_owned(),
        ),
        (
            to()?.ca_file(dir.path()),
            format!("ca_file: cannot read {}", dir.path().display()),
        ),
        (
            to()?.ca_file(&garbage),
            format!("ca_file: no certificate in {}", garbage.display()),
        ),
        (
            to()?.ca_file(&ca).client_certificate("/no/cert.pem", "/no/key.pem"),
            "cert_file: no file /no/cert.pem".to_owned(),
        ),
        (
            to()?.ca_file(&ca).client_certificate(&ca, "/no/key.pem"),
            "key_file: no file /no/key.pem".to_owned(),
        ),
        (
            to()?.ca_file(&ca).client_certificate(&ca, &garbage),
            format!("key_file: nothing of that kind in {}", garbage.display()),
        ),
        (
            Redis::from_url(&server.url())?.ca_file(&ca),
            "ca_file: the URL asks for no encryption".to_owned(),
        ),
    ] {
        let text = refused(driver).await?;
        assert!(text.starts_with(&beginning), "{text}");
    }
    // A file that appears later is read then.
    let late = dir.path().join("late.pem");
    let driver = Redis::from_url(&url(&server, "localhost").replace("s3cr3t", "secret"))?.ca_file(&late);
    assert!(matches!(driver.connect().await, Err(Error::Option { .. })));
    std::fs::copy(&ca, &late)?;
    driver.connect().await?;
    Ok(())
}

#[tokio::test]
async fn a_client_certificate_lets_in_and_the_lack_of_one_does_not() -> Outcome {
    let certificates = Certificates::valid();
    let Some(server) = Server::with_tls(&certificates, &["--tls-auth-clients", "yes"]) else {
        return Ok(());
    };
    let to = || {
        Outcome::Ok(Redis::from_url(&url(&server, "localhost").replace("s3cr3t", "secret"))?.ca_file(certificates.ca()))
    };
    let text = refused(to()?).await?;
    assert!(
        text.contains(": tls: ") && text.contains("CertificateRequired"),
        "{text}"
    );
    let [cert, key] = ["server.pem", "server.key"].map(|name| server.keeper.dir().join(name));
    let mut conn = to()?.client_certificate(&cert, &key).connect().await?;
    let () = conn.set("a", 1).await?;
    let options = format!(
        "?ca_file={}&cert_file={}&key_file={}",
        certificates.ca().display(),
        cert.display(),
        key.display()
    );
    let url = url(&server, "localhost").replace("s3cr3t", "secret");
    let mut conn = Redis::from_url(&format!("{url}{options}"))?.connect().await?;
    assert_eq!(conn.get::<_, i64>("a").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_configuration_of_rustls_takes_the_place_of_the_files() -> Outcome {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let certificates = Certificates::valid();
    let Some(server) = Server::with_tls(&certificates, &[]) else {
        return Ok(());
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificates.ca())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let url = url(&server, "localhost").replace("s3cr3t", "secret");
    let mut conn = Redis::from_url(&url)?.tls(config).connect().await?;
    // Larger than a record and than any buffer, in both directions.
    let large = vec![7_u8; 3_000_000];
    let () = conn.set("large", &large).await?;
    assert_eq!(conn.get::<_, Vec<u8>>("large").await?, large);
    Ok(())
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_a_mistake_and_not_an_outage() -> Outcome {
    // A real one answers like this only when the greeting happens to contain the end of a line; else it waits for one.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("rediss://app:s3cr3t@{}", listener.local_addr()?);
    let answering = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await?;
        socket.write_all(b"-ERR unknown command\r\n").await?;
        // Until the client hangs up.
        socket.read_to_end(&mut Vec::new()).await
    });
    let certificates = Certificates::valid();
    let driver = Redis::from_url(&url)?.ca_file(certificates.ca());
    let error = driver.connect().await.err().ok_or("connected")?;
    let _ = answering.await?;
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot connect to {}: ", driver.server())),
        "{text}"
    );
    Ok(())
}

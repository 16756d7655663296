//! Named connections over TLS to real servers, by the texts of their definitions: who is trusted, who is let in, and that no
//! secret is shown.
#![cfg(all(feature = "resource", feature = "mysql", feature = "postgres", feature = "redis"))]

mod registry;
mod servers;

use fairpool::drivers::mysql::{Mysql, mysql_async::prelude::Queryable};
use fairpool::drivers::postgres::Postgres;
use fairpool::drivers::redis::{Redis, redis};
use fairpool::resource::registry::Registry;
use rcgen::KeyPair;
use registry::{Outcome, connector, definition};
use serde_json::{Value, json};
use servers::certificates::Certificates;
use std::fs;

const EC: &str = include_str!("keys/ec.pem");
const EC_SEC1: &str = include_str!("keys/ec-sec1.pem");
const EC_AES: &str = include_str!("keys/ec-aes.pem");
const RSA: &str = include_str!("keys/rsa.pem");
const RSA_PKCS1: &str = include_str!("keys/rsa-pkcs1.pem");

/// A server of each type that is installed, all with these certificates.
struct Servers {
    postgres: Option<servers::postgres::Postgres>,
    mysql: Option<servers::mysql::Mysql>,
    redis: Option<servers::redis::Redis>,
}

impl Servers {
    fn start(certificates: &Certificates) -> Servers {
        Servers::launch(certificates, "no")
    }

    /// Which let nobody in without a certificate of the authority.
    fn strict(certificates: &Certificates) -> Servers {
        let servers = Servers::launch(certificates, "yes");
        if let Some(server) = &servers.postgres {
            let file = server.keeper.dir().join("data/pg_hba.conf");
            let rules = fs::read_to_string(&file).expect("read");
            let rule = "hostssl all app all scram-sha-256 clientcert=verify-ca\n";
            fs::write(&file, format!("{rule}{rules}")).expect("written");
            server.psql("SELECT pg_reload_conf()");
        }
        if let Some(server) = &servers.mysql {
            server.sql("ALTER USER app@'127.0.0.1' REQUIRE X509");
        }
        servers
    }

    fn launch(certificates: &Certificates, clients: &str) -> Servers {
        let ca = format!("ssl_ca_file={}", certificates.ca().display());
        Servers {
            postgres: servers::postgres::Postgres::with_tls(certificates, &[&ca]),
            mysql: servers::mysql::Mysql::with_tls(certificates, &[]),
            redis: servers::redis::Redis::with_tls(certificates, &["--tls-auth-clients", clients]),
        }
    }

    /// Each type, and the URL by which its server is reached.
    fn urls(&self) -> Vec<(&'static str, String)> {
        let postgres = self.postgres.as_ref().map(|server| ("postgres", server.port, "app"));
        let mysql = self.mysql.as_ref().map(|server| ("mysql", server.port, "app"));
        let redis = self.redis.as_ref().map(|server| ("redis", server.tls_port, "0"));
        let all = [postgres, mysql, redis].into_iter().flatten();
        all.map(|(kind, port, path)| (kind, format!("{kind}://app:secret@localhost:{port}/{path}")))
            .collect()
    }
}

type Said<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Defines a connection, takes it through a connector, and asks the server whether it is encrypted.
async fn ask(kind: &str, url: &str, fields: &Value) -> Said {
    let registry = Registry::builder().open().await?;
    let mut body = json!({"name": "orders", "type": kind, "queryHosts": [url]});
    let all = body.as_object_mut().expect("an object");
    all.extend(fields.as_object().expect("an object").clone());
    registry.put_connection(definition(body)).await?;
    let shop = connector(json!({"name": "shop", "connection": "orders"}));
    registry.create_connector(shop).await?;
    let is_encrypted = match kind {
        "postgres" => Box::pin(ask_postgres(&registry)).await?,
        "mysql" => Box::pin(ask_mysql(&registry)).await?,
        _ => Box::pin(ask_redis(&registry)).await?,
    };
    assert!(is_encrypted, "{kind} is not encrypted");
    registry.close().await;
    Ok(())
}

async fn ask_postgres(registry: &Registry) -> Said<bool> {
    let lease = registry.handle::<Postgres>("shop")?.acquire().await?;
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    Ok(lease.query_one(sql, &[]).await?.get(0))
}

async fn ask_mysql(registry: &Registry) -> Said<bool> {
    let mut lease = registry.handle::<Mysql>("shop")?.acquire().await?;
    let row: Option<(String, String)> = lease.query_first("SHOW SESSION STATUS LIKE 'Ssl_cipher'").await?;
    Ok(row.is_some_and(|(_, cipher)| !cipher.is_empty()))
}

/// Its port without TLS is another one, so whoever is answered has it.
async fn ask_redis(registry: &Registry) -> Said<bool> {
    let mut lease = registry.handle::<Redis>("shop")?.acquire().await?;
    let said: String = redis::cmd("PING").query_async(&mut *lease).await?;
    Ok(said == "PONG")
}

/// That none of the servers is reached, and that each of them says one of these.
async fn refused(servers: &Servers, fields: Value, expected: &[&str]) {
    for (kind, url) in servers.urls() {
        let error = ask(kind, &url, &fields).await.expect_err(kind);
        let said = format!("{error} {error:?}");
        assert!(expected.iter().any(|each| said.contains(each)), "{kind}: {said}");
        for secret in ["secret", "sesame", "MIHsMFcG", "MIGHAg"] {
            assert!(!said.contains(secret), "{kind}: {said}");
        }
    }
}

async fn reached(servers: &Servers, fields: Value) {
    for (kind, url) in servers.urls() {
        if let Err(said) = ask(kind, &url, &fields).await {
            panic!("{kind}: {said}");
        }
    }
}

#[tokio::test]
async fn tls_trusts_the_authorities_in_ca_and_no_others() -> Outcome {
    let (certificates, others) = (Certificates::valid(), Certificates::valid());
    let servers = Servers::start(&certificates);
    reached(&servers, json!({"protocol": "tls", "ca": certificates.authority()})).await;
    let both = others.authority() + &certificates.authority();
    reached(&servers, json!({"protocol": "tls", "ca": both})).await;
    let foreign = [
        "tls: the server's certificate is signed by none of these authorities",
        "ssl_ca: the server's certificate is of an authority that is not trusted",
        "tls: invalid peer certificate",
    ];
    refused(&servers, json!({"protocol": "tls", "ca": others.authority()}), &foreign).await;
    let public = [
        "sslrootcert: the server's certificate is signed by none of these authorities",
        "sslrootcert: the operating system knows no authorities",
        "ssl_ca: the server's certificate is of an authority that is not trusted",
        "tls: invalid peer certificate",
        "ca_file: is missing, and this system trusts no authority",
    ];
    refused(&servers, json!({"protocol": "tls"}), &public).await;
    // Nobody has to vouch for the server.
    reached(&servers, json!({"protocol": "tls-loose", "ca": others.authority()})).await;
    reached(&servers, json!({"protocol": "tls-loose"})).await;
    Ok(())
}

#[tokio::test]
async fn an_expired_certificate_and_one_for_another_host_are_for_tls_loose_alone() -> Outcome {
    let certificates = Certificates::expired();
    let servers = Servers::start(&certificates);
    let expired = ["the server's certificate has expired", "certificate expired"];
    refused(
        &servers,
        json!({"protocol": "tls", "ca": certificates.authority()}),
        &expired,
    )
    .await;
    reached(
        &servers,
        json!({"protocol": "tls-loose", "ca": certificates.authority()}),
    )
    .await;
    let own = Certificates::of_its_own();
    let servers = Servers::start(&own);
    let said = ["an authority's own"];
    refused(&servers, json!({"protocol": "tls", "ca": own.authority()}), &said).await;
    reached(&servers, json!({"protocol": "tls-loose"})).await;
    Ok(())
}

#[tokio::test]
async fn a_server_that_demands_a_clients_certificate_gets_it() -> Outcome {
    let (certificates, others) = (Certificates::valid(), Certificates::valid());
    let servers = Servers::strict(&certificates);
    let ca = certificates.authority();
    let cert = |of: &Certificates, key: &str| Ok::<_, rcgen::Error>(of.client("app", &KeyPair::from_pem(key)?));
    let (ec, rsa) = (cert(&certificates, EC)?, cert(&certificates, RSA)?);
    let keys = [
        (&ec, EC, None),
        (&ec, EC_SEC1, None),
        (&ec, EC_AES, Some("sesame")),
        (&rsa, RSA_PKCS1, None),
    ];
    for (cert, key, passphrase) in keys {
        let body = json!({"protocol": "tls", "ca": ca, "cert": cert, "key": key, "passphrase": passphrase});
        reached(&servers, body).await;
    }
    let loose = json!({"protocol": "tls-loose", "cert": ec, "key": EC_AES, "passphrase": "sesame"});
    reached(&servers, loose).await;

    let without = [
        "connection requires a valid client certificate",
        "sslcert: the server demands one",
        "Access denied",
        "CertificateRequired",
    ];
    refused(&servers, json!({"protocol": "tls", "ca": ca}), &without).await;
    let foreign = [
        "sslcert: the server does not accept it",
        "Access denied",
        "UnknownCA",
        "DecryptError",
        "require_ssl: ",
        "connection reset",
        "Connection reset",
    ];
    let stranger = json!({
        "protocol": "tls", "ca": ca, "cert": cert(&others, EC)?, "key": EC_AES, "passphrase": "sesame",
    });
    refused(&servers, stranger, &foreign).await;
    Ok(())
}

#[tokio::test]
async fn a_connection_goes_over_to_tls_under_its_leases() -> Outcome {
    let certificates = Certificates::valid();
    let servers = Servers::start(&certificates);
    let Some((kind, url)) = servers.urls().into_iter().find(|(kind, _)| *kind == "postgres") else {
        return Ok(());
    };
    let registry = Registry::builder().open().await?;
    let body = |fields: Value| {
        let mut body = json!({"name": "orders", "type": kind, "queryHosts": [url]});
        body.as_object_mut()
            .expect("an object")
            .extend(fields.as_object().expect("an object").clone());
        definition(body)
    };
    let plain = url.clone() + "?sslmode=disable";
    let first = json!({"queryHosts": [plain], "ca": certificates.authority()});
    registry.put_connection(body(first)).await?;
    registry
        .create_connector(connector(
            json!({"name": "shop", "connection": "orders", "mode": "CUSTOM", "size": 2}),
        ))
        .await?;
    let handle = registry.handle::<Postgres>("shop")?;
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let before = handle.acquire().await?;
    assert!(!before.query_one(sql, &[]).await?.get::<_, bool>(0));
    let tls = json!({"protocol": "tls", "ca": certificates.authority()});
    registry.put_connection(body(tls)).await?;
    let after = handle.acquire().await?;
    assert!(after.query_one(sql, &[]).await?.get::<_, bool>(0));
    assert!(!before.query_one(sql, &[]).await?.get::<_, bool>(0), "a lease goes on");
    Ok(())
}

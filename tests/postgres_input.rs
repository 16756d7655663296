//! What nobody can connect with: URLs and files that are wrong, known before anything is connected to. One line each that names the
//! field, and no secret in it.
#![cfg(feature = "postgres")]

use fairpool::drivers::postgres::{Error, Postgres, tokio_postgres};

/// Stands for passwords, keys, and what else nobody may read in a log.
const SECRET: &str = "s3cr3t";

/// The error's one line, once nothing about it is found to tell the secret.
fn line(error: &Error) -> String {
    let told = format!("{error} {error:?} {error:#?}");
    assert!(!told.contains(SECRET), "tells the secret: {told}");
    assert!(!error.is_transient(), "a retry would not help: {error}");
    let line = error.to_string();
    assert!(!line.contains('\n'), "{line:?}");
    line
}

fn refused(url: &str) -> String {
    match Postgres::from_url(url) {
        Ok(manager) => panic!("taken for good: {url} as {manager:?}"),
        Err(error) => line(&error),
    }
}

#[test]
fn a_malformed_url_is_told_by_its_part() {
    for (url, said) in [
        ("", "url: scheme: a URL begins with postgresql://"),
        ("s3cr3t", "url: scheme: a URL begins with postgresql://"),
        (
            "mysql://app:s3cr3t@db/x",
            "url: scheme: a URL begins with postgresql://",
        ),
        (
            "host=db password=s3cr3t",
            "url: scheme: a URL begins with postgresql://",
        ),
        (
            "postgresql://app:s3cr3t@db:54x2/x",
            "url: port: not a number from 1 to 65535",
        ),
        (
            "postgresql://app:s3cr3t@db:65536/x",
            "url: port: not a number from 1 to 65535",
        ),
        (
            "postgresql://app:s3cr3t@db:0/x",
            "url: port: not a number from 1 to 65535",
        ),
        (
            "postgresql://app:s3cr3t@:5432/x",
            "url: host: is missing before the port",
        ),
        ("postgresql://app:s3cr3t@[::1/x", "url: host: a [ without its ]"),
        (
            "postgresql://app:s3cr3t@[::1]x/x",
            "url: host: something between ] and the port",
        ),
        (
            "postgresql://app:s3cr3t%zz@db/x",
            "url: password: a % without two hexadecimal digits",
        ),
        (
            "postgresql://app:s3cr3t@db/x%f",
            "url: database: a % without two hexadecimal digits",
        ),
        ("postgresql://a%ff:s3cr3t@db/x", "url: user: not UTF-8"),
        (
            "postgresql://app:s3cr3t@db/x?sslmode",
            "url: query: an option without a value",
        ),
        (
            "postgresql://app:s3cr3t@d b/x",
            "url: host: a character stands in it that no host has",
        ),
        (
            "postgresql://app:s3cr3t@db/x?host=d%20b",
            "url: host: a character stands in it that no host has",
        ),
        (
            "postgresql://app:s3cr3t@db&sslmode=require",
            "url: host: a character stands in it that no host has",
        ),
        (
            "postgresql://app:s3cr3t@db/x&sslmode=disable",
            "url: database: an & stands in it (options begin with ?, and an & in a name is %26)",
        ),
        ("postgresql:///x", "host: is missing"),
        ("postgresql://app:s3cr3t@/x", "host: is missing"),
    ] {
        assert_eq!(refused(url), said, "{url}");
    }
}

/// As people write them: the password ends where it was not meant to, and the rest of it passes for something else.
#[test]
fn a_password_that_nobody_escaped_is_not_shown() {
    for url in [
        "postgresql://app:s3cr3t/s3cr3t@db/x",
        "postgresql://app:12/s3cr3t@db/x",
        "postgresql://app:12?s3cr3t@db/x",
        "postgresql://app:12?s3cr3t=@db/x",
        "postgresql://app:s3cr3t?sslmode=@db/x",
        "postgresql://app:12?host=s3cr3t@db/x",
        "postgresql://app:12?dbname=s3cr3t@db/x",
        "postgresql://app:[s3cr3t@db/x",
        "postgresql://app:%s3cr3t@db/x",
    ] {
        if let Ok(manager) = Postgres::from_url(url) {
            let told = format!("{manager:?} {}", manager.database());
            assert!(!told.contains(SECRET), "tells the secret of {url}: {told}");
        } else {
            refused(url);
        }
    }
    let said = "url: password: a / or ? in it is written %2F or %3F, and an @ after it %40";
    assert_eq!(refused("postgresql://app:12/s3cr3t@db/x"), said);
    assert_eq!(refused("postgresql://app:12?s3cr3t=@db/x"), said);
    assert_eq!(refused("postgresql://app:12/b?c=s3cr3t@db/orders"), said);
    let escaped = Postgres::from_url("postgresql://app:12%2F34@db/a%40b?user=c@d").expect("a good URL");
    assert_eq!(escaped.database(), "a@b on db:5432");
}

#[test]
fn options_of_the_query_stand_in_for_the_url_s_own_parts() {
    for (url, database) in [
        (
            "postgresql://db.example?user=app@tenant",
            "app@tenant on db.example:5432",
        ),
        ("postgresql://db.example/x?user=app@tenant", "x on db.example:5432"),
        ("postgresql://app@db/x?host=other", "x on other:5432"),
        ("postgresql://app@db:6000/x?host=other", "x on other:6000"),
        ("postgresql://app@a,b/x?host=c", "x on c:5432"),
        ("postgresql://app@db/x?port=6000", "x on db:6000"),
        ("postgresql://app@db:1/x?host=c,d&port=2,3&host=e,f", "x on e:2, f:3"),
        ("postgresql:///x?host=db&user=app&dbname=y", "y on db:5432"),
    ] {
        let manager = Postgres::from_url(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(manager.database(), database, "{url}");
    }
}

#[test]
fn an_option_that_is_unknown_or_wrong_is_named() {
    for (option, said) in [
        ("sslmod=require", "url: unknown option sslmod"),
        ("pass%20word=s3cr3t", "url: unknown option (which is no name of one)"),
        (
            "sslmode=s3cr3t",
            "url: sslmode: use disable, prefer, require, verify-ca or verify-full",
        ),
        (
            "channel_binding=s3cr3t",
            "url: channel_binding: use one of disable, prefer, require",
        ),
        (
            "target_session_attrs=s3cr3t",
            "url: target_session_attrs: use one of any, read-write, read-only",
        ),
        (
            "load_balance_hosts=s3cr3t",
            "url: load_balance_hosts: use one of disable, random",
        ),
        (
            "sslnegotiation=s3cr3t",
            "url: sslnegotiation: use one of postgres, direct",
        ),
        ("connect_timeout=s3cr3t", "url: connect_timeout: not a whole number"),
        ("keepalives_idle=-1", "url: keepalives_idle: not a whole number"),
        ("hostaddr=s3cr3t", "url: hostaddr: not an IP address"),
        ("hostaddr=127.0.0.1,127.0.0.2", "hostaddr: 2 of them for 1 hosts"),
        ("port=s3cr3t", "url: port: not a number from 1 to 65535"),
        (
            "sslrootcert=system&sslmode=require",
            "sslrootcert: system needs sslmode=verify-full",
        ),
        (
            "sslnegotiation=direct&sslmode=prefer",
            "sslnegotiation: direct needs sslmode=require or stricter",
        ),
    ] {
        assert_eq!(
            refused(&format!("postgresql://app:s3cr3t@db/x?{option}")),
            said,
            "{option}"
        );
    }
}

#[test]
fn a_file_that_is_missing_or_not_what_it_should_be_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let nothing = dir.path().join("none.pem").display().to_string();
    let (empty, noise) = (file("empty.pem", ""), file("noise.pem", "-----BEGIN s3cr3t"));
    let key = rcgen::KeyPair::generate().expect("a key");
    let other = file("other.key", &rcgen::KeyPair::generate().expect("a key").serialize_pem());
    let cert = rcgen::CertificateParams::new(["app".to_owned()]).and_then(|params| params.self_signed(&key));
    let cert = file("cert.pem", &cert.expect("signed").pem());
    let body = "-----BEGIN PRIVATE KEY-----\ns3cr3t!\n-----END PRIVATE KEY-----\n";
    let garbled = file("garbled.key", body);
    for (options, said) in [
        (
            format!("sslmode=verify-full&sslrootcert={nothing}"),
            format!("sslrootcert: no file {nothing}"),
        ),
        (
            format!("sslmode=verify-ca&sslrootcert={empty}"),
            format!("sslrootcert: no certificate in {empty}"),
        ),
        (
            format!("sslmode=verify-full&sslrootcert={noise}"),
            format!("sslrootcert: cannot read {noise}: it is not a PEM file"),
        ),
        (
            format!("sslcert={nothing}&sslkey={other}"),
            format!("sslcert: no file {nothing}"),
        ),
        (
            format!("sslcert={cert}&sslkey={nothing}"),
            format!("sslkey: no file {nothing}"),
        ),
        (
            format!("sslcert={cert}&sslkey={garbled}"),
            format!("sslkey: cannot read {garbled}: it is not a PEM file"),
        ),
        (
            format!("sslcert={cert}"),
            "sslkey: is missing, sslcert needs it".to_owned(),
        ),
        (
            format!("sslkey={other}"),
            "sslcert: is missing, sslkey needs it".to_owned(),
        ),
    ] {
        assert_eq!(refused(&format!("postgresql://app:s3cr3t@db/x?{options}")), said);
    }
    let said = refused(&format!("postgresql://app:s3cr3t@db/x?sslcert={cert}&sslkey={other}"));
    assert!(said.starts_with("sslkey: does not fit sslcert: "), "{said}");
}

#[test]
fn a_configuration_of_tokio_postgres_is_checked_too() {
    let refused = |config: &mut tokio_postgres::Config| {
        let config = config.user("app").password(SECRET).clone();
        line(&Postgres::from_config(config).expect_err("it cannot be"))
    };
    assert_eq!(refused(&mut tokio_postgres::Config::new()), "host: is missing");
    let three = tokio_postgres::Config::new().host("a").host("b").host("c").clone();
    assert_eq!(refused(three.clone().port(1).port(2)), "port: 2 of them for 3 hosts");
    let address = "127.0.0.1".parse().expect("an address");
    assert_eq!(
        refused(three.clone().hostaddr(address)),
        "hostaddr: 1 of them for 3 hosts"
    );
}

#[test]
fn what_a_manager_holds_is_not_shown() {
    let url = "postgresql://app:s3cr3t@db.example/orders?password=s3cr3t&options=-c%20app.key%3Ds3cr3t";
    let manager = Postgres::from_url(url)
        .expect("a good URL")
        .parameter("app.other", SECRET)
        .setup("SELECT set_config('app.key', 's3cr3t', false)");
    let told = format!("{manager:?} {manager:#?} {}", manager.database());
    assert!(!told.contains(SECRET), "{told}");
    assert!(told.contains("db.example"), "{told}");
    let mut config = tokio_postgres::Config::new();
    config
        .host("db.example")
        .user("app")
        .password(SECRET)
        .options("-c app.key=s3cr3t");
    let told = format!("{:?}", Postgres::from_config(config).expect("good"));
    assert!(!told.contains(SECRET), "{told}");
}

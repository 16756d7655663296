//! Redis: bad input, bad credentials and bad certificates. One clear error each, which names the part and shows no secret.
#![cfg(feature = "redis")]

mod servers;

use fairpool::drivers::redis::redis::{Client, IntoConnectionInfo, cmd};
use fairpool::drivers::redis::{Error, Redis};
use fairpool::{AcquireError, Manager, Pool};
use servers::certificates::Certificates;
use std::net::TcpListener;
use std::time::Duration;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// So long that reaching it means failure.
const NEVER: Duration = Duration::from_secs(60);

/// That an error says this, in one line, in `Display` and without a secret in `Debug`.
fn says(error: &Error, beginning: &str, transient: bool) {
    let text = error.to_string();
    assert!(text.starts_with(beginning), "{text}\n  should begin with\n{beginning}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert_eq!(error.is_transient(), transient, "{text}");
    for text in [text, format!("{error:?}"), format!("{error:#?}")] {
        assert!(!text.contains("s3cr3t"), "{text}");
    }
}

/// What a connect says, by itself and through a pool, which fails at once if the error is permanent.
async fn refused(driver: &Redis, beginning: &str, transient: bool) -> Outcome {
    says(&driver.connect().await.err().ok_or("connected")?, beginning, transient);
    let debug = format!("{driver:?} {driver:#?}");
    assert!(!debug.contains("s3cr3t"), "{debug}");
    if !transient {
        let pool = Pool::builder(driver.clone()).acquire_timeout(NEVER).build()?;
        let error = pool.acquire().await.expect_err("refused");
        assert!(matches!(error, AcquireError::Connect(_)), "{error:?}");
        assert!(error.to_string().contains(beginning), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    }
    Ok(())
}

#[test]
fn a_url_that_cannot_be_used_says_which_part_of_it() {
    for (url, beginning) in [
        ("", "url: scheme: is missing"),
        ("cache.example:6379", "url: scheme: is missing"),
        ("http://cache.example", "url: scheme: `http` is none of redis, rediss,"),
        ("s3cr3t!://cache.example", "url: scheme: this is none of redis, rediss,"),
        ("redis://", "url: host: is missing"),
        ("redis:///0", "url: host: is missing"),
        ("redis://:s3cr3t@/0", "url: host: is missing"),
        ("redis://user:s3cr3t@:6379/0", "url: host: is missing"),
        ("redis://cache.example:port/0", "url: port: must be a number"),
        ("redis://cache.example:70000/0", "url: port: must be a number"),
        ("redis://user:s3cr3t/@cache.example/0", "url: port: must be a number"),
        ("redis://user:s3cr3t#@cache.example/0", "url: port: must be a number"),
        ("redis://user:s3cr3t?@cache.example/0", "url: port: must be a number"),
        (
            "redis://user:12/s3cr3t@cache.example/0",
            "url: database: must be a number",
        ),
        ("redis://user:12#s3cr3t@cache.example/0", "url: #: has no meaning here"),
        ("redis://user:12?s3cr3t@cache.example/0", "url: ?: has no meaning here"),
        (
            "redis://s3cr3t@cache.example/0",
            "url: user: is without a password (a password alone stands behind a colon, as in redis://:password@host)",
        ),
        ("rediss://s3cr3t:@cache.example", "url: user: is without a password"),
        (
            "redis://:s3cr3t%zz@cache.example",
            "url: %: stands without two hexadecimal digits",
        ),
        ("redis://[::1/0", "url: host: is no name and no address"),
        ("redis://ca che/0", "url: host: is no name and no address"),
        ("redis://cache.example/orders", "url: database: must be a number"),
        ("redis://cache.example/-1", "url: database: must be a number"),
        (
            "redis://cache.example/0?timeout=s3cr3t",
            "url: timeout: no such option (there are protocol, client_name)",
        ),
        ("redis://cache.example/0?ca_file=/x", "url: ca_file: no such option"),
        (
            "rediss://cache.example/0?cafile=/x",
            "url: cafile: no such option (there are protocol, client_name, ca_file, cert_file, key_file)",
        ),
        (
            "redis://cache.example/0?protocol=resp4",
            "url: protocol: must be resp2 or resp3",
        ),
        (
            "rediss://cache.example/0?cert_file=/x",
            "url: key_file: is missing beside cert_file",
        ),
        (
            "rediss://cache.example/0?key_file=/x",
            "url: cert_file: is missing beside key_file",
        ),
        ("rediss://cache.example/0#insecure", "url: #insecure: not supported"),
        ("redis://0.0.0.0/0", "url: user, password or address: "),
        (
            "redis://user%ff:s3cr3t@cache.example/0",
            "url: user, password or address: ",
        ),
        (
            "redis://user:s3cr3t%ff@cache.example/0",
            "url: user, password or address: ",
        ),
        ("unix://run/redis.sock", "url: path: must be absolute"),
        ("unix:///run/redis.sock?db=one", "url: db: must be a number"),
        (
            "unix:///run/redis.sock?password=s3cr3t",
            "url: password: no such option (there are protocol, client_name, db, user, pass)",
        ),
    ] {
        match Redis::from_url(url) {
            Ok(driver) => panic!("{url}: {driver:?}"),
            Err(error) => says(&error, beginning, false),
        }
    }
}

#[test]
fn a_url_that_can_be_used_says_what_it_means() -> Outcome {
    for (url, server) in [
        ("redis://cache.example", "database 0 on cache.example:6379"),
        ("valkeys://cache.example:7000/3/", "database 3 on cache.example:7000"),
        (
            "redis://user:s3cr3t@[::1]:7000/?protocol=resp3&client_name=a%20b",
            "database 0 on ::1:7000",
        ),
        (
            "rediss://:s3cr3t@cache.example?ca_file=/a&cert_file=/b&key_file=/c",
            "database 0 on cache.example:6379",
        ),
        (
            "redis+unix:///run/redis.sock?db=2&user=a&pass=s3cr3t",
            "database 2 on /run/redis.sock",
        ),
    ] {
        let driver = Redis::from_url(url)?;
        assert_eq!(driver.server(), server, "{url}");
        assert!(!format!("{driver:?}").contains("s3cr3t"), "{driver:?}");
    }
    let client = Client::open("rediss://:s3cr3t@cache.example/2")?;
    assert_eq!(
        Redis::from_client(&client)?.server(),
        "database 2 on cache.example:6379"
    );
    Ok(())
}

#[test]
fn what_the_crates_configuration_hides_is_refused_not_ignored() -> Outcome {
    use fairpool::drivers::redis::redis::TlsCertificates;
    let authority = std::fs::read(Certificates::valid().ca())?;
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(authority),
    };
    let client = Client::build_with_tls("rediss://cache.example", certificates)?;
    says(
        &Redis::from_client(&client).err().ok_or("taken")?,
        "url: tls: the crate does not let",
        false,
    );
    let insecure = "rediss://cache.example/#insecure".into_connection_info()?;
    says(
        &Redis::from_config(&insecure).err().ok_or("taken")?,
        "url: #insecure: not supported",
        false,
    );
    Ok(())
}

#[tokio::test]
async fn credentials_and_rights_are_refused_for_good() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    server.cli(&["ACL", "SETUSER", "default", "reset"]);
    let begin = |database: u32| format!("cannot connect to database {database} on 127.0.0.1:{}: ", server.port);
    for protocol in ["resp2", "resp3"] {
        let to = |user: &str, rest: &str| {
            let url = format!("redis://{user}127.0.0.1:{}{rest}?protocol={protocol}", server.port);
            Redis::from_url(&url)
        };
        refused(&to("app:s3cr3t@", "")?, &format!("{}WRONGPASS ", begin(0)), false).await?;
        refused(&to("nobody:s3cr3t@", "")?, &format!("{}WRONGPASS ", begin(0)), false).await?;
        refused(&to(":s3cr3t@", "")?, &format!("{}WRONGPASS ", begin(0)), false).await?;
        refused(&to("", "")?, &format!("{}NOAUTH ", begin(0)), false).await?;
        refused(&to("app:secret@", "/99")?, &format!("{}ERR DB index", begin(99)), false).await?;
        let unnamed = to("app:secret@", "")?.client_name("with a space");
        refused(&unnamed, &format!("{}ERR Client names", begin(0)), false).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_password_that_the_server_repeats_is_not_shown() -> Outcome {
    let options = ["--rename-command", "AUTH", "", "--rename-command", "HELLO", ""];
    let Some(server) = servers::redis::Redis::start(&options) else {
        return Ok(());
    };
    let begin = format!(
        "cannot connect to database 0 on 127.0.0.1:{}: ERR it does not ",
        server.port
    );
    for protocol in ["resp2", "resp3"] {
        let url = format!("redis://app:s3cr3t@127.0.0.1:{}?protocol={protocol}", server.port);
        refused(&Redis::from_url(&url)?, &begin, false).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_away_full_or_busy_may_take_us_later() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&["--maxclients", "2"]) else {
        return Ok(());
    };
    let driver = Redis::from_url(&server.url())?;
    let begin = format!("cannot connect to database 0 on 127.0.0.1:{}: ", server.port);
    let (one, two) = (driver.connect().await?, driver.connect().await?);
    let full = format!("{begin}ERR max number of clients reached");
    refused(&driver, &full, true).await?;
    let nameless = Redis::from_url(&format!("redis://127.0.0.1:{}", server.port))?;
    refused(&nameless, &full, true).await?;
    drop((one, two));

    let away = Redis::from_url(&format!("redis://127.0.0.1:{}", servers::keeper::free_port()))?;
    let begin_away = format!("cannot connect to {}: ", away.server());
    refused(&away, &format!("{begin_away}Connection refused"), true).await?;
    refused(
        &Redis::from_url("unix:///no/such.sock")?,
        "cannot connect to database 0 on /no/such.sock: ",
        true,
    )
    .await?;
    refused(
        &Redis::from_url("redis://no.such.host.invalid")?,
        "cannot connect to database 0 on no.such",
        true,
    )
    .await?;

    // A script that does not end: everybody else is told BUSY after a while.
    server.cli(&["CONFIG", "SET", "busy-reply-threshold", "1", "maxclients", "100"]);
    let mut conn = driver.connect().await?;
    let endless = tokio::spawn(async move {
        let endless = cmd("EVAL")
            .arg("while true do end")
            .arg(0)
            .query_async::<()>(&mut conn)
            .await;
        endless.expect_err("killed").to_string()
    });
    let busy = loop {
        // Until the script runs, others are let in; and while it runs, the sign-on is refused.
        match driver.connect().await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    says(&busy, &format!("{begin}BUSY "), true);
    server.cli(&["SCRIPT", "KILL"]);
    assert!(endless.await?.contains("Script killed"));
    Ok(())
}

#[tokio::test]
async fn a_server_of_another_kind_or_one_that_hangs_up_is_told_apart() -> Outcome {
    for (answer, beginning, transient) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            "it does not speak Redis's protocol",
            false,
        ),
        (b"", "the server closed the connection", true),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "LOADING ", true),
        (b"-DENIED Redis is running in protected mode\r\n", "DENIED ", false),
        (b"+OK\r\n", "something else came", false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let driver = Redis::from_url(&format!("redis://{}", listener.local_addr()?))?;
        let begin = format!("cannot connect to {}: {beginning}", driver.server());
        std::thread::spawn(move || {
            use std::io::{Read, Write};
            for socket in listener.incoming() {
                let mut socket = socket.expect("a socket");
                let _ = socket.read(&mut [0; 4096]);
                let _ = socket.write_all(answer);
            }
        });
        let mut skipping = driver.clone();
        if answer == b"+OK\r\n" {
            // The answers before the ping's do not matter.
            skipping = Redis::from_config(&{
                let info = format!("redis://{}", &driver.server()["database 0 on ".len()..]).into_connection_info()?;
                let quiet = info.redis_settings().clone().set_skip_set_lib_name();
                info.set_redis_settings(quiet)
            })?;
        }
        refused(&skipping, &begin, transient).await?;
    }
    Ok(())
}

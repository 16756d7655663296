//! The driver for MySQL and MariaDB before the conformance kit, with every closure that it can use and nothing left out.
#![cfg(all(feature = "test-util", feature = "mysql"))]

mod servers;

use fairpool::drivers::mysql::mysql_async::prelude::Queryable;
use fairpool::drivers::mysql::{Connection, Mysql, Reset};
use fairpool::test_util::{Answer, Conformance};
use servers::certificates::Certificates;
use servers::keeper::free_port;
use servers::mysql::Mysql as Server;
use std::sync::Arc;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn exercise(conn: &mut Connection) -> Outcome {
    let rows: Vec<(u32, String)> = conn.exec("SELECT ?, 'a' UNION SELECT ?, 'b'", (7, 8)).await?;
    assert_eq!(rows, [(7, "a".to_owned()), (8, "b".to_owned())]);
    Ok(())
}

async fn dirty(conn: &mut Connection) -> Outcome {
    // It may be left by an earlier call of this closure, in the same lease; then the first of these commits.
    conn.query_drop("BEGIN; INSERT INTO t VALUES (1); SET @a = 1; SELECT a FROM t")
        .await?;
    Ok(())
}

async fn is_clean(conn: &mut Connection, keeps_variables: bool) -> Outcome<bool> {
    let (open, a): (u32, Option<u32>) = conn
        .query_first("SELECT @@in_transaction, @a")
        .await?
        .ok_or("no answer")?;
    Ok(open == 0 && (keeps_variables || a.is_none()))
}

fn conforms(server: Server, url: &str, reset: Reset) {
    server.sql("CREATE TABLE app.t (a INT)");
    let server = Arc::new(server);
    let (killer, counter) = (server.clone(), server.clone());
    let keeps_variables = reset == Reset::Rollback;
    let manager = |url: &str| Mysql::from_url(url).expect("a good url");
    let report = Conformance::new(manager(url).reset(reset))
        .patience(servers::PATIENCE)
        .exercise(|conn| Box::pin(exercise(conn)))
        .dirty(|conn| Box::pin(dirty(conn)))
        .is_clean(move |conn| Box::pin(is_clean(conn, keeps_variables)))
        .sever(move |conn| -> Answer<'_> {
            let (server, id) = (killer.clone(), conn.id());
            Box::pin(async move {
                server.sql(&format!("KILL {id}"));
                Ok(())
            })
        })
        .sessions(move |_| {
            let count = counter.sessions();
            Box::pin(async move { Ok(count) })
        })
        .permanent(manager(&url.replace("secret", "wrong")))
        .transient(manager(&format!("mysql://app:secret@127.0.0.1:{}/app", free_port())))
        .run();
    report.assert_ok();
    assert_eq!(report.warned().count(), 0, "{report}");
    assert_eq!(report.skipped().count(), 0, "{report}");
}

#[test]
fn mysql_conforms_when_it_resets_in_full() {
    let Some(server) = Server::start(&[]) else { return };
    let url = server.url();
    conforms(server, &url, Reset::Full);
}

#[test]
fn mysql_conforms_when_it_logs_in_anew() {
    let Some(server) = Server::start(&[]) else { return };
    let url = server.url();
    conforms(server, &url, Reset::Login);
}

#[test]
fn mysql_conforms_when_it_only_rolls_back() {
    let Some(server) = Server::start(&[]) else { return };
    let url = server.url();
    conforms(server, &url, Reset::Rollback);
}

#[test]
fn mysql_over_tls_conforms() {
    let certificates = Certificates::valid();
    let Some(server) = Server::with_tls(&certificates, &[]) else {
        return;
    };
    let url = format!(
        "mysql://tls:secret@localhost:{}/app?require_ssl=true&ssl_ca={}",
        server.port,
        certificates.ca().display()
    );
    conforms(server, &url, Reset::Full);
}

//! The PostgreSQL driver under the conformance kit, with every closure that it can use and nothing left out: on TCP, under TLS, on
//! a socket in the file system, and with each reset.
#![cfg(all(feature = "test-util", feature = "postgres"))]

#[path = "postgres/onlooker.rs"]
mod onlooker;
mod servers;

use fairpool::drivers::postgres::{Connection, Postgres, Reset};
use fairpool::test_util::{Answer, Conformance};
use onlooker::Onlooker;
use servers::certificates::Certificates;
use std::error::Error;
use std::sync::Arc;

type Server = Arc<servers::postgres::Postgres>;

/// No check may fail, warn or be skipped.
fn conforms(kit: Conformance<Postgres>) {
    let report = kit.run();
    report.assert_ok();
    assert_eq!(report.warned().count(), 0, "{report}");
    assert_eq!(report.skipped().count(), 0, "{report}");
}

async fn exercise(conn: &mut Connection) -> Result<(), Box<dyn Error + Send + Sync>> {
    let sum = conn.prepare_cached("SELECT $1::int + 1").await?;
    let sum: i32 = conn.query_one(&sum, &[&41]).await?.get(0);
    assert_eq!(sum, 42);
    conn.batch_execute("SELECT 1").await?;
    Ok(())
}

async fn dirty(conn: &mut Connection) -> Result<(), Box<dyn Error + Send + Sync>> {
    if !conn.is_in_transaction() {
        conn.batch_execute("SET search_path = nowhere; CREATE TEMP TABLE t (a int); BEGIN")
            .await?;
    }
    conn.batch_execute("SELECT 1").await?;
    Ok(())
}

async fn is_clean(conn: &mut Connection) -> Result<bool, Box<dyn Error + Send + Sync>> {
    let sql = "SELECT current_setting('search_path') <> 'nowhere' AND to_regclass('pg_temp.t') IS NULL";
    let clean: bool = conn.query_one(sql, &[]).await?.get(0);
    Ok(clean && !conn.is_in_transaction())
}

fn kit(server: &Server, db: Postgres) -> Conformance<Postgres> {
    let nobody = servers::keeper::free_port();
    let counting = Onlooker::new(server);
    let killing = counting.clone();
    let with = |url: String| Postgres::from_url(&url).expect("a good URL");
    Conformance::new(db)
        .patience(servers::PATIENCE)
        .exercise(|conn| Box::pin(exercise(conn)))
        .dirty(|conn| Box::pin(dirty(conn)))
        .is_clean(|conn| -> Answer<'_, bool> { Box::pin(is_clean(conn)) })
        .sever(move |conn| -> Answer<'_> {
            let (killing, process) = (killing.clone(), conn.process_id());
            Box::pin(async move {
                match killing.kill(process).await {
                    true => Ok(()),
                    false => Err("it lives on".into()),
                }
            })
        })
        .sessions(move |_| {
            let counting = counting.clone();
            Box::pin(async move { Ok(counting.sessions().await) })
        })
        .permanent(with(server.url().replace("secret", "wrong")))
        .transient(with(format!("postgresql://app:secret@127.0.0.1:{nobody}/app")))
}

#[test]
fn postgres_on_tcp_conforms() {
    let Some(server) = servers::postgres::Postgres::start(&[]).map(Arc::new) else {
        return;
    };
    let db = Postgres::from_url(&server.trusted()).expect("a good URL");
    conforms(kit(&server, db.clone()));
    conforms(kit(&server, db.reset(Reset::Observed)));
}

#[test]
fn postgres_under_tls_conforms() {
    let certificates = Certificates::valid();
    let Some(server) = servers::postgres::Postgres::with_tls(&certificates, &[]).map(Arc::new) else {
        return;
    };
    let url = server.trusted().replace("127.0.0.1", "localhost");
    let url = format!("{url}?sslmode=verify-full&sslrootcert={}", certificates.ca().display());
    conforms(kit(&server, Postgres::from_url(&url).expect("a good URL")));
}

#[test]
fn postgres_on_a_socket_in_the_file_system_conforms() {
    let Some(server) = servers::postgres::Postgres::start(&[]).map(Arc::new) else {
        return;
    };
    let dir = server.keeper.dir().display().to_string().replace('/', "%2F");
    let url = format!("postgresql://postgres@{dir}:{}/app", server.port);
    conforms(kit(&server, Postgres::from_url(&url).expect("a good URL")));
}

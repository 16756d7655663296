//! The Redis driver held to the conformance kit, with every closure that it can use and nothing left out: plain, with RESP3,
//! and with TLS.
#![cfg(all(feature = "test-util", feature = "redis"))]

mod servers;

use fairpool::drivers::redis::redis::{cmd, pipe};
use fairpool::drivers::redis::{Connection, Redis};
use fairpool::test_util::{Answer, Conformance};
use servers::certificates::Certificates;
use servers::keeper::free_port;
use std::sync::Arc;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn exercise(conn: &mut Connection) -> Outcome {
    let text: String = cmd("ECHO").arg("sound").query_async(conn).await?;
    assert_eq!(text, "sound");
    let (one, two): (i64, i64) = pipe()
        .atomic()
        .cmd("INCR")
        .arg("conformance")
        .cmd("INCR")
        .arg("conformance")
        .query_async(conn)
        .await?;
    assert_eq!(one + 1, two);
    Ok(())
}

/// It may be left by an earlier call of this closure, in the same lease: then most of this is queued.
async fn dirty(conn: &mut Connection) -> Outcome {
    for command in ["SELECT 5", "CLIENT SETNAME left-over", "WATCH a", "MULTI"] {
        let mut words = command.split(' ');
        let mut command = cmd(words.next().ok_or("a word")?);
        words.for_each(|word| drop(command.arg(word).clone()));
        let _ = command.query_async::<()>(conn).await;
    }
    Ok(())
}

async fn is_clean(conn: &mut Connection) -> Outcome<bool> {
    let info: String = cmd("CLIENT").arg("INFO").query_async(conn).await?;
    Ok(["db=0", "multi=-1", "name=kit"]
        .iter()
        .all(|field| info.split_whitespace().any(|found| found == *field)))
}

fn kit(server: &Arc<servers::redis::Redis>, driver: Redis) -> Conformance<Redis> {
    let (killer, counter) = (server.clone(), server.clone());
    Conformance::new(driver.client_name("kit"))
        .patience(servers::PATIENCE)
        .exercise(|conn| Box::pin(exercise(conn)))
        .dirty(|conn| Box::pin(dirty(conn)))
        .is_clean(|conn| -> Answer<'_, bool> { Box::pin(is_clean(conn)) })
        .sever(move |conn| -> Answer<'_> {
            let killer = killer.clone();
            Box::pin(async move {
                let id: i64 = cmd("CLIENT").arg("ID").query_async(conn).await?;
                killer.cli(&["CLIENT", "KILL", "ID", &id.to_string()]);
                Ok(())
            })
        })
        .sessions(move |_| {
            let count = counter.sessions();
            Box::pin(async move { Ok(count) })
        })
        .transient(Redis::from_url(&format!("redis://127.0.0.1:{}", free_port())).expect("a URL"))
        .permanent(Redis::from_url(&server.url().replace("secret", "wrong")).expect("a URL"))
}

/// No check may fail, warn or be skipped.
fn conforms(kit: Conformance<Redis>) {
    let report = kit.run();
    report.assert_ok();
    assert_eq!(report.warned().count(), 0, "{report}");
    assert_eq!(report.skipped().count(), 0, "{report}");
}

#[test]
fn redis_with_resp2_conforms() {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return;
    };
    let driver = Redis::from_url(&server.url()).expect("a URL");
    conforms(kit(&Arc::new(server), driver));
}

#[test]
fn redis_with_resp3_conforms() {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return;
    };
    let driver = Redis::from_url(&format!("{}?protocol=resp3", server.url())).expect("a URL");
    conforms(kit(&Arc::new(server), driver));
}

#[test]
fn redis_with_tls_conforms() {
    let certificates = Certificates::valid();
    let Some(server) = servers::redis::Redis::with_tls(&certificates, &[]) else {
        return;
    };
    let url = format!("rediss://app:secret@localhost:{}", server.tls_port);
    let driver = Redis::from_url(&url).expect("a URL").ca_file(certificates.ca());
    conforms(kit(&Arc::new(server), driver));
}

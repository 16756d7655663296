//! The server's sessions: as many as the pool says, none that lingers, and none that is lent when it is dead.

use super::servers::mysql::Mysql as Server;
use super::{NEVER, manager, pool, until};
use fairpool::drivers::mysql::mysql_async::prelude::Queryable;
use fairpool::drivers::mysql::mysql_async::{ChangeUserOpts, Conn};
use fairpool::drivers::mysql::{Mysql, Reset};
use std::time::Duration;

/// A statement that no answer to its sender ends.
const ENDLESS: &str = "SELECT BENCHMARK(1000000000000, MD5('a'))";

#[tokio::test]
async fn thousands_of_short_leases_keep_the_servers_count_at_the_pools() {
    let Some(server) = Server::start(&[]) else { return };
    let pool = pool(manager(&server), 4);
    let tasks: Vec<_> = (0..16u32)
        .map(|task| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for lease in 0..200u32 {
                    let mut conn = pool.acquire().await.expect("a connection");
                    let sum: Option<u32> = conn.exec_first("SELECT ? + ?", (task, lease)).await.expect("an answer");
                    assert_eq!(sum, Some(task + lease));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    until("all are clean", || pool.status().idle == 4).await;
    assert_eq!(server.sessions(), 4);
    assert_eq!(pool.status().totals.opened, 4);
    assert!(pool.drain(NEVER).await.completed);
    until("all are gone", || server.sessions() == 0).await;
    assert_eq!(
        server.sql("SHOW GLOBAL STATUS LIKE 'Aborted_clients'"),
        "Aborted_clients\t0",
        "all said goodbye"
    );
}

#[tokio::test]
async fn a_killed_session_is_noticed_idle_and_in_use() {
    let Some(server) = Server::start(&[]) else { return };
    for reset in [Reset::Full, Reset::Login, Reset::Rollback] {
        let pool = pool(manager(&server).reset(reset), 1);
        let mut conn = pool.acquire().await.expect("a connection");
        server.sql(&format!("KILL {}", conn.id()));
        conn.ping().await.expect_err("it is dead");
        drop(conn);
        let mut conn = pool.acquire().await.expect("another");
        conn.ping().await.expect("it lives");
        let id = conn.id();
        drop(conn);
        until("it is idle", || pool.status().idle == 1).await;
        server.sql(&format!("KILL {id}"));
        tokio::time::sleep(Duration::from_millis(600)).await; // validate_after_idle
        let mut conn = pool.acquire().await.expect("a third");
        conn.ping().await.expect("it lives");
        drop(conn);
        assert!(pool.drain(NEVER).await.completed);
    }
}

#[tokio::test]
async fn invalidate_replaces_idle_and_lent_ones() {
    let Some(server) = Server::start(&[]) else { return };
    let pool = pool(manager(&server), 2);
    let (held, idle) = (pool.acquire().await.expect("one"), pool.acquire().await.expect("two"));
    let (first, second) = (held.id(), idle.id());
    drop(idle);
    pool.invalidate();
    until("the idle one is closed", || server.sessions() == 1).await;
    drop(held);
    until("so is the other", || server.sessions() == 0).await;
    let id = pool.acquire().await.expect("a new one").id();
    assert!(id != first && id != second);
}

/// A lease that is dropped in the middle of a statement: of its first, or of one behind a transaction that was dropped, where
/// `mysql_async` does not know that an answer is due.
async fn abandon(pool: &fairpool::Pool<Mysql>, behind_a_transaction: bool, given_up: bool) {
    let mut conn = pool.acquire().await.expect("a connection");
    if behind_a_transaction {
        drop(conn.start_transaction(Default::default()).await.expect("begun"));
    }
    let cut = tokio::time::timeout(Duration::from_millis(50), conn.query_drop(ENDLESS)).await;
    assert!(cut.is_err());
    assert_ne!(conn.is_disconnected(), behind_a_transaction);
    if given_up {
        conn.mark_broken();
    }
}

#[tokio::test]
async fn an_abandoned_statement_is_killed_and_its_session_ends() {
    let Some(server) = Server::start(&[]) else { return };
    let pool = pool(manager(&server), 4);
    for (behind_a_transaction, given_up) in [(false, false), (true, false), (true, true)] {
        let leases = (0..4).map(|_| abandon(&pool, behind_a_transaction, given_up));
        futures::future::join_all(leases).await;
        until("all are gone", || server.sessions() == 0).await;
        until("all are closed", || pool.status().occupied() == 0).await;
    }
    let mut conn = pool.acquire().await.expect("a new one");
    conn.ping().await.expect("it lives");
    drop(conn);
    assert!(pool.drain(NEVER).await.completed);
}

#[tokio::test]
async fn without_the_kill_it_would_run_on() {
    let Some(server) = Server::start(&[]) else { return };
    let pool = pool(manager(&server).kill_abandoned(false), 1);
    abandon(&pool, false, false).await;
    assert!(pool.drain(NEVER).await.completed);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.sessions(), 1);
}

#[tokio::test]
async fn a_session_of_the_same_number_after_a_restart_is_spared() {
    let Some(mut server) = Server::start(&[]) else { return };
    let pool = pool(manager(&server), 1);
    let mut conn = pool.acquire().await.expect("a connection");
    let id = conn.id();
    // The session's age and the server's are both rounded to seconds, so by two of them they are told apart for certain.
    let cut = tokio::time::timeout(Duration::from_millis(2100), conn.query_drop("SELECT SLEEP(1000)")).await;
    assert!(cut.is_err());
    server.keeper.kill();
    server.keeper.begin();
    let bystander = loop {
        let other = fairpool::Manager::connect(&manager(&server))
            .await
            .expect("a connection");
        if other.id() >= id {
            break other;
        }
    };
    assert_eq!(bystander.id(), id, "numbers begin anew");
    drop(conn);
    until("it is closed", || pool.status().occupied() == 0).await;
    let (mut bystander, at_least) = (bystander, Duration::from_millis(100));
    tokio::time::sleep(at_least).await;
    bystander.ping().await.expect("it was spared");
}

#[tokio::test]
async fn a_half_read_answer_is_read_off_or_given_up() {
    let Some(server) = Server::start(&[]) else { return };
    let patient = fairpool::Pool::builder(manager(&server)).limit(1).reset_timeout(NEVER);
    let pool = patient.build().expect("good options");
    let mut conn = pool.acquire().await.expect("a connection");
    let id = conn.id();
    server.sql("USE app; CREATE TABLE few AS SELECT seq FROM seq_1_to_1000");
    let mut answer = conn
        .query_iter("SELECT seq FROM few; SELECT 1; SELECT * FROM nowhere")
        .await
        .expect("begun");
    assert!(answer.next().await.expect("a row").is_some());
    drop(answer);
    drop(conn);
    let mut conn = pool.acquire().await.expect("a connection");
    assert_eq!(conn.id(), id, "it was short");
    let mut answer = conn
        .query_iter("SELECT seq, REPEAT('x', 10000) FROM seq_1_to_1000000000")
        .await
        .expect("begun");
    assert!(answer.next().await.expect("a row").is_some());
    drop(answer);
    drop(conn);
    let mut conn = pool.acquire().await.expect("a connection");
    conn.ping().await.expect("it lives");
    assert_ne!(conn.id(), id, "it was endless");
    until("its session is gone", || server.sessions() == 1).await;
}

#[tokio::test]
async fn a_lease_that_sends_nothing_costs_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    let pool = pool(manager(&server), 1);
    drop(pool.acquire().await.expect("a connection"));
    let before = server.sql("SHOW GLOBAL STATUS LIKE 'Questions'");
    let bytes = server.sql("SHOW GLOBAL STATUS LIKE 'Com_admin_commands'");
    for _ in 0..100 {
        assert!(!pool.acquire().await.expect("a connection").is_disconnected());
    }
    let after: u64 = count(&server.sql("SHOW GLOBAL STATUS LIKE 'Questions'"));
    assert!(after - count(&before) < 10, "only those of this test");
    assert_eq!(server.sql("SHOW GLOBAL STATUS LIKE 'Com_admin_commands'"), bytes);
}

fn count(status: &str) -> u64 {
    status
        .rsplit('\t')
        .next()
        .and_then(|value| value.parse().ok())
        .expect("a number")
}

#[tokio::test]
async fn a_connection_that_was_exchanged_or_logged_in_as_somebody_else_is_not_lent_again() {
    let Some(server) = Server::start(&[]) else { return };
    server.sql("CREATE USER other@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT ALL ON app.* TO other@'127.0.0.1'");
    let pool = pool(manager(&server), 1);
    let mut conn = pool.acquire().await.expect("a connection");
    let id = conn.id();
    conn.change_user(ChangeUserOpts::new().with_user(Some("other".into())))
        .await
        .expect("logged in");
    drop(conn);
    let mut conn = pool.acquire().await.expect("a connection");
    assert_ne!(conn.id(), id);
    let user: Option<String> = conn.query_first("SELECT USER()").await.expect("told");
    assert_eq!(user.as_deref(), Some("app@127.0.0.1"));
    let strange = Conn::new(conn.opts().clone()).await.expect("a connection");
    let id = strange.id();
    let taken = std::mem::replace(&mut **conn, strange);
    drop(conn);
    assert_ne!(pool.acquire().await.expect("a connection").id(), id);
    drop(taken);
    until("only the pool's is left", || server.sessions() == 1).await;
}

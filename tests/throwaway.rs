//! The throwaway servers themselves: they start, count their sessions, stop, start again, and leave nothing.

mod servers;

use servers::certificates::Certificates;
use servers::mysql::Mysql;
use servers::postgres::Postgres;
use servers::redis::Redis;

#[test]
fn postgresql_starts_counts_restarts_and_leaves_nothing() {
    let Some(mut server) = Postgres::with_tls(&Certificates::valid(), &[]) else {
        return;
    };
    assert_eq!(server.sessions(), 0);
    server.keeper.stop();
    server.keeper.begin();
    assert_eq!(server.psql("SHOW ssl"), "on");
    server.keeper.kill();
    server.keeper.begin();
    let forked = server.keeper.freeze();
    assert!(forked.len() > 3, "the checkpointer and its colleagues: {forked:?}");
    server.keeper.thaw();
    assert_eq!(server.psql("SELECT 1"), "1");
    server.keeper.freeze();
    let dir = server.keeper.dir().to_owned();
    drop(server);
    assert!(!dir.exists(), "a frozen one is gone too");
}

#[test]
fn mariadb_starts_counts_restarts_and_leaves_nothing() {
    let Some(mut server) = Mysql::with_tls(&Certificates::valid(), &[]) else {
        return;
    };
    assert_eq!(server.sessions(), 0);
    server.keeper.kill();
    server.keeper.begin();
    assert_eq!(server.sql("SELECT @@have_ssl"), "YES");
    let dir = server.keeper.dir().to_owned();
    drop(server);
    assert!(!dir.exists());
}

#[test]
fn redis_starts_counts_restarts_and_leaves_nothing() {
    let Some(mut server) = Redis::with_tls(&Certificates::valid(), &[]) else {
        return;
    };
    assert_eq!(server.sessions(), 0);
    server.keeper.kill();
    server.keeper.begin();
    assert_eq!(
        server.cli(&["--user", "app", "--pass", "secret", "--no-auth-warning", "PING"]),
        "PONG"
    );
    let dir = server.keeper.dir().to_owned();
    drop(server);
    assert!(!dir.exists());
}

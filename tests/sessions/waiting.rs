//! The one line of all sessions: its order, its timeouts, and its end; and what an idle session costs.

use super::{NEVER, Town, run, until};
use fairpool::drivers::postgres::{Postgres, Session, SessionError, SessionMode, Sessions};
use fairpool::{AcquireError, OrderChecker, Phase, Pool};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn p1_a_thousand_sessions_over_five_connections_are_served_in_order() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let checker = OrderChecker::new();
        let db = Postgres::from_url(&town.server.trusted()).unwrap();
        let pool = Pool::builder(db)
            .limit(5)
            .acquire_timeout(NEVER)
            .observer(checker.clone())
            .build()
            .unwrap();
        let sessions = Sessions::new(pool.clone(), SessionMode::Transaction);
        let tasks: Vec<_> = (0..1_000)
            .map(|id| {
                let (mut session, sql) = (sessions.open(), town.insert(id));
                tokio::spawn(async move {
                    session.execute("BEGIN", &[]).await.unwrap();
                    session.execute(&sql, &[]).await.unwrap();
                    session.execute("COMMIT", &[]).await.unwrap();
                    let transaction = session.transaction().await.unwrap();
                    transaction.execute(&sql, &[]).await.unwrap();
                    transaction.commit().await.unwrap();
                    session.execute(&sql, &[]).await.unwrap();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(town.rows(), 3_000);
        assert_eq!(checker.overtakings(), 0);
        assert!(checker.grants() >= 3_000 && checker.overlaps() > 2_000, "{checker:?}");
        assert!(pool.status().totals.opened <= 5);
    });
}

#[test]
fn sessions_beyond_the_limit_wait_in_line_and_time_out_with_the_phase() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let sessions = town.sessions(SessionMode::Session);
        let (mut one, mut other) = (sessions.open(), sessions.open());
        one.query("SELECT 1", &[]).await.unwrap();
        town.pool.set_acquire_timeout(Duration::from_millis(30)).unwrap();
        let error = other.query("SELECT 1", &[]).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("no server connection: no connection after "),
            "{error}"
        );
        let SessionError::Acquire(AcquireError::Timeout(timeout)) = error else {
            panic!("{error}");
        };
        assert_eq!((timeout.phase, timeout.status.in_use), (Phase::Queue, 1));
        drop(one);
        town.pool.set_acquire_timeout(NEVER).unwrap();
        other.query("SELECT 1", &[]).await.unwrap();
    });
}

#[test]
fn a_drain_waits_for_transactions_and_tells_who_did_not_come_back() {
    run(async {
        let Some(town) = Town::new(3) else { return };
        let (shared, kept) = (
            town.sessions(SessionMode::Transaction),
            town.sessions(SessionMode::Session),
        );
        let (mut idle, mut busy, mut keeps) = (shared.open(), shared.open(), kept.open());
        idle.query("SELECT 1", &[]).await.unwrap();
        keeps.query("SELECT 1", &[]).await.unwrap();
        busy.batch_execute("BEGIN").await.unwrap();
        let drain = tokio::spawn({
            let shared = shared.clone();
            async move { shared.drain(Duration::from_secs(1)).await }
        });
        until("it drains", || town.pool.is_closed()).await;
        busy.execute(&town.insert(1), &[]).await.unwrap();
        busy.batch_execute("COMMIT").await.unwrap();
        let report = drain.await.unwrap();
        assert_eq!(
            (report.completed, report.still_out, report.failed),
            (false, 1, 0),
            "{report}"
        );
        assert_eq!(town.rows(), 1);
        let error = idle.query("SELECT 1", &[]).await.unwrap_err();
        assert!(
            matches!(error, SessionError::Acquire(AcquireError::Closed { .. })),
            "{error}"
        );
        assert_eq!(
            keeps.query("SELECT 1", &[]).await.unwrap().len(),
            1,
            "it is not cut off"
        );
        drop(keeps);
        until("all are gone", || town.connections() == 0).await;
    });
}

#[test]
fn an_idle_session_is_a_few_words() {
    assert!(size_of::<Session>() <= 96, "{} bytes", size_of::<Session>());
    let assert_send = |_: &dyn Send| {};
    let sessions = Sessions::new(
        Pool::builder(Postgres::from_url("postgresql://a@b/c").unwrap())
            .build()
            .unwrap(),
        SessionMode::Transaction,
    );
    let many: Vec<Session> = (0..100_000).map(|_| sessions.open()).collect();
    assert_eq!(sessions.open_sessions(), 100_000);
    many.iter().take(1).for_each(|session| assert_send(session));
    drop(many);
    assert_eq!(sessions.open_sessions(), 0);
    let _: Arc<dyn Send + Sync> = Arc::new(sessions);
}

//! Whatever a session has done, the next one on its connection sees none of it.

use super::{Town, process, run};
use fairpool::drivers::postgres::{Losses, Session, SessionMode};

const MODES: [SessionMode; 3] = [SessionMode::Session, SessionMode::Transaction, SessionMode::Statement];

/// Leaves all that it can, where no text gives it away.
const DIRTY: &str = "DO $$ BEGIN
    PERFORM set_config('search_path', 'nowhere', false);
    PERFORM set_config('town.secret', 'treasure', false);
    PERFORM pg_advisory_lock(815);
    CREATE TEMP TABLE loot (a int);
    EXECUTE 'LISTEN whispers';
    EXECUTE 'PREPARE heist AS SELECT 1';
    SET ROLE app;
END $$";

async fn sees(session: &mut Session) -> Vec<String> {
    let sql = "
        SELECT 'path ' || current_setting('search_path') WHERE current_setting('search_path') = 'nowhere'
        UNION ALL SELECT 'secret' WHERE current_setting('town.secret', true) = 'treasure'
        UNION ALL SELECT 'lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
        UNION ALL SELECT 'table' WHERE to_regclass('pg_temp.loot') IS NOT NULL
        UNION ALL SELECT 'listen' FROM pg_listening_channels()
        UNION ALL SELECT 'statement' FROM pg_prepared_statements WHERE from_sql
        UNION ALL SELECT 'role' WHERE current_user = 'app'";
    let rows = session.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn p9_no_session_sees_what_another_has_left() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in MODES {
            for losses in [Losses::Refuse, Losses::Allow] {
                let sessions = town.sessions(mode).losses(losses);
                let mut first = sessions.open();
                let served = process(&mut first).await;
                first.batch_execute(DIRTY).await.unwrap();
                if mode == SessionMode::Session {
                    assert_eq!(sees(&mut first).await.len(), 7, "the look can see it");
                }
                drop(first);
                let mut next = sessions.open();
                assert_eq!(sees(&mut next).await, [""; 0], "in {mode} mode");
                assert_eq!(process(&mut next).await, served, "the same connection");
            }
        }
    });
}

#[test]
fn p9_a_session_dropped_in_a_transaction_takes_it_along() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in [SessionMode::Session, SessionMode::Transaction] {
            let sessions = town.sessions(mode);
            let mut first = sessions.open();
            first.batch_execute("BEGIN").await.unwrap();
            first.execute(&town.insert(1), &[]).await.unwrap();
            drop(first);
            let mut next = sessions.open();
            next.execute(&town.insert(2), &[]).await.unwrap();
            assert!(!next.is_in_transaction());
        }
        assert_eq!(town.rows(), 2, "the second ones");
    });
}

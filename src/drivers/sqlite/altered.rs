//! Noticing that a job changes the connection itself, not only the database: what it attaches, makes temporary or sets
//! outlives a rollback. SQLite's authorizer reports it when a statement is prepared, so running one costs nothing.

use rusqlite::hooks::AuthAction;

/// PRAGMAs that only ask, or that change the file and not the connection, though they take a value.
const HARMLESS: [&str; 16] = [
    "application_id",
    "foreign_key_check",
    "foreign_key_list",
    "incremental_vacuum",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "optimize",
    "quick_check",
    "schema_version",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
    "wal_checkpoint",
];

/// Whether a statement that does this changes its connection.
pub(super) fn alters(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => true,
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => pragma_value.is_some() && !HARMLESS.iter().any(|name| name.eq_ignore_ascii_case(pragma_name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::Manager;
    use crate::drivers::sqlite::tests::{Outcome, execute, reset};
    use crate::drivers::sqlite::{Error, Sqlite};

    #[tokio::test]
    async fn retire_altered_tells_what_changes_the_connection_from_what_does_not() -> Outcome {
        let db = Sqlite::in_memory("altered")
            .retire_altered(true)
            .setup(|db| db.execute_batch("CREATE TEMP TABLE s (a)"));
        let keeps = "CREATE TABLE u (a); INSERT INTO s VALUES (1); \
                     PRAGMA table_info(u); PRAGMA cache_size; PRAGMA User_Version = 3";
        let mut conn = db.connect().await?;
        execute(&mut conn, keeps).await?;
        assert!(!db.is_broken(&mut conn) && db.reset(&mut conn).is_none());
        for alters in [
            "ATTACH ':memory:' AS other",
            "CREATE TEMP VIEW v AS SELECT 1",
            "PRAGMA foreign_keys = off",
        ] {
            let mut conn = db.connect().await?;
            execute(&mut conn, alters).await?;
            assert!(db.is_broken(&mut conn), "{alters}");
            assert!(
                matches!(reset(&db, &mut conn).await, Err(Error::Altered { .. })),
                "{alters}"
            );
        }
        Ok(())
    }
}

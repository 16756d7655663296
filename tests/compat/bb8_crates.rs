//! bb8-postgres and bb8-redis.

use super::onlooker::Onlooker;
use super::servers::redis::Redis;
use super::*;
use fairpool::compat::bb8::Bb8;

mod bb8_postgres_works {
    use super::*;
    use bb8_postgres::PostgresConnectionManager as Theirs;
    use bb8_postgres::tokio_postgres::{Client, Error, NoTls, error::SqlState};

    async fn work(client: &mut Client) -> Outcome {
        let row = client.query_one("SELECT $1::int4 + 1", &[&41]).await?;
        assert_eq!(row.get::<_, i32>(0), 42);
        Ok(())
    }

    #[tokio::test]
    async fn for_a_crowd_with_as_many_sessions_as_the_pool_says() {
        let Some(server) = Postgres::start(&[]) else { return };
        let theirs = Theirs::new_from_stringlike(server.url(), NoTls).unwrap();
        crowd(pool(Bb8::new(theirs)), work, || server.sessions()).await;
    }

    #[tokio::test]
    async fn after_its_sessions_were_killed_idle_and_in_use() {
        let Some(server) = Postgres::start(&[]) else { return };
        let theirs = Theirs::new_from_stringlike(server.url(), NoTls).unwrap();
        let pool = pool(Bb8::new(theirs));
        let mut conn = pool.acquire().await.unwrap();
        drop(pool.acquire().await.unwrap());
        kill(&server);
        assert!(work(&mut conn).await.is_err());
        drop(conn);
        for _ in 0..LIMIT {
            work(&mut pool.acquire().await.unwrap()).await.unwrap();
        }
        // Its `has_broken` knows, so it may be asked alone.
        pool.set_validate_after_idle(None).unwrap();
        let mut conn = pool.acquire().await.unwrap();
        kill(&server);
        assert!(work(&mut conn).await.is_err());
        until(|| conn.is_closed()).await;
        drop(conn);
        work(&mut pool.acquire().await.unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn and_says_at_once_that_the_password_is_wrong() {
        let Some(server) = Postgres::start(&[]) else { return };
        let url = server.url().replace("secret", "guessed-it");
        let theirs = Theirs::new_from_stringlike(url, NoTls).unwrap();
        let is_wrong = |error: &Error| error.code() == Some(&SqlState::INVALID_PASSWORD);
        let error = refused(Bb8::new(theirs).permanent_if(is_wrong)).await;
        assert!(error.downcast_ref::<Error>().is_some_and(is_wrong));
        let said = "db error: FATAL: password authentication failed for user \"app\"";
        assert_eq!(error.to_string(), said);
        assert!(!format!("{error} {error:?}").contains("guessed-it"), "{error:?}");
    }

    #[cfg(feature = "test-util")]
    #[test]
    fn and_passes_the_whole_kit() {
        use fairpool::test_util::{Answer, Conformance};

        let Some(server) = Postgres::start(&[]) else { return };
        let onlooker = Onlooker::new(&server);
        let (killer, counter) = (onlooker.clone(), onlooker.clone());
        let at = |url: String| Bb8::new(Theirs::new_from_stringlike(url, NoTls).unwrap());
        let nowhere = format!("postgresql://app:secret@127.0.0.1:{}/app", servers::keeper::free_port());
        // Without a password: an unoptimised SCRAM keeps its thread for longer than the kit likes.
        let kit = Conformance::new(at(server.trusted()))
            .patience(servers::PATIENCE)
            .exercise(|client| -> Answer<'_> {
                Box::pin(async {
                    let row = client.query_one("SELECT 42", &[]).await?;
                    assert_eq!(row.get::<_, i32>(0), 42);
                    Ok(())
                })
            })
            .sever(move |client| {
                let killer = killer.clone();
                Box::pin(async move {
                    let row = client.query_one("SELECT pg_backend_pid()", &[]).await?;
                    assert!(killer.kill(row.get(0)).await);
                    Ok(())
                })
            })
            .sessions(move |_| {
                let counter = counter.clone();
                Box::pin(async move { Ok(counter.sessions().await) })
            })
            .permanent(at(server.url().replace("secret", "wrong")).permanent_if(|_| true))
            .transient(at(nowhere));
        conforms(kit, &DIRT);
    }
}

mod bb8_redis_works {
    use super::*;
    use bb8_redis::RedisConnectionManager as Theirs;
    use bb8_redis::redis::{AsyncCommands, aio::MultiplexedConnection};

    async fn work(conn: &mut MultiplexedConnection) -> Outcome {
        let before: i64 = conn.incr("count", 1).await?;
        let after: i64 = conn.get("count").await?;
        assert!(after >= before);
        Ok(())
    }

    #[tokio::test]
    async fn for_a_crowd_with_as_many_sessions_as_the_pool_says() {
        let Some(server) = Redis::start(&[]) else { return };
        let theirs = Theirs::new(server.url()).unwrap();
        crowd(pool(Bb8::new(theirs)), work, || server.sessions()).await;
        assert_eq!(server.cli(&["GET", "count"]), (TASKS * LEASES).to_string());
    }

    #[tokio::test]
    async fn after_its_sessions_were_killed_idle_and_in_use_although_its_has_broken_says_nothing() {
        let Some(server) = Redis::start(&[]) else { return };
        let pool = pool(Bb8::new(Theirs::new(server.url()).unwrap()));
        let mut conn = pool.acquire().await.unwrap();
        drop(pool.acquire().await.unwrap());
        server.cli(&["CLIENT", "KILL", "USER", "app"]);
        assert!(work(&mut conn).await.is_err());
        drop(conn);
        for _ in 0..LIMIT {
            work(&mut pool.acquire().await.unwrap()).await.unwrap();
        }
    }

    #[cfg(feature = "test-util")]
    #[test]
    fn and_passes_the_whole_kit() {
        use bb8_redis::redis::cmd;
        use fairpool::test_util::{Answer, Conformance};

        let Some(server) = Redis::start(&[]) else { return };
        let server = Arc::new(server);
        let (killer, counter) = (server.clone(), server.clone());
        let at = |url: String| Bb8::new(Theirs::new(url).unwrap());
        let nowhere = format!("redis://127.0.0.1:{}", servers::keeper::free_port());
        let kit = Conformance::new(at(server.url()))
            .patience(servers::PATIENCE)
            .exercise(|conn| -> Answer<'_> {
                Box::pin(async {
                    let said: String = cmd("ECHO").arg("so").query_async(conn).await?;
                    assert_eq!(said, "so");
                    Ok(())
                })
            })
            .sever(move |conn| {
                let killer = killer.clone();
                Box::pin(async move {
                    let id: u64 = cmd("CLIENT").arg("ID").query_async(conn).await?;
                    killer.cli(&["CLIENT", "KILL", "ID", &id.to_string()]);
                    Ok(())
                })
            })
            .sessions(move |_| Box::pin(std::future::ready(Ok(counter.sessions()))))
            .permanent(at(server.url().replace("secret", "wrong")).permanent_if(|_| true))
            .transient(at(nowhere));
        conforms(kit, &DIRT);
    }
}

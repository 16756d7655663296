//! deadpool-postgres and deadpool-redis.

use super::onlooker::Onlooker;
use super::servers::redis::Redis;
use super::*;
use fairpool::compat::deadpool::Deadpool;

mod deadpool_postgres_works {
    use super::*;
    use deadpool_postgres::tokio_postgres::{Config, NoTls};
    use deadpool_postgres::{GenericClient, Manager as Theirs, ManagerConfig, RecyclingMethod};
    use fairpool::compat::deadpool::Connection;

    fn theirs(server: &Postgres, recycling_method: RecyclingMethod) -> Theirs {
        let config: Config = server.url().parse().unwrap();
        Theirs::from_config(config, NoTls, ManagerConfig { recycling_method })
    }

    async fn work(conn: &mut Connection<Theirs>) -> Outcome {
        let statement = conn.prepare_cached("SELECT $1::int4 + 1").await?;
        let transaction = conn.transaction().await?;
        let row = transaction.query_one(&statement, &[&41]).await?;
        transaction.commit().await?;
        assert_eq!(row.get::<_, i32>(0), 42);
        assert_eq!(conn.statement_cache.size(), 1);
        Ok(())
    }

    #[tokio::test]
    async fn for_a_crowd_with_as_many_sessions_as_the_pool_says() {
        let Some(server) = Postgres::start(&[]) else { return };
        let verified = Deadpool::new(theirs(&server, RecyclingMethod::Verified));
        crowd(pool(verified), work, || server.sessions()).await;
        let on_return = Deadpool::new(theirs(&server, RecyclingMethod::Verified)).recycle_on_return();
        crowd(pool(on_return), work, || server.sessions()).await;
    }

    #[tokio::test]
    async fn with_its_statement_caches_and_its_cleaning_between_leases() {
        let Some(server) = Postgres::start(&[]) else { return };
        let wrap: [fn(Theirs) -> Deadpool<Theirs>; 2] =
            [Deadpool::new, |theirs| Deadpool::new(theirs).recycle_on_return()];
        for wrap in wrap {
            let pool = Pool::builder(wrap(theirs(&server, RecyclingMethod::Clean))).limit(1);
            let pool = pool.build().unwrap();
            let mut conn = pool.acquire().await.unwrap();
            work(&mut conn).await.unwrap();
            let dirt = "SET TIME ZONE 'Asia/Tokyo'; CREATE TEMP TABLE t (a int); SELECT pg_advisory_lock(7)";
            conn.batch_execute(dirt).await.unwrap();
            drop(conn);

            let conn = pool.acquire().await.unwrap();
            assert_eq!(conn.metrics().recycle_count, 1);
            assert_eq!(conn.statement_cache.size(), 1, "statements survive it");
            let sql = "SELECT current_setting('TimeZone') = 'Asia/Tokyo' OR to_regclass('t') IS NOT NULL \
                       OR EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')";
            let dirty = conn.query_one(sql, &[]).await.unwrap();
            assert!(!dirty.get::<_, bool>(0));

            let caches = &pool.manager().inner().statement_caches;
            caches.clear();
            assert_eq!(conn.statement_cache.size(), 0, "its manager reaches those in the pool");
            let client = conn.detach().into_inner();
            client.prepare_cached("SELECT 1").await.unwrap();
            caches.clear();
            assert_eq!(client.statement_cache.size(), 1, "and not one that has left");
        }
    }

    #[tokio::test]
    async fn after_its_sessions_were_killed_idle_and_in_use() {
        let Some(server) = Postgres::start(&[]) else { return };
        let pool = pool(Deadpool::new(theirs(&server, RecyclingMethod::Fast)));
        let mut conn = pool.acquire().await.unwrap();
        drop(pool.acquire().await.unwrap());
        kill(&server);
        assert!(work(&mut conn).await.is_err());
        until(|| conn.is_closed()).await;
        drop(conn);
        // `Fast` asks the client, which knows of a session's end when its socket has been looked at.
        until(|| server.sessions() == 0).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        for _ in 0..LIMIT {
            work(&mut pool.acquire().await.unwrap()).await.unwrap();
        }
    }

    #[cfg(feature = "test-util")]
    #[test]
    fn and_conforms_with_its_cleaning() {
        use fairpool::test_util::{Answer, Conformance};

        let Some(server) = Postgres::start(&[]) else { return };
        let onlooker = Onlooker::new(&server);
        // Without a password: an unoptimised SCRAM keeps its thread for longer than the kit likes.
        let clean = || {
            let recycling_method = RecyclingMethod::Clean;
            let config = server.trusted().parse().unwrap();
            Deadpool::new(Theirs::from_config(config, NoTls, ManagerConfig { recycling_method }))
        };
        let (killer, counter) = (onlooker.clone(), onlooker.clone());
        let wrong = Theirs::new(server.url().replace("secret", "wrong").parse().unwrap(), NoTls);
        let nowhere = format!("postgresql://app@127.0.0.1:{}/app", servers::keeper::free_port());
        let kit = |wrapped: Deadpool<Theirs>| {
            let (killer, counter) = (killer.clone(), counter.clone());
            Conformance::new(wrapped)
                .patience(servers::PATIENCE)
                .exercise(|conn| -> Answer<'_> {
                    Box::pin(async {
                        let statement = conn.prepare_cached("SELECT 42").await?;
                        let row = conn.query_one(&statement, &[]).await?;
                        assert_eq!(row.get::<_, i32>(0), 42);
                        Ok(())
                    })
                })
                .dirty(|conn| Box::pin(async { Ok(conn.batch_execute("SET TIME ZONE 'Asia/Tokyo'").await?) }))
                .is_clean(|conn| {
                    Box::pin(async {
                        let row = conn.query_one("SELECT current_setting('TimeZone')", &[]).await?;
                        Ok(row.get::<_, &str>(0) != "Asia/Tokyo")
                    })
                })
                .sever(move |conn| {
                    let killer = killer.clone();
                    Box::pin(async move {
                        let row = conn.query_one("SELECT pg_backend_pid()", &[]).await?;
                        assert!(killer.kill(row.get(0)).await);
                        Ok(())
                    })
                })
                .sessions(move |_| {
                    let counter = counter.clone();
                    Box::pin(async move { Ok(counter.sessions().await) })
                })
        };
        let lazy = kit(clean())
            .permanent(Deadpool::new(wrong).permanent_if(|_| true))
            .transient(Deadpool::new(Theirs::new(nowhere.parse().unwrap(), NoTls)))
            .without("reset-unpolled", "a dirty connection is cleaned when it is lent");
        conforms(lazy, &["reset-unpolled"]);
        conforms(
            kit(clean().recycle_on_return()),
            &["permanent-error", "transient-error"],
        );
    }
}

mod deadpool_redis_works {
    use super::*;
    use deadpool_redis::Manager as Theirs;
    use deadpool_redis::redis::{AsyncCommands, cmd, pipe};
    use fairpool::compat::deadpool::Connection;

    async fn work(conn: &mut Connection<Theirs>) -> Outcome {
        let before: i64 = conn.incr("count", 1).await?;
        let after: i64 = cmd("GET").arg("count").query_async(&mut **conn).await?;
        assert!(after >= before);
        Ok(())
    }

    #[tokio::test]
    async fn for_a_crowd_with_as_many_sessions_as_the_pool_says() {
        let Some(server) = Redis::start(&[]) else { return };
        let theirs = Theirs::new(server.url()).unwrap();
        crowd(pool(Deadpool::new(theirs)), work, || server.sessions()).await;
        assert_eq!(server.cli(&["GET", "count"]), (TASKS * LEASES).to_string());
    }

    #[tokio::test]
    async fn with_nothing_watched_from_the_lease_before() {
        let Some(server) = Redis::start(&[]) else { return };
        let pool = Pool::builder(Deadpool::new(Theirs::new(server.url()).unwrap())).limit(1);
        let pool = pool.build().unwrap();
        let mut conn = pool.acquire().await.unwrap();
        cmd("WATCH").arg("k").exec_async(&mut **conn).await.unwrap();
        drop(conn);
        let mut conn = pool.acquire().await.unwrap();
        server.cli(&["SET", "k", "changed"]);
        let taken: Option<(String,)> = pipe().atomic().get("k").query_async(&mut **conn).await.unwrap();
        assert_eq!(
            taken,
            Some(("changed".to_owned(),)),
            "the transaction was not called off"
        );
    }

    #[tokio::test]
    async fn after_its_sessions_were_killed_idle_and_in_use() {
        let Some(server) = Redis::start(&[]) else { return };
        let pool = pool(Deadpool::new(Theirs::new(server.url()).unwrap()));
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
        use fairpool::test_util::{Answer, Conformance};

        let Some(server) = Redis::start(&[]) else { return };
        let server = Arc::new(server);
        let (killer, counter) = (server.clone(), server.clone());
        let at = |url: String| Deadpool::new(Theirs::new(url).unwrap());
        let nowhere = format!("redis://127.0.0.1:{}", servers::keeper::free_port());
        let kit = Conformance::new(at(server.url()))
            .patience(servers::PATIENCE)
            .exercise(|conn| -> Answer<'_> {
                Box::pin(async {
                    let said: String = cmd("ECHO").arg("so").query_async(&mut **conn).await?;
                    assert_eq!(said, "so");
                    Ok(())
                })
            })
            .sever(move |conn| {
                let killer = killer.clone();
                Box::pin(async move {
                    let id: u64 = cmd("CLIENT").arg("ID").query_async(&mut **conn).await?;
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

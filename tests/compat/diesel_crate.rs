//! diesel-async's `AsyncDieselConnectionManager`, written for bb8 and for deadpool. The guards are connections to diesel, through any
//! number of dereferences.

use super::*;
use diesel::sql_types::Integer;
use diesel::{IntoSql, QueryResult};
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, TransactionManager};
use fairpool::compat::bb8::Bb8;
use fairpool::compat::deadpool::{Connection, Deadpool};
use futures::FutureExt;

type Theirs = AsyncDieselConnectionManager<AsyncPgConnection>;

fn theirs(server: &Postgres) -> Theirs {
    Theirs::new(server.url())
}

async fn work<C>(conn: &mut C) -> Outcome
where
    C: AsyncConnection<Backend = diesel::pg::Pg>,
{
    let sum = diesel::select((41 + 1).into_sql::<Integer>());
    assert_eq!(sum.get_result::<i32>(conn).await?, 42);
    Ok(())
}

#[tokio::test]
async fn diesel_async_works_for_a_crowd_with_as_many_sessions_as_the_pool_says() {
    let Some(server) = Postgres::start(&[]) else { return };
    let of_bb8 = async |conn: &mut AsyncPgConnection| work(conn).await;
    crowd(pool(Bb8::new(theirs(&server))), of_bb8, || server.sessions()).await;
    let of_deadpool = async |conn: &mut Connection<Theirs>| work(conn).await;
    crowd(pool(Deadpool::new(theirs(&server))), of_deadpool, || server.sessions()).await;
}

#[tokio::test]
async fn diesel_async_works_with_the_guards_themselves() {
    let Some(server) = Postgres::start(&[]) else { return };
    let (bb8, deadpool) = (pool(Bb8::new(theirs(&server))), pool(Deadpool::new(theirs(&server))));
    work(&mut bb8.acquire().await.unwrap()).await.unwrap();
    let mut conn = deadpool.acquire().await.unwrap();
    let made = conn.transaction(async |conn| -> QueryResult<usize> {
        diesel::sql_query("CREATE TABLE t (a int)").execute(conn).await
    });
    made.await.unwrap();
    work(&mut conn).await.unwrap();
    assert_eq!(server.psql("\\c app\nSELECT count(*) FROM t"), "0");
}

#[tokio::test]
async fn diesel_async_works_after_a_transaction_was_dropped_and_sessions_were_killed() {
    let Some(server) = Postgres::start(&[]) else { return };
    let (bb8, deadpool) = (pool(Bb8::new(theirs(&server))), pool(Deadpool::new(theirs(&server))));
    abuse(&server, &bb8).await;
    abuse(&server, &deadpool).await;
}

async fn abuse<M: Manager>(server: &Postgres, pool: &Pool<M>)
where
    M::Connection: AsyncConnection<Backend = diesel::pg::Pg>,
{
    pool.set_limit(1).unwrap();
    let mut conn = pool.acquire().await.unwrap();
    <M::Connection as AsyncConnection>::TransactionManager::begin_transaction(&mut *conn)
        .await
        .unwrap();
    drop(conn);
    let mut conn = pool.acquire().await.unwrap();
    let depth = <M::Connection as AsyncConnection>::TransactionManager::transaction_manager_status_mut(&mut *conn);
    assert_eq!(
        depth.transaction_depth().unwrap(),
        None,
        "it was closed with its transaction"
    );
    kill(server);
    assert!(work(&mut *conn).await.is_err());
    drop(conn);
    work(&mut *pool.acquire().await.unwrap()).await.unwrap();
    let in_the_middle = async {
        let mut conn = pool.acquire().await.unwrap();
        diesel::sql_query("SELECT pg_sleep(60)").execute(&mut *conn).await
    };
    assert!(in_the_middle.now_or_never().is_none());
    work(&mut *pool.acquire().await.unwrap()).await.unwrap();
}

//! diesel-async's own manager under this pool, unmodified: typed queries, and a transaction.
//!
//! ```text
//! DATABASE_URL=postgresql://app@localhost/app cargo run --example diesel_async --features bb8-09
//! ```

use diesel::prelude::*;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use fairpool::Pool;
use fairpool::compat::bb8::Bb8;

#[allow(missing_docs)]
mod schema {
    diesel::table! {
        tasks (id) {
            id -> Integer,
            title -> Text,
            done -> Bool,
        }
    }
}
use schema::tasks;

#[derive(Insertable)]
#[diesel(table_name = tasks)]
struct NewTask<'a> {
    title: &'a str,
}

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS tasks \
    (id serial PRIMARY KEY, title text NOT NULL, done bool NOT NULL DEFAULT false)";

type Diesel = Bb8<AsyncDieselConnectionManager<AsyncPgConnection>>;

/// Adds a task and ends all others, or neither.
async fn only(pool: &Pool<Diesel>, title: &str) -> Result<i32, Box<dyn std::error::Error>> {
    let mut conn = pool.acquire().await?;
    let id = conn
        .transaction(async |conn| {
            let id = diesel::insert_into(tasks::table)
                .values(NewTask { title })
                .returning(tasks::id)
                .get_result(conn)
                .await?;
            diesel::update(tasks::table.filter(tasks::id.ne(id)))
                .set(tasks::done.eq(true))
                .execute(conn)
                .await?;
            Ok::<i32, diesel::result::Error>(id)
        })
        .await?;
    Ok(id)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL, such as postgresql://app@localhost/app")?;
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
    let pool = Pool::builder(Bb8::new(manager)).name("tasks").limit(4).build()?;

    diesel::sql_query(SCHEMA).execute(&mut *pool.acquire().await?).await?;
    for title in ["buy tea", "boil water"] {
        println!("task {} is to {title}", only(&pool, title).await?);
    }
    let mut conn = pool.acquire().await?;
    let open: Vec<String> = tasks::table
        .filter(tasks::done.eq(false))
        .select(tasks::title)
        .load(&mut *conn)
        .await?;
    println!("to do: {}", open.join(", "));
    Ok(())
}

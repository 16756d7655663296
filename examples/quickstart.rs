//! README's fifteen lines.
use fairpool::{Manager, Pool};
use std::{convert::Infallible, time::Duration};

struct Backend;

impl Manager for Backend {
    type Connection = String;
    type Error = Infallible;

    async fn connect(&self) -> Result<String, Infallible> {
        Ok("hello".to_owned()) // open a socket here
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::builder(Backend)
        .limit(4)
        .acquire_timeout(Duration::from_secs(3))
        .build()?;
    let conn = pool.acquire().await?; // waits in line, first come, first served
    println!("{} from a pool with {}", *conn, pool.status());
    drop(conn); // straight to the next in line, or back to the pool
    println!("{}", pool.drain(Duration::from_secs(1)).await);
    Ok(())
}

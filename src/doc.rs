//! A backend for the documentation's examples: it opens at once, and every query succeeds.

use crate::{Manager, Pool};
use std::convert::Infallible;

/// A manager without a server.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demo;

/// What it opens.
#[derive(Debug, Default)]
pub struct DemoConnection {
    /// Queries so far.
    pub queries: u64,
}

impl DemoConnection {
    /// Succeeds at once.
    ///
    /// # Errors
    ///
    /// Never.
    pub async fn query(&mut self, _sql: &str) -> Result<(), Infallible> {
        self.queries += 1;
        Ok(())
    }
}

impl Manager for Demo {
    type Connection = DemoConnection;
    type Error = Infallible;

    async fn connect(&self) -> Result<DemoConnection, Infallible> {
        Ok(DemoConnection::default())
    }
}

/// A pool over [`Demo`] with default options.
///
/// # Panics
///
/// Never: the defaults are in range.
pub fn pool() -> Pool<Demo> {
    Pool::builder(Demo).build().expect("the defaults are in range")
}

/// Runs an example to its end.
///
/// # Panics
///
/// The example failed, or no runtime could be built.
pub fn block_on(example: impl Future<Output = Result<(), Box<dyn std::error::Error>>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(example).expect("the example succeeds");
}

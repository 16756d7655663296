//! `fairpool` with its default options, borrowed leases and no observer.

use super::backend::{Backend, Conn};
use super::subject::subject;
use fairpool::{Manager, Pool};
use std::convert::Infallible;

pub(crate) struct Fairpool(Pool<Backend>);

impl Manager for Backend {
    type Connection = Conn;
    type Error = Infallible;

    async fn connect(&self) -> Result<Conn, Infallible> {
        Ok(Backend::connect(self).await)
    }
}

subject!(
    Fairpool,
    build: |limit, backend| Pool::builder(backend).limit(limit).build().expect("the limit is in range"),
    acquire: |pool| pool.acquire().await.expect("connects always succeed"),
    within: |patience| pool.acquire_within(patience).await,
);

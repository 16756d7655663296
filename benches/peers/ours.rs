//! `fairpool` with its default options, borrowed leases and no observer.

use super::subject::{Conn, subject};
use fairpool::{Manager, Pool};
use std::convert::Infallible;

pub(crate) struct Fairpool(Pool<Instant>);

pub(crate) struct Instant;

impl Manager for Instant {
    type Connection = Conn;
    type Error = Infallible;

    async fn connect(&self) -> Result<Conn, Infallible> {
        Ok(Conn::default())
    }
}

subject!(
    Fairpool,
    build: |limit| Pool::builder(Instant).limit(limit).build().expect("the limit is in range"),
    acquire: |pool| pool.acquire().await.expect("connects always succeed"),
);

//! A backend in memory under managers as they are written for other pools: links that are counted, and steps that do as they are told.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, ThreadId};
use tokio::task::yield_now;

/// What a step does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum Mood {
    #[default]
    Well,
    Fails,
    Hangs,
    Panics,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refused(pub(crate) &'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Refused {}

#[derive(Debug, Default)]
pub(crate) struct Server {
    open: AtomicU64,
    dialled: AtomicU64,
    pub(crate) connecting: Mutex<Mood>,
    pub(crate) checking: Mutex<Mood>,
    pub(crate) breaking: Mutex<Mood>,
    pub(crate) gate: Gate,
    /// Where links were dropped.
    pub(crate) drops: Mutex<Vec<ThreadId>>,
}

/// Where threads hang until they are let go.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    moved: Condvar,
}

impl Gate {
    pub(crate) fn pass(&self) {
        let shut = self.moved.wait_while(self.open.lock().unwrap(), |open| !*open);
        drop(shut.unwrap());
    }

    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.moved.notify_all();
    }
}

impl Server {
    pub(crate) fn open(&self) -> u64 {
        self.open.load(Relaxed)
    }

    pub(crate) fn dialled(&self) -> u64 {
        self.dialled.load(Relaxed)
    }

    pub(crate) fn set(&self, step: &Mutex<Mood>, mood: Mood) {
        *step.lock().unwrap() = mood;
    }
}

/// Does as the step is told.
pub(crate) async fn play(step: &Mutex<Mood>, fault: &'static str) -> Result<(), Refused> {
    let mood = *step.lock().unwrap();
    yield_now().await;
    match mood {
        Mood::Well => Ok(()),
        Mood::Fails => Err(Refused(fault)),
        Mood::Hangs => std::future::pending().await,
        Mood::Panics => panic!("{fault}"),
    }
}

#[derive(Debug)]
pub(crate) struct Link {
    server: Arc<Server>,
    pub(crate) number: u64,
    pub(crate) dead: bool,
    pub(crate) dirty: bool,
    pub(crate) checks: u64,
}

impl Link {
    pub(crate) fn new(server: &Arc<Server>) -> Link {
        server.open.fetch_add(1, Relaxed);
        Link {
            server: server.clone(),
            number: server.dialled.fetch_add(1, Relaxed) + 1,
            dead: false,
            dirty: false,
            checks: 0,
        }
    }

    pub(crate) async fn dial(server: &Arc<Server>) -> Result<Link, Refused> {
        play(&server.connecting, "refused").await?;
        Ok(Link::new(server))
    }

    /// A round trip.
    pub(crate) async fn ask(&mut self) -> Result<(), Refused> {
        yield_now().await;
        self.answer()
    }

    /// What comes back from one.
    pub(crate) fn answer(&self) -> Result<(), Refused> {
        if self.dead {
            Err(Refused("reset by peer"))
        } else {
            Ok(())
        }
    }

    pub(crate) async fn check(&mut self) -> Result<(), Refused> {
        self.checks += 1;
        let server = self.server.clone();
        play(&server.checking, "not sound").await?;
        self.ask().await
    }

    /// What a `has_broken` says that knows nothing.
    pub(crate) fn broken(&self) -> bool {
        let mood = *self.server.breaking.lock().unwrap();
        match mood {
            Mood::Panics => panic!("planned"),
            mood => mood == Mood::Fails,
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.server.drops.lock().unwrap().push(thread::current().id());
        self.server.open.fetch_sub(1, Relaxed);
    }
}

/// The manager of each pool.
#[derive(Debug, Clone, Default)]
pub(crate) struct Theirs(pub(crate) Arc<Server>);

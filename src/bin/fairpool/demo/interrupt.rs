//! Ctrl-C and a request to terminate: heard from the first moment on, acted on where it is safe.
//!
//! The first one ends the story early but in order, the second one ends the patience of the drain.

use anyhow::{Context, Result};
use std::future::pending;
use tokio::sync::watch;

/// What the user sent so far.
pub(super) struct Interrupt {
    heard: watch::Receiver<Heard>,
}

#[derive(Clone, Copy, Default)]
struct Heard {
    times: u32,
    /// The exit code that the first one asks for, by the shell's rule of 128 + the signal's number.
    code: Option<u8>,
}

impl Interrupt {
    /// Begins to listen, on the current runtime.
    pub(super) fn listen() -> Result<Self> {
        let mut signals = Signals::new().context("cannot listen for signals")?;
        let (tell, heard) = watch::channel(Heard::default());
        tokio::spawn(async move {
            while let Some(code) = signals.next().await {
                tell.send_modify(|heard| {
                    heard.times += 1;
                    heard.code.get_or_insert(code);
                });
            }
        });
        Ok(Interrupt { heard })
    }

    /// The exit code, if there was an interrupt.
    pub(super) fn code(&self) -> Option<u8> {
        self.heard.borrow().code
    }

    /// Waits for an interrupt.
    pub(super) async fn once(&self) {
        self.times(1).await;
    }

    /// Waits for a second one: somebody is in a hurry.
    pub(super) async fn twice(&self) {
        self.times(2).await;
    }

    async fn times(&self, times: u32) {
        let mut heard = self.heard.clone();
        if heard.wait_for(|heard| heard.times >= times).await.is_err() {
            pending().await
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Option<u8> {
        tokio::select! {
            heard = self.interrupt.recv() => heard.map(|()| 130),
            heard = self.terminate.recv() => heard.map(|()| 143),
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Signals)
    }

    async fn next(&mut self) -> Option<u8> {
        tokio::signal::ctrl_c().await.ok().map(|()| 130)
    }
}

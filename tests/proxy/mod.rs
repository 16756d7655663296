//! A TCP proxy that fails on command, to stand before a real server: in a test, in a bench, for as long as it is not dropped.
//!
//! | file | what |
//! |---|---|
//! | `mode.rs` | the faults, and what each does to connections that are there and to newcomers |
//! | `door.rs` | the port: open, refused or unanswered, and never another's |
//! | `link.rs` | one connection, and how it fares as the mode changes |
//! | `counts.rs` | what was accepted and when, what is open, how many bytes went by |
//! | `socks.rs` | another one, which speaks SOCKS5 |
//!
//! It runs on a thread and a runtime of its own, so a paused clock elsewhere does not slow it. A mode is in force when
//! [`Proxy::set`] returns: no byte goes by an old mode, and connections that the new one ends are closed. It counts whatever
//! reaches it; attempts while it refuses do not.
#![allow(dead_code, reason = "each user uses its part")]

mod counts;
mod door;
mod link;
mod mode;
pub(crate) mod socks;

pub(crate) use counts::Counts;
pub(crate) use mode::Mode;

use door::Door;
use link::Link;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Ends with its drop, and resets what is connected then.
pub(crate) struct Proxy {
    port: u16,
    counts: Arc<Counts>,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// A mode, and whom to tell that it is in force.
type Order = (Mode, mpsc::Sender<()>);

impl Proxy {
    /// Stands before a port of the loopback, and passes everything until it is told otherwise.
    pub(crate) fn before(backend: u16) -> Proxy {
        let (orders, inbox) = unbounded_channel();
        let (ready, began) = mpsc::channel();
        let counts = Arc::<Counts>::default();
        let kept = counts.clone();
        let thread = std::thread::Builder::new().name("fault-proxy".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async move {
                let door = Door::new();
                ready.send(door.port()).expect("somebody waits for the port");
                serve(door, backend, inbox, kept).await;
            });
        });
        Proxy {
            port: began.recv().expect("the proxy starts"),
            counts,
            orders: Some(orders),
            thread: Some(thread.expect("a thread starts")),
        }
    }

    /// The port of the loopback on which it listens; the same through all faults.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What went by.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Fails like this from now on.
    pub(crate) fn set(&self, mode: Mode) {
        let (done, told) = mpsc::channel();
        let orders = self.orders.as_ref().expect("there until the drop");
        orders.send((mode, done)).expect("the proxy runs");
        told.recv().expect("the proxy runs");
    }

    /// Passes everything again. What was lost stays lost.
    pub(crate) fn heal(&self) {
        self.set(Mode::Pass);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the proxy panicked");
        }
    }
}

async fn serve(mut door: Door, backend: u16, mut orders: UnboundedReceiver<Order>, counts: Arc<Counts>) {
    let (modes, _) = watch::channel(Mode::Pass);
    let mut links = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => {
                let Some((mode, done)) = order else {
                    modes.send_replace(Mode::Reset);
                    while links.join_next().await.is_some() {}
                    return;
                };
                door.turn(mode);
                modes.send_replace(mode);
                if mode.ends_links() {
                    while links.join_next().await.is_some() {}
                }
                let _ = done.send(());
            }
            Some(ended) = links.join_next() => ended.expect("a link does not panic"),
            client = door.accept() => {
                let link = Link::new(client, modes.subscribe(), counts.clone());
                links.spawn(link.run(backend));
            }
        }
    }
}

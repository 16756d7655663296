//! What the operator sends: to end, once or twice; to read the file again.

use std::future::pending;
use std::io;
use tokio::sync::watch;

/// Hears signals from the moment it is made.
#[derive(Clone)]
pub(crate) struct Signals {
    ends: watch::Receiver<Ends>,
    /// How often to read the file again.
    reloads: watch::Receiver<u64>,
}

#[derive(Clone, Copy, Default)]
struct Ends {
    times: u32,
    /// The exit code of who is cut off by the last one, by the shell's rule of 128 + the signal's number.
    code: u8,
}

enum Heard {
    End(u8),
    Reload,
}

impl Signals {
    /// Begins to listen, on the current runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        let mut source = Source::new()?;
        let (ends, heard) = watch::channel(Ends::default());
        let (reload, reloads) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                match source.next().await {
                    Some(Heard::End(code)) => ends.send_modify(|ends| {
                        ends.times += 1;
                        ends.code = code;
                    }),
                    Some(Heard::Reload) => reload.send_modify(|times| *times += 1),
                    None => break,
                }
            }
        });
        Ok(Signals { ends: heard, reloads })
    }

    /// Waits until it is to end.
    pub(crate) async fn end(&self) {
        self.heard(1).await;
    }

    /// Waits for the second time: somebody is in a hurry. The exit code for that.
    pub(crate) async fn end_at_once(&self) -> u8 {
        self.heard(2).await
    }

    /// Waits until it is to read the file again. Several that come at once are one.
    pub(crate) async fn reload(&mut self) {
        if self.reloads.changed().await.is_err() {
            pending().await
        }
    }

    async fn heard(&self, times: u32) -> u8 {
        let mut ends = self.ends.clone();
        let code = ends.wait_for(|ends| ends.times >= times).await.map(|ends| ends.code);
        match code {
            Ok(code) => code,
            Err(_) => pending().await,
        }
    }
}

#[cfg(unix)]
struct Source {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Source {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Source {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Option<Heard> {
        tokio::select! {
            heard = self.interrupt.recv() => heard.map(|()| Heard::End(130)),
            heard = self.terminate.recv() => heard.map(|()| Heard::End(143)),
            heard = self.hangup.recv() => heard.map(|()| Heard::Reload),
        }
    }
}

#[cfg(not(unix))]
struct Source;

#[cfg(not(unix))]
impl Source {
    fn new() -> io::Result<Self> {
        Ok(Source)
    }

    async fn next(&mut self) -> Option<Heard> {
        tokio::signal::ctrl_c().await.ok().map(|()| Heard::End(130))
    }
}

//! The background of a view: a thread that asks the server, one that reads keys, one that hears of signals. Each only tells.

use super::sample::Sample;
use crate::operator::{Call, Client, Failure};
use anyhow::{Context, Result};
use ratatui::crossterm::event::{self, Event, KeyEvent, KeyEventKind};
use std::io;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

/// What there is to tell.
pub(super) enum News {
    /// What the server says, or why it says nothing.
    Status(Result<Sample, String>),
    Key(KeyEvent),
    /// The terminal has another size.
    Resized,
    /// Nothing can be read from the terminal any more.
    Deaf(io::Error),
    /// To terminate, with this exit code.
    Terminate(u8),
}

/// A server that takes longer is as good as gone.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn call() -> Call {
    Call::get("status", &["fairpool", "v1", "status"]).within(PATIENCE)
}

pub(super) fn ask(client: &Client) -> Result<Sample, Failure> {
    let answer = client.ask(call())?;
    Ok(Sample::read(&answer, Instant::now()))
}

/// Each thread ends when nobody listens, or with the process.
pub(super) fn start(client: Client, every: Duration, tell: &Sender<News>) -> Result<()> {
    let to = tell.clone();
    spawn("poll", move || {
        loop {
            thread::sleep(every);
            let status = ask(&client).map_err(|failure| failure.to_string());
            if to.send(News::Status(status)).is_err() {
                break;
            }
        }
    })?;
    let to = tell.clone();
    spawn("keys", move || {
        loop {
            let news = match event::read() {
                Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => News::Key(key),
                Ok(Event::Resize(..)) => News::Resized,
                Ok(_) => continue,
                Err(error) => {
                    let _ = to.send(News::Deaf(error));
                    break;
                }
            };
            if to.send(news).is_err() {
                break;
            }
        }
    })?;
    signals(tell.clone())
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .context("cannot start a thread")?;
    Ok(())
}

/// While the terminal is ours, a signal must not end us before we have given it back.
#[cfg(unix)]
fn signals(tell: Sender<News>) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start a runtime")?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        let listen = |kind| signal(kind).context("cannot listen for signals");
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?)
    };
    spawn("signals", move || {
        runtime.block_on(async {
            loop {
                let code = tokio::select! {
                    Some(()) = interrupt.recv() => 130,
                    Some(()) = terminate.recv() => 143,
                    else => break,
                };
                if tell.send(News::Terminate(code)).is_err() {
                    break;
                }
            }
        });
    })
}

#[cfg(not(unix))]
fn signals(_: Sender<News>) -> Result<()> {
    Ok(())
}

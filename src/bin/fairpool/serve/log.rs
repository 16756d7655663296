//! What happens, line by line on standard error: the time, then what. Whoever has something to say does not wait for the reader.
//!
//! Promises: one line for each entry, whatever it quotes; what does not fit in the queue is counted and told. It knows no secrets:
//! nobody gives it any.

use fairpool::resource::models::Moment;
use fairpool::server::{Entry, Journal};
use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Writes lines. Clones write to the same place.
#[derive(Clone)]
pub(crate) struct Log {
    queue: SyncSender<Line>,
    /// Lines for which there was no room since the last one that was written.
    lost: Arc<AtomicU64>,
}

enum Line {
    Said(Moment, String),
    /// Answers when all before it is written.
    End(SyncSender<()>),
}

/// Which requests have a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Requests {
    /// Every one
    All,
    /// All but reads that went well
    Changes,
    /// None
    None,
}

/// Writes a line for each request.
pub(crate) struct RequestLog {
    log: Log,
    which: Requests,
}

const QUEUE: usize = 4096;
/// In bytes.
const LONGEST_PATH: usize = 1024;
/// For the last lines, when a reader dawdles.
const PATIENCE: Duration = Duration::from_secs(1);

impl Log {
    /// Begins to write.
    pub(crate) fn start() -> io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = lost.clone();
        let writer = move || write(&lines, &counted);
        thread::Builder::new().name("fairpool log".to_owned()).spawn(writer)?;
        Ok(Log { queue, lost })
    }

    /// One line.
    pub(crate) fn say(&self, what: impl Display) {
        let line = Line::Said(Moment::now(), what.to_string());
        if self.queue.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is written, if somebody reads it.
    pub(crate) fn end(&self) {
        let (answer, written) = sync_channel(1);
        if self.queue.try_send(Line::End(answer)).is_ok() {
            let _ = written.recv_timeout(PATIENCE);
        }
    }

    /// What a router tells, as lines.
    pub(crate) fn requests(&self, which: Requests) -> RequestLog {
        let log = self.clone();
        RequestLog { log, which }
    }
}

impl Journal for RequestLog {
    fn answered(&self, entry: &Entry<'_>) {
        let is_read = matches!(entry.method, "GET" | "HEAD") && entry.status < 400;
        if self.which == Requests::None || self.which == Requests::Changes && is_read {
            return;
        }
        let (status, method, path, id) = (entry.status, entry.method, cut(entry.path), entry.request_id);
        let took = entry.took.as_secs_f64() * 1e3;
        match entry.cause {
            Some(cause) => self
                .log
                .say(format_args!("{status} {method} {path} {took:.1} ms {id}: {cause}")),
            None => self.log.say(format_args!("{status} {method} {path} {took:.1} ms {id}")),
        }
    }
}

fn write(lines: &Receiver<Line>, lost: &AtomicU64) {
    let mut out = io::stderr().lock();
    while let Ok(line) = lines.recv() {
        // Nobody reads it any more: that is no reason to stop what is served.
        let _ = match line {
            Line::Said(when, what) => writeln!(out, "{when} {}", plain(&what)),
            Line::End(answer) => {
                let _ = answer.try_send(());
                Ok(())
            }
        };
        match lost.swap(0, Ordering::Relaxed) {
            0 => {}
            lines => {
                let _ = writeln!(
                    out,
                    "{} {lines} lines are lost: they came faster than they were read",
                    Moment::now()
                );
            }
        }
    }
}

/// Not more of a path than a line can bear: whoever has no key writes it, too.
fn cut(path: &str) -> Cow<'_, str> {
    if path.len() <= LONGEST_PATH {
        return path.into();
    }
    let end = (0..=LONGEST_PATH).rfind(|&end| path.is_char_boundary(end));
    format!("{}...", &path[..end.unwrap_or_default()]).into()
}

/// In one line, and without what would move a cursor.
fn plain(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.trim_end().chars().map(plain).collect()
}

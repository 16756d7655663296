//! `fairpool top`: a running server's pools, connections and connectors as they are now, on a terminal or once as text.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | the arguments, and the loop |
//! | `poll.rs` | threads that ask the server and read the keys |
//! | `sample.rs` | what the server said at one moment; rates from its totals |
//! | `view.rs` | sorting, filter, selection, keys |
//! | `columns.rs` | which columns there are, and which fit |
//! | `draw.rs` | a frame |
//!
//! A server that goes away stays on the screen as it was last seen, with a word about it, and is asked again.

mod columns;
mod draw;
mod poll;
mod sample;
#[cfg(test)]
mod tests;
mod view;

use crate::operator::{Access, Client, Failure, columns as terminal_columns, json_line, senseless};
use anyhow::{Context, Result, bail};
use poll::News;
use ratatui::DefaultTerminal;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};
use view::View;

const EXAMPLES: &str = "\
Examples:
  fairpool top
  fairpool top --server https://pools.example --api-key-file key --sort in-use --filter orders
  fairpool top --once                  one frame as text, with rates over an interval
  fairpool top --once --json           the server's status as one line of JSON

Keys: q quits; / filters by name, kind or state, Esc ends that; < and > choose the column to sort by, r reverses;
up, down, page up, page down, home and end move. The first column after the name: P paused, D draining, C closed,
! not live. FAIL/S counts timeouts and failed connects.";

/// What the user chooses.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// How often the server is asked, in seconds
    #[arg(long, default_value = "1", value_name = "S", value_parser = seconds)]
    interval: Duration,
    /// The column to sort by, such as pend, in-use, oldest, lease/s, name
    #[arg(long, value_name = "COLUMN")]
    sort: Option<String>,
    /// Only what has this in its name, kind or state
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,
    /// Print one frame as text and end
    #[arg(long)]
    once: bool,
    /// With --once: print the server's status as one line of JSON
    #[arg(long, requires = "once")]
    json: bool,
}

/// How often the time since which a server is gone is drawn anew.
const TICK: Duration = Duration::from_secs(1);

/// Watches until a key or a signal ends it; returns the exit code.
pub(crate) fn run(options: Options) -> Result<u8> {
    let client = Client::new(&options.access)?;
    let mut view = View::new(client.server(), options.interval);
    view.filter = options.filter;
    if let Some(sort) = &options.sort {
        if !view.sort_by(sort) {
            return Err(senseless(format!("there is no column {sort:?} to sort by")));
        }
    }
    if options.json {
        let answer = client.ask(poll::call())?;
        return print(&(json_line(&answer) + "\n"));
    }
    if options.once {
        view.take(Ok(poll::ask(&client)?), Instant::now());
        thread::sleep(options.interval);
        view.take(Ok(poll::ask(&client)?), Instant::now());
        return print(&draw::text(&view, Instant::now(), terminal_columns()));
    }
    if !io::stdout().is_terminal() {
        bail!("top needs a terminal; --once prints one frame as text");
    }
    // A refusal will not change, but a server that is not there may come.
    match poll::ask(&client) {
        Err(refused @ Failure::Refused { .. }) => return Err(refused.into()),
        news => view.take(news.map_err(|failure| failure.to_string()), Instant::now()),
    }
    let (tell, news) = mpsc::channel();
    let mut terminal = ratatui::try_init().context("cannot use the terminal")?;
    let started = poll::start(client, options.interval, &tell);
    let outcome = started.and_then(|()| watch(&mut view, &news, &mut terminal));
    let restored = ratatui::try_restore().context("cannot give the terminal back");
    let code = outcome?;
    restored?;
    Ok(code)
}

fn watch(view: &mut View, news: &Receiver<News>, terminal: &mut DefaultTerminal) -> Result<u8> {
    let mut on_screen = Vec::new();
    loop {
        terminal.draw(|frame| on_screen = draw::draw(view, Instant::now(), frame.area(), frame.buffer_mut()))?;
        match news.recv_timeout(TICK) {
            Ok(News::Status(status)) => view.take(status, Instant::now()),
            Ok(News::Key(key)) => {
                if let Some(code) = view.key(key, &on_screen) {
                    return Ok(code);
                }
            }
            Ok(News::Resized) | Err(RecvTimeoutError::Timeout) => {}
            Ok(News::Terminate(code)) => return Ok(code),
            Ok(News::Deaf(error)) => return Err(error).context("cannot read from the terminal"),
            Err(RecvTimeoutError::Disconnected) => bail!("nobody asks the server any more"),
        }
    }
}

fn print(text: &str) -> Result<u8> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(0)
}

/// Short enough to be watched, long enough to be polite.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=3_600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("{seconds} is not in 0.1..=3600"))
    }
}

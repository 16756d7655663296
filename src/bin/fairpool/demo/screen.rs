//! Where things are shown: the report on standard output, what goes on right now on standard error.
//!
//! The latter only on a terminal, and not with JSON: a pipe or a log gets no control characters.

use super::figures::Figures;
use super::text;
use anyhow::Result;
use fairpool::Status;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Write};
use std::time::Duration;

/// The bar's length in steps of which none shows.
const STEPS: u64 = 1_000;

/// Both places.
pub(super) struct Screen {
    bar: ProgressBar,
    json: bool,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        let target = if json {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let style = ProgressStyle::with_template("{prefix:8} {bar:12} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("██░");
        Screen {
            bar: ProgressBar::with_draw_target(Some(STEPS), target).with_style(style),
            json,
        }
    }

    /// Says what goes on, where there is nothing to count.
    pub(super) fn status(&self, what: &'static str) {
        self.bar.set_prefix(what);
        self.bar.set_message("");
        self.bar.tick();
    }

    /// Says how the load does.
    pub(super) fn progress(&self, what: &'static str, elapsed: Duration, of: Duration, rate: f64, status: &Status) {
        let part = elapsed.as_secs_f64() / of.as_secs_f64();
        self.bar.set_prefix(what);
        self.bar.set_message(text::progress(elapsed, of, rate, status));
        self.bar.set_position((part * STEPS as f64) as u64);
    }

    /// Adds to the report.
    pub(super) fn show(&self, text: &str) -> Result<()> {
        if self.json {
            return Ok(());
        }
        let written = self.bar.suspend(|| {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        });
        Ok(written?)
    }

    /// Ends the report, or prints it as JSON.
    pub(super) fn finish(&self, figures: &Figures) -> Result<()> {
        self.bar.finish_and_clear();
        if self.json {
            let mut out = io::stdout().lock();
            writeln!(out, "{}", figures.json())?;
            return Ok(out.flush()?);
        }
        match figures.interrupted {
            Some(_) => self.show(text::interrupted(figures)),
            None => Ok(()),
        }
    }
}

impl Drop for Screen {
    /// An error ends the story at any place, and its line is not to stand behind the bar.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

//! `fairpool demo`: many tasks, few connections, one real SQLite file; what the pool did with them, in figures.
//!
//! It measures for a while, then resizes, clears and drains the pool under the same load. It checks itself: an overtaking,
//! a cleared request that was not told, a drain that left something or a lost row make it fail.

mod database;
mod figures;
mod interrupt;
mod operations;
mod record;
mod screen;
mod text;
mod workload;

use anyhow::{Context, Result, bail};
use database::Database;
use figures::{Figures, Setup};
use interrupt::Interrupt;
use screen::Screen;
use std::path::PathBuf;
use std::time::Duration;
use workload::Load;

/// What the user chooses.
#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Options {
    /// Tasks at once; each asks again when it was served
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tasks: u32,
    /// Connections that they share
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    limit: u32,
    /// How long to measure, before the rest [default: 10]
    #[arg(long, default_value = "10", value_name = "S", value_parser = seconds, hide_default_value = true)]
    seconds: Duration,
    /// The database, made and kept [default: a temporary one]
    #[arg(long)]
    file: Option<PathBuf>,
    /// Print one line of JSON instead of the report
    #[arg(long)]
    json: bool,
}

/// Runs the demo; returns the exit code.
pub(crate) fn run(options: Options) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    runtime.block_on(tell(options))
}

/// The story, in its order. An interrupt skips what has not begun, except for the drain and the figures.
async fn tell(options: Options) -> Result<u8> {
    let interrupt = Interrupt::listen()?;
    let screen = Screen::new(options.json);
    let mut figures = Figures::default();

    screen.status("database");
    if let Some(database) = Database::prepare(options.file.as_deref(), &interrupt).await? {
        let setup = figures.setup.insert(Setup::new(&options, &database));
        screen.show(&text::setup(setup))?;
        measure(&options, &database, &mut figures, &screen, &interrupt).await?;
    }

    figures.interrupted = interrupt.code();
    screen.finish(&figures)?;
    if let Some(code) = figures.interrupted {
        return Ok(code);
    }
    match figures.faults().as_slice() {
        [] => Ok(0),
        faults => bail!("{}", faults.join("; ")),
    }
}

async fn measure(
    options: &Options,
    database: &Database,
    figures: &mut Figures,
    screen: &Screen,
    interrupt: &Interrupt,
) -> Result<()> {
    let mut load = Load::start(database, options)?;
    let mut goes_on = load.go_on("load", options.seconds, screen, interrupt).await;
    let measured = figures.load.insert(load.measured()?);
    screen.show(&text::load(measured))?;

    // The operations take a tenth of the time each, and never long enough to bore.
    let moment = (options.seconds / 10).clamp(Duration::from_millis(50), Duration::from_secs(1));
    screen.show(text::operations())?;
    let (limit, other) = (options.limit, operations::other_limit(options.limit));
    for to in [other, limit] {
        if goes_on {
            let resize = operations::resize(&load, to, moment, screen, interrupt).await?;
            screen.show(&text::resize(&resize))?;
            figures.resizes.push(resize);
            goes_on = interrupt.code().is_none();
        }
    }
    if goes_on {
        let clear = figures.clear.insert(operations::clear(&load).await);
        screen.show(&text::clear(clear))?;
        load.go_on("cleared", moment, screen, interrupt).await;
    }
    let drain = figures
        .drain
        .insert(operations::drain(&mut load, screen, interrupt).await?);
    screen.show(&text::drain(drain))?;

    let whole = figures.whole.insert(load.whole(database).await?);
    screen.show(&text::whole(whole))
}

/// A time in seconds that a person would wait for.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=3_600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("{seconds} is not in 0.1..=3600"))
    }
}

//! An end in good order: on SIGTERM a worker takes no more jobs, finishes those that it has, and closes its database.
//!
//! `cargo run --example shutdown --features sqlite` works for a moment and sends itself the signal; with `-- --serve` it waits for
//! yours. A second signal ends it at once.

use fairpool::Pool;
use fairpool::drivers::sqlite::Sqlite;
use std::error::Error;
use std::process::{Command, ExitCode};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

const JOBS: &str = "CREATE TABLE jobs (number INTEGER)";

async fn job(pool: Pool<Sqlite>, number: u32) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut conn = pool.acquire().await?;
    tokio::time::sleep(Duration::from_millis(20)).await; // what there is to do
    conn.call(move |db| db.execute("INSERT INTO jobs VALUES (?1)", [number]).map(drop))
        .await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let pool = Pool::builder(Sqlite::in_memory("jobs")).name("jobs").limit(4).build()?;
    pool.acquire().await?.call(|db| db.execute_batch(JOBS)).await?;

    // Before the first job, so that no signal comes too early.
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    println!("working");
    if !std::env::args().any(|argument| argument == "--serve") {
        tokio::spawn(async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Command::new("kill")
                .arg("-TERM")
                .arg(std::process::id().to_string())
                .status()
        });
    }

    let mut jobs = tokio::task::JoinSet::new();
    let mut arrivals = tokio::time::interval(Duration::from_millis(4));
    let mut number = 0;
    loop {
        tokio::select! {
            _ = arrivals.tick() => {
                number += 1;
                jobs.spawn(job(pool.clone(), number));
            }
            _ = term.recv() => break,
            _ = interrupt.recv() => break,
        }
    }

    println!("ending: {}", pool.status());
    // Whoever is in line, and whoever has a connection, has ten seconds; an orchestrator often kills after thirty.
    let report = tokio::select! {
        report = pool.drain(Duration::from_secs(10)) => report,
        _ = term.recv() => return Ok(ExitCode::FAILURE),
        _ = interrupt.recv() => return Ok(ExitCode::FAILURE),
    };
    println!("{report}");
    let done = jobs.join_all().await.iter().filter(|job| job.is_ok()).count();
    println!("{done} of {number} jobs done");
    Ok(if report.completed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

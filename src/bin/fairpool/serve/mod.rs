//! `fairpool serve`: the resource interface over HTTP, with its configuration file, its store and its keys.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | the story, from the first line to the last |
//! | `options.rs` | what the operator chooses |
//! | `file` | the configuration file |
//! | `keys.rs` | who may ask |
//! | `start.rs` | address, store and registry, each with the reason why there is none |
//! | `routers.rs` | what is served |
//! | `reload.rs` | what is taken anew while it serves |
//! | `signals.rs` | what the operator sends |
//! | `log.rs` | what is told, and how |
//!
//! It begins in this order, and a step that fails leaves nothing behind: file, keys, address, store, registry; then it says where it listens. It
//! ends in this order: not ready any more, nobody new is let in, requests under way are answered, connections are drained, the
//! store is closed.

mod file;
mod keys;
mod log;
mod options;
mod reload;
mod routers;
mod signals;
mod start;

pub(crate) use options::Options;

use anyhow::{Context, Result};
use fairpool::resource::registry::{Operation, RedeclareError, Registry, ResourceKind};
use fairpool::server::{Readiness, RouterOptions, ServeOptions, serve};
use futures::future::join_all;
use log::Log;
use reload::InForce;
use routers::Served;
use signals::Signals;
use start::Started;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// Serves until it is told to end; returns the exit code.
pub(crate) fn run(options: Options) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    let log = Log::start().context("cannot start the log")?;
    let outcome = runtime.block_on(tell(options, &log));
    // Whoever is in a hurry does not wait for what is still under way.
    runtime.shutdown_background();
    log.end();
    outcome
}

/// The story, in its order. A second signal to end cuts it off anywhere.
async fn tell(options: Options, log: &Log) -> Result<u8> {
    let signals = Signals::listen().context("cannot listen for signals")?;
    let story = async {
        let started = tokio::select! {
            started = start::start(&options, log) => started?,
            () = signals.end() => return Ok(0),
        };
        run_until_told(started, &options, signals.clone(), log).await
    };
    tokio::select! {
        outcome = story => outcome,
        code = signals.end_at_once() => {
            log.say("told to end for the second time: ending at once");
            Ok(code)
        }
    }
}

async fn run_until_told(started: Started, options: &Options, signals: Signals, log: &Log) -> Result<u8> {
    let Started {
        listener,
        registry,
        exporter,
        mut in_force,
    } = started;
    let readiness = Readiness::new(true);
    let mut router_options = RouterOptions::new().journal(log.requests(options.log_requests));
    if let Some(url) = &options.public_url {
        router_options = router_options.public_url(url);
    }
    let router = Served {
        registry: &registry,
        in_force: &in_force,
        readiness: &readiness,
        exporter: &exporter,
        options: router_options,
    }
    .router();
    announce(listener.local_addr().context("cannot tell the address")?, log);

    let told = {
        let (signals, readiness, log) = (signals.clone(), readiness.clone(), log.clone());
        async move {
            signals.end().await;
            readiness.set(false);
            log.say("told to end: answering the requests under way");
        }
    };
    let reloads = reload(signals.clone(), options, &registry, &mut in_force, log);
    let patience = ServeOptions::new().shutdown_timeout(options.shutdown_timeout);
    let report = tokio::select! {
        report = serve(listener, router, &patience, told) => report,
        () = reloads => unreachable!("bug: it goes on for ever"),
    };
    if report.cut > 0 {
        log.say(format_args!(
            "{} connections are cut with a request under way",
            report.cut
        ));
    }
    end(&registry, options.shutdown_timeout, log).await;
    // It was told to, and has: whoever keeps it running takes anything else for a failure.
    Ok(0)
}

/// The only line on standard output, for whoever started it. That nobody reads it is no reason not to serve.
fn announce(address: SocketAddr, log: &Log) {
    let mut out = io::stdout();
    let _ = writeln!(out, "listening on http://{address}").and_then(|()| out.flush());
    log.say(format_args!("listening on http://{address}"));
}

async fn reload(mut signals: Signals, options: &Options, registry: &Registry, in_force: &mut InForce, log: &Log) {
    loop {
        signals.reload().await;
        match in_force.reload(options, registry, log).await {
            Ok(changes) if changes.is_empty() => log.say("SIGHUP: everything is as before"),
            Ok(changes) => {
                for change in changes {
                    log.say(format_args!("SIGHUP: {change}"));
                }
                start::tell_problems(registry, log);
            }
            Err(error) => match error.downcast_ref() {
                Some(half @ RedeclareError::Unfollowed(_)) => {
                    log.say(format_args!("SIGHUP: keys and rate limits are as before: {half}"));
                }
                _ => log.say(format_args!("SIGHUP: nothing is changed: {error:#}")),
            },
        }
    }
}

/// Drains connections, all at once, and closes the store.
async fn end(registry: &Registry, patience: Duration, log: &Log) {
    let connections = registry.connections();
    let drains = connections.iter().map(|connection| async move {
        let (kind, name) = (ResourceKind::Connection, connection.name().as_str());
        let report = registry.operate(kind, name, Operation::Drain { patience }).await;
        match report {
            Ok(report) if report.completed == Some(false) => {
                let out = report.still_out.unwrap_or_default();
                log.say(format_args!("connection {name:?}: {out} still out after its drain"));
            }
            // What is not live has nothing to drain.
            _ => {}
        }
    });
    join_all(drains).await;
    registry.close().await;
    log.say("ended");
}

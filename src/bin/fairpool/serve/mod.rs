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
use fairpool::export::PrometheusExporter;
use fairpool::resource::registry::{Operation, Registry, ResourceKind};
use fairpool::server::{Readiness, RouterOptions, ServeOptions, serve};
use futures::future::join_all;
use log::Log;
use reload::Current;
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
            code = signals.end() => return Ok(code),
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
        authority,
    } = started;
    let (readiness, current) = (Readiness::new(true), Current::new(authority));
    let mut router_options = RouterOptions::new().journal(log.requests(options.log_requests));
    if let Some(url) = &options.public_url {
        router_options = router_options.public_url(url);
    }
    let served = Served {
        registry: &registry,
        current: &current,
        readiness: &readiness,
        exporter: &PrometheusExporter::new(),
        options: router_options,
    };
    announce(listener.local_addr().context("cannot tell the address")?, log);

    let told = {
        let (signals, readiness, log) = (signals.clone(), readiness.clone(), log.clone());
        async move {
            signals.end().await;
            readiness.set(false);
            log.say("told to end: answering the requests under way");
        }
    };
    let reloads = reload(signals.clone(), options, &current, log);
    let patience = ServeOptions::new().shutdown_timeout(options.shutdown_timeout);
    let report = tokio::select! {
        report = serve(listener, served.router(), &patience, told) => report,
        () = reloads => unreachable!("bug: it goes on for ever"),
    };
    if report.cut > 0 {
        log.say(format_args!(
            "{} connections are cut with a request under way",
            report.cut
        ));
    }
    end(&registry, options.shutdown_timeout, log).await;
    Ok(signals.end().await)
}

/// The only line on standard output, for whoever started it. That nobody reads it is no reason not to serve.
fn announce(address: SocketAddr, log: &Log) {
    let mut out = io::stdout();
    let _ = writeln!(out, "listening on http://{address}").and_then(|()| out.flush());
    log.say(format_args!("listening on http://{address}"));
}

async fn reload(mut signals: Signals, options: &Options, current: &Current, log: &Log) {
    loop {
        signals.reload().await;
        match start::judged(options, log) {
            Ok((_, authority)) => {
                current.replace(authority);
                log.say("SIGHUP: keys are taken anew");
            }
            Err(error) => log.say(format_args!("SIGHUP: nothing is changed: {error:#}")),
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

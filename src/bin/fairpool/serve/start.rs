//! Address, store and registry: each is there, or the reason why it is not.

use super::file::Configuration;
use super::keys::{self, Keys};
use super::log::Log;
use super::options::{Options, Place};
use super::reload::InForce;
use anyhow::{Context, Result, anyhow, bail, ensure};
use fairpool::export::PrometheusExporter;
use fairpool::resource::registry::{OpenError, Registry, RegistryBuilder};
use fairpool::resource::store::sqlite::SqliteStore;
use fairpool::server::auth::{Authority, Insecure, Scope, Scopes};
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, lookup_host};
use tokio::task::spawn_blocking;

/// What is there before anything is served.
pub(super) struct Started {
    pub(super) listener: TcpListener,
    pub(super) registry: Registry,
    pub(super) exporter: PrometheusExporter,
    pub(super) in_force: InForce,
}

/// The files and options, judged.
pub(super) struct Judged {
    pub(super) configuration: Configuration,
    pub(super) authority: Arc<dyn Authority>,
    /// What tells the keys from others.
    pub(super) keys: BTreeSet<u64>,
    pub(super) said: Said,
}

/// Which files said something.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    config: bool,
    key_file: bool,
}

pub(super) async fn start(options: &Options, log: &Log) -> Result<Started> {
    let judged = judged(options, log, None).await?;
    let listener = listener(options).await?;
    if options.insecure {
        log.say("without keys: everybody on this machine may do everything");
    }
    let exporter = PrometheusExporter::new();
    let registry = registry(options, &judged.configuration, exporter.clone()).await?;
    tell_problems(&registry, log);
    Ok(Started {
        listener,
        registry,
        exporter,
        in_force: InForce::new(&judged),
    })
}

pub(super) fn tell_problems(registry: &Registry, log: &Log) {
    for problem in registry.problems() {
        log.say(format_args!("warning: {problem}"));
    }
}

/// The file and who may ask, judged: nothing has happened yet. `before`: of the files that are in force already.
///
/// On a thread where nobody else waits, since a disk may hang.
pub(super) async fn judged(options: &Options, log: &Log, before: Option<Said>) -> Result<Judged> {
    let (options, log) = (options.clone(), log.clone());
    let judged = spawn_blocking(move || read(&options, &log, before)).await;
    judged.context("the files are not read")?
}

fn read(options: &Options, log: &Log, before: Option<Said>) -> Result<Judged> {
    let mut configuration = match &options.config {
        Some(path) => {
            is_there(path, before)?;
            Configuration::read(path)?
        }
        None => Configuration::default(),
    };
    let (begun, before) = (before, before.unwrap_or_default());
    let mut said = Said {
        config: configuration.is_said,
        key_file: false,
    };
    is_whole(options.config.as_deref(), before.config, said.config)?;
    let mut keys = Keys::default();
    let given = [
        (&options.api_keys, Scopes::ALL, "--api-key"),
        (&options.read_keys, Scope::Read.into(), "--read-key"),
    ];
    for (given, scopes, option) in given {
        keys.add_given(given, scopes, option).map_err(|said| anyhow!(said))?;
    }
    if let Some(path) = &options.api_key_file {
        is_there(path, begun)?;
        said.key_file = keys.add_file(path).map_err(|said| anyhow!(said))? > 0;
    }
    is_whole(options.api_key_file.as_deref(), before.key_file, said.key_file)?;
    let keys = keys.and(std::mem::take(&mut configuration.keys));
    let exposed = options.config.as_deref().and_then(keys::exposed);
    for warning in keys.warnings().iter().chain(&exposed) {
        log.say(format_args!("warning: {warning}"));
    }
    let marks = keys.marks().clone();
    let authority = match keys.authority() {
        _ if options.insecure => Arc::new(Insecure),
        Some(authority) => authority,
        None => bail!(
            "nobody could ask anything without a key: give --api-key, --api-key-file, or keys in the file of --config \
             (or --insecure, on a loopback address)"
        ),
    };
    Ok(Judged {
        configuration,
        authority,
        keys: marks,
        said,
    })
}

/// A pipe is read once, at the start: nobody may be there to write it again.
fn is_there(path: &Path, before: Option<Said>) -> Result<()> {
    let is_pipe = before.is_some() && fs::metadata(path).is_ok_and(|file| !file.is_file());
    ensure!(
        !is_pipe,
        "{}: not a regular file, so it is not read again",
        path.display()
    );
    Ok(())
}

/// A file that is being rewritten is empty for a moment.
fn is_whole(path: Option<&Path>, before: bool, now: bool) -> Result<()> {
    match path {
        Some(path) if before && !now => bail!("{}: empty, as if it were being rewritten", path.display()),
        _ => Ok(()),
    }
}

/// All addresses of a name are judged before one is bound.
async fn listener(options: &Options) -> Result<TcpListener> {
    let cannot = || format!("cannot listen on {}", options.listen);
    let addresses: Vec<SocketAddr> = lookup_host(&options.listen).await.with_context(cannot)?.collect();
    let is_loopback = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
    if options.insecure && !addresses.iter().all(is_loopback) {
        bail!(
            "--insecure goes with a loopback address only, and {} is reachable by others",
            options.listen
        );
    }
    TcpListener::bind(&*addresses).await.with_context(cannot)
}

async fn registry(options: &Options, configuration: &Configuration, exporter: PrometheusExporter) -> Result<Registry> {
    let builder = match &options.store {
        Place::Memory => Registry::builder(),
        Place::File(path) => Registry::builder().store(SqliteStore::open(path).await?),
    };
    let declared = configuration.declared.clone();
    let builder: RegistryBuilder = builder
        .fixed(declared)
        .general(configuration.general)
        .exporter(exporter);
    match (builder.open().await, &options.config) {
        (Ok(registry), _) => Ok(registry),
        (Err(OpenError::Declared(refused)), Some(path)) => Err(configuration.located(path, &refused).into()),
        (Err(error), _) => Err(error.into()),
    }
}

//! Opening a connection: the hosts in turn, a socket, TLS, a session, and the setup.

use super::cancel::Canceller;
use super::connection::Connection;
use super::error::{Error, Failure};
use super::ledger::Ledger;
use super::link::Link;
use super::settings::{Settings, host, port};
use super::socket::{Options, Peer, Route};
use super::socks::Proxy;
use super::stream::{Secured, Watched};
use super::task::drive;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::time::timeout;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::config::{Host, LoadBalanceHosts, TargetSessionAttrs};

/// Tries each address of each host, as tokio-postgres does, and tells what is wrong with all of them.
pub(super) async fn connect(settings: &Arc<Settings>) -> Result<Connection, Error> {
    let config = &settings.config;
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    let mut order: Vec<usize> = (0..count).collect();
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        fastrand::shuffle(&mut order);
    }
    let mut failures = Vec::new();
    for at in order {
        let failure = match find(settings, at).await {
            Ok(routes) => match first(settings, routes).await {
                Ok(connection) => return Ok(connection),
                Err(failure) => failure,
            },
            Err(failure) => failure,
        };
        failures.push((at, failure));
    }
    Err(tell(settings, failures))
}

async fn first(settings: &Arc<Settings>, routes: Vec<Route>) -> Result<Connection, Failure> {
    let mut last = Failure::transient("network: the name of the host leads nowhere");
    for route in routes {
        let attempt = open(settings, route);
        let opened = match settings.config.get_connect_timeout() {
            Some(patience) => timeout(*patience, attempt).await.unwrap_or_else(|_| {
                let said = format!("network: no answer within connect_timeout, {patience:?}");
                Err(Failure::transient(said))
            }),
            None => attempt.await,
        };
        match opened {
            Ok(connection) => return Ok(connection),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

/// The addresses of the host at this place.
async fn find(settings: &Settings, at: usize) -> Result<Vec<Route>, Failure> {
    let config = &settings.config;
    let port = port(config, at);
    if let Some(proxy) = &settings.proxy {
        return Ok(far(settings, proxy, at, port).into_iter().collect());
    }
    let (peers, name) = match (config.get_hosts().get(at), config.get_hostaddrs().get(at)) {
        (name, Some(address)) => {
            let name = match name {
                Some(Host::Tcp(name)) => name.clone(),
                _ => address.to_string(),
            };
            (vec![Peer::Tcp(SocketAddr::new(*address, port))], name)
        }
        (Some(Host::Tcp(name)), None) => {
            let found = tokio::net::lookup_host((name.as_str(), port)).await;
            let found = found.map_err(|error| Failure::transient(format!("network: {error}")))?;
            let mut peers: Vec<Peer> = found.map(Peer::Tcp).collect();
            if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
                fastrand::shuffle(&mut peers);
            }
            (peers, name.clone())
        }
        #[cfg(unix)]
        (Some(Host::Unix(dir)), None) => {
            let file = dir.join(format!(".s.PGSQL.{port}"));
            (vec![Peer::Unix(file)], String::new())
        }
        (None, None) => (Vec::new(), String::new()),
    };
    let routes = peers.into_iter().map(|peer| Route {
        peer,
        name: name.clone(),
        tls: settings.tls.clone(),
        options: Options::new(config),
    });
    Ok(routes.collect())
}

/// The host at this place as the proxy is to look for it: by its address, if that is given, or else by its name.
fn far(settings: &Settings, proxy: &Arc<Proxy>, at: usize, port: u16) -> Option<Route> {
    let config = &settings.config;
    let address = config.get_hostaddrs().get(at).map(ToString::to_string);
    let name = match config.get_hosts().get(at) {
        Some(Host::Tcp(name)) => Some(name.clone()),
        _ => address.clone(),
    };
    let name = name?;
    Some(Route {
        peer: Peer::Far {
            proxy: proxy.clone(),
            host: address.unwrap_or_else(|| name.clone()),
            port,
        },
        name,
        tls: settings.tls.clone(),
        options: Options::new(config),
    })
}

/// One session. Dropped on its way, it leaves nothing: the stream closes, or the task says goodbye.
async fn open(settings: &Arc<Settings>, route: Route) -> Result<Connection, Failure> {
    let link = Arc::new(Link::default());
    let stream = Watched::new(route.open().await?, Ledger::new(link.clone()));
    let begun = settings.session().connect_raw(stream, Secured).await;
    let (client, protocol) = begun.map_err(|error| Failure::session(settings, error))?;
    let canceller = Canceller {
        token: client.cancel_token(),
        route: Arc::new(route),
        database: settings.database.clone(),
        lease: None,
    };
    let driven = drive(protocol, link.clone(), canceller.clone(), settings.notice.clone());
    let task = tokio::spawn(driven);
    let connection = Connection::new(client, link, task, canceller, settings.clone());
    suits(settings.config.get_target_session_attrs(), &connection).await?;
    connection.set_up().await?;
    connection.begin();
    Ok(connection)
}

/// Whether the server may write, if that was asked for.
async fn suits(wanted: TargetSessionAttrs, connection: &Connection) -> Result<(), Failure> {
    let (wanted, said) = match wanted {
        TargetSessionAttrs::ReadWrite => ("off", "is read only"),
        TargetSessionAttrs::ReadOnly => ("on", "is not read only"),
        _ => return Ok(()),
    };
    let answer = connection.simple_query("SHOW transaction_read_only").await;
    let answer = answer.map_err(|error| Failure::postgres("target_session_attrs", error))?;
    let suits = answer
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if matches!(row.try_get(0), Ok(Some(is)) if is == wanted)));
    match suits {
        true => Ok(()),
        false => Err(Failure::transient(format!("target_session_attrs: the server {said}"))),
    }
}

/// One error of all: of several hosts, the last word of each.
fn tell(settings: &Settings, mut failures: Vec<(usize, Failure)>) -> Error {
    let transient = failures.iter().any(|(_, failure)| failure.transient);
    let reason = match &*failures {
        [(_, only)] => only.reason.clone(),
        several => {
            let each = several
                .iter()
                .map(|(at, failure)| format!("{}: {}", host(&settings.config, *at), failure.reason));
            each.collect::<Vec<_>>().join("; ")
        }
    };
    Error::Connect {
        database: settings.database.clone(),
        reason,
        transient,
        error: failures.pop().and_then(|(_, failure)| failure.error),
    }
}

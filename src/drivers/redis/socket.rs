//! Opening a socket to the server: addresses, options of the socket, TLS.

use super::error::{Error, Stage};
use super::settings::{Place, Settings};
use super::stream::Stream;
use super::tls;
use redis::io::tcp::{TcpSettings, socket2};
use rustls::pki_types::ServerName;
use std::io;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;

/// A socket on which nothing has been said yet.
pub(super) async fn open(settings: &Settings) -> Result<Stream, Error> {
    let failed = |error| Error::io(&settings.server, Stage::Connect, error);
    if !settings.place.is_tls() {
        tls::check_absent(settings)?;
    }
    match &settings.place {
        Place::Tcp { host, port } => Ok(Stream::Tcp(dial(host, *port, settings).await?)),
        Place::Tls { host, port } => {
            let config = tls::config(settings).await?;
            let name = ServerName::try_from(host.clone()).map_err(|error| Error::url("host", error.to_string()))?;
            let socket = dial(host, *port, settings).await?;
            let session = TlsConnector::from(config).connect(name, socket).await.map_err(failed)?;
            Ok(Stream::Tls(Box::new(session)))
        }
        #[cfg(unix)]
        Place::Unix(path) => {
            let socket = UnixStream::connect(path).await;
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            Ok(Stream::Unix(socket.map_err(named).map_err(failed)?))
        }
        #[cfg(not(unix))]
        Place::Unix(_) => Err(Error::url("scheme", "this system has no Unix sockets")),
    }
}

/// To the server, or through the proxy that looks for it.
async fn dial(host: &str, port: u16, settings: &Settings) -> Result<TcpStream, Error> {
    match &settings.proxy {
        Some(proxy) => proxy.reach(host, port, settings).await,
        None => tcp(host, port, &settings.tcp)
            .await
            .map_err(|error| Error::io(&settings.server, Stage::Connect, error)),
    }
}

/// The addresses of a host are tried one after the other.
pub(super) async fn tcp(host: &str, port: u16, settings: &TcpSettings) -> io::Result<TcpStream> {
    let socket = TcpStream::connect((host, port)).await?;
    // A command is one write, and its answer is waited for: there is nothing to gather.
    socket.set_nodelay(true)?;
    let options = socket2::SockRef::from(&socket);
    if let Some(keepalive) = settings.keepalive() {
        options.set_tcp_keepalive(keepalive)?;
    }
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    options.set_tcp_user_timeout(settings.user_timeout())?;
    Ok(socket)
}

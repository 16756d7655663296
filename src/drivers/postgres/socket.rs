//! A connected socket, by TCP or in the file system, with the options that were asked for.

use super::stream::Stream;
use super::tls::{self, Tls};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_postgres::Config;

/// Where one server listens.
#[derive(Debug, Clone)]
pub(super) enum Peer {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A peer, the name that it was found by, and how to speak to it: enough to knock again.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) peer: Peer,
    /// What its certificate has to be for.
    pub(super) name: String,
    pub(super) tls: Tls,
    pub(super) options: Options,
}

/// What is set on a TCP socket.
#[derive(Debug, Clone)]
pub(super) struct Options {
    user_timeout: Option<Duration>,
    keepalive: Option<socket2::TcpKeepalive>,
}

/// Bytes to and from a server.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Route {
    /// A stream to the server, encrypted as its settings want it. Nothing of a session has been said on it.
    pub(super) async fn open(&self) -> Result<Stream, tls::Failure> {
        let socket = self.dial().await.map_err(tls::Failure::Network)?;
        let tls = match self.peer {
            Peer::Tcp(_) => &self.tls,
            Peer::Unix(_) => &Tls::Disable,
        };
        tls.secure(socket, &self.name).await
    }

    async fn dial(&self) -> io::Result<Socket> {
        match &self.peer {
            Peer::Tcp(address) => {
                let socket = TcpStream::connect(address).await?;
                socket.set_nodelay(true)?;
                self.options.apply(&socket)?;
                Ok(Socket::Tcp(socket))
            }
            #[cfg(unix)]
            Peer::Unix(path) => {
                let socket = UnixStream::connect(path).await;
                // Wrapped, so that it is told from TCP's: see `Failure::network`.
                Ok(Socket::Unix(
                    socket.map_err(|error| io::Error::new(error.kind(), error))?,
                ))
            }
            #[cfg(not(unix))]
            Peer::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl Options {
    pub(super) fn new(config: &Config) -> Self {
        let keepalive = || {
            let mut keepalive = socket2::TcpKeepalive::new().with_time(config.get_keepalives_idle());
            if let Some(interval) = config.get_keepalives_interval() {
                keepalive = keepalive.with_interval(interval);
            }
            match config.get_keepalives_retries() {
                Some(retries) => keepalive.with_retries(retries),
                None => keepalive,
            }
        };
        Options {
            user_timeout: config.get_tcp_user_timeout().copied(),
            keepalive: config.get_keepalives().then(keepalive),
        }
    }

    fn apply(&self, socket: &TcpStream) -> io::Result<()> {
        let socket = socket2::SockRef::from(socket);
        if let Some(keepalive) = &self.keepalive {
            socket.set_tcp_keepalive(keepalive)?;
        }
        #[cfg(target_os = "linux")]
        if let Some(timeout) = self.user_timeout {
            socket.set_tcp_user_timeout(Some(timeout))?;
        }
        Ok(())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Tcp(address) => address.fmt(f),
            Peer::Unix(path) => path.display().fmt(f),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_read(cx, buf),
            #[cfg(unix)]
            Socket::Unix(socket) => Pin::new(socket).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_write(cx, buf),
            #[cfg(unix)]
            Socket::Unix(socket) => Pin::new(socket).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_flush(cx),
            #[cfg(unix)]
            Socket::Unix(socket) => Pin::new(socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            #[cfg(unix)]
            Socket::Unix(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}

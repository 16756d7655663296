//! A connected socket, by TCP, perhaps through a proxy, or in the file system, with the options that were asked for.

use super::socks::Proxy;
use super::stream::Stream;
use super::tls::{self, Tls};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio_postgres::Config;

/// Where one server listens.
#[derive(Debug, Clone)]
pub(super) enum Peer {
    Tcp(SocketAddr),
    Unix(PathBuf),
    /// Found by the proxy.
    Far {
        proxy: Arc<Proxy>,
        host: String,
        port: u16,
    },
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
        let socket = self.dial().await?;
        let tls = match self.peer {
            Peer::Tcp(_) | Peer::Far { .. } => &self.tls,
            Peer::Unix(_) => &Tls::Disable,
        };
        tls.secure(socket, &self.name).await
    }

    async fn dial(&self) -> Result<Socket, tls::Failure> {
        let failed = tls::Failure::Network;
        match &self.peer {
            Peer::Tcp(address) => {
                let socket = self.options.connect(address).await.map_err(failed)?;
                Ok(Socket::Tcp(socket))
            }
            Peer::Far { proxy, host, port } => {
                let socket = proxy.reach(host, *port, &self.options).await?;
                Ok(Socket::Tcp(socket))
            }
            #[cfg(unix)]
            Peer::Unix(path) => {
                let socket = UnixStream::connect(path).await;
                // Wrapped, so that it is told from TCP's: see `Failure::network`.
                let socket = socket.map_err(|error| failed(io::Error::new(error.kind(), error)))?;
                Ok(Socket::Unix(socket))
            }
            #[cfg(not(unix))]
            Peer::Unix(_) => Err(failed(io::ErrorKind::Unsupported.into())),
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

    /// A socket with these options.
    pub(super) async fn connect(&self, address: impl ToSocketAddrs) -> io::Result<TcpStream> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        self.apply(&socket)?;
        Ok(socket)
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

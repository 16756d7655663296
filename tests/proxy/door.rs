//! The port. Open or not, it stays reserved: no other process can come to listen on it.

use super::mode::Mode;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// More than any test has waiting: the kernel drops what does not fit, and that would be another fault.
const BACKLOG: u32 = 1024;

pub(super) struct Door {
    /// Bound and never listening: it holds the port.
    reserved: TcpSocket,
    state: State,
}

enum State {
    Open(TcpListener),
    /// Nobody listens.
    Shut,
    /// Somebody listens with a queue that is full, and accepts nobody: the kernel drops each SYN.
    #[expect(dead_code, reason = "held, for their drop")]
    Full(TcpListener, std::net::TcpStream),
}

impl Door {
    /// Open, on a free port of the loopback.
    pub(super) fn new() -> Door {
        let mut door = Door {
            reserved: bound(0),
            state: State::Shut,
        };
        door.turn(Mode::Pass);
        door
    }

    pub(super) fn port(&self) -> u16 {
        self.reserved.local_addr().expect("bound").port()
    }

    /// As the mode wants it. Whoever has not been accepted yet is reset where that shuts an open door.
    pub(super) fn turn(&mut self, mode: Mode) {
        match (mode, &self.state) {
            (Mode::Refuse, State::Shut) | (Mode::Unreachable, State::Full(..)) => {}
            (Mode::Refuse, _) => self.state = State::Shut,
            (Mode::Unreachable, _) => {
                // Of two that listen each would get some.
                self.state = State::Shut;
                let full = self.listen(0);
                let address = full.local_addr().expect("bound");
                let filler = std::net::TcpStream::connect(address).expect("there is room for one");
                self.state = State::Full(full, filler);
            }
            (_, State::Open(_)) => {}
            _ => self.state = State::Open(self.listen(BACKLOG)),
        }
    }

    fn listen(&self, backlog: u32) -> TcpListener {
        bound(self.port()).listen(backlog).expect("the port is reserved")
    }

    /// Never, while it is not open.
    pub(super) async fn accept(&self) -> TcpStream {
        let State::Open(listener) = &self.state else {
            return pending().await;
        };
        loop {
            match listener.accept().await {
                Ok((client, _)) => return client,
                // A client that has gone before it was accepted is none; where files are short, others may close some.
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }
}

/// Sockets that all share their port can be bound side by side, by one user; only those that listen get connections.
fn bound(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("a setting");
    socket.set_reuseport(true).expect("a setting");
    socket
        .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .expect("a free port");
    socket
}

//! A backend on real sockets: a server that gives numbers back, and a manager for it that also sleeps, as real ones do.

use fairpool::Manager;
use fairpool::test_util::{Answer, Conformance};
use std::collections::HashMap;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::sleep;

/// Where a server listens, and how it ends the session of a client's port.
#[derive(Clone)]
pub(crate) struct Address {
    at: SocketAddr,
    sessions: Arc<Mutex<HashMap<u16, AbortHandle>>>,
}

struct Client(Address);

struct Conn {
    socket: TcpStream,
    port: u16,
    asked: u64,
    /// Set while an answer is due, and for ever when one was missed.
    out_of_step: bool,
}

impl Conn {
    async fn ask(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.out_of_step, true) {
            return Err(ErrorKind::BrokenPipe.into());
        }
        self.asked += 1;
        write(&self.socket, self.asked).await?;
        if read(&self.socket).await? != self.asked {
            return Err(ErrorKind::InvalidData.into());
        }
        self.out_of_step = false;
        Ok(())
    }
}

impl Manager for Client {
    type Connection = Conn;
    type Error = io::Error;

    async fn connect(&self) -> io::Result<Conn> {
        if self.0.at.port() == 0 {
            return Err(ErrorKind::InvalidInput.into());
        }
        let attempt = tokio::time::timeout(Duration::from_secs(2), TcpStream::connect(self.0.at));
        let socket = attempt.await??;
        sleep(Duration::from_millis(2)).await;
        let port = socket.local_addr()?.port();
        let mut conn = Conn {
            socket,
            port,
            asked: 0,
            out_of_step: false,
        };
        conn.ask().await?;
        Ok(conn)
    }

    async fn validate(&self, conn: &mut Conn) -> io::Result<()> {
        conn.ask().await
    }

    fn is_broken(&self, conn: &mut Conn) -> bool {
        conn.out_of_step
    }

    /// The server hears of it when the socket is dropped.
    fn close(&self, conn: Conn) -> Option<impl Future<Output = ()> + Send> {
        Some(async move {
            let _ = conn.socket.writable().await;
        })
    }

    fn is_transient(&self, error: &io::Error) -> bool {
        error.kind() != ErrorKind::InvalidInput
    }
}

async fn serve(listener: TcpListener, sessions: Arc<Mutex<HashMap<u16, AbortHandle>>>) {
    while let Ok((socket, client)) = listener.accept().await {
        let mut all = sessions.lock().unwrap();
        let session = tokio::spawn(echo(socket, client.port(), sessions.clone()));
        all.insert(client.port(), session.abort_handle());
    }
}

async fn echo(socket: TcpStream, client: u16, sessions: Arc<Mutex<HashMap<u16, AbortHandle>>>) {
    while let Ok(number) = read(&socket).await {
        sleep(Duration::from_millis(1)).await;
        if write(&socket, number).await.is_err() {
            break;
        }
    }
    sessions.lock().unwrap().remove(&client);
}

async fn read(socket: &TcpStream) -> io::Result<u64> {
    let (mut number, mut have) = ([0; 8], 0);
    while have < number.len() {
        socket.readable().await?;
        match socket.try_read(&mut number[have..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => have += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(u64::from_be_bytes(number))
}

/// Eight bytes: never more than a socket takes at once here.
async fn write(socket: &TcpStream, number: u64) -> io::Result<()> {
    loop {
        socket.writable().await?;
        match socket.try_write(&number.to_be_bytes()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            other => return other.map(drop),
        }
    }
}

/// Listens on the current runtime.
pub(crate) async fn serve_here() -> (Address, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address {
        at: listener.local_addr().unwrap(),
        sessions: Arc::default(),
    };
    let serving = tokio::spawn(serve(listener, address.sessions.clone()));
    (address, serving)
}

/// A server on a thread of its own, for as long as the process lives, and the kit for it.
pub(crate) fn kit() -> Conformance<impl Manager> {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (address, serving) = serve_here().await;
            tell.send(address).unwrap();
            let _ = serving.await;
        });
    });
    kit_of(told.recv().unwrap())
}

pub(crate) fn kit_of(address: Address) -> Conformance<impl Manager> {
    let (severs, counts) = (address.sessions.clone(), address.sessions.clone());
    let nowhere = Address {
        // Bound and closed again, so nobody listens there.
        at: std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap(),
        sessions: Arc::default(),
    };
    let impossible = Address {
        at: SocketAddr::from(([127, 0, 0, 1], 0)),
        sessions: Arc::default(),
    };
    Conformance::new(Client(address))
        .exercise(|conn| Box::pin(async { Ok(conn.ask().await?) }))
        .sever(move |conn: &mut Conn| -> Answer<'_> {
            if let Some(session) = severs.lock().unwrap().remove(&conn.port) {
                session.abort();
            }
            Box::pin(async { Ok(()) })
        })
        .sessions(move |_| {
            let count = counts.lock().unwrap().len() as u64;
            Box::pin(async move { Ok(count) })
        })
        .transient(Client(nowhere))
        .permanent(Client(impossible))
}

//! A SOCKS5 proxy: it asks for a user, or for none, looks up names that only it knows, refuses, or stays silent. It notes what it
//! was asked for.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Ends with its drop, and what goes through it with that.
pub(crate) struct Socks {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    /// It lets anybody in.
    Open,
    /// It wants this user with this password.
    Login(&'static str, &'static str),
    /// It wants a way to log in that nobody here has.
    Strange,
    /// It answers each request with this code.
    Refuses(u8),
    /// It says nothing at all.
    Silent,
    /// It greets, and says nothing to the request.
    Stuck,
    /// It hangs up after the greeting.
    HangsUp,
    /// It is none.
    Other,
}

impl Socks {
    pub(crate) async fn start(manner: Manner) -> Socks {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = asked.clone();
        let task = tokio::spawn(async move {
            let mut clients = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let seen = seen.clone();
                // What goes wrong there is the client's to tell.
                clients.spawn(async move { drop(serve(client, manner, &seen).await) });
            }
        });
        Socks { port, asked, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Each server that it was asked for: `name db.internal:5432`, `address 127.0.0.1:6379`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("not poisoned").clone()
    }
}

impl Drop for Socks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: TcpStream, manner: Manner, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    match manner {
        Manner::Silent => return std::future::pending().await,
        Manner::Other => return client.write_all(b"220 mail.example ready\r\n").await,
        _ => {}
    }
    let [_, count] = read(&mut client).await?;
    let mut methods = vec![0; count.into()];
    client.read_exact(&mut methods).await?;
    let method = match manner {
        Manner::Login(..) => 2,
        Manner::Strange => 0xff,
        _ => 0,
    };
    let method = if methods.contains(&method) { method } else { 0xff };
    client.write_all(&[5, method]).await?;
    if method == 0xff || manner == Manner::HangsUp {
        return Ok(());
    }
    if let Manner::Login(user, password) = manner {
        let [_, length] = read(&mut client).await?;
        let given = text(&mut client, length).await?;
        let [length] = read(&mut client).await?;
        let fits = given == user && text(&mut client, length).await? == password;
        client.write_all(&[1, u8::from(!fits)]).await?;
        if !fits {
            return Ok(());
        }
    }
    let [_, _, _, kind] = read(&mut client).await?;
    let (kind, host) = match kind {
        1 => ("address", Ipv4Addr::from(read::<4>(&mut client).await?).to_string()),
        _ => {
            let [length] = read(&mut client).await?;
            ("name", text(&mut client, length).await?)
        }
    };
    let port = u16::from_be_bytes(read(&mut client).await?);
    asked
        .lock()
        .expect("not poisoned")
        .push(format!("{kind} {host}:{port}"));
    match manner {
        Manner::Stuck => return std::future::pending().await,
        Manner::Refuses(code) => return client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await,
        _ => {}
    }
    // Every name leads here.
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    // The longest answer there is: what comes after it must not be taken for a part of it.
    let mut answer = vec![5, 0, 0, 3, 255];
    answer.extend([b'x'; 255]);
    answer.extend([0, 80]);
    client.write_all(&answer).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

async fn read<const N: usize>(client: &mut TcpStream) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn text(client: &mut TcpStream, length: u8) -> std::io::Result<String> {
    let mut bytes = vec![0; length.into()];
    client.read_exact(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

//! One client's connection and its counterpart at the backend.
//!
//! Both ways look at the mode before each read. A link that was once in a black hole stays there, however the mode changes.

use super::counts::Counts;
use super::mode::Mode;
use std::future::pending;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

const BUFFER: usize = 16 * 1024;

pub(super) struct Link {
    client: TcpStream,
    road: Road,
}

/// What both ways share.
struct Road {
    modes: watch::Receiver<Mode>,
    counts: Arc<Counts>,
    /// Whether it has been in a black hole.
    lost: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToBackend,
    ToClient,
}

/// How a link ends.
enum End {
    /// Each side has closed.
    Closed,
    /// By the mode, or by an error of one side that the other is to hear of.
    Reset,
}

impl Link {
    pub(super) fn new(client: TcpStream, modes: watch::Receiver<Mode>, counts: Arc<Counts>) -> Link {
        counts.begin();
        let _ = client.set_nodelay(true);
        let lost = AtomicBool::new(false);
        let road = Road { modes, counts, lost };
        Link { client, road }
    }

    pub(super) async fn run(self, backend: u16) {
        let Link { mut client, road } = self;
        let mut server = None;
        let end = tokio::select! {
            biased;
            end = road.ended() => end,
            end = road.travel(&mut client, &mut server, backend) => end,
        };
        if matches!(end, End::Reset) {
            let _ = client.set_zero_linger();
            server.iter().for_each(|server| drop(server.set_zero_linger()));
        }
        // The count comes last: what it says is closed is.
        drop((client, server));
        drop(road);
    }
}

impl Road {
    /// Until a mode ends it.
    async fn ended(&self) -> End {
        let mut modes = self.modes.clone();
        // The sender outlives all links.
        let mode = modes.wait_for(|mode| mode.ends_links()).await.map(|mode| *mode);
        match mode {
            Ok(Mode::Refuse) => End::Closed,
            _ => End::Reset,
        }
    }

    async fn travel(&self, client: &mut TcpStream, server: &mut Option<TcpStream>, backend: u16) -> End {
        let mut modes = self.modes.clone();
        loop {
            let mode = *modes.borrow_and_update();
            self.lost.fetch_or(mode.is_hole(), Relaxed);
            if !mode.is_quiet() || self.lost.load(Relaxed) {
                break;
            }
            let _ = modes.changed().await;
        }
        if self.lost.load(Relaxed) {
            let (mut from, _) = client.split();
            return self.swallow_alone(&mut from).await;
        }
        let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, backend)).await else {
            return End::Reset;
        };
        let _ = stream.set_nodelay(true);
        let server = server.insert(stream);
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let there = self.pump(Way::ToBackend, &mut from_client, &mut to_server);
        let back = self.pump(Way::ToClient, &mut from_server, &mut to_client);
        tokio::pin!(there, back);
        tokio::select! {
            // Whoever asks may close first and still want the answer; whoever answers has no more to say.
            end = &mut there => match end {
                Pumped::Closed => match back.await {
                    Pumped::Failed => End::Reset,
                    _ => End::Closed,
                },
                Pumped::Cut => End::Closed,
                Pumped::Failed => End::Reset,
            },
            end = &mut back => match end {
                Pumped::Failed => End::Reset,
                _ => End::Closed,
            },
        }
    }

    /// A newcomer in a black hole never had a counterpart.
    async fn swallow_alone(&self, from: &mut ReadHalf<'_>) -> End {
        let mut buffer = [0; BUFFER];
        while from.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
        self.until_closes_pass().await;
        End::Closed
    }

    /// One way, until its source closes, or the mode cuts it off.
    async fn pump(&self, way: Way, from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>) -> Pumped {
        let mut modes = self.modes.clone();
        let mut buffer = [0; BUFFER];
        let mut cut = None;
        loop {
            let mode = *modes.borrow_and_update();
            self.lost.fetch_or(mode.is_hole(), Relaxed);
            let lost = self.lost.load(Relaxed);
            let room = match mode {
                _ if lost => BUFFER,
                Mode::Slow { bytes, .. } if way == Way::ToClient => bytes.clamp(1, BUFFER),
                Mode::Cut { after } if way == Way::ToClient => {
                    let left = *cut.get_or_insert(after);
                    if left == 0 {
                        return Pumped::Cut;
                    }
                    left.min(BUFFER)
                }
                _ => BUFFER,
            };
            if !matches!(mode, Mode::Cut { .. }) {
                cut = None;
            }
            let read = tokio::select! {
                biased;
                _ = modes.changed() => continue,
                read = from.read(&mut buffer[..room]), if lost || mode != Mode::Silent => read,
            };
            match read {
                Ok(0) | Err(_) if lost => {
                    self.until_closes_pass().await;
                    return Pumped::Failed;
                }
                Ok(_) if lost => continue,
                Err(_) => return Pumped::Failed,
                Ok(0) => {
                    let _ = to.shutdown().await;
                    return Pumped::Closed;
                }
                Ok(bytes) => {
                    // Before they are: who has an answer finds it counted.
                    self.counts.passed(way, bytes);
                    if to.write_all(&buffer[..bytes]).await.is_err() {
                        return Pumped::Failed;
                    }
                    cut = cut.map(|left| left - bytes);
                }
            }
            if let (Mode::Slow { every, .. }, Way::ToClient) = (mode, way) {
                tokio::select! {
                    biased;
                    _ = modes.changed() => {}
                    () = tokio::time::sleep(every) => {}
                }
            }
        }
    }

    /// In a black hole nobody hears of a close either.
    async fn until_closes_pass(&self) {
        let mut modes = self.modes.clone();
        if modes.wait_for(|mode| !mode.is_quiet()).await.is_err() {
            pending().await
        }
    }
}

/// How one way ends.
enum Pumped {
    Closed,
    Cut,
    Failed,
}

/// However its task ends.
impl Drop for Road {
    fn drop(&mut self) {
        self.counts.end();
    }
}

//! Ends what a session still runs when its connection is closed in the middle: the server goes on with a statement although
//! nobody listens any more.

use super::error::may_pass;
use super::link::Link;
use super::settings::Settings;
use super::state::Place;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// How long the end of a session may hold up the close of its connection.
const HOLD_UP: Duration = Duration::from_secs(2);

/// How long it is tried. A server that is full may have room again.
const TRY: Duration = Duration::from_secs(30);

/// The server's error: no session of this number.
const NO_SUCH_THREAD: u16 = 1094;

/// A session that may still run something.
pub(super) struct Victim {
    pub(super) id: u32,
    pub(super) place: Place,
    pub(super) opened: Instant,
}

impl Victim {
    /// Ends it over a connection of its own, and waits until it is gone, but not for long: what is left to do then goes on by itself.
    pub(super) async fn kill(self, settings: Arc<Settings>) {
        let task = tokio::spawn(timeout(TRY, async move { self.pursue(&settings).await }));
        // What fails there fails for the server's or the network's reasons, and the close has nobody to tell.
        let _ = timeout(HOLD_UP, task).await;
    }

    async fn pursue(&self, settings: &Settings) {
        while let Err(mysql_async::Error::Server(refused)) = self.hunt(settings).await {
            if !may_pass(&refused) {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn hunt(&self, settings: &Settings) -> mysql_async::Result<()> {
        let Ok(_permit) = settings.killers.acquire().await else {
            return Ok(());
        };
        // Given, these two need not be asked for.
        let opts = OptsBuilder::from_opts(settings.opts.clone())
            .prefer_socket(false)
            .max_allowed_packet(Some(1 << 24))
            .wait_timeout(Some(60));
        let mut link = Link::new(Conn::new(opts).await?);
        if self.place.is_still(&mut link, self.opened).await? {
            let mut pause = Duration::from_micros(500);
            while is_there(link.query_drop(format!("KILL {}", self.id)).await)? {
                sleep(pause).await;
                pause = (2 * pause).min(Duration::from_millis(50));
            }
        }
        link.farewell().await;
        Ok(())
    }
}

/// What the answer to a KILL says about the session.
fn is_there(answer: mysql_async::Result<()>) -> mysql_async::Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(mysql_async::Error::Server(error)) if error.code == NO_SUCH_THREAD => Ok(false),
        Err(error) => Err(error),
    }
}

//! Cancelling what a session does, by the protocol's own way: a second connection that names the first.

use super::error::{Error, Failure};
use super::link::{Link, OVER};
use super::socket::Route;
use super::stream::{Knocking, Secured};
use super::tls;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::CancelToken;

/// How long what is under way may go on by itself before it is cancelled: most of it ends sooner than a cancel takes.
const PATIENCE: Duration = Duration::from_millis(50);
/// And how long after cancels that changed nothing.
const LONGEST_PATIENCE: Duration = Duration::from_secs(1);
/// How long the server may take until it has passed a cancel on. PgBouncer lets one wait for a server connection, 10 s by default.
const ARRIVAL: Duration = Duration::from_secs(15);

/// Cancels what one connection does, over a route and with encryption like its own, for the lease that it was taken in.
///
/// [`Client::cancel_token`](tokio_postgres::Client::cancel_token) would do the same, but knows no route.
///
/// # Examples
///
/// ```no_run
/// # async fn f(conn: fairpool::drivers::postgres::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// let canceller = conn.canceller();
/// let slow = conn.batch_execute("SELECT pg_sleep(60)");
/// let (slow, cancelled) = tokio::join!(slow, canceller.cancel());
/// cancelled?;
/// assert!(slow.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Canceller {
    pub(super) token: CancelToken,
    pub(super) route: Arc<Route>,
    pub(super) database: Arc<str>,
    /// The driver's own, which knows what it does, is bound to no lease.
    pub(super) lease: Option<Lease>,
}

/// One lease of a connection.
#[derive(Clone)]
pub(super) struct Lease {
    link: Arc<Link>,
    number: u32,
}

/// A cancel on its way. Its drop tells the connection what has become of it.
struct OnItsWay<'a> {
    link: &'a Link,
    /// Not sent yet, or arrived.
    is_known: bool,
}

impl Canceller {
    /// Asks the server to stop what the connection does at that moment, and waits until it has passed that on. What was
    /// asked of the connection before then may be cancelled, what is asked afterwards is not. When the lease in which
    /// this canceller was taken is over, it does nothing: the query of another lease is never hit.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] if the server cannot be reached, or has not passed the cancel on within 15 s, after which the connection
    /// counts as [broken](super::Connection::is_broken). It never says whether there was something to cancel.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it open whether and when the cancel arrives, once it was sent. The connection then counts as
    /// [broken](super::Connection::is_broken), and is closed when its lease ends. A lease that ends while a cancel is on its
    /// way is followed by the next one when that has arrived.
    pub async fn cancel(&self) -> Result<(), Error> {
        match &self.lease {
            Some(lease) if lease.link.begin_cancel(lease.number) => {
                let link = &*lease.link;
                self.knock(Some(OnItsWay { link, is_known: true })).await
            }
            Some(_) => Ok(()),
            None => self.knock(None).await,
        }
    }

    /// One that is bound to the lease which is now.
    pub(super) fn of_this_lease(&self, link: &Arc<Link>) -> Self {
        let lease = Lease {
            link: link.clone(),
            number: link.lease(),
        };
        Canceller {
            lease: Some(lease),
            ..self.clone()
        }
    }

    async fn knock(&self, mut on_its_way: Option<OnItsWay<'_>>) -> Result<(), Error> {
        let mut know = |is_known| {
            if let Some(on_its_way) = &mut on_its_way {
                on_its_way.is_known = is_known;
            }
        };
        let knocked = async {
            let mut stream = self.route.open().await.map_err(Failure::from)?;
            know(false);
            let sent = self.token.cancel_query_raw(Knocking(&mut stream), Secured).await;
            sent.map_err(|error| Failure::postgres("", error))?;
            // The server closes when it has signalled the session's process.
            let arrived = timeout(ARRIVAL, poll_fn(|cx| stream.poll_end(cx))).await;
            arrived.map_err(|_| Failure::transient("network: the server has not passed it on"))?;
            know(true);
            Ok(())
        };
        knocked.await.map_err(|failure: Failure| Error::Connect {
            database: self.database.clone(),
            reason: format!("to cancel: {}", failure.reason),
            transient: failure.transient,
            error: failure.error,
        })
    }

    /// Waits until nothing is under way, and cancels what goes on for longer than a moment. Each cancel has arrived, or
    /// has not been sent, when this ends: the server ignores one that finds the session idle, so no later request is hit.
    pub(super) async fn call_off(&self, link: &Link) -> Result<(), Error> {
        let (mut patience, mut due) = (PATIENCE, link.now().due());
        while timeout(patience, link.quiet()).await.is_err() {
            let left = link.now().due();
            // No cancel moves an answer that somebody keeps without reading it.
            patience = match left < due {
                true => PATIENCE,
                false => (patience * 2).min(LONGEST_PATIENCE),
            };
            due = left;
            self.cancel().await?;
        }
        match link.now().has(OVER) {
            true => Err(Error::Closed {
                database: self.database.clone(),
            }),
            false => Ok(()),
        }
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.link.end_cancel(self.is_known);
    }
}

impl From<tls::Failure> for Failure {
    fn from(failure: tls::Failure) -> Self {
        match failure {
            tls::Failure::Network(error) => Failure::network(&error),
            tls::Failure::Tls { reason, transient } | tls::Failure::Proxy { reason, transient } => Failure {
                reason,
                transient,
                error: None,
            },
        }
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

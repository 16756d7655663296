//! A manager that does as it is told: each call takes the next scripted outcome, and is well and at once without one.

use super::books::{Books, Ledger};
use super::ops::{Call, Ends, Outcome};
use fairpool::Manager;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

/// The beginning of each panic that is meant.
pub(crate) const SCRIPTED: &str = "scripted panic";

#[derive(Debug)]
pub(crate) struct Backend(pub(crate) Arc<Books>);

#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) id: u64,
    books: Arc<Books>,
}

#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) permanent: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the backend said no")
    }
}

impl std::error::Error for Refusal {}

/// A call under way: counted until it is dropped, and bad unless it ended well.
struct Underway<'a> {
    books: &'a Books,
    begun: u64,
    ended_well: bool,
    call: Call,
    id: Option<u64>,
}

impl<'a> Underway<'a> {
    fn begin(books: &'a Books, call: Call, id: Option<u64>) -> Self {
        let begun = books.now();
        match call {
            Call::Connect => books.connect_begins(begun),
            _ => books.with(|ledger| *gauge(ledger, call) += 1),
        }
        Underway {
            books,
            begun,
            ended_well: false,
            call,
            id,
        }
    }

    /// Ends as scripted.
    async fn run(mut self) -> Result<u64, Refusal> {
        let outcome = self.books.outcome(self.call);
        self.books.seen(name(self.call, outcome.ends));
        perform(outcome).await?;
        self.ended_well = true;
        Ok(self.begun)
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        let now = self.books.now();
        let (begun, well) = (self.begun, self.ended_well);
        self.books.with(|ledger| {
            *gauge(ledger, self.call) -= 1;
            if !well && matches!(self.call, Call::Connect | Call::AfterConnect) {
                let later = ledger.last_failure.map_or(begun, |(other, _)| begun.max(other));
                ledger.last_failure = Some((later, now));
            }
            if self.call == Call::Connect {
                let ours = ledger.attempts.iter().position(|&other| other == begun);
                ledger.attempts.swap_remove(ours.expect("it began"));
            }
            if well && self.call == Call::AfterConnect {
                ledger.healed();
            }
            let Some(record) = self.id.and_then(|id| ledger.conns.get_mut(&id)) else {
                return;
            };
            if !well {
                record.doomed = Some("its validation, reset or hook failed");
            }
            match self.call {
                Call::Validate if well => (record.used, record.last_check) = (false, now),
                // What is being cleaned is not idle yet.
                Call::Reset if well => (record.dirty, record.last_check) = (false, now),
                Call::AfterRelease if well => record.last_check = now,
                // Only now is it the pool's, and idle times count.
                Call::AfterConnect if well => (record.joined, record.last_use) = (true, now),
                Call::BeforeAcquire if well => record.unhooked = false,
                _ => {}
            }
        });
    }
}

fn gauge(ledger: &mut Ledger, call: Call) -> &mut u32 {
    match call {
        Call::Validate | Call::BeforeAcquire => &mut ledger.under.validating,
        Call::Reset | Call::AfterRelease => &mut ledger.under.resetting,
        Call::AfterConnect => &mut ledger.under.hooking,
        _ => &mut ledger.under.connecting,
    }
}

fn name(call: Call, ends: Ends) -> &'static str {
    match (call, ends) {
        (Call::Connect, Ends::Panicking) => "panic in connect",
        (Call::Connect, Ends::Never) => "connect that hangs",
        (Call::Connect, Ends::Fatally) => "connect that fails for good",
        (Call::Connect, Ends::Badly) => "connect that fails",
        (Call::Connect, Ends::Well) => "connect",
        (Call::Validate, Ends::Panicking) => "panic in validate",
        (Call::Validate, Ends::Never) => "validation that hangs",
        (Call::Validate, Ends::Well) => "validation",
        (Call::Validate, _) => "validation that fails",
        (Call::Reset, Ends::Panicking) => "panic in reset",
        (Call::Reset, Ends::Never) => "reset that hangs",
        (Call::Reset, Ends::Well) => "reset",
        (Call::Reset, _) => "reset that fails",
        (_, Ends::Well) => "hook",
        _ => "hook that fails",
    }
}

async fn perform(outcome: Outcome) -> Result<(), Refusal> {
    if outcome.after > 0 {
        tokio::time::sleep(Duration::from_millis(outcome.after)).await;
    }
    match outcome.ends {
        Ends::Well => Ok(()),
        Ends::Badly => Err(Refusal { permanent: false }),
        Ends::Fatally => Err(Refusal { permanent: true }),
        Ends::Panicking => panic!("{SCRIPTED} in a call"),
        Ends::Never => pending().await,
    }
}

/// The user's steps, as a hook of the builder's runs them.
pub(crate) async fn hook(conn: &mut Conn, call: Call) -> Result<(), Refusal> {
    let books = conn.books.clone();
    Underway::begin(&books, call, Some(conn.id)).run().await.map(drop)
}

impl Manager for Backend {
    type Connection = Conn;
    type Error = Refusal;

    async fn connect(&self) -> Result<Conn, Refusal> {
        let generation = self.0.with(|ledger| ledger.generation);
        Underway::begin(&self.0, Call::Connect, None).run().await?;
        let drop_panics = self.0.outcome(Call::Drop).ends == Ends::Panicking;
        Ok(Conn {
            id: self.0.opened(generation, drop_panics),
            books: self.0.clone(),
        })
    }

    async fn validate(&self, conn: &mut Conn) -> Result<(), Refusal> {
        Underway::begin(&self.0, Call::Validate, Some(conn.id))
            .run()
            .await
            .map(drop)
    }

    fn reset(&self, conn: &mut Conn) -> Option<impl Future<Output = Result<(), Refusal>> + Send> {
        if self.0.outcome(Call::AskReset).ends == Ends::Panicking {
            self.0.doom(conn.id, "its reset panicked when asked");
            self.0.seen("panic in reset, asked");
            panic!("{SCRIPTED} in reset");
        }
        let dirty = self.0.with(|ledger| ledger.conns[&conn.id].dirty);
        let id = conn.id;
        dirty.then_some(async move { Underway::begin(&self.0, Call::Reset, Some(id)).run().await.map(drop) })
    }

    fn is_broken(&self, conn: &mut Conn) -> bool {
        match self.0.outcome(Call::IsBroken).ends {
            Ends::Well | Ends::Never => false,
            Ends::Panicking => {
                self.0.doom(conn.id, "its is_broken panicked");
                self.0.seen("panic in is_broken");
                panic!("{SCRIPTED} in is_broken");
            }
            Ends::Badly | Ends::Fatally => {
                self.0.doom(conn.id, "it is broken");
                true
            }
        }
    }

    fn close(&self, conn: Conn) -> Option<impl Future<Output = ()> + Send> {
        self.0.leaves(conn.id);
        let outcome = self.0.outcome(Call::Close);
        match outcome.ends {
            Ends::Fatally => return None,
            Ends::Badly => panic!("{SCRIPTED} in close"),
            Ends::Panicking => self.0.seen("panic in close"),
            Ends::Never => self.0.seen("close that hangs"),
            Ends::Well => {}
        }
        Some(async move {
            let _ = perform(outcome).await;
            drop(conn);
        })
    }

    fn is_transient(&self, error: &Refusal) -> bool {
        if error.permanent {
            self.0.with(|ledger| ledger.permanent_failures += 1);
        }
        !error.permanent
    }

    fn detached(&self, conn: &mut Conn) {
        self.0.with(|ledger| ledger.gone += 1);
        self.0
            .change(conn.id, |record| (record.detached, record.lent) = (true, false));
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        if self.books.dropped(self.id) && !std::thread::panicking() {
            self.books.seen("panic in drop");
            panic!("{SCRIPTED} in drop");
        }
    }
}

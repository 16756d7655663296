//! Pools for the crate `tracing`: an event for what happens, a span for what takes time.
//!
//! Levels go by who has to act. What its caller is told by an error anyway is `DEBUG`, so that a storm of timeouts is no storm
//! of log lines; what a backend or the code around the pool does wrong is `WARN`, and each of that comes at a bounded rate:
//! connects under a backoff, warnings once for each lease or wait.

use crate::observe::{Activity, CloseReason, Ending, Event, Exporter, Interest, Observer, Scope, Subject};
use std::sync::Arc;
use tracing::{Span, debug, field, info, info_span, trace, warn};

/// Tells the subscriber of the crate `tracing` what happens in pools.
///
/// ```
/// # use fairpool::{Pool, doc::Demo};
/// use fairpool::export::TracingExporter;
///
/// let pool = Pool::builder(Demo).name("orders").exporter(TracingExporter::new()).build()?;
/// # Ok::<(), fairpool::OptionsError>(())
/// ```
///
/// The target is `fairpool`; the field `db.client.connection.pool.name` is everywhere, of a [`Limit`](crate::Limit) it is
/// `fairpool.limit.name`.
///
/// | level | events |
/// |---|---|
/// | `WARN` | a connect failed, a reset failed, a lease is long, a task waits for itself |
/// | `INFO` | a connection closed because it was broken, invalid or unclean; the line was cleared |
/// | `DEBUG` | a connection opened or closed for any other reason; a request timed out, found the line full, was refused or cancelled; a validation failed |
/// | `TRACE` | the rest: requests that waited, resets, validations |
///
/// A span `fairpool.wait` covers a request's time in line, as a child of the span in which the request was first polled, and
/// a span `fairpool.connect` covers each connect, which runs inside it; both are `INFO` and end with a field `outcome`. A
/// request that need not wait costs nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct TracingExporter(());

impl TracingExporter {
    /// One for any number of pools.
    pub fn new() -> Self {
        TracingExporter(())
    }
}

impl Exporter for TracingExporter {
    fn watch(&self, subject: Subject) -> Arc<dyn Observer> {
        Arc::new(Teller(subject))
    }
}

struct Teller(Subject);

impl Teller {
    fn pool(&self) -> Option<&str> {
        (!self.0.is_limit()).then(|| &**self.0.name())
    }

    fn limit(&self) -> Option<&str> {
        self.0.is_limit().then(|| &**self.0.name())
    }
}

/// An event of this pool's or limit's.
macro_rules! tell {
    ($level:ident, $teller:expr, $([$($field:tt)+],)? $said:literal) => {
        $level!(target: "fairpool", { "db.client.connection.pool.name" = $teller.pool(), "fairpool.limit.name" = $teller.limit() $(, $($field)+)? }, $said)
    };
}

impl Observer for Teller {
    fn on(&self, event: &Event) {
        match event {
            Event::Queued => tell!(trace, self, "a request waits"),
            Event::Acquired { waited, .. } => tell!(trace, self, [?waited], "a request was served"),
            Event::Released { used } => tell!(trace, self, [?used], "a lease ended"),
            Event::TimedOut { waited } => tell!(debug, self, [?waited], "a request timed out"),
            Event::QueueFull => tell!(debug, self, "a request found the line full"),
            Event::Refused { closed } => tell!(debug, self, [closed], "a request was refused"),
            Event::Cancelled => tell!(debug, self, "a request was cancelled"),
            Event::Cleared { requests } => tell!(info, self, [requests], "the line was cleared"),
            Event::Connecting => tell!(trace, self, "a connect begins"),
            Event::Opened { took } => tell!(debug, self, [?took], "a connection was opened"),
            Event::ConnectFailed { took, cause } => tell!(warn, self, [?took, %cause], "a connect failed"),
            Event::Validated { took, sound: true } => tell!(trace, self, [?took], "a validation passed"),
            Event::Validated { took, sound: false } => tell!(debug, self, [?took], "a validation failed"),
            Event::Reset { took, clean: true } => tell!(trace, self, [?took], "a reset ended"),
            Event::Reset { took, clean: false } => tell!(warn, self, [?took], "a reset failed"),
            Event::LongLease { held, taken_at } => tell!(warn, self, [?held, %taken_at], "a lease is long"),
            Event::Nested { waiting_at, holding_at } => {
                tell!(warn, self, [%waiting_at, %holding_at], "a task waits for a connection while it holds one");
            }
            Event::Closed { reason } => match reason {
                CloseReason::Broken | CloseReason::Invalid | CloseReason::Unclean => {
                    tell!(info, self, [?reason], "a connection was closed");
                }
                _ => tell!(debug, self, [?reason], "a connection was closed"),
            },
        }
    }

    fn interest(&self) -> Interest {
        Interest::RARE.with_scopes()
    }

    fn scope(&self, activity: Activity) -> Option<Box<dyn Scope>> {
        let (pool, limit) = (self.pool(), self.limit());
        let span = match activity {
            Activity::Wait => {
                info_span!(target: "fairpool", "fairpool.wait", "db.client.connection.pool.name" = pool, "fairpool.limit.name" = limit, outcome = field::Empty)
            }
            Activity::Connect => {
                info_span!(target: "fairpool", "fairpool.connect", "db.client.connection.pool.name" = pool, "fairpool.limit.name" = limit, outcome = field::Empty)
            }
        };
        (!span.is_disabled()).then(|| Box::new(Open(span)) as Box<dyn Scope>)
    }
}

/// A span for as long as it lasts. One that ends without an outcome was dropped with its task or its runtime, or panicked.
struct Open(Span);

impl Scope for Open {
    fn within(&self, poll: &mut dyn FnMut()) {
        self.0.in_scope(poll);
    }

    fn ended(&self, ending: Ending) {
        let outcome = match ending {
            Ending::Done => "done",
            Ending::TimedOut => "timed out",
            Ending::Failed => "failed",
            Ending::Cleared => "cleared",
            Ending::Closed => "closed",
            Ending::Cancelled => "cancelled",
        };
        self.0.record("outcome", outcome);
    }
}

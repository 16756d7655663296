//! Every metric, once, for all exporters: name, unit, attribute, meaning, and where its values come from.
//!
//! The names `db.client.connection.*` and their meaning are OpenTelemetry's (semantic conventions for database clients, connection
//! pools); what those have no word for is called `fairpool.*`. An attribute's values are those listed here and no others, so
//! a pool has a fixed number of series. `docs/operations.md` says of each what to do.

use super::reading::{Count, Reading, Span};
use crate::observe::Kind;

/// What is exported of a pool, and of a limit, with the attribute on every series that has its name.
pub(crate) fn of(kind: Kind) -> (&'static str, &'static [Family]) {
    match kind {
        Kind::Pool => ("db.client.connection.pool.name", &POOLS),
        Kind::Limit => ("fairpool.limit.name", &LIMITS),
    }
}

pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    /// The attribute by which its series differ, beside the name.
    pub(crate) attribute: Option<&'static str>,
    pub(crate) help: &'static str,
    pub(crate) values: Values,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    /// So many of something.
    Count,
}

/// Where the values come from.
pub(crate) enum Values {
    Gauge(Series<fn(&Reading) -> f64>),
    Counter(Series<Count>),
    Histogram(Span),
}

/// For each value of the attribute; that is empty where there is no attribute.
pub(crate) type Series<T> = &'static [(&'static str, T)];

const STATE: &str = "db.client.connection.state";

const fn gauge(name: &'static str, help: &'static str, read: Series<fn(&Reading) -> f64>) -> Family {
    family(name, Unit::Count, help, Values::Gauge(read))
}

const fn counter(name: &'static str, help: &'static str, counts: Series<Count>) -> Family {
    family(name, Unit::Count, help, Values::Counter(counts))
}

const fn histogram(name: &'static str, help: &'static str, span: Span) -> Family {
    family(name, Unit::Seconds, help, Values::Histogram(span))
}

const fn family(name: &'static str, unit: Unit, help: &'static str, values: Values) -> Family {
    Family {
        name,
        unit,
        attribute: None,
        help,
        values,
    }
}

impl Family {
    const fn by(mut self, attribute: &'static str) -> Self {
        self.attribute = Some(attribute);
        self
    }

    const fn in_seconds(mut self) -> Self {
        self.unit = Unit::Seconds;
        self
    }
}

static POOLS: [Family; 22] = [
    gauge(
        "db.client.connection.count",
        "Connections that are idle, and connections that are lent.",
        &[
            ("idle", |now| f64::from(now.idle)),
            ("used", |now| f64::from(now.in_use)),
        ],
    )
    .by(STATE),
    gauge(
        "db.client.connection.max",
        "The most connections there may be: the option limit.",
        &[("", |now| f64::from(now.limit))],
    ),
    gauge(
        "db.client.connection.idle.max",
        "The most connections that may be idle: the option limit, since nothing else bounds them.",
        &[("", |now| f64::from(now.limit))],
    ),
    gauge(
        "db.client.connection.idle.min",
        "Idle connections kept ready: the option min_idle.",
        &[("", |now| f64::from(now.min_idle))],
    ),
    gauge(
        "db.client.connection.pending_requests",
        "Requests waiting in line.",
        &[("", |now| f64::from(now.pending))],
    ),
    counter(
        "db.client.connection.timeouts",
        "Requests whose time ran out.",
        &[("", Count::TimedOut)],
    ),
    histogram(
        "db.client.connection.create_time",
        "How long it took to open a connection.",
        Span::Create,
    ),
    histogram(
        "db.client.connection.wait_time",
        "How long served requests stood in line; zero for those that did not, which count when their lease has ended.",
        Span::Wait,
    ),
    histogram(
        "db.client.connection.use_time",
        "How long connections were lent, for a random sample of the leases.",
        Span::Use,
    ),
    gauge(
        "fairpool.connection.upkeep",
        "Connections that are neither idle nor lent: opened, validated, reset or closed.",
        &[
            ("connecting", |now| f64::from(now.connecting)),
            ("validating", |now| f64::from(now.validating)),
            ("resetting", |now| f64::from(now.resetting)),
            ("closing", |now| f64::from(now.closing)),
        ],
    )
    .by("fairpool.upkeep"),
    gauge(
        "fairpool.oldest_wait",
        "How long the first in line has waited; zero where nobody waits.",
        &[("", |now| now.oldest_wait.as_secs_f64())],
    )
    .in_seconds(),
    gauge(
        "fairpool.generation",
        "The generation of connections: raised by each invalidate.",
        &[("", |now| f64::from(now.generation))],
    ),
    gauge(
        "fairpool.pools",
        "Pools of this name, by what they do.",
        &[
            ("open", |now| f64::from(now.states[0])),
            ("paused", |now| f64::from(now.states[1])),
            ("draining", |now| f64::from(now.states[2])),
            ("closed", |now| f64::from(now.states[3])),
        ],
    )
    .by("fairpool.state"),
    counter("fairpool.leases", "Leases that have ended.", &[("", Count::Leases)]),
    counter(
        "fairpool.requests.queued",
        "Requests that had to wait in line.",
        &[("", Count::Queued)],
    ),
    counter(
        "fairpool.requests.unserved",
        "Requests that got no connection, by why.",
        &[
            ("timed_out", Count::TimedOut),
            ("queue_full", Count::QueueFull),
            ("backend_down", Count::BackendDown),
            ("pool_closed", Count::PoolClosed),
            ("cleared", Count::Cleared),
            ("cancelled", Count::Cancelled),
        ],
    )
    .by("fairpool.reason"),
    counter(
        "fairpool.connections.opened",
        "Connections opened.",
        &[("", Count::Opened)],
    ),
    counter(
        "fairpool.connections.failed",
        "Attempts to connect that failed.",
        &[("", Count::ConnectFailed)],
    ),
    counter(
        "fairpool.connections.closed",
        "Connections that left the pool, by why.",
        &[
            ("broken", Count::Broken),
            ("invalid", Count::Invalid),
            ("unclean", Count::Unclean),
            ("idle", Count::Idle),
            ("lifetime", Count::Lifetime),
            ("retired", Count::Retired),
            ("detached", Count::Detached),
            ("unpooled", Count::Unpooled),
        ],
    )
    .by("fairpool.reason"),
    histogram("fairpool.validate_time", "How long validations took.", Span::Validate),
    histogram("fairpool.reset_time", "How long resets took.", Span::Reset),
    counter(
        "fairpool.warnings",
        "Leases reported as long, and requests that wait although their task holds a connection.",
        &[("long_lease", Count::LongLease), ("nested", Count::Nested)],
    )
    .by("fairpool.warning"),
];

static LIMITS: [Family; 8] = [
    gauge(
        "fairpool.limit.in_flight",
        "Requests that were admitted and have not finished.",
        &[("", |now| f64::from(now.in_use))],
    ),
    gauge(
        "fairpool.limit.max",
        "The most requests that may be in flight.",
        &[("", |now| f64::from(now.limit))],
    ),
    gauge(
        "fairpool.limit.pending_requests",
        "Requests waiting in line.",
        &[("", |now| f64::from(now.pending))],
    ),
    gauge(
        "fairpool.limit.oldest_wait",
        "How long the first in line has waited; zero where nobody waits.",
        &[("", |now| now.oldest_wait.as_secs_f64())],
    )
    .in_seconds(),
    gauge(
        "fairpool.limits",
        "Limits of this name, by what they do.",
        &[
            ("open", |now| f64::from(now.states[0])),
            ("paused", |now| f64::from(now.states[1])),
            ("draining", |now| f64::from(now.states[2])),
            ("closed", |now| f64::from(now.states[3])),
        ],
    )
    .by("fairpool.state"),
    counter(
        "fairpool.limit.queued",
        "Requests that had to wait in line.",
        &[("", Count::Queued)],
    ),
    counter(
        "fairpool.limit.unserved",
        "Requests that were not admitted, by why.",
        &[
            ("timed_out", Count::TimedOut),
            ("queue_full", Count::QueueFull),
            ("closed", Count::PoolClosed),
            ("cleared", Count::Cleared),
            ("cancelled", Count::Cancelled),
        ],
    )
    .by("fairpool.reason"),
    histogram(
        "fairpool.limit.wait_time",
        "How long requests stood in line that had to, and were admitted.",
        Span::Wait,
    ),
];

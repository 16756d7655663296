//! Exporters: what pools and limits tell, in the words of the crates that carry it on. A feature each; the guide to
//! [operations](crate::guides::operations) says what all of it means.
//!
//! | file | noun |
//! |---|---|
//! | `families` | every metric: its name, unit and meaning |
//! | `member` | a watched pool: counts what it is told |
//! | `roll` | all of them, read as one for each name |
//! | `reading` | what was read |
//! | `prometheus` | as text, or in a registry of `prometheus-client` |
//! | `metrics` | to the recorder of the crate `metrics` |
//! | `tracing` | as events and spans of the crate `tracing` |

#[cfg(any(feature = "metrics", feature = "prometheus"))]
mod families;
#[cfg(any(feature = "metrics", feature = "prometheus"))]
mod member;
#[cfg(any(feature = "metrics", feature = "prometheus"))]
mod reading;
#[cfg(any(feature = "metrics", feature = "prometheus"))]
mod roll;

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "metrics")]
pub use self::metrics::MetricsExporter;
#[cfg(feature = "prometheus")]
pub use self::prometheus::PrometheusExporter;
#[cfg(feature = "tracing")]
pub use self::tracing::TracingExporter;

/// Of one lease in so many the time is taken, unless an exporter is told otherwise. Twice as many would double what is the larger
/// part of the cost of being watched.
#[cfg(any(feature = "metrics", feature = "prometheus"))]
const USE_TIME: u32 = 100;

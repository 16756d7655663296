//! Pools for the crate `metrics`: durations go to its recorder as they are told, the rest at each refresh.
//!
//! It knows no recorder but the one that is installed; names are those of `families`, with their dots.

use super::USE_TIME;
use super::families::{self, Family, Unit, Values};
use super::member::{Echo, Member};
use super::reading::{Count, Counts, Reading, Span};
use super::roll::{Name, Roll};
use crate::observe::{Exporter, Observer, Subject};
use crate::sync::primitives::PlainMutex as Mutex;
use metrics::{Histogram, Key, Label, Level, Metadata, Unit as MetricsUnit, with_recorder};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Shows pools to the recorder of the crate `metrics`. Clones show the same pools.
///
/// Install the recorder first, then build the pools. Durations are recorded as they are told; gauges and counters
/// move with [`refresh`](Self::refresh), to be called before each scrape or push, or by [`keep_fresh`](Self::keep_fresh).
///
/// ```
/// # use fairpool::{Pool, doc::Demo};
/// # use std::time::Duration;
/// use fairpool::export::MetricsExporter;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let metrics = MetricsExporter::new();
/// let pool = Pool::builder(Demo).name("orders").exporter(metrics.clone()).build()?;
/// tokio::spawn(metrics.keep_fresh(Duration::from_secs(5)));
/// # Ok(())
/// # }
/// ```
///
/// A recorder keeps what it was once told, so the gauges of a pool that is dropped become zero at the next refresh. Pools
/// of one name are shown as one, their figures added. Each metric is described with its unit. For `_seconds` and the
/// advised buckets a recorder for Prometheus has to be told so; [`PrometheusExporter`](crate::export::PrometheusExporter) has both.
#[derive(Clone)]
pub struct MetricsExporter {
    shown: Arc<Shown>,
    use_time: u32,
}

#[derive(Default)]
struct Shown {
    roll: Roll,
    /// What the recorder's counters were told already, by name. Held for a whole refresh, the recorder's code included: two at
    /// once would tell counts twice, and leave gauges as the slower one saw them.
    told: Mutex<BTreeMap<Name, Counts>>,
}

impl MetricsExporter {
    /// An exporter that shows no pool yet.
    pub fn new() -> Self {
        MetricsExporter {
            shown: Arc::default(),
            use_time: USE_TIME,
        }
    }

    /// Of which share of the leases `use_time` is taken, in pools that are built with it from now on: one in so many, 100
    /// without this; 1 for each, 0 for none. See [`Interest::use_time`](crate::Interest::use_time) for what that costs.
    #[must_use]
    pub fn with_use_time(mut self, one_in: u32) -> Self {
        self.use_time = one_in;
        self
    }

    /// Sets all gauges, and adds to the counters what has been counted since the last time.
    ///
    /// Refreshes take turns, so a recorder must not call for one when it is told something here.
    pub fn refresh(&self) {
        let mut told = self.shown.told.lock();
        let readings = self.shown.roll.look();
        for (pool, reading) in &readings {
            let before = told.insert(pool.clone(), reading.past).unwrap_or_default();
            let news = reading.past.since(&before);
            let families = families::of(pool.0).1;
            families.iter().for_each(|family| show(family, pool, reading, &news));
        }
        told.retain(|pool, _| readings.get(pool).is_some_and(|reading| !reading.ended));
    }

    /// Refreshes again and again, for as long as this future is polled. It keeps no pool alive.
    ///
    /// # Panics
    ///
    /// When it is polled outside a tokio runtime with its time driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the refreshing and nothing else.
    pub async fn keep_fresh(self, every: Duration) {
        loop {
            self.refresh();
            tokio::time::sleep(every).await;
        }
    }
}

impl Default for MetricsExporter {
    fn default() -> Self {
        Self::new()
    }
}

impl Exporter for MetricsExporter {
    fn watch(&self, subject: Subject) -> Arc<dyn Observer> {
        families::of(subject.kind()).1.iter().for_each(describe);
        let echo = echo(&(subject.kind(), subject.name().clone()));
        self.shown.roll.enter(Member::new(subject, self.use_time, Some(echo)))
    }
}

impl fmt::Debug for MetricsExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsExporter")
            .field("use_time", &self.use_time)
            .finish_non_exhaustive()
    }
}

const METADATA: Metadata<'static> = Metadata::new("fairpool", Level::INFO, Some(module_path!()));

fn describe(family: &Family) {
    let (name, help) = (family.name.into(), family.help.into());
    let unit = Some(match family.unit {
        Unit::Seconds => MetricsUnit::Seconds,
        Unit::Count => MetricsUnit::Count,
    });
    with_recorder(|recorder| match family.values {
        Values::Gauge(_) => recorder.describe_gauge(name, unit, help),
        Values::Counter(_) => recorder.describe_counter(name, unit, help),
        Values::Histogram(_) => recorder.describe_histogram(name, unit, help),
    });
}

/// The recorder's histograms are looked up once, since they are told in the middle of a release.
fn echo(pool: &Name) -> Echo {
    let histograms = families::of(pool.0).1.iter().filter_map(|family| match family.values {
        Values::Histogram(span) => Some((span, histogram(family, pool))),
        _ => None,
    });
    let histograms: Vec<(Span, Histogram)> = histograms.collect();
    Box::new(move |span, time| {
        if let Some((_, histogram)) = histograms.iter().find(|(of, _)| *of == span) {
            histogram.record(time);
        }
    })
}

fn show(family: &Family, pool: &Name, reading: &Reading, news: &Counts) {
    match family.values {
        Values::Gauge(series) => {
            for (value, read) in series {
                let key = key(family, pool, value);
                with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).set(read(reading)));
            }
        }
        Values::Counter(series) => {
            for (value, count) in series {
                let key = key(family, pool, value);
                with_recorder(|recorder| recorder.register_counter(&key, &METADATA).increment(news.of(*count)));
            }
        }
        Values::Histogram(Span::Wait) => {
            let direct = usize::try_from(news.of(Count::Direct)).unwrap_or(usize::MAX);
            histogram(family, pool).record_many(0.0, direct);
        }
        Values::Histogram(_) => {}
    }
}

fn histogram(family: &Family, pool: &Name) -> Histogram {
    with_recorder(|recorder| recorder.register_histogram(&key(family, pool, ""), &METADATA))
}

fn key(family: &Family, (kind, name): &Name, value: &'static str) -> Key {
    let mut labels = vec![Label::new(families::of(*kind).0, name.clone())];
    labels.extend(family.attribute.map(|attribute| Label::new(attribute, value)));
    Key::from_parts(family.name, labels)
}

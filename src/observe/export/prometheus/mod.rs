//! Pools in the text format of Prometheus and OpenMetrics, or in a registry of `prometheus-client`.
//!
//! Names follow OpenTelemetry's rules for Prometheus: dots become underscores, durations end in `_seconds`, counters in
//! `_total`; the units in braces that count things are left out. Everything is read at the scrape.

use super::USE_TIME;
use super::families::{self, Family, Unit, Values};
use super::member::Member;
use super::reading::Reading;
use super::roll::{Name, Roll};
use crate::observe::histogram::{BOUNDS, Spread};
use crate::observe::{Exporter, Kind, Observer, Subject};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit as SiUnit};
use std::fmt;
use std::sync::Arc;

/// Shows pools to Prometheus. Clones show the same pools.
///
/// One for a whole service: give it to each pool, and [`render`](Self::render) where Prometheus asks, or register it with
/// a registry of your own.
///
/// ```
/// # use fairpool::{Pool, doc::Demo};
/// use fairpool::export::PrometheusExporter;
///
/// let prometheus = PrometheusExporter::new();
/// let pool = Pool::builder(Demo).limit(4).name("orders").exporter(prometheus.clone()).build()?;
/// let page = prometheus.render();
///
/// let line = r#"db_client_connection_max{db_client_connection_pool_name="orders"} 4"#;
/// assert!(page.contains(line));
/// # Ok::<(), fairpool::OptionsError>(())
/// ```
///
/// A pool that is dropped disappears. Pools of one name are shown as one, their figures added. There is a fixed number of
/// series for each name: the guide to [operations](crate::guides::operations) has every metric, and what to do about it.
#[derive(Clone)]
pub struct PrometheusExporter {
    roll: Arc<Roll>,
    use_time: u32,
}

impl PrometheusExporter {
    /// What [`render`](Self::render) is, for the header `Content-Type`. Prometheus takes it as it is also under `text/plain`.
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// An exporter that shows no pool yet.
    pub fn new() -> Self {
        PrometheusExporter {
            roll: Arc::default(),
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

    /// All pools as text, to its end mark.
    pub fn render(&self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self.clone()));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("bug: a string takes any text");
        text
    }
}

impl Default for PrometheusExporter {
    fn default() -> Self {
        Self::new()
    }
}

impl Exporter for PrometheusExporter {
    fn watch(&self, subject: Subject) -> Arc<dyn Observer> {
        self.roll.enter(Member::new(subject, self.use_time, None))
    }
}

impl Collector for PrometheusExporter {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut readings = self.roll.look();
        readings.retain(|_, reading| !reading.ended);
        for kind in [Kind::Pool, Kind::Limit] {
            let these: Readings<'_> = readings.iter().filter(|((of, _), _)| *of == kind).collect();
            if !these.is_empty() {
                let (label, families) = families::of(kind);
                families
                    .iter()
                    .try_for_each(|family| encode(&mut encoder, family, label, &these))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for PrometheusExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrometheusExporter")
            .field("use_time", &self.use_time)
            .finish_non_exhaustive()
    }
}

type Readings<'a> = Vec<(&'a Name, &'a Reading)>;

fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    label: &'static str,
    readings: &Readings<'_>,
) -> fmt::Result {
    let name = underscored(family.name);
    let unit = (family.unit == Unit::Seconds).then_some(SiUnit::Seconds);
    let kind = match family.values {
        Values::Gauge(_) => MetricType::Gauge,
        Values::Counter(_) => MetricType::Counter,
        Values::Histogram(_) => MetricType::Histogram,
    };
    let mut metric = encoder.encode_descriptor(&name, family.help, unit.as_ref(), kind)?;
    for ((_, name), reading) in readings {
        let labels = |value| Labels {
            name: (label, name),
            more: family.attribute.map(|attribute| (attribute, value)),
        };
        match family.values {
            Values::Gauge(series) => {
                for (value, read) in series {
                    let labels = labels(*value);
                    let mut metric = metric.encode_family(&labels)?;
                    match family.unit {
                        Unit::Seconds => metric.encode_gauge(&read(reading))?,
                        Unit::Count => metric.encode_gauge(&(read(reading) as u64))?,
                    }
                }
            }
            Values::Counter(series) => {
                for (value, count) in series {
                    let labels = labels(*value);
                    let none = None::<&Exemplar<NoLabelSet, u64>>;
                    metric
                        .encode_family(&labels)?
                        .encode_counter(&reading.past.of(*count), none)?;
                }
            }
            Values::Histogram(span) => encode_spread(metric.encode_family(&labels(""))?, reading.past.span(span))?,
        }
    }
    Ok(())
}

fn encode_spread(mut metric: MetricEncoder<'_>, spread: &Spread) -> fmt::Result {
    let bounds = BOUNDS.iter().map(|&nanos| nanos as f64 / 1e9);
    let buckets: Vec<(f64, u64)> = bounds.chain([f64::INFINITY]).zip(spread.buckets).collect();
    metric.encode_histogram::<NoLabelSet>(spread.sum(), spread.count(), &buckets, None)
}

/// The pool's or limit's name, and the family's own attribute.
struct Labels<'a> {
    name: (&'static str, &'a str),
    more: Option<(&'static str, &'static str)>,
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        [(underscored(self.name.0), self.name.1)].encode(encoder)?;
        match self.more {
            Some((key, value)) => [(underscored(key), value)].encode(encoder),
            None => Ok(()),
        }
    }
}

fn underscored(name: &str) -> String {
    name.replace('.', "_")
}

//! Which plots there are, and what of the results is in each. A bench that has no results has no plots.

use super::bars::Bars;
use super::curves::{Axis, Curves};
use super::figure::{Figure, Panel};
use super::results::{Results, Run};
use serde_json::Value;

pub(crate) fn all(results: &Results) -> Vec<Figure> {
    let run = |bench: &str| results.run(bench).into_iter();
    let mut figures = Vec::new();
    figures.extend(run("peers").flat_map(of_peers));
    figures.extend(run("tails").flat_map(of_tails));
    figures.extend(run("costs").flat_map(of_costs));
    figures.extend(run("scale").flat_map(of_scale));
    figures.extend(run("down").flat_map(of_down));
    figures.extend(run("real").flat_map(of_real));
    figures
}

fn of_peers(run: &Run) -> Vec<Figure> {
    let figures = || run.json["figures"].as_array().into_iter().flatten();
    let median = |figure: &Value| figure["ns_per_lease"]["median"].as_f64();
    let of_group = |group: &str| -> Vec<(String, f64)> {
        figures()
            .filter(|figure| figure["group"] == group && figure["subject"] != "floor")
            .filter_map(|figure| Some((figure["subject"].as_str()?.to_owned(), median(figure)?)))
            .collect()
    };
    let mut names = Vec::new();
    for group in figures().filter_map(|figure| figure["group"].as_str()?.strip_prefix("contended/")) {
        if !names.contains(&group) {
            names.push(group);
        }
    }
    let mut series: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for (at, group) in names.iter().enumerate() {
        for (subject, nanoseconds) in of_group(&format!("contended/{group}")) {
            let point = (at as f64, 1e3 / nanoseconds);
            match series.iter_mut().find(|(name, _)| *name == subject) {
                Some((_, points)) => points.push(point),
                None => series.push((subject, vec![point])),
            }
        }
    }
    let rate = of_group("two-threads")
        .into_iter()
        .map(|(subject, ns)| (subject, 1e3 / ns));
    vec![
        Figure::of(
            run,
            "uncontended.svg",
            "A lease when nobody waits",
            vec![
                bars("one task: ns a lease, less is better", true, of_group("uncontended")),
                bars(
                    "two threads: million leases a second, more is better",
                    true,
                    rate.collect(),
                ),
            ],
        ),
        Figure::of(
            run,
            "contended.svg",
            "Throughput when most tasks wait, each lease held over one yield",
            vec![Panel::Curves(Curves {
                title: "more is better".into(),
                x_label: "tasks x connections",
                y_label: "million leases a second",
                x: Axis::names(names.iter().map(|name| (*name).to_owned())),
                y: Axis::linear(values(&series)),
                series,
            })],
        ),
    ]
}

fn of_tails(run: &Run) -> Vec<Figure> {
    let steady = |group: &str| {
        let series = named(&run.json["tails"][format!("tails/{group}")], |figures| {
            rarities(&figures["waits_ms"])
        });
        let title = group.replace('x', " tasks on ");
        curve(&format!("{title} connections"), "wait, ms", series, Axis::powers)
    };
    let spike = |what: &str| named(&run.json["spike"]["spike"], |figures| figures[what].as_f64());
    let storm = |part: &str, title: &str| {
        let series = named(&run.json["storm"][part], |figures| rarities(&figures["late_ms"]));
        curve(title, "late by, ms", series, Axis::powers)
    };
    let cost = |part: &str| {
        named(&run.json["storm"][part], |figures| {
            figures["cpu_us_per_timeout"].as_f64()
        })
    };
    vec![
        Figure::of(
            run,
            "tails.svg",
            "How long a request waits, each lease held for 2 ms: less is better",
            vec![steady("1000x50"), steady("200x5")],
        ),
        Figure::of(
            run,
            "spike.svg",
            "50 requests at once, 5 connections open, a connect takes 150 ms",
            vec![
                bars(
                    "the last is served after ms, less is better",
                    false,
                    spike("last_served_ms"),
                ),
                bars("connections opened, less is better", false, spike("connects_in_all")),
            ],
        ),
        Figure::of(
            run,
            "storm.svg",
            "2,000 tasks whose requests all time out: how late they are told, less is better",
            vec![
                storm("storm/same", "a timeout of 25 ms for all"),
                storm("storm/mixed", "timeouts from 5 to 50 ms"),
            ],
        ),
        Figure::of(
            run,
            "storm-cpu.svg",
            "Processor time for a request that times out, less is better",
            vec![
                bars("µs, a timeout of 25 ms for all", false, cost("storm/same")),
                bars("µs, timeouts from 5 to 50 ms", false, cost("storm/mixed")),
            ],
        ),
    ]
}

fn of_costs(run: &Run) -> Vec<Figure> {
    let counted = |work: &str, what: &str| {
        let counts = named(&run.json["counts"][work], |count| count[what].as_f64());
        counts.into_iter().filter(|(subject, _)| subject != "floor").collect()
    };
    let lengths = numbers(&run.json["cancels"]["lengths"]);
    let cancels = |place: &str, title: &str| {
        let series: Vec<_> = named(&run.json["cancels"][place], |costs| {
            Some(lengths.iter().copied().zip(numbers(costs)).collect::<Vec<_>>())
        });
        let series: Vec<_> = series.into_iter().filter(|(subject, _)| subject != "floor").collect();
        Panel::Curves(Curves {
            title: title.into(),
            x_label: "requests in line",
            y_label: "ns a cancel",
            x: Axis::powers(lengths.iter().copied()),
            y: Axis::powers([5.0, 1000.0].into_iter().chain(values(&series))),
            series,
        })
    };
    vec![
        Figure::of(
            run,
            "counts.svg",
            "Counted on one thread, a lease without waiting: less is better",
            vec![
                bars("atomic read-modify-writes", false, counted("lease", "atomics")),
                bars("instructions", true, counted("lease", "instructions")),
            ],
        ),
        Figure::of(
            run,
            "cancels.svg",
            "What a cancel costs, by the length of the line: flat is what matters",
            vec![
                cancels("newest", "the newest"),
                cancels("oldest", "the oldest"),
                cancels("any", "any"),
            ],
        ),
    ]
}

fn of_scale(run: &Run) -> Vec<Figure> {
    let weights = run.json["weights"].as_array().cloned().unwrap_or_default();
    let bytes = |of: &dyn Fn(&Value) -> Option<f64>| -> Vec<(String, f64)> {
        let rows = weights
            .iter()
            .filter_map(|weight| Some((weight["subject"].as_str()?.to_owned(), of(weight)?)));
        rows.collect()
    };
    vec![Figure::of(
        run,
        "memory.svg",
        "Memory in bytes: less is better",
        vec![
            bars(
                "a pool of one connection",
                false,
                bytes(&|weight| weight["pool"].as_f64()),
            ),
            bars(
                "a further slot with its connection",
                false,
                bytes(&|weight| weight["slot"].as_f64()),
            ),
            bars(
                "a request that waits",
                false,
                bytes(&|weight| Some(weight["future"].as_f64()? + weight["line"].as_f64()?)),
            ),
        ],
    )]
}

/// The names are short, so that all faults fit in a row.
const FAULTS: [(&str, &str); 9] = [
    ("refuse", "refuse"),
    ("reset", "reset"),
    ("silent", "silent"),
    ("half-open", "half"),
    ("unreachable", "gone"),
    ("slow", "slow"),
    ("cut", "cut"),
    ("frozen", "frozen"),
    ("killed", "killed"),
];

/// Where the second ends that is looked at after an outage.
const NOT_YET: f64 = 1000.0;

fn of_down(run: &Run) -> Vec<Figure> {
    let by_fault = |backend: &str, title: &str, what: &str, missing: f64| {
        let mut series: Series = Vec::new();
        for (at, (fault, _)) in FAULTS.iter().enumerate() {
            for (pool, figure) in named(&run.json[backend][fault], |figures| Some(figures[what].as_f64())) {
                // A logarithm wants more than nothing.
                let point = (at as f64, figure.unwrap_or(missing).max(0.1));
                match series.iter_mut().find(|(name, _)| *name == pool) {
                    Some((_, points)) => points.push(point),
                    None => series.push((pool, vec![point])),
                }
            }
        }
        Panel::Curves(Curves {
            title: title.into(),
            x_label: "fault",
            y_label: "ms",
            x: Axis::names(FAULTS.iter().map(|(_, name)| (*name).to_owned())),
            y: Axis::powers(values(&series)),
            series,
        })
    };
    let both = |backend: &str| {
        let success = "from heal to first answer (at 1000: none yet)";
        vec![
            by_fault(backend, success, "first_success_ms", NOT_YET),
            by_fault(backend, "the latest request: beyond its 500 ms", "late_ms", NOT_YET),
        ]
    };
    vec![
        Figure::of(
            run,
            "down-postgres.svg",
            "An outage of PostgreSQL: less is better",
            both("postgres"),
        ),
        Figure::of(
            run,
            "down-redis.svg",
            "An outage of Redis: less is better",
            both("redis"),
        ),
    ]
}

/// The transactions of each backend, with the first of its kinds of reset, which is the driver's default.
fn of_real(run: &Run) -> Vec<Figure> {
    let figures = || run.json["figures"].as_array().into_iter().flatten();
    let mut backends: Vec<(&str, &str)> = Vec::new();
    for figure in figures() {
        if let (Some(backend), Some(reset)) = (figure["backend"].as_str(), figure["reset"].as_str()) {
            if !backends.iter().any(|(known, _)| *known == backend) {
                backends.push((backend, reset));
            }
        }
    }
    let panels = backends.into_iter().map(|(backend, reset)| {
        let mut series = Series::new();
        for figure in figures() {
            let fits = figure["backend"] == backend && figure["reset"] == reset && figure["work"] == "transaction";
            let (Some(subject), Some(tasks)) = (figure["subject"].as_str(), figure["tasks"].as_f64()) else {
                continue;
            };
            let rounds = numbers(&figure["p99_ms"]);
            if !fits || rounds.is_empty() {
                continue;
            }
            let point = (tasks, crate::report::median(rounds));
            match series.iter_mut().find(|(name, _)| *name == subject) {
                Some((_, points)) => points.push(point),
                None => series.push((subject.to_owned(), vec![point])),
            }
        }
        Panel::Curves(Curves {
            title: backend.to_owned(),
            x_label: "tasks",
            y_label: "p99, ms",
            x: Axis::powers([1.0, 512.0].into_iter()),
            y: Axis::powers(values(&series)),
            series,
        })
    });
    vec![Figure::of(
        run,
        "real.svg",
        "A small transaction over 8 connections, the 99th percentile from request to release: less is better",
        panels.collect(),
    )]
}

/// The best is on top: which end that is, the label says.
fn bars(label: &str, logarithmic: bool, mut rows: Vec<(String, f64)>) -> Panel {
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    if label.ends_with("more is better") {
        rows.reverse();
    }
    Panel::Bars(Bars {
        label: label.into(),
        logarithmic,
        rows,
    })
}

type Series = Vec<(String, Vec<(f64, f64)>)>;

fn curve(title: &str, y_label: &'static str, series: Series, axis: fn(std::vec::IntoIter<f64>) -> Axis) -> Panel {
    Panel::Curves(Curves {
        title: title.into(),
        x_label: "quantile of the requests",
        y_label,
        x: Axis::rarity(),
        y: axis(values(&series).collect::<Vec<_>>().into_iter()),
        series,
    })
}

/// The quantiles of a distribution from p50 on, by how rare the rest is. Less than a microsecond is drawn as one.
fn rarities(waits: &Value) -> Option<Vec<(f64, f64)>> {
    let pairs = waits["curve"]
        .as_array()?
        .iter()
        .filter_map(|pair| Some((pair[0].as_f64()?, pair[1].as_f64()?)));
    let kept = pairs.filter(|(quantile, _)| (0.5..=0.9999).contains(quantile));
    Some(
        kept.map(|(quantile, wait)| (1.0 / (1.0 - quantile), wait.max(1e-3)))
            .collect(),
    )
}

/// What each subject of an object has.
fn named<T>(object: &Value, of: impl Fn(&Value) -> Option<T>) -> Vec<(String, T)> {
    let subjects = object.as_object().into_iter().flatten();
    subjects
        .filter_map(|(subject, figures)| Some((subject.clone(), of(figures)?)))
        .collect()
}

fn numbers(array: &Value) -> Vec<f64> {
    array
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .collect()
}

fn values(series: &Series) -> impl Iterator<Item = f64> {
    series.iter().flat_map(|(_, points)| points.iter().map(|(_, y)| *y))
}

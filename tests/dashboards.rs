//! The dashboard, the alert rules and the page about operations name what is exported, and all of it.
#![cfg(feature = "prometheus")]

mod common;

use common::*;
use fairpool::export::PrometheusExporter;
use fairpool::{Limit, Pool};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const DASHBOARD: &str = include_str!("../docs/grafana/fairpool.json");
const ALERTS: &str = include_str!("../docs/alerts/fairpool.yml");
const PAGE: &str = include_str!("../docs/operations.md");
const EVENTS: &str = include_str!("../src/observe/event.rs");

/// What PromQL itself brings along, as far as the rules and the dashboard use it.
const WORDS: [&str; 9] = [
    "sum",
    "max",
    "by",
    "rate",
    "increase",
    "histogram_quantile",
    "min_over_time",
    "unless",
    "label_values",
];

/// What is exported: for each series by its sample's name, the values of its labels.
struct Exported {
    samples: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    /// By their family's name.
    families: BTreeSet<String>,
}

impl Exported {
    fn gather() -> Self {
        let prometheus = PrometheusExporter::new();
        let _pool = Pool::builder(Backend::default())
            .name("orders")
            .exporter(prometheus.clone())
            .build()
            .unwrap();
        let _limit = Limit::builder(1).exporter(prometheus.clone()).build().unwrap();
        let (mut samples, mut families) = (BTreeMap::new(), BTreeSet::new());
        for line in prometheus.render().lines() {
            if let Some(family) = line.strip_prefix("# TYPE ") {
                families.insert(family.split(' ').next().unwrap().to_owned());
            }
            let Some((name, rest)) = line.split_once('{').filter(|_| !line.starts_with('#')) else {
                continue;
            };
            let labels: &mut BTreeMap<String, BTreeSet<String>> = samples.entry(name.to_owned()).or_default();
            for pair in rest.rsplit_once('}').unwrap().0.split(',') {
                let (label, value) = pair.split_once('=').unwrap();
                labels
                    .entry(label.to_owned())
                    .or_default()
                    .insert(value.trim_matches('"').to_owned());
            }
        }
        Exported { samples, families }
    }

    fn labels(&self) -> BTreeSet<&str> {
        self.samples
            .values()
            .flat_map(|labels| labels.keys())
            .map(String::as_str)
            .collect()
    }

    /// What this expression names that is not exported.
    fn unknown_in(&self, expression: &str) -> Vec<String> {
        let mut unknown = Vec::new();
        let mut metric = None;
        let tokens = tokens(expression);
        let (mut braces, mut label) = (false, None);
        for (at, token) in tokens.iter().enumerate() {
            match token.as_str() {
                "{" => braces = true,
                "}" => braces = false,
                _ if token.starts_with('"') => {
                    let known = metric.zip(label).map(|(metric, label)| &self.samples[metric][label]);
                    let values = token
                        .trim_matches('"')
                        .split('|')
                        .filter(|value| !value.starts_with('$'));
                    let strange = values.filter(|value| !known.is_some_and(|known| known.contains(*value)));
                    unknown.extend(strange.map(|value| format!("the value {value}")));
                }
                _ if !token.starts_with(|c: char| c.is_ascii_lowercase()) || WORDS.contains(&token.as_str()) => {}
                name if braces => {
                    label = metric
                        .and_then(|metric| self.samples[metric].get_key_value(name))
                        .map(|(name, _): (&String, _)| name.as_str());
                    if label.is_none() {
                        unknown.push(format!("the label {name} of {metric:?}"));
                    }
                }
                name if self.samples.contains_key(name) => metric = Some(name),
                name if is_in_grouping(&tokens[..at]) && self.labels().contains(name) => {}
                name => unknown.push(name.to_owned()),
            }
        }
        unknown
    }
}

/// Whether what comes next stands in the parentheses of a `by`, or is the label that `label_values` asks for.
fn is_in_grouping(before: &[String]) -> bool {
    let open = before.iter().rposition(|token| token == "(");
    let within = open.and_then(|open| before[..open].last());
    within.is_some_and(|word| ["by", "label_values"].contains(&word.as_str()))
}

/// Names, quoted strings and braces; durations in brackets and numbers are left out.
fn tokens(expression: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '[' => rest.find(']').expect("a closed bracket") + 1,
            '"' => rest[1..].find('"').expect("a closed string") + 2,
            c if c.is_ascii_alphanumeric() || c == '_' => rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        if !first.is_whitespace() && first != '[' {
            tokens.push(rest[..length].to_owned());
        }
        rest = &rest[length..];
    }
    tokens
}

/// Every string under this key, anywhere.
fn strings<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let (true, Some(text)) = (name == key, value.as_str()) {
                    found.push(text);
                }
                strings(value, key, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, key, found)),
        _ => {}
    }
}

fn field<'a>(rule: &'a str, name: &str) -> Option<&'a str> {
    rule.lines()
        .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn the_dashboard_shows_what_is_exported_and_nothing_else() {
    let exported = Exported::gather();
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("the dashboard is JSON");
    let (mut expressions, mut queries) = (Vec::new(), Vec::new());
    strings(&dashboard, "expr", &mut expressions);
    strings(&dashboard, "query", &mut queries);
    queries.retain(|query| query.contains('('));
    assert!(
        expressions.len() > 30 && queries.len() == 1,
        "{} and {}",
        expressions.len(),
        queries.len()
    );
    for expression in expressions.iter().chain(&queries) {
        assert_eq!(exported.unknown_in(expression), Vec::<String>::new(), "{expression}");
    }
    let shown = expressions.concat();
    let hidden: Vec<_> = exported
        .families
        .iter()
        .filter(|family| !shown.contains(*family))
        .collect();
    assert_eq!(hidden, Vec::<&String>::new(), "no panel shows these");
}

#[test]
fn the_alerts_watch_what_is_exported_and_each_has_its_section() {
    let exported = Exported::gather();
    let rules: Vec<&str> = ALERTS.split("      - alert: ").skip(1).collect();
    assert!(rules.len() >= 10);
    for rule in rules {
        let name = rule.lines().next().unwrap();
        let expression = field(rule, "expr").expect("an expression");
        assert_eq!(exported.unknown_in(expression), Vec::<String>::new(), "{name}");
        assert!(
            PAGE.contains(&format!("\n### {name}\n")),
            "docs/operations.md has no section {name}"
        );
        assert_eq!(
            field(rule, "runbook"),
            Some(&*format!("docs/operations.md#{}", name.to_lowercase()))
        );
        assert!(
            field(rule, "for").is_some() && field(rule, "severity").is_some(),
            "{name}"
        );
        let summary = field(rule, "summary").expect("a summary");
        for label in summary
            .split("$labels.")
            .skip(1)
            .filter_map(|rest| rest.split(' ').next())
        {
            assert!(exported.labels().contains(label), "{name} speaks of {label}");
        }
    }
}

#[test]
fn every_metric_is_documented_with_each_value_of_its_labels() {
    let exported = Exported::gather();
    let rows: BTreeMap<&str, &str> = PAGE
        .lines()
        .filter_map(|line| Some((line.strip_prefix("| `")?.split('`').nth(2)?, line)))
        .collect();
    for (name, labels) in &exported.samples {
        let ends = ["_bucket", "_sum", "_count"];
        let family = ends.iter().find_map(|end| {
            name.strip_suffix(end)
                .filter(|family| exported.families.contains(*family))
        });
        let name = family.unwrap_or(name);
        let row = rows
            .get(name)
            .unwrap_or_else(|| panic!("docs/operations.md has no row for {name}"));
        let opentelemetry = row.split('`').nth(1).unwrap();
        let plain = name.trim_end_matches("_total").trim_end_matches("_seconds");
        assert_eq!(opentelemetry.replace('.', "_"), plain, "{row}");
        for (label, values) in labels
            .iter()
            .filter(|(label, _)| *label != "le" && !label.ends_with("_name"))
        {
            assert!(
                row.replace('.', "_").contains(&format!("`{label}`")),
                "{row} has no {label}"
            );
            for value in values {
                assert!(row.contains(&format!("`{value}`")), "{row} has no {value}");
            }
        }
    }
    let known = |name: &str| exported.samples.contains_key(name) || exported.families.contains(name);
    let strange: Vec<_> = rows
        .keys()
        .filter(|name| (name.starts_with("fairpool_") || name.starts_with("db_")) && !known(name))
        .collect();
    assert_eq!(strange, Vec::<&&str>::new(), "documented and not exported");
    let prometheus = PrometheusExporter::new();
    let series = || {
        prometheus
            .render()
            .lines()
            .filter(|line| !line.starts_with('#'))
            .count()
    };
    let limit = Limit::builder(1).exporter(prometheus.clone()).build().unwrap();
    let of_a_limit = series();
    drop(limit);
    let _pool = Pool::builder(Backend::default())
        .exporter(prometheus.clone())
        .build()
        .unwrap();
    let said = format!("\n{} series with Prometheus, that of a limit {of_a_limit},", series());
    assert!(PAGE.contains(&said), "{said}");
}

#[test]
fn every_event_is_documented() {
    let body = EVENTS
        .split("pub enum Event {")
        .nth(1)
        .and_then(|rest| rest.split("\n}\n").next())
        .expect("the enum");
    let variants = body.lines().filter_map(|line| line.strip_prefix("    "));
    let variants: Vec<&str> = variants
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| line.trim_end_matches([' ', '{', ',']))
        .collect();
    assert!(variants.len() >= 16, "{variants:?}");
    for variant in variants {
        assert!(
            PAGE.contains(&format!("\n| `Event::{variant}` |")),
            "docs/operations.md has no row for {variant}"
        );
    }
}

#[test]
fn what_is_not_exported_is_found() {
    let exported = Exported::gather();
    let good = "sum by (le, fairpool_reason) (rate(fairpool_requests_unserved_total{fairpool_reason=~\"cleared|timed_out\"}[5m])) > 0.1";
    assert_eq!(exported.unknown_in(good), Vec::<String>::new());
    for (bad, said) in [
        ("rate(fairpool_lease_total[5m])", "fairpool_lease_total"),
        ("fairpool_pools{fairpool_state=\"asleep\"}", "the value asleep"),
        (
            "fairpool_pools{fairpool_reason=\"cleared\"}",
            "the label fairpool_reason of Some(\"fairpool_pools\")",
        ),
        ("sum by (pool) (fairpool_pools)", "pool"),
        ("sum(fairpool_state)", "fairpool_state"),
    ] {
        assert_eq!(exported.unknown_in(bad)[0], said, "{bad}");
    }
}

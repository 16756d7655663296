//! Lists of connection pools over HTTP beside a plain model: names of odd characters, queries encoded in several ways, thousands of
//! pools; and the way through all pages by the links that answers give.

use crate::kit::{KEY, POOLS, pools, request, send};
use axum::Router;
use axum::http::Method;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use serde_json::{Value, json};
use std::fmt::Write;
use tokio::runtime::Runtime;

/// Of these, names and filters are made: what a query or a shell could take for its own, letters with two cases, and more bytes than
/// characters.
const PIECES: [&str; 36] = [
    ",", "%", "%2C", "%252C", "%zz", "+", " ", "&", "=", "#", "/", "\\", "[", "]", "\"", "'", "<", "?", ";", ":", "*",
    "é", "É", "ß", "İ", "ı", "Я", "я", "😀", "\u{301}", "日本", "\u{a0}", "a", "A", "null", "0",
];

/// A pool as it was told.
#[derive(Debug, Clone)]
struct Plain {
    id: u64,
    name: String,
    limit: u64,
    created_at: String,
}

/// What is asked of the list.
#[derive(Debug, Clone)]
struct Asked {
    filter: Vec<String>,
    sort: Vec<&'static str>,
    page: u64,
    per_page: u64,
    encoding: Encoding,
}

#[derive(Debug, Clone, Copy)]
enum Encoding {
    /// Every byte.
    All,
    /// Only what would not arrive otherwise.
    Least,
    /// As forms do it.
    Form,
}

fn names() -> impl Strategy<Value = String> {
    vec(select(PIECES.to_vec()), 1..6).prop_map(|pieces| pieces.concat())
}

fn asked() -> impl Strategy<Value = Asked> {
    let keys = [
        "name",
        "-name",
        "limit",
        "-limit",
        "created_at",
        "-created_at",
        "shade",
        "",
        "--name",
        "Name",
    ];
    let sort = vec(select(keys.to_vec()), 0..4);
    let filter = prop_oneof![2 => Just(Vec::new()), 3 => vec(vec(select(PIECES.to_vec()), 0..3), 0..4)
        .prop_map(|parts| parts.into_iter().map(|pieces| pieces.concat()).collect())];
    let page = prop_oneof![6 => 1..8_u64, 1 => 1..400_u64, 1 => Just(4_294_967_295)];
    let encoding = select(vec![Encoding::All, Encoding::Least, Encoding::Form]);
    (filter, sort, page, 1..=100_u64, encoding).prop_map(|(filter, sort, page, per_page, encoding)| Asked {
        filter,
        sort,
        page,
        per_page,
        encoding,
    })
}

impl Asked {
    fn query(&self) -> String {
        let encoded = |text: &str| encoded(text, self.encoding);
        let mut query = format!("?page={}&per_page={}", self.page, self.per_page);
        if !self.filter.is_empty() {
            let _ = write!(
                query,
                "&{}={}",
                encoded("filter[name]"),
                encoded(&self.filter.join(","))
            );
        }
        if !self.sort.is_empty() {
            let _ = write!(query, "&sort={}", encoded(&self.sort.join(",")));
        }
        query
    }

    /// All that the list shows over its pages, in order.
    fn expected(&self, plain: &[Plain]) -> Vec<Plain> {
        let wanted = self.filter.join(",").to_lowercase();
        let wanted: Vec<&str> = wanted
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        let mut expected = plain.to_vec();
        expected.retain(|pool| {
            let name = pool.name.to_lowercase();
            wanted.is_empty() || wanted.iter().any(|part| name.contains(part))
        });
        expected.sort_by_key(|pool| pool.id);
        // The least important first, by stable sorts.
        for key in self.sort.iter().rev() {
            let descends = key.starts_with('-');
            let by = |one: &Plain, other: &Plain| match key.strip_prefix('-').unwrap_or(key) {
                "name" => one.name.chars().cmp(other.name.chars()),
                "limit" => one.limit.cmp(&other.limit),
                "created_at" => one.created_at.cmp(&other.created_at),
                _ => std::cmp::Ordering::Equal,
            };
            expected.sort_by(|one, other| if descends { by(other, one) } else { by(one, other) });
        }
        expected
    }
}

fn encoded(text: &str, encoding: Encoding) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        match encoding {
            Encoding::Form if byte == b' ' => encoded.push('+'),
            Encoding::Form if is_plain => encoded.push(byte.into()),
            Encoding::Least if is_plain || b",[]/:?'*;=".contains(&byte) => encoded.push(byte.into()),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

async fn get(router: &Router, path: &str) -> Value {
    let answered = send(router, request(Method::GET, path, Some(KEY), None)).await;
    assert_eq!(answered.status, 200, "{path}: {}", answered.json());
    answered.json()
}

/// Makes these, and says what the service told of each. A name that is there already is refused.
async fn filled(router: &Router, new: Vec<(String, u64)>) -> Vec<Plain> {
    let mut plain: Vec<Plain> = Vec::new();
    for (name, limit) in new {
        let body = json!({"name": name, "limit": limit});
        let made = send(router, request(Method::POST, POOLS, Some(KEY), Some(&body))).await;
        if plain.iter().any(|pool| pool.name == name) {
            assert_eq!(
                made.json()["errors"],
                json!({"name": ["The name has already been taken."]}),
                "{name}"
            );
            continue;
        }
        assert_eq!(made.status, 200, "{name:?}: {}", made.json());
        let told = made.json()["data"].clone();
        assert_eq!((&told["name"], &told["limit"]), (&json!(name), &json!(limit)));
        let created_at = told["created_at"].as_str().expect("a moment").to_owned();
        let id = told["id"].as_u64().expect("an id");
        plain.push(Plain {
            id,
            name,
            limit,
            created_at,
        });
    }
    plain
}

/// One answer beside the model.
async fn agrees(router: &Router, plain: &[Plain], asked: &Asked) -> TestCaseResult {
    let path = format!("{POOLS}{}", asked.query());
    let list = get(router, &path).await;
    let expected = asked.expected(plain);
    let before = usize::try_from((asked.page - 1) * asked.per_page).expect("a number");
    let page: Vec<&Plain> = expected.iter().skip(before).take(asked.per_page as usize).collect();
    let shown = list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|pool| pool["id"].as_u64());
    let ids: Vec<_> = page.iter().map(|pool| Some(pool.id)).collect();
    prop_assert_eq!(shown.collect::<Vec<_>>(), ids, "{}", path);
    for (pool, told) in page.iter().zip(list["data"].as_array().expect("a list")) {
        prop_assert_eq!((&told["name"], &told["limit"]), (&json!(pool.name), &json!(pool.limit)));
    }
    let last = expected.len().div_ceil(asked.per_page as usize).max(1);
    let from = (!page.is_empty()).then_some(before + 1);
    let meta = json!({
        "current_page": asked.page, "from": from, "last_page": last, "path": format!("http://pools.example{POOLS}"),
        "per_page": asked.per_page, "to": from.map(|from| from + page.len() - 1), "total": expected.len(),
    });
    prop_assert_eq!(&list["meta"], &meta, "{}", path);
    let has = |link: &str| !list["links"][link].is_null();
    prop_assert_eq!(
        (has("first"), has("last"), has("prev"), has("next")),
        (true, true, asked.page > 1, asked.page < last as u64)
    );
    Ok(())
}

/// From the first page by `next` to the last, and back by `prev`: each pool once, in the model's order.
async fn leads_through(router: &Router, plain: &[Plain], asked: &Asked) -> TestCaseResult {
    let expected: Vec<_> = asked.expected(plain).iter().map(|pool| Some(pool.id)).collect();
    let first = Asked {
        page: 1,
        ..asked.clone()
    };
    let here = |link: &Value| {
        link.as_str()
            .and_then(|link| link.strip_prefix("http://pools.example").map(str::to_owned))
    };
    let mut last = None;
    for (begin, way) in [(Some("first"), "next"), (None, "prev")] {
        let mut path = match begin {
            Some(_) => Some(format!("{POOLS}{}", first.query())),
            None => last.clone(),
        };
        let mut seen: Vec<Vec<Option<u64>>> = Vec::new();
        while let Some(at) = path {
            let list = get(router, &at).await;
            let ids = list["data"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|pool| pool["id"].as_u64());
            seen.push(ids.collect());
            last = here(&list["links"]["last"]);
            path = here(&list["links"][way]);
            prop_assert!(seen.len() <= expected.len() + 1, "{} goes round", way);
        }
        if begin.is_none() {
            seen.reverse();
        }
        prop_assert_eq!(seen.concat(), expected.clone(), "{} from {:?}", way, asked);
    }
    Ok(())
}

fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
}

fn passes(outcome: Result<(), impl std::fmt::Display>) {
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn a_list_of_any_pools_is_the_plain_models() {
    let cases = (vec((names(), 1..5_u64), 0..40), vec(asked(), 1..8));
    passes(runner(96).run(&cases, |(new, queries)| {
        Runtime::new().expect("a runtime").block_on(async {
            let (_registry, router) = pools().await;
            let plain = filled(&router, new).await;
            for asked in &queries {
                agrees(&router, &plain, asked).await?;
            }
            leads_through(&router, &plain, &queries[0]).await
        })
    }));
}

#[test]
fn a_list_of_thousands_is_the_plain_models() {
    let runtime = Runtime::new().expect("a runtime");
    let mut names_of = TestRunner::new_with_rng(
        ProptestConfig::default(),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let mut name = || names().new_tree(&mut names_of).expect("a name").current();
    let new = (0..3000_u64)
        .map(|number| (format!("{}{number}", name()), number % 97 + 1))
        .collect();
    let (router, mut plain) = runtime.block_on(async {
        let (_registry, router) = pools().await;
        let plain = filled(&router, new).await;
        (router, plain)
    });
    // What is deleted or has another name afterwards is so in every order.
    runtime.block_on(async {
        for pool in plain.iter_mut().step_by(7) {
            pool.name = format!("Я {}", pool.name);
            let body = json!({"name": pool.name});
            let path = format!("{POOLS}/{}", pool.id);
            assert_eq!(
                send(&router, request(Method::PUT, &path, Some(KEY), Some(&body)))
                    .await
                    .status,
                200
            );
        }
        for pool in plain.iter().step_by(11) {
            let path = format!("{POOLS}/{}", pool.id);
            assert_eq!(
                send(&router, request(Method::DELETE, &path, Some(KEY), None))
                    .await
                    .status,
                200
            );
        }
        let mut at = 0;
        plain.retain(|_| {
            at += 1;
            (at - 1) % 11 != 0
        });
    });
    let outcome = runner(300).run(&asked(), |asked| runtime.block_on(agrees(&router, &plain, &asked)));
    passes(outcome);
    let through = asked().prop_map(|asked| Asked {
        per_page: 40 + asked.per_page * 6 / 10,
        ..asked
    });
    passes(runner(8).run(&through, |asked| {
        runtime.block_on(leads_through(&router, &plain, &asked))
    }));
}

//! A server is killed again and again while clients write: what it acknowledged over HTTP is there after the next start, once.
#![cfg(all(unix, feature = "cli"))]

mod serving;

use serde_json::{Value, json};
use serving::{Home, KEY, try_ask};
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

const ROUNDS: u64 = 12;
const WRITERS: u64 = 4;

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let home = Home::new();
    let mut random = fastrand::Rng::with_seed(20_261_121);
    // By name: the limit that was acknowledged last, and one that may have been stored without an answer.
    let mut known: BTreeMap<String, (u64, Option<u64>)> = BTreeMap::new();
    for round in 0..ROUNDS {
        let server = home.start_with_key(&["--log-requests", "none"]);
        judge(&server, &mut known);
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let address = server.address().to_owned();
                thread::spawn(move || write(&address, &format!("{round}-{writer}")))
            })
            .collect();
        thread::sleep(Duration::from_millis(random.u64(20..250)));
        server.signal("-KILL");
        for writer in writers {
            known.extend(writer.join().expect("no panic"));
        }
    }
    let server = home.start_with_key(&[]);
    judge(&server, &mut known);
    assert!(known.len() as u64 > ROUNDS, "hardly anything was written: {known:?}");
}

/// Makes pools and changes each once, until the server is gone.
fn write(address: &str, name: &str) -> BTreeMap<String, (u64, Option<u64>)> {
    let mut known = BTreeMap::new();
    for number in 1.. {
        let name = format!("{name}-{number}");
        let body = json!({"name": name, "limit": number}).to_string();
        let Ok(made) = try_ask(address, KEY, "POST /api/v1/connection-pools", &body) else {
            known.insert(name, (0, Some(number)));
            break;
        };
        assert_eq!(made.status, 200, "{made:?}");
        let made: Value = made.json();
        let (id, other) = (&made["data"]["id"], number + 1_000_000);
        let put = json!({"limit": other}).to_string();
        let Ok(put) = try_ask(address, KEY, &format!("PUT /api/v1/connection-pools/{id}"), &put) else {
            known.insert(name, (number, Some(other)));
            break;
        };
        assert_eq!(put.status, 200, "{put:?}");
        known.insert(name, (other, None));
    }
    known
}

/// Everything that was acknowledged is there, nothing that was not asked for, and what had no answer is whole or not there.
fn judge(server: &serving::Server, known: &mut BTreeMap<String, (u64, Option<u64>)>) {
    let mut found = BTreeMap::new();
    for page in 1.. {
        let page = server.json(&format!("GET /api/v1/connection-pools?per_page=100&page={page}"));
        for pool in page["data"].as_array().expect("a list") {
            let name = pool["name"].as_str().expect("a name").to_owned();
            let twice = found.insert(name, pool["limit"].as_u64().expect("a limit"));
            assert_eq!(twice, None, "{pool}");
        }
        if page["links"]["next"].is_null() {
            break;
        }
    }
    known.retain(|name, (acknowledged, perhaps)| {
        let limit = found.remove(name);
        match (limit, *acknowledged) {
            (None, 0) => return false,
            (limit, _) if limit.is_some() && limit == *perhaps => {}
            (limit, acknowledged) => assert_eq!(limit, Some(acknowledged), "{name}"),
        }
        (*acknowledged, *perhaps) = (limit.unwrap_or_default(), None);
        true
    });
    assert!(found.is_empty(), "nobody asked for {found:?}");
}

//! The whole service under seeded bytes: never a 5xx, never a hang, nothing changed by a refused request, no secret told. The fuzz
//! target `service` feeds the same entry.
//!
//! `FAIRPOOL_SERVICE_SEEDS` says how many inputs to make; a failure prints what was sent, and the seed, which
//! `FAIRPOOL_SERVICE_SEED` replays.
#![cfg(all(feature = "server", feature = "prometheus"))]

mod service;

use service::{Seen, read_bytes};

const LONGEST: usize = 900;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn bytes(seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let length = random.usize(..LONGEST);
    (0..length).map(|_| random.u8(..)).collect()
}

#[test]
fn nothing_sent_breaks_the_service_or_changes_what_was_refused() {
    let seeds = match number("FAIRPOOL_SERVICE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FAIRPOOL_SERVICE_SEEDS").unwrap_or(300),
    };
    let mut seen = Seen::new();
    for seed in seeds.clone() {
        match read_bytes(&bytes(seed)) {
            Ok(of_seed) => of_seed
                .into_iter()
                .for_each(|(status, count)| *seen.entry(status).or_default() += count),
            Err(failure) => panic!(
                "\n{failure}\nreplay: FAIRPOOL_SERVICE_SEED={seed} cargo test --all-features --test service_fuzz\n"
            ),
        }
    }
    println!("{seen:?}");
    if seeds.count() >= 300 {
        // It has met every kind of answer often, so it could have seen what it looks for.
        for status in [200, 201, 400, 401, 403, 404, 405, 408, 409, 413, 422, 429] {
            let count = seen.get(&status).copied().unwrap_or_default();
            assert!(count >= 4, "{status} came {count} times: {seen:?}");
        }
    }
}

#[test]
fn any_bytes_are_requests() {
    service::run_bytes(b"");
    service::run_bytes(&[0; 300]);
    service::run_bytes(&[255; 300]);
    service::run_bytes("neither a method nor a path, and yet something is asked".as_bytes());
}

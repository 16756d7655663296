//! The calculator of `examples/sizing.rs`: its formulas against tables that others computed, and against a pool.

#[allow(dead_code)] // the example uses the rest
#[path = "../examples/sizing/formulas.rs"]
mod formulas;
#[allow(dead_code)]
#[path = "../examples/sizing/simulate.rs"]
mod simulate;

use formulas::{Load, erlang_b};
use simulate::Trial;

fn near(found: f64, expected: f64, within: f64) {
    assert!(
        (found - expected).abs() <= within * expected,
        "{found} is not {expected} to {within}"
    );
}

/// A load of so many erlangs, with holds of a second.
fn load(erlangs: f64) -> Load {
    Load {
        rate: erlangs,
        hold: 1.0,
    }
}

#[test]
fn erlang_b_is_that_of_the_tables() {
    // The traffic of which so many trunks refuse 1 %, as every traffic table has it, to its three or four digits.
    for (servers, erlangs) in [
        (1, 0.0101),
        (2, 0.153),
        (5, 1.36),
        (10, 4.46),
        (20, 12.03),
        (50, 37.9),
        (100, 84.06),
    ] {
        near(erlang_b(erlangs, servers), 0.01, 0.02);
    }
}

#[test]
fn erlang_c_is_that_of_the_closed_forms_and_of_the_call_centres() {
    for erlangs in [0.1, 0.5, 0.9] {
        // One server: the probability to wait is the utilisation. Two: 2 u² / (1 + u).
        near(load(erlangs).waits(1), erlangs, 1e-12);
        near(
            load(2.0 * erlangs).waits(2),
            2.0 * erlangs * erlangs / (1.0 + erlangs),
            1e-12,
        );
    }
    // 200 calls an hour of 3 minutes, and the part answered within 20 seconds by 11, 12, 13 and 14 agents.
    let calls = Load {
        rate: 200.0 / 3_600.0,
        hold: 180.0,
    };
    for (agents, answered) in [(11, 0.390), (12, 0.640), (13, 0.796), (14, 0.888)] {
        near(calls.wait_at(answered, agents), 20.0, 0.02);
    }
}

#[test]
fn a_load_beyond_the_limit_waits_without_end() {
    let load = load(4.0);
    assert_eq!((load.waits(4), load.mean_wait(4)), (1.0, f64::INFINITY));
    assert_eq!(load.wait_at(0.99, 3), f64::INFINITY);
    assert_eq!((load.least_limit(), load.limit_for(0.99, 10.0, 4)), (5, None));
}

#[test]
fn a_share_that_need_not_wait_has_no_wait() {
    assert_eq!(load(0.5).wait_at(0.5, 8), 0.0);
}

#[test]
fn the_suggested_limit_is_the_lowest_that_will_do() {
    let load = load(10.0);
    let limit = load.limit_for(0.99, 0.5, 100).unwrap();
    assert!(load.wait_at(0.99, limit) <= 0.5 && load.wait_at(0.99, limit - 1) > 0.5);
}

#[test]
fn the_last_of_a_full_line_is_served_in_time_as_often_as_was_asked() {
    // One connection and one second of hold: the number served in 10 seconds is Poisson's with mean 10, for which
    // P(at most 3) is 0.010336 and P(at most 2) 0.002769.
    assert_eq!(load(0.5).queue_limit(0.99, 10.0, 1), 3);
    assert_eq!(load(0.5).queue_limit(0.995, 10.0, 1), 3);
    // A median line: as many as are served on average.
    assert_eq!(load(0.5).queue_limit(0.5, 1_000.0, 10), 10_000);
}

#[test]
fn a_pool_waits_as_the_formulas_say() {
    for (erlangs, limit) in [(0.7, 1), (4.8, 7), (40.0, 44)] {
        let load = load(erlangs);
        let seen = Trial {
            load,
            limit,
            queue_limit: None,
            timeout: 1_000.0,
            share: 0.95,
            requests: 30_000,
            seed: 7,
        }
        .run();
        for (name, seen, predicted) in [
            ("waits", seen.waits, load.waits(limit)),
            ("mean_wait", seen.mean_wait, load.mean_wait(limit)),
            ("wait_at", seen.wait_at, load.wait_at(0.95, limit)),
        ] {
            // Twice the standard error is what it holds: four are no chance.
            let off = (seen.value - predicted).abs();
            assert!(
                off < 2.0 * seen.error && seen.error < 0.5 * predicted,
                "{name} at {erlangs} on {limit}: {predicted} predicted, {seen:?}"
            );
        }
    }
}

#[test]
fn a_full_line_of_the_suggested_length_hardly_times_out() {
    let (limit, timeout) = (5, 20.0);
    let trial = Trial {
        load: load(7.5),
        limit,
        queue_limit: None,
        timeout,
        share: 0.99,
        requests: 5_000,
        seed: 7,
    };
    let queue_limit = Some(trial.load.queue_limit(0.99, timeout, limit));
    let (endless, bounded) = (trial.run(), Trial { queue_limit, ..trial }.run());
    assert!(endless.refused == 0 && endless.timed_out > 1_000, "{endless:?}");
    assert!(bounded.refused > 1_000 && bounded.timed_out < 50, "{bounded:?}");
}

#[test]
fn the_guide_prints_what_the_formulas_say() {
    let guide = include_str!("../docs/sizing.md").replace("**", "");
    let says = |text: String| assert!(guide.contains(&text), "docs/sizing.md does not say {text:?}");
    let load = Load {
        rate: 400.0,
        hold: 0.012,
    };
    for limit in 5..=9 {
        let (busy, waits) = (100.0 * load.utilisation(limit), 100.0 * load.waits(limit));
        says(format!("| {limit} | {busy:.0} % | {waits:.1} % |"));
    }
    assert_eq!(load.limit_for(0.99, 0.02, 100), Some(7));
    says(format!("queue_limit {}:", load.queue_limit(0.99, 3.0, 7)));
    for (limit, pool) in [
        (40, "one pool of 40"),
        (20, "two of 20"),
        (10, "four of 10"),
        (5, "eight of 5"),
    ] {
        let load = Load {
            rate: 0.8 * f64::from(limit) / 0.012,
            hold: 0.012,
        };
        let (waits, mean) = (100.0 * load.waits(limit), 1e3 * load.mean_wait(limit));
        let p99 = 1e3 * load.wait_at(0.99, limit);
        says(format!("| {pool} | {waits:.1} % | {mean:.2} ms | {p99:.1} ms |"));
    }
    for (erlangs, limit, said) in [
        (1.0, 5, "5 connections for a load of 1 (20 % in use)"),
        (5.0, 11, "11 for 5 (45 %)"),
        (20.0, 30, "30 for 20 (67 %)"),
        (100.0, 118, "118 for 100 (85 %)"),
    ] {
        let load = self::load(erlangs);
        assert_eq!(load.limit_for(0.99, 0.1, 200), Some(limit));
        assert!(said.contains(&format!("{:.0} %", 100.0 * load.utilisation(limit))));
        says(said.to_owned());
    }
}

//! The conformance kit itself: right managers pass, and a manager that is wrong in one way is found out by the check of that
//! name, with a sentence that says so.
#![cfg(feature = "test-util")]

#[path = "kit/backend.rs"]
mod backend;
#[path = "kit/echo.rs"]
mod echo;
#[path = "kit/flaws.rs"]
mod flaws;
#[path = "kit/server.rs"]
mod server;

use backend::{Flaw, Wrong, kit};
use fairpool::doc::Demo;
use fairpool::test_util::{Conformance, Outcome, Report};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

#[test]
fn a_right_manager_passes_every_check() {
    kit(Flaw::None).run().assert_spotless();
}

#[test]
fn one_manager_can_serve_all_checks() {
    let shared = Conformance::new(Wrong::new(Flaw::None));
    shared
        .exercise(|conn| Box::pin(async { Ok(conn.ask().await?) }))
        .run()
        .assert_ok();
}

#[test]
fn a_backend_on_sockets_and_timers_is_neither_cut_off_nor_left_waiting() {
    sound(&echo::kit().run());
}

#[tokio::test]
async fn a_backend_on_the_current_runtime_is_not_kept_from_answering() {
    let (address, serving) = echo::serve_here().await;
    let report = echo::kit_of(address).run_async().await;
    sound(&report);
    serving.abort();
}

/// Its connections can be broken, but not be dirty.
#[track_caller]
fn sound(report: &Report) {
    report.assert_ok();
    let remarked = report.warned().chain(report.skipped()).map(|finding| finding.check);
    let dirt = ["reset-cleans", "reset-unpolled", "reset-dropped"];
    assert_eq!(remarked.collect::<Vec<_>>(), dirt, "{report}");
}

#[test]
fn a_session_that_somebody_left_before_may_end_while_the_kit_runs() {
    let asked = AtomicU32::new(0);
    let kit = kit(Flaw::None).sessions(move |manager| {
        let left = u64::from(asked.fetch_add(1, Relaxed) < 6);
        let all = left + manager.server.sessions.load(Relaxed);
        Box::pin(async move { Ok(all) })
    });
    kit.run().assert_spotless();
}

#[test]
fn what_nobody_told_is_skipped_and_said() {
    let report = Conformance::new(Demo).run();
    report.assert_ok();
    assert!(std::panic::catch_unwind(|| report.assert_spotless()).is_err());
    let skipped: Vec<_> = report.skipped().map(|finding| finding.check).collect();
    let needy = [
        "independent",
        "sessions-end",
        "permanent-error",
        "transient-error",
        "severed-idle",
        "broken-in-use",
        "reset-cleans",
        "reset-unpolled",
        "reset-dropped",
        "use-dropped",
        "storm",
    ];
    assert_eq!(skipped, needy);
    let text = report.to_string();
    assert!(
        text.contains("broken-in-use: it needs the closure `exercise` and the closure `sever`"),
        "{text}"
    );
    assert!(
        text.starts_with("fairpool::doc::Demo keeps its part of the bargain"),
        "{text}"
    );
}

#[test]
fn a_failure_is_told_with_its_reason() {
    let text = kit(Flaw::ValidateAlwaysPasses).run().to_string();
    let told = "\nFAILED severed-idle: validate refuses a connection that broke while it was idle\n  \
                what happened: validate passed a connection that had been severed, and the pool lent it\n  \
                why it matters: after a restart of the backend,";
    assert!(text.contains(told), "{text}");
}

#[test]
fn a_check_can_be_left_out_for_a_reason() {
    let report = kit(Flaw::DefaultsOutOfRange)
        .without("defaults", "nobody uses them")
        .run();
    report.assert_ok();
    let skipped = &report.finding("defaults").expect("a finding").outcome;
    assert_eq!(*skipped, Outcome::Skipped("left out: nobody uses them".to_owned()));
    let report = kit(Flaw::None).without("no-such-check", "a slip of the pen").run();
    assert!(!report.is_ok() && report.to_string().contains("`no-such-check`, which was to be left out"));
}

#[test]
fn a_closure_that_fails_or_never_ends_is_told_of() {
    let fails = Conformance::new(Demo)
        .exercise(|_| Box::pin(async { Err("no table".into()) }))
        .run();
    assert!(
        fails.to_string().contains("a new connection does not work: no table"),
        "{fails}"
    );
    let hangs = Conformance::new(Demo)
        .exercise(|_| Box::pin(std::future::pending()))
        .patience(Duration::from_millis(50));
    let hangs = hangs.run().to_string();
    assert!(
        hangs.contains("a new connection does not work: `exercise` did not end within 50ms"),
        "{hangs}"
    );
}

#[test]
fn closures_that_do_nothing_are_told_of() {
    let idle = || Conformance::new(Demo).exercise(|_| Box::pin(async { Ok(()) }));
    let severs = idle().sever(|_| Box::pin(async { Ok(()) })).run();
    let told = &severs.finding("broken-in-use").expect("a finding").outcome;
    assert!(matches!(told, Outcome::Failed(texts) if texts[0].contains("`sever` breaks nothing")));
    let dirties = idle()
        .dirty(|_| Box::pin(async { Ok(()) }))
        .is_clean(|_| Box::pin(async { Ok(true) }))
        .run();
    let told = &dirties.finding("reset-cleans").expect("a finding").outcome;
    assert!(matches!(told, Outcome::Failed(texts) if texts[0].contains("one of the two closures")));
}

//! Managers that are wrong in one way each: the check of that name tells, in a sentence that says so.

use crate::backend::{Flaw, kit};
use fairpool::test_util::{Finding, Outcome, Report};
use std::time::Duration;

/// What a manager with this flaw is told by the check that is named after it.
#[track_caller]
fn told(flaw: Flaw, check: &str) -> (Report, Finding) {
    let report = kit(flaw).run();
    let finding = report.finding(check).expect("a check of that name").clone();
    (report, finding)
}

#[track_caller]
fn fails(flaw: Flaw, check: &str, said: &str) {
    let (report, finding) = told(flaw, check);
    let Outcome::Failed(texts) = &finding.outcome else {
        panic!("{check} passed: {report}");
    };
    assert!(texts.iter().any(|text| text.contains(said)), "{report}");
    assert!(!report.is_ok() && std::panic::catch_unwind(|| report.assert_ok()).is_err());
}

#[track_caller]
fn warns(flaw: Flaw, check: &str, said: &str) {
    let (report, finding) = told(flaw, check);
    let Outcome::Warned(texts) = &finding.outcome else {
        panic!("{check} did not warn: {report}");
    };
    assert!(texts.iter().any(|text| text.contains(said)), "{report}");
    report.assert_ok();
    assert!(std::panic::catch_unwind(|| report.assert_spotless()).is_err());
}

#[test]
fn a_connect_that_fails() {
    fails(Flaw::ConnectFails, "connect", "last connect failed: nobody listens");
}

#[test]
fn a_connect_that_never_answers() {
    fails(Flaw::ConnectNeverAnswers, "connect", "no answer within connect_timeout");
}

#[test]
fn a_connect_that_blocks() {
    let report = kit(Flaw::ConnectBlocks).longest_poll(Duration::from_millis(10)).run();
    report.assert_ok();
    let told = &report.finding("yields").expect("a finding").outcome;
    assert!(matches!(told, Outcome::Warned(texts) if texts[0].starts_with("connect kept its thread for")));
}

#[test]
fn a_connect_that_blocks_for_ever() {
    fails(Flaw::ConnectBlocksForEver, "connect", "connect has kept its thread for");
}

#[test]
fn a_connect_that_leaks_a_session_when_it_is_dropped() {
    fails(
        Flaw::ConnectLeaksWhenDropped,
        "connect-dropped",
        "counted 2 sessions where there should be 1: one connection is open after connect was dropped after one poll",
    );
}

#[test]
fn a_connect_that_panics_when_it_is_dropped() {
    fails(
        Flaw::ConnectPanicsWhenDropped,
        "connect-dropped",
        "a future of connect panicked when it was dropped before its end: cut off",
    );
}

#[test]
fn connections_that_share_a_session() {
    fails(
        Flaw::ConnectionsShareASession,
        "independent",
        "beside one that was severed",
    );
}

#[test]
fn defaults_out_of_range() {
    fails(Flaw::DefaultsOutOfRange, "defaults", "limit is 0");
}

#[test]
fn a_permanent_error_that_is_taken_for_a_transient_one() {
    fails(
        Flaw::PermanentLooksTransient,
        "permanent-error",
        "may succeed when it is tried again",
    );
}

#[test]
fn a_transient_error_that_is_taken_for_a_permanent_one() {
    fails(Flaw::TransientLooksPermanent, "transient-error", "no retry would help");
}

#[test]
fn a_validate_that_always_says_ok() {
    fails(
        Flaw::ValidateAlwaysPasses,
        "severed-idle",
        "passed a connection that had been severed",
    );
}

#[test]
fn a_validate_that_refuses_sound_connections() {
    fails(Flaw::ValidateRefusesAll, "validate-sound", "just been opened or used");
}

#[test]
fn a_validate_that_dirties() {
    fails(Flaw::ValidateDirties, "validate-sound", "lent dirty");
}

#[test]
fn a_validate_that_hangs_on_dead_connections() {
    warns(
        Flaw::ValidateHangsOnTheDead,
        "severed-idle",
        "its timeout had to end it",
    );
}

#[test]
fn an_is_broken_that_is_missing() {
    fails(
        Flaw::BrokenIsNotNoticed,
        "broken-in-use",
        "lent again that had just failed with",
    );
}

#[test]
fn an_is_broken_that_condemns_all() {
    fails(Flaw::BrokenSaysYesAlways, "lent-again", "is_broken said yes");
}

#[test]
fn an_is_broken_that_needs_a_runtime() {
    fails(
        Flaw::BrokenNeedsARuntime,
        "plain-thread",
        "is_broken panicked: there is no reactor",
    );
}

#[test]
fn a_reset_that_is_missing() {
    fails(Flaw::ResetIsMissing, "reset-cleans", "lent dirty");
}

#[test]
fn a_reset_that_does_not_clean() {
    fails(Flaw::ResetCleansNothing, "reset-cleans", "lent dirty");
}

#[test]
fn a_reset_that_acts_when_it_is_built() {
    fails(Flaw::ResetActsWhenBuilt, "reset-unpolled", "nobody had polled");
}

#[test]
fn a_reset_that_forgets_what_to_clean_when_it_is_built() {
    fails(
        Flaw::ResetForgetsWhenBuilt,
        "reset-unpolled",
        "nothing any more when it was asked again",
    );
}

#[test]
fn a_reset_that_always_fails() {
    warns(Flaw::ResetAlwaysFails, "reset-cleans", "closed rather than cleaned");
}

#[test]
fn a_reset_that_needs_a_runtime_to_be_built() {
    fails(
        Flaw::ResetNeedsARuntime,
        "plain-thread",
        "reset panicked: there is no reactor",
    );
}

#[test]
fn a_close_that_forgets_the_session() {
    fails(
        Flaw::CloseForgetsTheSession,
        "sessions-end",
        "counted 3 sessions where there should be 0",
    );
}

#[test]
fn a_close_that_leaks_a_session_when_it_is_dropped() {
    fails(
        Flaw::CloseLeaksWhenDropped,
        "close-dropped",
        "counted 2 sessions where there should be 1",
    );
}

#[test]
fn a_close_that_hangs() {
    fails(Flaw::CloseHangs, "farewell", "close had not ended");
}

#[test]
fn a_close_that_panics() {
    fails(Flaw::ClosePanics, "farewell", "close panicked: no farewell of mine");
}

#[test]
fn a_connection_that_panics_on_drop() {
    fails(Flaw::DropPanics, "farewell", "close panicked: no drop of mine");
}

#[test]
fn a_connection_that_leaks_its_session_on_drop() {
    fails(Flaw::DropLeaksTheSession, "sessions-end", "without a farewell");
}

#[test]
fn a_connection_whose_drop_needs_a_runtime() {
    fails(
        Flaw::DropNeedsARuntime,
        "runtime-gone",
        "the drop of a connection panicked: there is no reactor",
    );
}

#[test]
fn a_detached_that_panics() {
    fails(Flaw::DetachedPanics, "detached", "detached panicked: nobody leaves");
}

#[test]
fn a_detached_that_ends_the_session() {
    fails(
        Flaw::DetachedEndsTheSession,
        "detached",
        "a detached connection does not work",
    );
}

#[test]
fn a_use_whose_cancel_mixes_up_the_answers() {
    fails(
        Flaw::AnswersAreMixedUpAfterACancel,
        "use-dropped",
        "after `exercise` was dropped",
    );
}

#[test]
fn a_validate_that_panics_when_it_is_dropped() {
    fails(
        Flaw::ValidatePanicsWhenDropped,
        "validate-dropped",
        "a future of validate panicked when it was dropped before its end: cut off",
    );
}

#[test]
fn a_reset_that_leaks_a_session_when_it_is_dropped() {
    fails(
        Flaw::ResetLeaksWhenDropped,
        "reset-dropped",
        "counted 2 sessions where there should be 1",
    );
}

#[test]
fn a_close_that_leaks_the_session_of_a_panicked_use() {
    fails(
        Flaw::CloseLeaksTheUnread,
        "use-panics",
        "counted 2 sessions where there should be 1",
    );
}

#[test]
fn a_session_that_is_left_when_a_connect_fails_late() {
    fails(
        Flaw::DropLeaksTheSession,
        "faults",
        "2 connections are open after connect failed",
    );
}

#[test]
fn a_broken_connection_among_many() {
    fails(
        Flaw::BrokenIsNotNoticed,
        "storm",
        "in the middle of the storm does not work",
    );
}

#[test]
fn every_check_has_a_manager_here_that_it_finds_out() {
    let here = include_str!("flaws.rs");
    for finding in kit(Flaw::None).run().findings() {
        let named = here.contains(&format!("\"{}\"", finding.check));
        assert!(named, "no test has `{}` fail", finding.check);
    }
}

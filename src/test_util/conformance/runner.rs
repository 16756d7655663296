//! Runs the checks: each on a thread of its own, with a runtime and a clock of its own, under a watchdog.

use super::checks::{BASIC, Check, Need, Run, checks};
use super::kit::{Conformance, Known};
use super::report::{Finding, Outcome, Report};
use super::stage::Stage;
use super::time::World;
use super::watch::{Watch, said};
use crate::Manager;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Steps of the backend's for which a whole check has time.
const STEPS_OF_A_CHECK: u32 = 12;

pub(super) fn run<M: Manager>(kit: Conformance<M>) -> Report {
    let (make, known) = (kit.make, Arc::new(kit.known));
    let mut findings = Vec::new();
    let mut stopped: Option<String> = None;
    for check in checks::<M>() {
        let excuse = stopped.clone().or_else(|| excuse(&check, &known));
        let outcome = match excuse {
            Some(reason) => Outcome::Skipped(reason),
            None => {
                let (outcome, hangs) = watched(check.run, check.name, &make, &known);
                // Whatever the others would do on such a manager would be no news, and take its time.
                let is_basic = BASIC.contains(&check.name) && matches!(outcome, Outcome::Failed(_));
                stopped = (hangs || is_basic).then(|| format!("not after `{}` has failed", check.name));
                outcome
            }
        };
        findings.push(Finding {
            check: check.name,
            title: check.title,
            why: check.why,
            outcome,
        });
    }
    // Who counts sessions next, another kit perhaps, finds none that are still ending.
    if known.sessions.is_some() && stopped.is_none() {
        watched(|_| Box::pin(async { Ok(()) }), "the last sessions' end", &make, &known);
    }
    for (name, because) in &known.without {
        if !findings.iter().any(|finding| finding.check == name) {
            let said = format!("`{name}`, which was to be left out ({because}), is no check of this kit");
            findings[0].outcome = Outcome::Failed(vec![said]);
        }
    }
    Report {
        manager: std::any::type_name::<M>(),
        findings,
    }
}

/// Why a check is not made, if it is not.
fn excuse<M: Manager>(check: &Check<M>, known: &Known<M>) -> Option<String> {
    let left_out = known.without.iter().find(|(name, _)| name == check.name);
    if let Some((_, because)) = left_out {
        return Some(format!("left out: {because}"));
    }
    let missing: Vec<String> = check
        .needs
        .iter()
        .filter(|need| !need.is_met(known))
        .map(Need::to_string)
        .collect();
    (!missing.is_empty()).then(|| format!("it needs {}", missing.join(" and ")))
}

/// The outcome, and whether the check never ended.
fn watched<M: Manager>(
    body: Run<M>,
    name: &str,
    make: &Arc<dyn Fn() -> Arc<M> + Send + Sync>,
    known: &Arc<Known<M>>,
) -> (Outcome, bool) {
    let (tell, told) = channel();
    let watch = Arc::new(Watch::default());
    let (make, shared) = (make.clone(), known.clone());
    let seen = watch.clone();
    let thread = std::thread::Builder::new().name(format!("check {name}"));
    let spawned = thread.spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| perform(body, &*make, shared, seen)));
        let _ = tell.send(outcome.unwrap_or_else(|panic| {
            let said = said(&*panic);
            Outcome::Failed(vec![format!("the check itself was ended by a panic: {said}")])
        }));
    });
    if let Err(error) = spawned {
        return (
            Outcome::Failed(vec![format!("no thread for this check: {error}")]),
            false,
        );
    }
    let limit = known.patience.saturating_mul(STEPS_OF_A_CHECK);
    match told.recv_timeout(limit) {
        Ok(outcome) => (outcome, false),
        Err(RecvTimeoutError::Disconnected) => (Outcome::Failed(vec!["the check's thread is gone".to_owned()]), false),
        Err(RecvTimeoutError::Timeout) => (Outcome::Failed(vec![hang(&watch, limit)]), true),
    }
}

fn perform<M: Manager>(
    body: Run<M>,
    make: &(dyn Fn() -> Arc<M> + Send + Sync),
    known: Arc<Known<M>>,
    watch: Arc<Watch>,
) -> Outcome {
    let world = match World::new() {
        Ok(world) => world,
        Err(error) => return Outcome::Failed(vec![format!("no runtime for this check: {error}")]),
    };
    let outcome = world.block_on(async {
        watch.doing("making the manager");
        let stage = Arc::new(Stage::new(make(), known, watch.clone()).await);
        let verdict = body(stage.clone()).await;
        watch.doing("ending the check");
        stage.conclude(verdict)
    });
    watch.doing("ending the runtime");
    drop(world);
    outcome
}

fn hang(watch: &Watch, limit: Duration) -> String {
    let (doing, stuck) = watch.stuck();
    match stuck {
        Some((step, since)) => format!(
            "{step} has kept its thread for {since:.1?} and did not yield, so no timeout could end it (while {doing})"
        ),
        None => format!("the check did not end within {limit:?} (while {doing})"),
    }
}

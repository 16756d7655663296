//! What a probe is told to do to its manager, and what it saw the manager do.

use super::time;
use crate::sync::primitives::Mutex;
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

/// What can be asked of a manager, and the drop of what it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Connect,
    Validate,
    Reset,
    Close,
    IsBroken,
    IsTransient,
    Detached,
    Defaults,
    Drop,
}

pub(super) const STEPS: usize = 9;

/// What shall happen to the next future of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// It is polled so often and never again, until a timeout drops it.
    CutAfter(u32),
    /// It begins so much later.
    Delay(Duration),
    /// It runs to its end, and has failed.
    Fail,
    /// It is polled once, and panics.
    Panic,
}

/// A thing that must not happen in any check: a panic of the manager's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Panicked {
    pub(super) step: Step,
    /// In the drop of a future that had not ended.
    pub(super) in_drop: bool,
    pub(super) said: String,
}

#[derive(Debug, Default)]
struct Record {
    plans: [Option<Plan>; STEPS],
    ended: [u64; STEPS],
    /// A future was polled as often as it was to be.
    cut: bool,
    panics: Vec<Panicked>,
    /// What else went wrong where nobody could be told.
    notes: Vec<String>,
    /// For each step the longest that its quickest call kept the thread at a time.
    blocked: [Option<Duration>; STEPS],
    /// What runs now, and since when.
    running: Option<(Step, Instant)>,
    /// What the check waits for.
    doing: String,
    alive: u64,
    made: u64,
}

/// Shared by the probe, its connections, the check, and whoever waits for the check to end.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Held for a few loads and stores; no code of the manager's runs under it.
    record: Mutex<Record>,
}

impl Watch {
    /// The next future of this step is treated like this.
    pub(super) fn plan(&self, step: Step, plan: Plan) {
        let mut record = self.record.lock();
        record.plans[step as usize] = Some(plan);
        record.cut = false;
    }

    /// Nothing more shall happen to the futures of this step.
    pub(super) fn unplan(&self, step: Step) {
        self.record.lock().plans[step as usize] = None;
    }

    pub(super) fn is_planned(&self, step: Step) -> bool {
        self.record.lock().plans[step as usize].is_some()
    }

    pub(super) fn take_plan(&self, step: Step) -> Option<Plan> {
        self.record.lock().plans[step as usize].take()
    }

    /// A future has reached the point at which it was to be cut off.
    pub(super) fn cut(&self) {
        self.record.lock().cut = true;
    }

    pub(super) fn is_cut(&self) -> bool {
        self.record.lock().cut
    }

    /// A future of this step has ended by itself.
    pub(super) fn end(&self, step: Step) {
        self.record.lock().ended[step as usize] += 1;
    }

    pub(super) fn ended(&self, step: Step) -> u64 {
        self.record.lock().ended[step as usize]
    }

    /// Runs code of the manager's that does not wait. A panic is noted, and goes on.
    pub(super) fn run<R>(&self, step: Step, code: impl FnOnce() -> R) -> R {
        let (outcome, took) = self.build(step, code);
        self.blocked(step, took);
        outcome
    }

    /// The same for code that makes a future; the time that it took is part of a whole call's.
    pub(super) fn build<R>(&self, step: Step, code: impl FnOnce() -> R) -> (R, Duration) {
        let (outcome, took) = self.time(step, false, code);
        (outcome.unwrap_or_else(|panic| resume_unwind(panic)), took)
    }

    /// Drops what is the manager's. A panic is noted, and stays here.
    pub(super) fn bury<T>(&self, step: Step, value: T) {
        let (_, took) = self.time(step, true, || drop(value));
        if step == Step::Drop {
            self.blocked(step, took);
        }
    }

    /// Runs code of the manager's; the time that it took.
    pub(super) fn time<R>(
        &self,
        step: Step,
        in_drop: bool,
        code: impl FnOnce() -> R,
    ) -> (std::thread::Result<R>, Duration) {
        let begun = Instant::now();
        let outer = self.record.lock().running.replace((step, begun));
        let outcome = catch_unwind(AssertUnwindSafe(code));
        let took = begun.elapsed();
        let mut record = self.record.lock();
        record.running = outer;
        if let Err(panic) = &outcome {
            record.panics.push(Panicked {
                step,
                in_drop,
                said: said(&**panic),
            });
        }
        (outcome, took)
    }

    /// A whole call of this step kept the thread for at most so long at a time.
    pub(super) fn blocked(&self, step: Step, longest: Duration) {
        let quickest = &mut self.record.lock().blocked[step as usize];
        *quickest = Some(quickest.map_or(longest, |before| before.min(longest)));
    }

    pub(super) fn quickest(&self, step: Step) -> Option<Duration> {
        self.record.lock().blocked[step as usize]
    }

    /// The panics so far, each told once.
    pub(super) fn take_panics(&self) -> Vec<Panicked> {
        std::mem::take(&mut self.record.lock().panics)
    }

    pub(super) fn note(&self, said: String) {
        self.record.lock().notes.push(said);
    }

    pub(super) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.record.lock().notes)
    }

    /// Notes what the check is about to do, for the case that it never ends.
    pub(super) fn doing(&self, what: impl Into<String>) {
        self.record.lock().doing = what.into();
    }

    /// What a check that has not ended was about to do, and the step that keeps its thread if there is one.
    pub(super) fn stuck(&self) -> (String, Option<(Step, Duration)>) {
        let record = self.record.lock();
        let running = record.running.map(|(step, since)| (step, since.elapsed()));
        (record.doing.clone(), running)
    }

    /// A connection was made; its number, from 1.
    pub(super) fn born(&self) -> u64 {
        let mut record = self.record.lock();
        record.alive += 1;
        record.made += 1;
        record.made
    }

    pub(super) fn died(&self) {
        self.record.lock().alive -= 1;
    }

    /// Connections that the pool, a lease or the check holds.
    pub(super) fn alive(&self) -> u64 {
        self.record.lock().alive
    }

    /// Waits until the planned cut has come; false if the future ended by itself before, or did neither for so long.
    pub(super) async fn reaches_cut(&self, step: Step, ended_before: u64, patience: Duration) -> Option<bool> {
        let look = async {
            loop {
                if self.is_cut() {
                    return true;
                }
                if self.ended(step) > ended_before {
                    return false;
                }
                time::pass(Duration::from_millis(1)).await;
            }
        };
        time::within(patience, look).await
    }
}

/// What a panic said.
pub(super) fn said(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "(no message)".to_owned(),
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Connect => "connect",
            Step::Validate => "validate",
            Step::Reset => "reset",
            Step::Close => "close",
            Step::IsBroken => "is_broken",
            Step::IsTransient => "is_transient",
            Step::Detached => "detached",
            Step::Defaults => "defaults",
            Step::Drop => "the drop of a connection",
        })
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Panicked { step, in_drop, said } = self;
        match (step, in_drop) {
            (Step::Drop, _) => write!(f, "{step} panicked: {said}"),
            (_, true) => write!(
                f,
                "a future of {step} panicked when it was dropped before its end: {said}"
            ),
            (_, false) => write!(f, "{step} panicked: {said}"),
        }
    }
}

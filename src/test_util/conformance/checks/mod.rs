//! The checks, in the order in which they are made. Each is a function that has its stage to itself.
//!
//! | file | about |
//! |---|---|
//! | `opening` | connect, defaults, errors that pass and errors that do not |
//! | `noticing` | connections that are sound, and connections that are not |
//! | `cleaning` | what one lease leaves to the next |
//! | `dropping` | futures that are dropped before their end, and uses that panic |
//! | `ending` | farewells, connections that leave, threads and runtimes that end |
//! | `faults` | steps that fail, panic or are late |
//! | `yielding` | steps that keep their thread |
//! | `storm` | all of it at once |

mod cleaning;
mod dropping;
mod ending;
mod faults;
mod noticing;
mod opening;
mod storm;
mod yielding;

use super::kit::Known;
use super::stage::{Stage, Verdict};
use crate::Manager;
use futures::future::LocalBoxFuture;
use std::fmt;
use std::sync::Arc;

/// A check's body.
pub(super) type Run<M> = fn(Arc<Stage<M>>) -> LocalBoxFuture<'static, Verdict>;

pub(super) struct Check<M: Manager> {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) why: &'static str,
    pub(super) needs: &'static [Need],
    pub(super) run: Run<M>,
}

/// Where one of these fails, the others would tell the same over and over.
pub(super) const BASIC: [&str; 2] = ["connect", "farewell"];

/// A closure without which a check cannot be made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Need {
    Exercise,
    Dirty,
    IsClean,
    Sever,
    Sessions,
    Permanent,
    Transient,
}

impl Need {
    pub(super) fn is_met<M: Manager>(&self, known: &Known<M>) -> bool {
        match self {
            Need::Exercise => known.exercise.is_some(),
            Need::Dirty => known.dirty.is_some(),
            Need::IsClean => known.is_clean.is_some(),
            Need::Sever => known.sever.is_some(),
            Need::Sessions => known.sessions.is_some(),
            Need::Permanent => known.permanent.is_some(),
            Need::Transient => known.transient.is_some(),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Need::Exercise => "the closure `exercise`",
            Need::Dirty => "the closure `dirty`",
            Need::IsClean => "the closure `is_clean`",
            Need::Sever => "the closure `sever`",
            Need::Sessions => "the closure `sessions`",
            Need::Permanent => "a manager that is refused for good (`permanent`)",
            Need::Transient => "a manager whose backend is down (`transient`)",
        })
    }
}

macro_rules! check {
    ($name:literal, $run:path, [$($need:ident),*], $title:literal, $why:literal) => {
        Check { name: $name, title: $title, why: $why, needs: &[$(Need::$need),*], run: |stage| Box::pin($run(stage)) }
    };
}

/// All of them.
pub(super) fn checks<M: Manager>() -> Vec<Check<M>> {
    vec![
        check!(
            "connect",
            opening::connect,
            [],
            "connect opens as many connections as are asked for at once, and all of them work",
            "a pool opens several connections at a time"
        ),
        check!(
            "independent",
            opening::independent,
            [Exercise, Sever],
            "a connection that breaks takes no other one with it",
            "one broken connection would cost every request its connection"
        ),
        check!(
            "farewell",
            opening::farewell,
            [],
            "closing a sound connection ends by itself, and without a panic",
            "until it ends its place counts as occupied, so requests wait for it"
        ),
        check!(
            "sessions-end",
            ending::sessions_end,
            [Sessions],
            "the backend's session ends with its connection, whatever the reason to close it",
            "sessions that outlive their connections exhaust the backend, and no pool can count them"
        ),
        check!(
            "defaults",
            opening::defaults,
            [],
            "the options that `defaults` suggests are in range",
            "nobody could build a pool without setting the options anew"
        ),
        check!(
            "permanent-error",
            opening::permanent,
            [Permanent],
            "an error that no retry helps fails the line at once",
            "with a wrong password every request would wait out its whole timeout, and look as if the pool were busy"
        ),
        check!(
            "transient-error",
            opening::transient,
            [Transient],
            "an error that may pass lets the line wait",
            "a backend that restarts would fail every request, where waiting a moment would have served it"
        ),
        check!(
            "lent-again",
            noticing::lent_again,
            [],
            "a connection that was used and given back is lent again",
            "every lease would cost a connect, and the pool be of no use"
        ),
        check!(
            "validate-sound",
            noticing::validate_sound,
            [],
            "validate passes a sound connection, and leaves it as it is",
            "idle connections would be closed for nothing, or be lent with something left over from the validation"
        ),
        check!(
            "severed-idle",
            noticing::severed_idle,
            [Sever],
            "validate refuses a connection that broke while it was idle",
            "after a restart of the backend, or a firewall's idle timeout, requests would be lent dead connections"
        ),
        check!(
            "broken-in-use",
            noticing::broken_in_use,
            [Exercise, Sever],
            "a connection that failed in use is not lent again: is_broken says yes of it, or its reset fails",
            "connections in frequent use are not validated, so a dead one would be lent over and over"
        ),
        check!(
            "reset-cleans",
            cleaning::reset_cleans,
            [Dirty, IsClean],
            "a connection that was left dirty is clean when it is lent again",
            "one user's transaction, settings or data would be met by the next user"
        ),
        check!(
            "reset-unpolled",
            cleaning::reset_unpolled,
            [Dirty, IsClean],
            "a reset future that was only built has done nothing",
            "the pool asks twice, on the thread that drops the guard and before it cleans: the second time counts"
        ),
        check!(
            "connect-dropped",
            dropping::connect,
            [],
            "a connect can be dropped at any await",
            "connects are dropped by `connect_timeout`; what they leave behind adds up while the backend is slow"
        ),
        check!(
            "validate-dropped",
            dropping::validate,
            [],
            "a validation can be dropped at any await",
            "validations are dropped by `validate_timeout`, on connections that answer no more"
        ),
        check!(
            "reset-dropped",
            dropping::reset,
            [Dirty],
            "a reset can be dropped at any await",
            "resets are dropped by `reset_timeout`; a half-cleaned connection must still be closed properly"
        ),
        check!(
            "close-dropped",
            dropping::close,
            [],
            "a farewell can be dropped at any await",
            "farewells are dropped by `close_timeout`; the session must end all the same"
        ),
        check!(
            "use-dropped",
            dropping::in_use,
            [Exercise],
            "a use can be dropped at any await, and the next lease finds a sound connection",
            "requests are cancelled all the time; the next one would read the answer to somebody else's question"
        ),
        check!(
            "use-panics",
            dropping::panicking,
            [],
            "a panic in the middle of a use costs one connection and nothing else",
            "a pool outlives the panics of the tasks that use it"
        ),
        check!(
            "detached",
            ending::detached,
            [],
            "a detached connection works on without the pool",
            "its holder took it along to keep it"
        ),
        check!(
            "plain-thread",
            ending::plain_thread,
            [],
            "a connection can be given back on a thread without a runtime",
            "guards are dropped anywhere: `is_broken` runs there, and `reset` is asked for its future"
        ),
        check!(
            "runtime-gone",
            ending::runtime_gone,
            [],
            "a pool goes on when the runtime that opened its connections has ended",
            "one static pool under many short runtimes is what tests look like"
        ),
        check!(
            "faults",
            faults::all,
            [],
            "the pool loses nothing when a step fails, panics or is late",
            "every place that is lost makes the pool smaller until it is restarted"
        ),
        check!(
            "storm",
            storm::storm,
            [Exercise],
            "a crowd that uses, dirties, cancels and breaks connections is only ever lent sound ones",
            "this is what a service does to a pool on a bad day"
        ),
        check!(
            "yields",
            yielding::yields,
            [],
            "no step keeps its thread",
            "a step that blocks stops every task on its thread of the runtime, and no timeout can end it"
        ),
    ]
}

//! The faults by name.

use crate::proxy::{Mode, Proxy};
use crate::servers::keeper::Keeper;
use std::time::Duration;

pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// In a few words, for the table.
    pub(crate) what: &'static str,
    pub(crate) mode: Mode,
    /// What happens to the server besides.
    pub(crate) server: Blow,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    None,
    /// SIGSTOP to all its processes.
    Freeze,
    /// SIGKILL to all of them, and a new start at the end.
    Kill,
}

const fn network(name: &'static str, what: &'static str, mode: Mode) -> Fault {
    Fault {
        name,
        what,
        mode,
        server: Blow::None,
    }
}

pub(crate) const FAULTS: [Fault; 9] = [
    network("refuse", "nobody listens: ECONNREFUSED", Mode::Refuse),
    network("reset", "every connection is accepted and reset", Mode::Reset),
    network(
        "silent",
        "accepted and never answered; goes on where it stood",
        Mode::Silent,
    ),
    network(
        "half-open",
        "accepted, and every byte and close swallowed for good",
        Mode::HalfOpen,
    ),
    network("unreachable", "the same, and no SYN answered", Mode::Unreachable),
    network(
        "slow",
        "answers at 10 bytes in 50 ms",
        Mode::Slow {
            bytes: 10,
            every: Duration::from_millis(50),
        },
    ),
    network("cut", "closed after 1,500 bytes of answers", Mode::Cut { after: 1500 }),
    Fault {
        name: "frozen",
        what: "the server and its processes stopped (SIGSTOP), then continued",
        mode: Mode::Pass,
        server: Blow::Freeze,
    },
    Fault {
        name: "killed",
        what: "the server killed (SIGKILL), then started again",
        mode: Mode::Refuse,
        server: Blow::Kill,
    },
];

impl Fault {
    pub(crate) fn strike(&self, keeper: &Keeper, proxy: &Proxy) {
        match self.server {
            Blow::None => {}
            Blow::Freeze => drop(keeper.freeze()),
            Blow::Kill => keeper.kill(),
        }
        proxy.set(self.mode);
    }

    pub(crate) fn heal(&self, keeper: &mut Keeper, proxy: &Proxy) {
        match self.server {
            Blow::None => {}
            Blow::Freeze => keeper.thaw(),
            Blow::Kill => keeper.begin(),
        }
        proxy.heal();
    }

    /// Whether the proxy sees no attempt to connect while it lasts.
    pub(crate) fn is_blind(&self) -> bool {
        matches!(self.mode, Mode::Refuse | Mode::Unreachable)
    }
}

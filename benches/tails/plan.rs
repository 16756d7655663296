//! How long and how large everything is: in full, or once and small to see that it runs.

use std::time::Duration;

pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// Of one subject under the steady load, in one round.
    pub(crate) window: Duration,
    /// Tasks and connections of the steady loads.
    pub(crate) steady: [(usize, u32); 2],
    pub(crate) storm_tasks: usize,
    pub(crate) storm_window: Duration,
    /// What the requests of `silence` may take.
    pub(crate) patience: Duration,
}

impl Plan {
    pub(crate) fn full(rounds: usize) -> Plan {
        Plan {
            rounds,
            window: Duration::from_secs(5),
            steady: [(1000, 50), (200, 5)],
            storm_tasks: 2000,
            storm_window: Duration::from_secs(1),
            patience: Duration::from_millis(500),
        }
    }

    pub(crate) fn smoke() -> Plan {
        Plan {
            rounds: 1,
            window: Duration::from_millis(20),
            steady: [(20, 5), (10, 2)],
            storm_tasks: 20,
            storm_window: Duration::from_millis(60),
            patience: Duration::from_millis(50),
        }
    }

    /// The subjects' order in a round: begun one further each time, and backwards every other time.
    pub(crate) fn order(&self, subjects: usize) -> impl Iterator<Item = usize> + use<> {
        let rounds = self.rounds;
        (0..rounds).flat_map(move |round| {
            (0..subjects).map(move |place| {
                let place = if round % 2 == 1 { subjects - 1 - place } else { place };
                (place + round) % subjects
            })
        })
    }
}

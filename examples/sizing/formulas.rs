//! The arithmetic of a line: requests that come at random, stay for random times, and share so many connections.
//!
//! This is the queue M/M/c, Erlang's C: arrivals of a Poisson process, exponential hold times, one line, no limit to it. It
//! knows no pool, so the simulation beside it is an independent check.

/// Requests and what each does with its connection. Times are in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Arrivals a second.
    pub(crate) rate: f64,
    /// How long one holds its connection, on average.
    pub(crate) hold: f64,
}

impl Load {
    /// The mean number of connections in use, by Little's law: the load in erlangs.
    pub(crate) fn erlangs(&self) -> f64 {
        self.rate * self.hold
    }

    /// The same with more (or fewer) arrivals.
    pub(crate) fn times(&self, factor: f64) -> Load {
        Load {
            rate: self.rate * factor,
            ..*self
        }
    }

    /// The part of the time for which a connection is in use; from 1 on the line grows without end.
    pub(crate) fn utilisation(&self, limit: u32) -> f64 {
        self.erlangs() / f64::from(limit)
    }

    /// The probability that an arrival has to wait.
    pub(crate) fn waits(&self, limit: u32) -> f64 {
        let utilisation = self.utilisation(limit);
        if utilisation >= 1.0 {
            return 1.0;
        }
        let refused = erlang_b(self.erlangs(), limit);
        refused / (1.0 - utilisation * (1.0 - refused))
    }

    /// The mean wait of all requests, those that need not wait included.
    pub(crate) fn mean_wait(&self, limit: u32) -> f64 {
        self.waits(limit) * self.drain_time(limit)
    }

    /// The wait that the part `share` of all requests does not exceed: 0.99 for the p99.
    pub(crate) fn wait_at(&self, share: f64, limit: u32) -> f64 {
        let waits = self.waits(limit);
        if waits <= 1.0 - share {
            return 0.0;
        }
        self.drain_time(limit) * (waits / (1.0 - share)).ln()
    }

    /// The mean wait of those who have to wait.
    fn drain_time(&self, limit: u32) -> f64 {
        let spare = f64::from(limit) - self.erlangs();
        if spare > 0.0 { self.hold / spare } else { f64::INFINITY }
    }

    /// The lowest limit at which the part `share` of the requests waits no longer than `wait`, up to `most`.
    pub(crate) fn limit_for(&self, share: f64, wait: f64, most: u32) -> Option<u32> {
        (self.least_limit()..=most).find(|&limit| self.wait_at(share, limit) <= wait)
    }

    /// The lowest limit that can do the work at all.
    pub(crate) fn least_limit(&self) -> u32 {
        self.erlangs().floor() as u32 + 1
    }

    /// The longest line whose last is still served within `timeout`, with probability `share`, while every connection is
    /// busy: longer ones only hold requests that will fail.
    pub(crate) fn queue_limit(&self, share: f64, timeout: f64, limit: u32) -> u32 {
        // Served are, in that time, so many on average; and each of the line needs one turn.
        let mean = timeout * f64::from(limit) / self.hold;
        if mean > 1e6 {
            return mean as u32; // chance adds less than a third of a per cent
        }
        // P(served <= n), summed from n = 0, until it exceeds what may fail.
        let (mut term_ln, mut sum, mut served) = (-mean, (-mean).exp(), 0u32);
        while sum <= 1.0 - share {
            served += 1;
            term_ln += mean.ln() - f64::from(served).ln();
            sum += term_ln.exp();
        }
        served
    }
}

/// The probability that a request is refused where nobody may wait: Erlang's B, by its recursion, which cannot overflow.
pub(crate) fn erlang_b(erlangs: f64, servers: u32) -> f64 {
    (1..=servers).fold(1.0, |refused, server| {
        let offered = erlangs * refused;
        offered / (f64::from(server) + offered)
    })
}

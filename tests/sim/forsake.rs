//! A supervisor whose runtime lives but is not driven: whoever waits elsewhere takes over, and the old one comes back later.

use super::world::World;

/// The time between two polls of those who wait.
const STEP: u64 = 50;

impl World {
    /// Nobody drives the second runtime, where the supervisor is, while requests on the main one are polled as they are woken.
    pub(crate) fn forsake(&mut self, millis: u64) {
        let side = self.rts.side.as_ref().map(|side| side.number);
        // The long operations look too, so who takes over would be a guess.
        if side.is_none() || self.home != side || self.warm_up.is_some() || self.drain.is_some() {
            return;
        }
        self.rts.settle();
        self.hear();
        self.poll_woken(false, false);
        self.ask(Some(2_000));
        self.poll(self.requests.len() - 1, false, false);
        // Who has looked just now is heard.
        self.rts.settle();
        let main = self.rts.main.number;
        // How often each of them has looked.
        let mut looks = std::collections::BTreeMap::<u64, u32>::new();
        let mut left = millis;
        while left > 0 {
            let step = STEP.min(left);
            left -= step;
            self.rts.drive_main(step);
            let now = self.now();
            self.books.with(|ledger| ledger.shadow_now = now);
            let woken: Vec<u64> = self
                .requests
                .iter()
                .filter(|r| r.rung() && r.on == main)
                .map(|r| r.id)
                .collect();
            for id in woken {
                let Some(index) = self.requests.iter().position(|request| request.id == id) else {
                    continue;
                };
                self.taking_over = true;
                self.poll(index, false, false);
                self.taking_over = false;
                if self.home == Some(main) || self.requests.iter().all(|request| request.id != id) {
                    continue;
                }
                let looked = looks.entry(id).or_default();
                *looked += 1;
                if *looked == 2 {
                    self.taken_over(main);
                }
            }
            self.rts.drive_main(0);
            if self.home == Some(main) {
                // Without a turn of the old one's: what those who wait need is on its way.
                self.check_progress();
            }
        }
        self.rts.catch_up();
        self.tell_time();
        self.blurred();
    }

    fn taken_over(&mut self, main: u64) {
        (self.home, self.preferred) = (Some(main), None);
        self.watched_since = self.now();
        self.books.with(|ledger| ledger.stranded = ledger.under.connecting);
        self.books.seen("took over from a supervisor that nobody drove");
    }
}

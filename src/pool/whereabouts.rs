//! Which runtime the current task runs on, asked by every request that has to wait.
//!
//! tokio answers with a counted handle, and counting means two writes to a word that all threads share: measured, the
//! dearest single step of joining the line. A task never changes its runtime and task ids are never used again, so the
//! answer for a task can be kept for ever; each thread keeps the last few.
//!
//! One kind of task is not on one runtime: a blocking one, which may drive others. There the answer may be that of before, so
//! whoever arms a timer by it must bear that the timer's runtime has ended.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use tokio::runtime::Handle;

const KEPT: usize = 256;

thread_local! {
    /// (task, runtime), at the task's id modulo the size.
    static KNOWN: [Cell<(u64, u64)>; KEPT] = const { [const { Cell::new((0, 0)) }; KEPT] };
}

/// The current runtime's number; `None` outside of any.
pub(crate) fn current_runtime() -> Option<u64> {
    let Some(task) = current_task() else {
        return ask();
    };
    let known = |table: &[Cell<(u64, u64)>; KEPT]| {
        let entry = &table[task as usize % KEPT];
        match entry.get() {
            (known, runtime) if known == task => Some(runtime),
            _ => ask().inspect(|&runtime| entry.set((task, runtime))),
        }
    };
    KNOWN.try_with(known).unwrap_or_else(|_| ask())
}

/// The current task's number; `None` outside of any, and in the future of a `block_on`.
pub(crate) fn current_task() -> Option<u64> {
    tokio::task::try_id().map(number)
}

fn ask() -> Option<u64> {
    Handle::try_current().ok().map(|handle| runtime_number(&handle))
}

/// The number behind a runtime's id; never 0.
pub(crate) fn runtime_number(handle: &Handle) -> u64 {
    number(handle.id())
}

/// tokio's ids are numbers that can only be hashed or printed.
fn number(id: impl Hash) -> u64 {
    struct Number(u64);
    impl Hasher for Number {
        fn finish(&self) -> u64 {
            self.0
        }
        fn write(&mut self, bytes: &[u8]) {
            for &byte in bytes {
                self.0 = self.0.rotate_left(8) ^ u64::from(byte);
            }
        }
        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }
    }
    let mut hasher = Number(0);
    id.hash(&mut hasher);
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runtimes_have_two_numbers_and_each_task_learns_its_own() {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime")
        };
        let (first, second) = (runtime(), runtime());
        let ask = |on: &tokio::runtime::Runtime| {
            on.block_on(async {
                tokio::spawn(async { (current_runtime(), current_runtime()) })
                    .await
                    .expect("no panic")
            })
        };
        let (a, b) = (ask(&first), ask(&second));
        assert_eq!(a.0, a.1);
        assert_eq!(a.0, Some(runtime_number(first.handle())));
        assert_eq!(b.0, Some(runtime_number(second.handle())));
        assert_ne!(a, b);
        assert_eq!(current_runtime(), None);
    }
}

//! Small numbers for threads, so that each starts its search at a word of its own.
//!
//! Numbers are recycled, lowest first: a program that starts and ends threads all day keeps using the first few words. A
//! thread in the middle of its own teardown gets number 0, which costs it a shared cache line and nothing else.

use super::primitives::PlainMutex;
use std::cell::Cell;
use std::collections::BinaryHeap;

/// Numbers not in use: the lowest ones given back, then `next` and up. Held for a push or a pop, never with another lock.
struct Free {
    back: BinaryHeap<std::cmp::Reverse<usize>>,
    next: usize,
}

static FREE: PlainMutex<Free> = PlainMutex::new(Free {
    back: BinaryHeap::new(),
    next: 0,
});

const UNKNOWN: usize = usize::MAX;

thread_local! {
    // Without a destructor, so it can be read at any time and costs one load.
    static NUMBER: Cell<usize> = const { Cell::new(UNKNOWN) };
    // Gives the number back when the thread ends.
    static OWNED: Owned = Owned(claim());
}

struct Owned(usize);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = NUMBER.try_with(|number| number.set(0));
        FREE.lock().back.push(std::cmp::Reverse(self.0));
    }
}

fn claim() -> usize {
    let mut free = FREE.lock();
    free.back.pop().map_or_else(
        || {
            free.next += 1;
            free.next - 1
        },
        |lowest| lowest.0,
    )
}

/// This thread's number.
#[inline(always)]
pub(crate) fn thread_number() -> usize {
    match NUMBER.try_with(Cell::get) {
        Ok(UNKNOWN) | Err(_) => first_use(),
        Ok(number) => number,
    }
}

#[cold]
fn first_use() -> usize {
    let number = OWNED.try_with(|owned| owned.0).unwrap_or(0);
    let _ = NUMBER.try_with(|cell| cell.set(number));
    number
}

#[cfg(all(test, not(fairpool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_number_and_others_have_their_own() {
        let mine = thread_number();
        let other = std::thread::spawn(|| (thread_number(), thread_number()))
            .join()
            .expect("no panic");
        assert_eq!(mine, thread_number());
        assert_eq!(other.0, other.1);
        assert_ne!(mine, other.0);
    }

    #[test]
    fn a_thread_in_teardown_still_gets_a_number() {
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                let _ = thread_number();
            }
        }
        thread_local!(static LATE: Late = const { Late });
        std::thread::spawn(|| {
            LATE.with(|_| ());
            thread_number();
        })
        .join()
        .expect("reading a number during teardown must not panic");
    }
}

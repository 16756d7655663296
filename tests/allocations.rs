//! P10: neither an acquire nor a wait in a line that has been as long before allocates.
//!
//! A file of its own, because a process has one allocator.

mod common;

use common::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::pin;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[tokio::test(start_paused = true)]
async fn p10_an_acquire_allocates_nothing_and_neither_does_a_wait_in_a_warm_line() {
    let (pool, _) = pool_of(1);
    let line = || async {
        let held = pool.acquire().await.unwrap();
        let (mut first, mut second) = (pin!(pool.acquire()), pin!(pool.acquire()));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        drop(held);
        drop(first.await.unwrap());
        drop(second.await.unwrap());
    };
    line().await;
    let before = ALLOCATIONS.get();
    for _ in 0..100 {
        drop(pool.acquire().await.unwrap());
        line().await;
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

/// Counts this thread's allocations.
struct Counting;

#[allow(unsafe_code)]
// SAFETY: everything is the system allocator's; the count is a plain thread-local cell without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

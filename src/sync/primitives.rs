//! The one door to atomics, locks and cells: `std` and `parking_lot` in the shipped crate, `loom` under `cfg(fairpool_loom)`.
//!
//! Nothing else in the crate names an atomic or a lock type (`tests/tidy.rs` holds it to that), so what loom explores is
//! the very code that ships.

#[cfg(not(fairpool_loom))]
mod imp {
    pub(crate) use parking_lot::Mutex;
    pub(crate) use std::sync::OnceLock;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

    /// `std`'s cell with loom's closures, so that every access is a scoped one in both worlds.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

#[cfg(fairpool_loom)]
mod imp {
    pub(crate) use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::atomic::Ordering;

    /// loom's atomic, with every access made a visible race.
    ///
    /// Loom looks for races against the last access to an atomic only, so a thread's own load in front of its
    /// compare-and-swap hides that it races with everybody else's earlier load, and orders of the two go unexplored. A
    /// relaxed read-modify-write on a companion before each access makes loom try every order, and synchronises nothing.
    #[derive(Debug)]
    pub(crate) struct AtomicU64 {
        value: loom::sync::atomic::AtomicU64,
        race: loom::sync::atomic::AtomicU64,
    }

    impl AtomicU64 {
        pub(crate) fn new(value: u64) -> Self {
            AtomicU64 {
                value: loom::sync::atomic::AtomicU64::new(value),
                race: loom::sync::atomic::AtomicU64::new(0),
            }
        }

        fn raced(&self) -> &loom::sync::atomic::AtomicU64 {
            self.race.fetch_add(0, Ordering::Relaxed);
            &self.value
        }

        pub(crate) fn load(&self, order: Ordering) -> u64 {
            self.raced().load(order)
        }

        pub(crate) fn store(&self, value: u64, order: Ordering) {
            self.raced().store(value, order);
        }

        pub(crate) fn compare_exchange_weak(
            &self,
            current: u64,
            new: u64,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u64, u64> {
            self.raced().compare_exchange_weak(current, new, success, failure)
        }

        pub(crate) fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
            self.raced().fetch_or(bits, order)
        }

        pub(crate) fn fetch_and(&self, bits: u64, order: Ordering) -> u64 {
            self.raced().fetch_and(bits, order)
        }

        pub(crate) fn fetch_add(&self, by: u64, order: Ordering) -> u64 {
            self.raced().fetch_add(by, order)
        }

        pub(crate) fn fetch_sub(&self, by: u64, order: Ordering) -> u64 {
            self.raced().fetch_sub(by, order)
        }
    }

    /// `std`'s once lock, with a hand-over that loom sees.
    #[derive(Debug)]
    pub(crate) struct OnceLock<T> {
        value: std::sync::OnceLock<T>,
        ready: loom::sync::atomic::AtomicBool,
    }

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> Self {
            OnceLock {
                value: std::sync::OnceLock::new(),
                ready: loom::sync::atomic::AtomicBool::new(false),
            }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            self.ready
                .load(Ordering::Acquire)
                .then(|| self.value.get().expect("bug: ready before it was set"))
        }

        pub(crate) fn set(&self, value: T) -> Result<(), T> {
            self.value.set(value)?;
            self.ready.store(true, Ordering::Release);
            Ok(())
        }
    }

    /// loom's mutex with `parking_lot`'s face: no poison.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(|poison| poison.into_inner())
        }
    }
}

pub(crate) use imp::*;

/// Atomics that carry no protocol (thread numbers): loom need not see them, and its own cannot live in statics.
pub(crate) use parking_lot::Mutex as PlainMutex;

/// Whether the suite broke this line on purpose: `--cfg fairpool_mutant="name"`. Always false in a shipped build.
macro_rules! mutant {
    ($name:literal) => {
        cfg!(fairpool_mutant = $name)
    };
}
pub(crate) use mutant;

/// Keeps neighbours off each other's cache line; two lines on x86-64, where the hardware fetches them in pairs.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

impl<T> std::ops::Deref for Padded<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

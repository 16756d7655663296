//! The one door to atomics, locks and cells: `std` and `parking_lot` in the shipped crate, `loom` under `cfg(fairpool_loom)`.
//!
//! Nothing else in the crate names an atomic or a lock type (`tests/tidy.rs` holds it to that), so what loom explores is
//! the very code that ships.

#[cfg(not(fairpool_loom))]
mod imp {
    pub(crate) use parking_lot::Mutex;
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
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};

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

//! The generic pool: everything about connections that is not waiting.
//!
//! | file | noun or verb |
//! |---|---|
//! | `manager`, `dynamic`, `hooks` | what an integrator implements; its boxed form; the user's steps |
//! | `options`, `builder` | every knob; from a manager to a pool, and the live setters |
//! | `handle` | the pool as users hold it; `warm_up` and `drain` are its two long operations |
//! | `request`, `acquire`, `blocking` | one checkout, its named futures, and the threads that wait for it |
//! | `timer` | of a request that no supervisor watches |
//! | `loose` | connections without a pool |
//! | `guard`, `owned`, `release` | the two guards, and what their drop does |
//! | `shared`, `entry`, `tally`, `faults`, `clock` | what all of them share |
//! | `supervisor`, `desk`, `lookout`, `whereabouts`, `lane`, `held` | the background work; where it sits, whether it still listens, from which runtime it is called, how it is fed; capacity as a token |
//! | `error`, `blame`, `probe` | what users are told |
//! | `onlookers`, `watch`, `notes`, `name` | who looks on, and what each lease does for that; where it was taken; what a pool is called |
//!
//! Invariants: a connection is opened only with a [`Held`](held::Held) slot; a request changes nothing but its own place in
//! the line; what a guard's drop cannot finish by itself goes through the lane; user code runs under no lock, and its
//! panics end where it was called.

pub(crate) mod acquire;
mod blame;
mod blocking;
pub(crate) mod builder;
pub(crate) mod clock;
pub(crate) mod desk;
pub(crate) mod drain;
pub(crate) mod dynamic;
mod entry;
pub(crate) mod error;
pub(crate) mod faults;
pub(crate) mod guard;
pub(crate) mod handle;
mod held;
mod hooks;
mod lane;
mod lookout;
pub(crate) mod loose;
pub(crate) mod manager;
pub(crate) mod name;
pub(crate) mod notes;
pub(crate) mod onlookers;
pub mod options;
pub(crate) mod owned;
mod probe;
mod release;
mod request;
mod shared;
mod supervisor;
mod tally;
pub(crate) mod timer;
mod warm_up;
pub(crate) mod watch;
mod whereabouts;

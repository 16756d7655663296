//! Fair waiting: a line of requests over a stock of numbered slots or plain permits. Knows no connection, clock or runtime.
//!
//! | file | noun |
//! |---|---|
//! | `line`, `control` | the line: join, give, leave; clear, pause, drain, close |
//! | `queue`, `deadlines`, `slips` | its waiters by ticket, by deadline, and what has become of each |
//! | `stock` | what a line gives out; `slots` (numbered) and `counter` (permits) are the two |
//! | `openings` | permits: a line that ends and begins anew |
//! | `slot`, `word`, `upkeep`, `cells`, `segments` | slots: the token; a packed word of idle bits; vacancies, debt, epochs, ticks; what stands in them, in tables that never move |
//! | `wait` | the future of one request |
//! | `signal`, `hands` | how whoever tends the line is called, and those who wait for its errands |
//! | `home`, `wakes`, `primitives` | thread numbers; wakers called outside the lock; std or loom |
//!
//! **The promise from which every ordering follows**: a unit is in one place at a time, and whoever takes it sees all that
//! its last holder wrote. Each hand-over is one Release and one Acquire on one word, or one critical section of the line's
//! lock, so nothing here needs `SeqCst` or a fence; `tests` explores the interleavings of this very code.

pub(crate) mod cells;
mod control;
pub(crate) mod counter;
mod deadlines;
pub(crate) mod hands;
mod home;
pub(crate) mod line;
mod openings;
pub(crate) mod primitives;
pub(crate) mod queue;
pub(crate) mod segments;
pub(crate) mod signal;
mod slips;
pub(crate) mod slot;
pub(crate) mod slots;
mod stock;
pub(crate) mod upkeep;
pub(crate) mod wait;
pub(crate) mod wakes;
mod word;

#[cfg(all(test, fairpool_loom))]
mod tests;

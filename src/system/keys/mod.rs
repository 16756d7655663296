//! Connections of many keys under one bound: strict order, a maximum for each key, a bounded preference.
//!
//! | file | noun or verb |
//! |---|---|
//! | `handle`, `builder` | the pool as users hold it; from a closure to a pool |
//! | `house` | every connection and every request, counted under one lock; its invariants |
//! | `places`, `lines` | how connections move in it, and how requests do |
//! | `turns` | whose turn it is: the order, and the preference |
//! | `changes` | what befalls the house: places end, time passes, an operator changes the rules |
//! | `member` | the keys in use, each with its manager |
//! | `request`, `guard` | one checkout; the connection lent, and what its drop does |
//! | `shared`, `keeper`, `work` | what all share; the background work, and each piece of it |
//! | `onlookers` | who looks on: the builder's word of it, and what they are told and shown |
//! | `error`, `status` | what users are told |
//!
//! Unlike the line under every other pool, both lines live in the house, under one lock with the connections. A request is
//! served when a connection of *its key* is assigned to it, so the line must know what is idle for whom, and a preference
//! takes from its middle. Two locks would need a protocol between "it is your turn" and "this one is yours"; with one, the
//! claim that room can always be made is arithmetic.

pub(crate) mod builder;
mod changes;
pub(crate) mod error;
pub(crate) mod guard;
pub(crate) mod handle;
mod house;
mod keeper;
mod lines;
pub(crate) mod member;
mod onlookers;
mod places;
pub(crate) mod request;
mod shared;
pub(crate) mod status;
mod turns;
mod work;

#[cfg(test)]
mod tests;

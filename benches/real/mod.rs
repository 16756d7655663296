//! The parts of `real`.
//!
//! | file | what |
//! |---|---|
//! | `plan.rs` | what is measured, how long, in which order; the command line |
//! | `work.rs` | what a lease is used for; what a client and a pool must be able to do |
//! | `pools.rs` | fairpool, bb8, deadpool and mobc over one and the same manager |
//! | `postgres.rs`, `mariadb.rs`, `redis.rs`, `sqlite.rs` | a backend each: its server, its client, its subjects |
//! | `entry.rs` | a subject with its type forgotten |
//! | `load.rs` | tasks that lease, work and lease again; what they saw |
//! | `rounds.rs` | everybody in turns, round by round |
//! | `figures.rs`, `bars.rs` | from rounds to tables; where fairpool is behind |

pub(crate) mod bars;
#[path = "../tails/cpu.rs"]
mod cpu;
pub(crate) mod entry;
pub(crate) mod figures;
pub(crate) mod load;
pub(crate) mod mariadb;
pub(crate) mod plan;
pub(crate) mod pools;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod rounds;
pub(crate) mod sqlite;
pub(crate) mod work;

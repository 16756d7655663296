//! The parts of `service`.
//!
//! | file | what |
//! |---|---|
//! | `subject.rs` | what is asked for, of whom, and how fast that should be |
//! | `rig.rs` | 10,000 pools, the service over them and the bare handlers, each on a port |
//! | `wrk.rs` | who asks |
//! | `counts.rs` | the same in one process without sockets, and how many instructions a request is |

pub(crate) mod counts;
pub(crate) mod rig;
pub(crate) mod subject;
pub(crate) mod wrk;

//! Whether a manager is correct under the pool: what its connections are like when they are lent, given back, broken, cut
//! off and closed. It uses the crate's public face only, as the manager's author does.
//!
//! | file | what |
//! |---|---|
//! | `kit` | the builder that users meet, and what they may tell it |
//! | `report` | what was found, in sentences |
//! | `runner` | each check on a thread, a runtime and a manager of its own; ends one that hangs |
//! | `time` | the clock of a check: as slow as the machine's, unless told to leap |
//! | `probe` | the manager between the pool and the user's: counts, notes panics, and cuts off or spoils what it is told to |
//! | `watch` | what the probe is told and what it saw |
//! | `observed` | a future of the manager's, polled under observation |
//! | `stage` | what every check stands on: pools, leases, what is to be reported |
//! | `asking`, `settling`, `sessions` | what it does there: asks the user's closures, waits for the pool, counts |
//! | `checks` | the checks themselves, by what they are about |

mod asking;
mod checks;
pub(super) mod kit;
mod observed;
mod probe;
pub(super) mod report;
mod runner;
mod sessions;
mod settling;
mod stage;
mod time;
mod watch;

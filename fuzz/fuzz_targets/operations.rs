//! Any bytes are a sequence of operations; after each of them the simulator checks the pool's promises.
//!
//! The interpreter is the one of `tests/simulator.rs`, so a crash found here replays there.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/sim/mod.rs"]
mod sim;

fuzz_target!(|data: &[u8]| { sim::run_bytes(data) });

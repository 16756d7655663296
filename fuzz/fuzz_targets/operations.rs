//! Any bytes are a sequence of operations; after each of them the simulator checks the pool's promises.
//!
//! The interpreter is the one of `tests/simulator.rs`, so a crash found here replays there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::panic::catch_unwind;

#[path = "../../tests/sim/mod.rs"]
mod sim;

fuzz_target!(|data: &[u8]| {
    // The simulator hears every panic itself, since it orders some of them; so nobody else would print what it found.
    if let Err(panic) = catch_unwind(|| sim::run_bytes(data)) {
        eprintln!(
            "{}",
            panic
                .downcast_ref::<String>()
                .map_or("a panic without a text", String::as_str)
        );
        std::process::abort();
    }
});

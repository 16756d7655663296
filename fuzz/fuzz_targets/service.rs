//! Any bytes are a sequence of requests to the whole service; after each of them it is checked what they were answered and did.
//!
//! The interpreter is the one of `tests/service_fuzz.rs`, so a crash found here can be replayed there.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/service/mod.rs"]
mod service;

fuzz_target!(|data: &[u8]| service::run_bytes(data));

//! The resource interface without a server: what four documented systems call their resources, as plain Rust. Knows no HTTP and
//! no SQL.
//!
//! | room | noun |
//! |---|---|
//! | [`models`] | the resources, their fields and rules; an invalid one cannot be built |
//! | [`store`] | keeps records over restarts: all of a change or nothing of it |
//! | [`registry`] | the resources, live: every change is stored and in force at once |

pub mod models;
pub mod registry;
pub mod store;

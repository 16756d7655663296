//! The resource interface without HTTP: what four documented systems call their resources, as plain Rust.
//!
//! | room | noun |
//! |---|---|
//! | [`models`] | the resources, their fields and rules; an invalid one cannot be built |

pub mod models;

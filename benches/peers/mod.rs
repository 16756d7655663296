//! The parts of the `peers` bench: how the subjects are measured (`load`, `rounds`), and what is made of the figures
//! (`figures`, `bars`).

pub(crate) mod bars;
pub(crate) mod figures;
pub(crate) mod load;
pub(crate) mod rounds;

//! The parts of the `peers` bench: who is measured (`subject` and the files of subjects), how (`load`, `rounds`), and what
//! is made of the figures (`figures`, `bars`).

pub(crate) mod bars;
pub(crate) mod figures;
pub(crate) mod load;
pub(crate) mod rounds;
pub(crate) mod subject;

pub(crate) mod ours;
pub(crate) mod peers_managed;
pub(crate) mod peers_plain;

//! The parts of `plots`: what was measured (`results`), which plots there are (`figures`), how they are drawn (`figure`,
//! `bars`, `curves`, `look`), and the tables of the page (`page`).

pub(crate) mod bars;
pub(crate) mod curves;
pub(crate) mod figure;
pub(crate) mod figures;
pub(crate) mod look;
pub(crate) mod page;
pub(crate) mod results;

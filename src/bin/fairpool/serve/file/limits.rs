//! `[rate_limit]`: how often a holder of a key may ask. `[general]`: how many connections the shared pool of a connection holds.

use super::document::Section;
use fairpool::resource::models::{Count, PoolSize};
use fairpool::resource::registry::GeneralLimits;
use fairpool::server::RateLimits;

/// What is not said is as without the table.
pub(super) fn rate(root: &Section<'_>) -> RateLimits {
    let usual = RateLimits::default();
    let Some(section) = root.table("rate_limit") else {
        return usual;
    };
    section.knows(&["per_minute", "per_hour"]);
    let given = |key| section.value::<Count>(key).map(Count::value);
    RateLimits::new(
        given("per_minute").unwrap_or(usual.per_minute()),
        given("per_hour").unwrap_or(usual.per_hour()),
    )
}

pub(super) fn general(root: &Section<'_>) -> GeneralLimits {
    let usual = GeneralLimits::default();
    let Some(section) = root.table("general") else {
        return usual;
    };
    section.knows(&["per_host", "total"]);
    let given = |key| section.value::<PoolSize>(key).map(PoolSize::value);
    let (per_host, total) = (given("per_host"), given("total"));
    let limits = GeneralLimits::new(per_host.unwrap_or(usual.per_host()), total.unwrap_or(usual.total()));
    limits.expect("bug: both are sizes of pools")
}

//! A look at a connector in numbers.

use super::super::limit::status::LimitStatus;
use super::super::management::Management;
use crate::observe::Status;
use std::fmt;
use std::sync::Arc;

/// A connector's counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectorStatus {
    /// The connector's name.
    pub name: Arc<str>,
    /// Where its connections come from.
    pub management: Management,
    /// The limit that it stands under, with its name.
    pub limit: Option<(Arc<str>, LimitStatus)>,
    /// The pool from which its connections come: in mode `General` shared with others; in mode `None` what is open for its leases,
    /// under the limit of any pool.
    pub pool: Status,
}

impl fmt::Display for ConnectorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConnectorStatus {
            name,
            management,
            limit,
            pool,
        } = self;
        write!(f, "{name}, {management}: {pool}")?;
        match limit {
            Some((name, limit)) => write!(f, "; under '{name}': {limit}"),
            None => Ok(()),
        }
    }
}

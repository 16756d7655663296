//! Pools of managed databases where no driver can make them live (without the feature `postgres`): there is none.

use super::super::models::{Database, DatabasePool, DatabaseUrl, EngineVersion};
use super::operations::OperationReport;
use super::status::LiveStatus;
use super::watchers::Watchers;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const WITHOUT: &str = "pools of PostgreSQL databases need the feature `postgres`, which this program is built without";

/// Nothing is one.
pub(super) enum Way {}

/// Nothing is one.
pub(super) enum LivePool {}

impl Way {
    pub(super) fn of(_: &Database, _: &DatabasePool) -> Result<Way, String> {
        Err(WITHOUT.to_owned())
    }
}

/// Nobody can ask.
pub(super) async fn probe(_: &DatabaseUrl, _: &EngineVersion, _: &BTreeSet<&str>) -> Result<(), String> {
    Err(WITHOUT.to_owned())
}

impl LivePool {
    pub(super) fn found(_: &str, way: Way, _: &Watchers) -> Arc<Self> {
        match way {}
    }

    pub(super) fn follow(&self, way: Way) {
        match way {}
    }

    pub(super) fn is_open(&self) -> bool {
        match *self {}
    }

    pub(super) fn left_behind(&self) -> u32 {
        match *self {}
    }

    pub(super) fn reopen(&self) {
        match *self {}
    }

    pub(super) fn clear(&self) -> usize {
        match *self {}
    }

    pub(super) fn invalidate(&self) {
        match *self {}
    }

    pub(super) fn pause(&self) {
        match *self {}
    }

    pub(super) fn resume(&self) {
        match *self {}
    }

    pub(super) fn hold(&self) {
        match *self {}
    }

    pub(super) fn release(&self) {
        match *self {}
    }

    pub(super) fn leases(&self) -> u32 {
        match *self {}
    }

    pub(super) async fn drain(&self, _: Duration) -> OperationReport {
        match *self {}
    }

    pub(super) fn look(&self, _: LiveStatus) -> LiveStatus {
        match *self {}
    }
}

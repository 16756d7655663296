//! What a server takes anew while it serves, as a whole: what is declared, limits, and who may ask.

use super::log::Log;
use super::options::Options;
use super::start::{self, Judged, Said};
use anyhow::Result;
use fairpool::resource::registry::{GeneralLimits, RedeclareError, Registry};
use fairpool::server::LiveRateLimits;
use fairpool::server::auth::{Authority, Grant};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;

/// The authority of now. Clones follow it.
#[derive(Clone)]
pub(crate) struct Current {
    authority: watch::Sender<Arc<dyn Authority>>,
}

/// What is in force besides what the registry knows.
pub(super) struct InForce {
    pub(super) current: Current,
    pub(super) rate_limits: LiveRateLimits,
    general: GeneralLimits,
    keys: BTreeSet<u64>,
    said: Said,
}

impl InForce {
    pub(super) fn new(judged: &Judged) -> Self {
        InForce {
            current: Current::new(judged.authority.clone()),
            rate_limits: judged.configuration.rate_limits.into(),
            general: judged.configuration.general,
            keys: judged.keys.clone(),
            said: judged.said,
        }
    }

    /// Reads the files again. All of it is in force afterwards, or, with an error that does not say otherwise, nothing.
    pub(super) async fn reload(&mut self, options: &Options, registry: &Registry, log: &Log) -> Result<Vec<String>> {
        let Judged {
            configuration,
            authority,
            keys,
            said: files,
        } = start::judged(options, log, Some(self.said)).await?;
        let changes = registry
            .redeclare(configuration.declared.clone(), configuration.general)
            .await;
        let changes = changes.map_err(|error| match (error, &options.config) {
            (RedeclareError::Declared(refused), Some(path)) => configuration.located(path, &refused).into(),
            (error, _) => anyhow::Error::from(error),
        })?;
        let mut said: Vec<_> = changes.iter().map(ToString::to_string).collect();
        self.current.replace(authority);
        let (new, gone) = (keys.difference(&self.keys).count(), self.keys.difference(&keys).count());
        if new + gone > 0 {
            said.push(format!("of keys and tokens {new} are new, {gone} count no longer"));
        }
        (self.keys, self.said) = (keys, files);
        let general = configuration.general;
        if self.general != general {
            let (per_host, total) = (general.per_host(), general.total());
            said.push(format!("[general] is per_host {per_host}, total {total}"));
        }
        self.general = general;
        let limits = configuration.rate_limits;
        if self.rate_limits.get() != limits {
            let (per_minute, per_hour) = (limits.per_minute(), limits.per_hour());
            said.push(format!("[rate_limit] is per_minute {per_minute}, per_hour {per_hour}"));
        }
        self.rate_limits.set(limits);
        Ok(said)
    }
}

impl Current {
    fn new(authority: Arc<dyn Authority>) -> Self {
        let (authority, _) = watch::channel(authority);
        Current { authority }
    }

    fn replace(&self, authority: Arc<dyn Authority>) {
        self.authority.send_replace(authority);
    }

    fn now(&self) -> Arc<dyn Authority> {
        self.authority.borrow().clone()
    }
}

impl Authority for Current {
    fn grant(&self, credential: &str) -> Option<Grant> {
        self.now().grant(credential)
    }

    fn anonymous(&self) -> Option<Grant> {
        self.now().anonymous()
    }
}

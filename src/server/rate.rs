//! How many requests a credential's holder may make: so many in a minute and so many in an hour, as family 2 documents it.
//!
//! A window begins with the holder's first request in it and ends a minute or an hour later; then the next begins. So a
//! holder can make twice the number around the end of a window, and never more than the number in one. The memory is bounded:
//! the holders of the last hour are known, and at most so many of them; beyond that the oldest window is forgotten.

use super::auth::Holder;
use crate::sync::primitives::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// How many requests each holder may make. The default is 250 a minute and 5,000 an hour.
///
/// ```
/// use fairpool::server::RateLimits;
///
/// let limits = RateLimits::new(60, 1_000);
/// assert_eq!((limits.per_minute(), limits.per_hour()), (60, 1_000));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    per_minute: u32,
    per_hour: u32,
}

/// Limits that can be changed while routers go by them. Clones are the same limits.
///
/// ```
/// use fairpool::server::{LiveRateLimits, RateLimits, RouterOptions};
///
/// let limits = LiveRateLimits::from(RateLimits::default());
/// let options = RouterOptions::new().rate_limits(limits.clone());
/// // A router with these options goes by this from now on.
/// limits.set(RateLimits::new(60, 1_000));
/// assert_eq!(limits.get().per_hour(), 1_000);
/// ```
#[derive(Debug, Clone, Default)]
pub struct LiveRateLimits(Arc<Mutex<RateLimits>>);

/// What is left to a holder, as the headers show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    /// `ratelimit-limit`
    pub(crate) limit: u32,
    /// `ratelimit-remaining`
    pub(crate) remaining: u32,
    /// `ratelimit-reset`: when the window ends, in seconds since 1970.
    pub(crate) reset: u64,
    /// `retry-after`: in how many seconds, if the request is refused.
    pub(crate) retry_after: Option<u64>,
}

/// Counts requests by holder.
pub(crate) struct RateLimiter {
    limits: LiveRateLimits,
    /// How many holders are known at most.
    most: usize,
    /// Taken alone; nothing waits under it.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    holders: HashMap<Holder, Windows>,
    /// Each holder's hours by their beginning. The last of a holder's is the one that counts.
    hours: VecDeque<(Instant, Holder)>,
}

#[derive(Clone, Copy)]
struct Windows {
    hour: Window,
    minute: Window,
}

#[derive(Clone, Copy)]
struct Window {
    began: Instant,
    used: u32,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const MOST_HOLDERS: usize = 10_000;

impl Default for RateLimits {
    fn default() -> Self {
        RateLimits::new(250, 5_000)
    }
}

impl RateLimits {
    /// So many in a minute and so many in an hour; zero refuses everything.
    pub fn new(per_minute: u32, per_hour: u32) -> Self {
        RateLimits { per_minute, per_hour }
    }

    /// In a minute.
    pub fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// In an hour.
    pub fn per_hour(&self) -> u32 {
        self.per_hour
    }
}

impl LiveRateLimits {
    /// Those of now.
    pub fn get(&self) -> RateLimits {
        *self.0.lock()
    }

    /// Others, from the next request on. What was used of a minute and an hour stays used.
    pub fn set(&self, limits: RateLimits) {
        *self.0.lock() = limits;
    }
}

impl From<RateLimits> for LiveRateLimits {
    fn from(limits: RateLimits) -> Self {
        LiveRateLimits(Arc::new(Mutex::new(limits)))
    }
}

impl RateLimiter {
    pub(crate) fn new(limits: impl Into<LiveRateLimits>) -> Self {
        RateLimiter {
            limits: limits.into(),
            most: MOST_HOLDERS,
            known: Mutex::new(Known::default()),
        }
    }

    /// One request of this holder's, which came now. A refused one does not count.
    pub(crate) fn count(&self, holder: Holder, now: Instant) -> Quota {
        let limits = self.limits.get();
        let mut known = self.known.lock();
        let windows = known.windows(holder, now, self.most);
        let (hour, minute) = (
            windows.hour.left(limits.per_hour),
            windows.minute.left(limits.per_minute),
        );
        if hour == 0 {
            return self.quota(windows.hour, HOUR, limits.per_hour, now, true);
        }
        if minute == 0 {
            return self.quota(windows.minute, MINUTE, limits.per_minute, now, true);
        }
        windows.hour.used += 1;
        windows.minute.used += 1;
        self.quota(windows.hour, HOUR, limits.per_hour, now, false)
    }

    /// What somebody sees who is not known: nothing is used.
    pub(crate) fn untouched(&self) -> Quota {
        let (now, limits) = (Instant::now(), self.limits.get());
        self.quota(Window { began: now, used: 0 }, HOUR, limits.per_hour, now, false)
    }

    fn quota(&self, window: Window, length: Duration, limit: u32, now: Instant, is_refused: bool) -> Quota {
        let left = length.saturating_sub(now.duration_since(window.began));
        // Rounded up: who comes back then finds the next window.
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Quota {
            limit,
            remaining: window.left(limit),
            reset: unix.as_secs() + seconds,
            retry_after: is_refused.then_some(seconds.max(1)),
        }
    }
}

impl Known {
    /// The holder's windows at this moment, new ones where the old are over.
    fn windows(&mut self, holder: Holder, now: Instant, most: usize) -> &mut Windows {
        while self
            .hours
            .front()
            .is_some_and(|(began, _)| now.duration_since(*began) >= HOUR)
        {
            self.forget_oldest();
        }
        let fresh = Window { began: now, used: 0 };
        if !self.holders.contains_key(&holder) {
            if self.holders.len() >= most {
                self.forget_oldest();
            }
            self.hours.push_back((now, holder));
        }
        let windows = self.holders.entry(holder).or_insert(Windows {
            hour: fresh,
            minute: fresh,
        });
        if now.duration_since(windows.minute.began) >= MINUTE {
            windows.minute = fresh;
        }
        windows
    }

    fn forget_oldest(&mut self) {
        if let Some((_, holder)) = self.hours.pop_front() {
            self.holders.remove(&holder);
        }
    }
}

impl Window {
    fn left(&self, limit: u32) -> u32 {
        limit.saturating_sub(self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::auth::{Grant, Scopes};
    use tokio::time::advance;

    fn holder(name: u32) -> Holder {
        Grant::new(Scopes::NONE, &name.to_le_bytes()).holder()
    }

    fn count(limiter: &RateLimiter, name: u32) -> Quota {
        limiter.count(holder(name), Instant::now())
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_bounds_and_ends() {
        let limiter = RateLimiter::new(RateLimits::new(3, 100));
        for left in [99, 98, 97] {
            let quota = count(&limiter, 1);
            assert_eq!((quota.limit, quota.remaining, quota.retry_after), (100, left, None));
        }
        advance(Duration::from_millis(500)).await;
        let refused = count(&limiter, 1);
        assert_eq!(
            (refused.limit, refused.remaining, refused.retry_after),
            (3, 0, Some(60))
        );
        assert_eq!(count(&limiter, 2).retry_after, None);

        advance(seconds(59)).await;
        assert_eq!(count(&limiter, 1).retry_after, Some(1));
        advance(seconds(1)).await;
        // Refused ones did not count.
        assert_eq!(count(&limiter, 1).remaining, 96);
    }

    #[tokio::test(start_paused = true)]
    async fn an_hour_bounds_over_its_minutes() {
        let limiter = RateLimiter::new(RateLimits::new(3, 7));
        let mut passed = 0;
        for _ in 0..5 {
            passed += (0..5).filter(|_| count(&limiter, 1).retry_after.is_none()).count();
            advance(seconds(60)).await;
        }
        assert_eq!(passed, 7);
        let refused = count(&limiter, 1);
        assert_eq!(
            (refused.limit, refused.remaining, refused.retry_after),
            (7, 0, Some(3300))
        );
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_secs();
        assert!(refused.reset.abs_diff(unix + 3300) <= 5, "{refused:?}");
        advance(seconds(3300)).await;
        assert_eq!(count(&limiter, 1).remaining, 6);
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_by_holders_and_by_the_hour() {
        let mut limiter = RateLimiter::new(RateLimits::default());
        limiter.most = 10;
        for name in 0..1000 {
            count(&limiter, name);
            count(&limiter, 0);
            let known = limiter.known.lock();
            assert!(known.holders.len() <= 10 && known.hours.len() == known.holders.len());
        }
        advance(HOUR).await;
        assert_eq!(count(&limiter, 1).remaining, 4999);
        assert_eq!(limiter.known.lock().holders.len(), 1);
        assert_eq!(limiter.untouched().remaining, 5000);
    }

    #[tokio::test(start_paused = true)]
    async fn limits_that_change_count_what_was_used_before() {
        let limits = LiveRateLimits::from(RateLimits::new(10, 2));
        let limiter = RateLimiter::new(limits.clone());
        count(&limiter, 1);
        count(&limiter, 1);
        assert_eq!(count(&limiter, 1).retry_after, Some(3600));
        limits.set(RateLimits::new(10, 3));
        assert_eq!(count(&limiter, 1).remaining, 0);
        limits.set(RateLimits::new(1, 9));
        assert_eq!(count(&limiter, 1).retry_after, Some(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_of_zero_refuses_everything() {
        let limiter = RateLimiter::new(RateLimits::new(0, 5));
        assert_eq!(count(&limiter, 1).retry_after, Some(60));
    }
}

//! Each option has its effect, set by the builder or on the running pool; a bad value comes back as an error.

mod common;

use common::*;
use fairpool::{AcquireError, Manager, Options, OptionsError, Pool};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Two pools of four: one built with the option, one on which it was set while it ran.
macro_rules! both {
    ($name:ident, $set:ident, $value:expr) => {{
        let built = pool_with(|builder| builder.limit(4).$name($value));
        let live = pool_of(4);
        live.0.$set($value).expect("in range");
        assert_eq!(built.0.options().$name, live.0.options().$name);
        assert_ne!(live.0.options().$name, Options::default().$name);
        [built, live]
    }};
}

#[tokio::test(start_paused = true)]
async fn limit_is_the_most_connections() {
    for (pool, backend) in both!(limit, set_limit, 2) {
        let _held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
        assert!(pool.acquire_within(ms(100)).await.is_err());
        assert_eq!((backend.made(), pool.status().limit), (2, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn min_idle_keeps_connections_ready_beyond_those_in_use() {
    for (pool, backend) in both!(min_idle, set_min_idle, 2) {
        assert_eq!(backend.made(), 0, "nothing opens before the pool is used");
        let held = pool.acquire().await.unwrap();
        settle().await;
        assert_eq!((pool.status().idle, backend.made()), (2, 3));
        pool.set_max_lifetime(None).unwrap();
        drop(held);
        sleep(Duration::from_secs(3_600)).await;
        assert_eq!(
            (pool.status().idle, backend.made()),
            (2, 3),
            "idle_timeout leaves so many"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn queue_limit_is_the_most_requests_that_wait() {
    for (pool, _) in both!(queue_limit, set_queue_limit, Some(1)) {
        pool.warm_up(4).await.unwrap();
        let held: Vec<_> = (0..4).map(|_| pool.try_acquire().unwrap()).collect();
        let mut waiting = pin!(pool.acquire());
        assert!(poll(waiting.as_mut()).is_pending());
        assert!(matches!(
            pool.acquire().await,
            Err(AcquireError::QueueFull { queue_limit: 1, .. })
        ));
        drop(held);
        assert!(waiting.await.is_ok() && pool.acquire().await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pool_in_which_nobody_may_wait_still_opens_connections() {
    for (pool, backend) in both!(queue_limit, set_queue_limit, Some(0)) {
        assert!(matches!(
            pool.acquire().await,
            Err(AcquireError::QueueFull { queue_limit: 0, .. })
        ));
        settle().await;
        assert!(pool.acquire().await.is_ok());
        assert_eq!(backend.made(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn max_connecting_is_the_most_attempts_at_once() {
    for (pool, backend) in both!(max_connecting, set_max_connecting, 1) {
        backend.connect.always(Act::Takes(10));
        let begun = Instant::now();
        pool.warm_up(3).await.unwrap();
        assert_eq!(begun.elapsed(), ms(30));
    }
}

#[tokio::test(start_paused = true)]
async fn acquire_timeout_bounds_the_whole_wait() {
    for (pool, backend) in both!(acquire_timeout, set_acquire_timeout, ms(70)) {
        backend.connect.always(Act::Hangs);
        let begun = Instant::now();
        assert!(matches!(pool.acquire().await, Err(AcquireError::Timeout(_))));
        assert_eq!(begun.elapsed(), ms(70));
    }
    for (pool, backend) in both!(acquire_timeout, set_acquire_timeout, None) {
        backend.connect.always(Act::Hangs);
        assert!(timeout(Duration::from_secs(3_600), pool.acquire()).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn connect_timeout_cuts_an_attempt_off() {
    for (pool, backend) in both!(connect_timeout, set_connect_timeout, ms(700)) {
        // No room for another attempt meanwhile.
        pool.set_limit(1).unwrap();
        backend.connect.then([Act::Hangs]);
        let begun = Instant::now();
        drop(pool.acquire().await.unwrap());
        assert_eq!(begun.elapsed(), ms(700));
    }
}

#[tokio::test(start_paused = true)]
async fn validate_timeout_cuts_a_validation_off() {
    for (pool, backend) in both!(validate_timeout, set_validate_timeout, ms(700)) {
        // No room to connect meanwhile.
        pool.set_limit(1).unwrap();
        drop(pool.acquire().await.unwrap());
        sleep(ms(1_000)).await;
        backend.validate.then([Act::Hangs]);
        let begun = Instant::now();
        assert_eq!(pool.acquire().await.unwrap().number, 2);
        assert_eq!(begun.elapsed(), ms(700));
    }
}

#[tokio::test(start_paused = true)]
async fn reset_and_close_timeouts_cut_off_what_a_release_began() {
    let close = both!(close_timeout, set_close_timeout, ms(700));
    for (pool, backend) in both!(reset_timeout, set_reset_timeout, ms(700))
        .into_iter()
        .chain(close)
    {
        pool.set_limit(1).unwrap();
        let resets = pool.options().reset_timeout == ms(700);
        let step = if resets { &backend.reset } else { &backend.close };
        let mut conn = pool.acquire().await.unwrap();
        step.then([Act::Hangs]);
        if !resets {
            conn.mark_broken();
        }
        drop(conn);
        let begun = Instant::now();
        assert_eq!(pool.acquire().await.unwrap().number, 2);
        assert_eq!(begun.elapsed(), ms(700));
    }
}

#[tokio::test(start_paused = true)]
async fn idle_timeout_closes_what_nobody_used() {
    for (pool, backend) in both!(idle_timeout, set_idle_timeout, ms(2_000)) {
        pool.warm_up(2).await.unwrap();
        for _ in 0..10 {
            sleep(ms(390)).await;
            drop(pool.acquire().await.unwrap());
        }
        assert_eq!(backend.live(), 1, "the one that was used stays");
        sleep(ms(1_900)).await;
        assert_eq!(backend.live(), 1);
        sleep(ms(700)).await;
        assert_eq!(backend.live(), 0);
    }
    let [(pool, backend), _] = both!(idle_timeout, set_idle_timeout, None);
    pool.set_max_lifetime(None).unwrap();
    drop(pool.acquire().await.unwrap());
    sleep(Duration::from_secs(100_000)).await;
    assert_eq!(backend.live(), 1);
}

#[tokio::test(start_paused = true)]
async fn max_lifetime_closes_what_is_too_old_idle_or_when_it_comes_back() {
    for (pool, backend) in both!(max_lifetime, set_max_lifetime, ms(2_000)) {
        pool.set_lifetime_jitter(0.0).unwrap();
        pool.warm_up(2).await.unwrap();
        let held = pool.try_acquire().unwrap();
        sleep(ms(1_900)).await;
        assert_eq!(backend.live(), 2);
        sleep(ms(700)).await;
        assert_eq!(backend.live(), 1, "the idle one");
        drop(held);
        settle().await;
        assert_eq!(backend.live(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_longer_max_lifetime_spares_a_lent_connection_that_was_too_old() {
    let (pool, _) = pool_with(|builder| builder.limit(1).max_lifetime(ms(1_000)));
    let held = pool.acquire().await.unwrap();
    sleep(ms(3_000)).await;
    pool.set_max_lifetime(Duration::from_secs(60)).unwrap();
    drop(held);
    assert_eq!(pool.acquire().await.unwrap().number, 1);
}

#[tokio::test(start_paused = true)]
async fn lifetime_jitter_spreads_the_ends_of_connections_opened_together() {
    for (pool, backend) in both!(lifetime_jitter, set_lifetime_jitter, 1.0) {
        fastrand::seed(1);
        pool.set_limit(40).unwrap();
        pool.set_max_lifetime(Duration::from_secs(100)).unwrap();
        pool.warm_up(40).await.unwrap();
        sleep(Duration::from_secs(50)).await;
        assert!(
            (5..=35).contains(&backend.live()),
            "{} of 40 after half their life",
            backend.live()
        );
        sleep(Duration::from_secs(60)).await;
        assert_eq!(backend.live(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn validate_after_idle_checks_what_was_idle_so_long_and_nothing_else() {
    for (pool, backend) in both!(validate_after_idle, set_validate_after_idle, ms(400)) {
        drop(pool.acquire().await.unwrap());
        for (idle, validations) in [(0, 0), (100, 0), (290, 0), (600, 1), (100, 1), (5_000, 2)] {
            sleep(ms(idle)).await;
            drop(pool.acquire().await.unwrap());
            assert_eq!(backend.validate.calls(), validations, "after {idle} ms");
        }
    }
    for (pool, backend) in both!(validate_after_idle, set_validate_after_idle, None) {
        drop(pool.acquire().await.unwrap());
        sleep(ms(60_000)).await;
        drop(pool.acquire().await.unwrap());
        assert_eq!(backend.validate.calls(), 0);
    }
    for (pool, backend) in both!(validate_after_idle, set_validate_after_idle, ms(0)) {
        for expected in 0..3 {
            drop(pool.acquire().await.unwrap());
            assert_eq!(backend.validate.calls(), expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn backoff_begins_small_and_ends_at_its_maximum() {
    async fn wait(pool: &Pool<Backend>, failures: usize) -> Duration {
        pool.manager().connect.then(std::iter::repeat_n(Act::Fails, failures));
        let begun = Instant::now();
        pool.invalidate();
        drop(pool.acquire().await.unwrap());
        begun.elapsed()
    }
    for (pool, _) in both!(backoff_initial, set_backoff_initial, ms(400)) {
        let waited = wait(&pool, 1).await;
        assert!((ms(200)..=ms(401)).contains(&waited), "{waited:?}");
        let waited = wait(&pool, 3).await;
        assert!((ms(1_400)..=ms(2_803)).contains(&waited), "doubled twice: {waited:?}");
    }
    for (pool, _) in both!(backoff_max, set_backoff_max, ms(100)) {
        let waited = wait(&pool, 20).await;
        assert!((ms(975)..=ms(1_970)).contains(&waited), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_value_is_an_error_that_names_it_and_changes_nothing() {
    let (pool, _) = pool_of(4);
    let before = pool.options();
    let zero = Duration::ZERO;
    let bad: [(Result<(), OptionsError>, &str); 12] = [
        (pool.set_limit(0), "limit is 0, but must be from 1 to 65536"),
        (pool.set_limit(65_537), "limit is 65537, but must be from 1 to 65536"),
        (
            pool.set_max_connecting(0),
            "max_connecting is 0, but must be at least 1",
        ),
        (
            pool.set_acquire_timeout(zero),
            "acquire_timeout is 0ns, but must be more than 0",
        ),
        (
            pool.set_connect_timeout(zero),
            "connect_timeout is 0ns, but must be more than 0",
        ),
        (
            pool.set_validate_timeout(zero),
            "validate_timeout is 0ns, but must be more than 0",
        ),
        (
            pool.set_reset_timeout(zero),
            "reset_timeout is 0ns, but must be more than 0",
        ),
        (
            pool.set_close_timeout(zero),
            "close_timeout is 0ns, but must be more than 0",
        ),
        (
            pool.set_idle_timeout(zero),
            "idle_timeout is 0ns, but must be more than 0",
        ),
        (
            pool.set_max_lifetime(zero),
            "max_lifetime is 0ns, but must be more than 0",
        ),
        (
            pool.set_lifetime_jitter(f64::NAN),
            "lifetime_jitter is NaN, but must be from 0 to 1",
        ),
        (
            pool.set_backoff_max(ms(1)),
            "backoff_max is 1ms, but must be at least backoff_initial",
        ),
    ];
    for (outcome, text) in bad {
        let error = outcome.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert!(text.starts_with(error.option()));
    }
    assert_eq!(pool.options(), before);
    assert_eq!(pool.set_backoff_initial(zero).unwrap_err().option(), "backoff_initial");
    assert!(Pool::builder(Backend::default()).limit(0).build().is_err());
    assert_whole(&pool).await;
}

#[test]
fn a_managers_defaults_are_where_the_builder_begins() {
    struct Modest;
    impl Manager for Modest {
        type Connection = ();
        type Error = std::convert::Infallible;
        async fn connect(&self) -> Result<(), Self::Error> {
            Ok(())
        }
        fn defaults(&self) -> Options {
            let mut options = Options::default();
            options.limit = 1;
            options
        }
    }
    assert_eq!(Pool::builder(Modest).build().unwrap().options().limit, 1);
    assert_eq!(Pool::builder(Modest).limit(2).build().unwrap().options().limit, 2);
    assert_eq!(
        Pool::builder(Modest)
            .options(Options::default())
            .build()
            .unwrap()
            .options()
            .limit,
        10
    );
}

#[cfg(feature = "serde")]
#[test]
fn options_are_read_from_and_written_to_seconds() {
    let read = |text: &str| serde_json::from_str::<Options>(text);
    let options = read(r#"{"limit": 3, "acquire_timeout": 2.5, "idle_timeout": null, "connect_timeout": 4}"#).unwrap();
    let mut expected = Options::default();
    (expected.limit, expected.acquire_timeout) = (3, Some(ms(2_500)));
    (expected.idle_timeout, expected.connect_timeout) = (None, ms(4_000));
    assert_eq!(options, expected);
    assert_eq!(read(&serde_json::to_string(&expected).unwrap()).unwrap(), expected);
    for bad in [
        r#"{"limits": 3}"#,
        r#"{"acquire_timeout": -1}"#,
        r#"{"connect_timeout": null}"#,
        r#"{"limit": -1}"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    let zero = read(r#"{"limit": 0}"#).unwrap();
    assert!(
        Pool::builder(Backend::default()).options(zero).build().is_err(),
        "judged when the pool is built"
    );
}

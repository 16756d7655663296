//! Validate, reset and close: each in a task that holds its slot, under its own timeout.
//!
//! A connection that fails one of the first two, or panics in it, goes on to be closed in the same task; whoever waits keeps
//! its place in the line and is served by another one.

use super::super::held::Held;
use super::super::hooks;
use super::super::manager::Manager;
use super::super::shared::since;
use super::alarm::Alarm;
use super::unpanicked;
use crate::observe::{CloseReason, Event};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// For a timeout that no clock can hold.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

/// Looks after an idle connection before it is lent: validation if it has been unused for long, then `before_acquire`.
pub(super) async fn check<M: Manager>(mut held: Held<M>, validate: bool) {
    let shared = held.shared.clone();
    let begun = shared.now();
    let limit = shared.options().validate_timeout;
    let conn = held.conn().expect("bug: an idle slot without a connection");
    let look = async {
        if validate {
            shared.manager.validate(conn).await?;
        }
        hooks::run::<M>(&shared.hooks.before_acquire, conn).await
    };
    // Dropped here (the runtime is gone): the connection is dropped, its slot vacant.
    let sound = matches!(timeout(limit, unpanicked(look)).await, Ok(Ok(Ok(()))));
    shared.tell(|| Event::Validated {
        took: since(&shared, begun),
        sound,
    });
    if sound {
        if validate {
            held.vouch();
        }
        return held.deliver();
    }
    held.part(CloseReason::Invalid);
    close(held).await;
}

/// Cleans a connection that came back.
pub(super) async fn reset<M: Manager>(mut held: Held<M>, alarm: &mut Alarm) {
    let shared = held.shared.clone();
    let begun = Instant::now();
    let limit = shared.live.options.lock().reset_timeout;
    let conn = held.conn().expect("bug: a returned slot without a connection");
    let clean = async {
        if let Some(reset) = shared.manager.reset(conn) {
            reset.await?;
        }
        hooks::run::<M>(&shared.hooks.after_release, conn).await
    };
    // Dropped here (the runtime is gone): a half-cleaned connection is dropped, never lent.
    let at = begun.checked_add(limit).unwrap_or_else(|| begun + FAR);
    let clean = matches!(alarm.by(at, unpanicked(clean)).await, Some(Ok(Ok(()))));
    shared.tell(|| Event::Reset {
        took: begun.elapsed(),
        clean,
    });
    if clean {
        return held.release();
    }
    held.part(CloseReason::Unclean);
    close(held).await;
}

/// Says farewell. The slot counts as occupied until this ends.
pub(super) async fn close<M: Manager>(mut held: Held<M>) {
    let shared = held.shared.clone();
    if let Some(conn) = held.empty() {
        let limit = shared.options().close_timeout;
        let farewell = async {
            if let Some(farewell) = shared.manager.close(conn) {
                farewell.await;
            }
        };
        let _ = timeout(limit, unpanicked(farewell)).await;
    }
    held.vacate();
}

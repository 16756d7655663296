//! A future of the manager's, polled under observation and treated as planned.

use super::watch::{Plan, Step, Watch};
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// The future was run to its end, and shall count as failed.
#[derive(Debug)]
pub(super) struct Spoilt;

/// Runs a future of this step's to its end, as far as the plan lets it; and how long it took to make it.
pub(super) async fn observed<F: Future + Send>(
    watch: Arc<Watch>,
    step: Step,
    (future, built): (F, Duration),
) -> Result<F::Output, Spoilt> {
    let plan = watch.take_plan(step);
    // Boxed, so that a panic of its drop can be told from others; cut off at any await here, that is what happens.
    let mut future = Watched {
        future: Some(Box::pin(future)),
        step,
        watch,
    };
    if let Some(Plan::Delay(time)) = plan {
        tokio::time::sleep(time).await;
    }
    let (mut polls, mut longest) = (0, built);
    let output = poll_fn(|cx| {
        if plan == Some(Plan::CutAfter(polls)) {
            future.watch.cut();
            return Poll::Pending;
        }
        let inner = future.future.as_mut().expect("bug: polled after its end");
        let (polled, took) = future.watch.time(step, false, || inner.as_mut().poll(cx));
        polls += 1;
        longest = longest.max(took);
        match polled {
            Ok(_) if plan == Some(Plan::Panic) => resume_unwind(Box::new("planned by the kit")),
            // Cut off at once, with what it asked for still under way.
            Ok(Poll::Pending) if plan == Some(Plan::CutAfter(polls)) => {
                future.watch.cut();
                Poll::Pending
            }
            Ok(polled) => polled,
            Err(panic) => resume_unwind(panic),
        }
    });
    let output = output.await;
    future.watch.blocked(step, longest);
    future.watch.end(step);
    if plan == Some(Plan::Fail) {
        return Err(Spoilt);
    }
    Ok(output)
}

struct Watched<F> {
    future: Option<Pin<Box<F>>>,
    step: Step,
    watch: Arc<Watch>,
}

impl<F> Drop for Watched<F> {
    fn drop(&mut self) {
        self.watch.bury(self.step, self.future.take());
    }
}

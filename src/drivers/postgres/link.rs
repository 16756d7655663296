//! What both ends of a connection know of it: one word, written as bytes pass and as the driving task sleeps and wakes, and
//! read wherever somebody has to know whether the connection is quiet, open or clean.
//!
//! | bits | meaning | set by | cleared by |
//! |---|---|---|---|
//! | 0–1 | what the last `ReadyForQuery` said: idle, in a transaction, in a failed one | stream | stream |
//! | 2 | a `COPY FROM STDIN` takes data | stream | stream |
//! | 3 | the socket takes no more for the moment | stream | stream |
//! | 4 `STIRRED` | the driving task was woken: something may wait in its queue | its waker | the task, as it begins to look |
//! | 5 `RUNNING` | the driving task is looking | the task | the task, as it goes to sleep |
//! | 6 `GIVEN_UP` | a reset or a health check was dropped on its way, or failed in the middle of something | its drop | nobody |
//! | 8 `SENT` | the lease has asked for something | stream | a reset |
//! | 9 `ALTERED` | a command was completed, or a parameter has changed, that outlasts its transaction | stream | a reset |
//! | 10 `STALE` | a cached plan no longer fits the schema | stream | the statement cache |
//! | 11 `FORGOTTEN` | the server has dropped prepared statements that the client believes in | stream | nobody |
//! | 12 `OVER` | the session has ended, or the server has said that it will | stream, task | nobody |
//! | 13 `STUCK` | the two sides no longer agree whose turn it is | stream | nobody |
//! | 14 `ABANDONED` | the handle is gone | its drop | nobody |
//! | 15 `STRAY` | a cancel was given up on its way: it may hit whatever comes | its drop | nobody |
//! | 16–39 | requests without `ReadyForQuery` | stream | stream |
//! | 40–63 | the same, that do no more than close a statement | stream | stream |
//!
//! Why a quiet word can be trusted: a request goes into the task's queue before its waker runs, and the waker sets `STIRRED`
//! in the thread that asks. The task clears it before it looks into the queue, and is `RUNNING` until all that it
//! found has passed the stream and is counted. All of that is one word, so whoever finds neither bit set
//! finds every earlier request counted. Hence the read-modify-writes order it all: release where they publish, acquire
//! where they read.
//!
//! A second word counts the leases (bits 32–63) and the cancels on their way (bits 0–31). A canceller adds itself and learns with
//! that which lease it is, and the end of a lease learns how many are on their way: so no cancel sets out in a later lease
//! than its own, and the connection is not lent again before each has arrived.

use crate::sync::primitives::{AtomicU32, AtomicU64, Mutex, Ordering};
use futures::task::AtomicWaker;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use tokio::sync::broadcast;
use tokio_postgres::Notification;

/// As `ReadyForQuery` says it, in the word's first two bits.
const STATUS: u64 = 0b11;
pub(super) const IDLE: u64 = 0;
pub(super) const OPEN: u64 = 1;
pub(super) const FAILED: u64 = 2;
pub(super) const COPY_IN: u64 = 1 << 2;
pub(super) const BLOCKED: u64 = 1 << 3;
const STIRRED: u64 = 1 << 4;
const RUNNING: u64 = 1 << 5;
const GIVEN_UP: u64 = 1 << 6;
pub(super) const SENT: u64 = 1 << 8;
pub(super) const ALTERED: u64 = 1 << 9;
pub(super) const STALE: u64 = 1 << 10;
pub(super) const FORGOTTEN: u64 = 1 << 11;
pub(super) const OVER: u64 = 1 << 12;
pub(super) const STUCK: u64 = 1 << 13;
const ABANDONED: u64 = 1 << 14;
const STRAY: u64 = 1 << 15;
/// What the stream computes anew each time; all else it only adds to.
const PASSING: u64 = STATUS | COPY_IN | BLOCKED | DUE | CLOSES;
const DUE_SHIFT: u32 = 16;
const CLOSES_SHIFT: u32 = 40;
const COUNT: u64 = (1 << 24) - 1;
pub(super) const DUE: u64 = COUNT << DUE_SHIFT;
pub(super) const CLOSES: u64 = COUNT << CLOSES_SHIFT;
/// In the second word: one lease more, against one cancel more.
const LEASE_SHIFT: u32 = 32;

/// Shared by a connection's handle, its stream and its task.
#[derive(Debug, Default)]
pub(super) struct Link {
    word: Word,
    cancels: Cancels,
    /// The server's process that serves the session; it bears no protocol.
    process_id: AtomicU32,
    /// The task that drives the connection.
    task: AtomicWaker,
    /// Whoever waits until the connection is quiet: the handle, and after it the task.
    watcher: AtomicWaker,
    /// The task, as it waits for the handle's end.
    heir: AtomicWaker,
    /// Where notifications go, if somebody has asked. Nothing is sent to, or dropped, under this lock.
    listeners: Listeners,
}

#[derive(Debug)]
struct Word(AtomicU64);

/// Which lease it is, and how many cancels are on their way.
#[derive(Debug)]
struct Cancels(AtomicU64);

#[derive(Debug)]
struct Listeners(Mutex<Option<broadcast::Sender<Notification>>>);

/// A look at the word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now(pub(super) u64);

impl Link {
    pub(super) fn now(&self) -> Now {
        Now(self.word.0.load(Ordering::Acquire))
    }

    /// Publishes what the stream has seen: `passing` replaces what was known, `lasting` is added to it.
    pub(super) fn publish(&self, passing: u64, lasting: u64) {
        self.change(|word| (word & !PASSING) | passing | lasting);
    }

    /// The process that serves this session.
    pub(super) fn process_id(&self) -> i32 {
        self.process_id.load(Ordering::Relaxed) as i32
    }

    pub(super) fn name_process(&self, id: i32) {
        self.process_id.store(id as u32, Ordering::Relaxed);
    }

    pub(super) fn set(&self, bits: u64) {
        self.word.0.fetch_or(bits, Ordering::AcqRel);
    }

    pub(super) fn clear(&self, bits: u64) {
        self.word.0.fetch_and(!bits, Ordering::AcqRel);
    }

    /// The driving task begins to look for something to do. Whoever wakes it from now on is noticed.
    pub(super) fn begin(&self, cx: &Context<'_>) {
        self.task.register(cx.waker());
        self.change(|word| (word & !STIRRED) | RUNNING);
    }

    /// The driving task has found nothing more. It may be the watcher itself, once the handle is gone: a call for no reason would
    /// keep it running in a circle.
    pub(super) fn pause(&self) {
        let now = Now(self.word.0.fetch_and(!RUNNING, Ordering::AcqRel) & !RUNNING);
        if now.is_quiet() || now.has(OVER) {
            self.watcher.wake();
        }
    }

    /// Somebody has waited for the other side, and will not any more.
    pub(super) fn give_up(&self) {
        self.set(GIVEN_UP);
    }

    /// The driving task ends.
    pub(super) fn end(&self) {
        self.set(OVER);
        self.watcher.wake();
        let _ = self.end_of_listening();
    }

    /// The handle is gone.
    pub(super) fn abandon(&self) {
        self.set(ABANDONED);
        self.heir.wake();
    }

    /// Resolves when the handle is gone.
    pub(super) async fn abandoned(&self) {
        let is_gone = |cx: &mut Context<'_>| {
            self.heir.register(cx.waker());
            match self.now().has(ABANDONED) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        };
        poll_fn(is_gone).await;
    }

    /// Resolves when nothing is under way, or the session is over. One may wait at a time.
    pub(super) async fn quiet(&self) {
        let is_quiet = |cx: &mut Context<'_>| {
            self.watcher.register(cx.waker());
            let now = self.now();
            match now.is_quiet() || now.has(OVER) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        };
        poll_fn(is_quiet).await;
    }

    /// Which lease it is.
    pub(super) fn lease(&self) -> u32 {
        (self.cancels.0.load(Ordering::Acquire) >> LEASE_SHIFT) as u32
    }

    /// The lease ends: none of its cancels sets out from now on. Whether some are still on their way, or are lost.
    pub(super) fn end_lease(&self) -> bool {
        let was = self.cancels.0.fetch_add(1 << LEASE_SHIFT, Ordering::AcqRel);
        was as u32 != 0 || self.now().has(STRAY)
    }

    /// One more cancel is on its way, if it is still this lease.
    pub(super) fn begin_cancel(&self, lease: u32) -> bool {
        let was = self.cancels.0.fetch_add(1, Ordering::AcqRel);
        let is_now = (was >> LEASE_SHIFT) as u32 == lease;
        if !is_now {
            self.end_cancel(true);
        }
        is_now
    }

    /// One less. Unless it is known where it went, nothing on this connection is safe from it.
    pub(super) fn end_cancel(&self, is_known: bool) {
        if !is_known {
            self.set(STRAY);
        }
        self.cancels.0.fetch_sub(1, Ordering::AcqRel);
        self.watcher.wake();
    }

    /// Resolves when no cancel of an ended lease is on its way. One may wait at a time, as for `quiet`.
    pub(super) async fn undisturbed(&self) {
        let is_undisturbed = |cx: &mut Context<'_>| {
            self.watcher.register(cx.waker());
            match self.cancels.0.load(Ordering::Acquire) as u32 {
                0 => Poll::Ready(()),
                _ => Poll::Pending,
            }
        };
        poll_fn(is_undisturbed).await;
    }

    /// A receiver of notifications from now on.
    pub(super) fn listen(&self, capacity: usize) -> broadcast::Receiver<Notification> {
        let mut listeners = self.listeners.0.lock();
        match &*listeners {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = broadcast::channel(capacity);
                *listeners = Some(sender);
                receiver
            }
        }
    }

    /// Passes a notification on to those who asked.
    pub(super) fn notify(&self, notification: Notification) {
        let sender = self.listeners.0.lock().clone();
        if let Some(sender) = sender {
            let _ = sender.send(notification);
        }
    }

    /// Ends all receivers, when what this returns is dropped.
    pub(super) fn end_of_listening(&self) -> impl Drop {
        Ended(self.listeners.0.lock().take())
    }

    fn change(&self, next: impl Fn(u64) -> u64) {
        let mut word = self.word.0.load(Ordering::Acquire);
        while let Err(now) = self
            .word
            .0
            .compare_exchange_weak(word, next(word), Ordering::AcqRel, Ordering::Acquire)
        {
            word = now;
        }
    }
}

/// The waker with which the connection is driven: it leaves a mark before it wakes the task.
impl Wake for Link {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set(STIRRED);
        self.task.wake();
    }
}

impl Now {
    pub(super) fn has(self, bits: u64) -> bool {
        self.0 & bits != 0
    }

    /// What the last `ReadyForQuery` said.
    pub(super) fn status(self) -> u64 {
        self.0 & STATUS
    }

    /// Nothing is queued, under way or unanswered, but for statements being closed.
    pub(super) fn is_quiet(self) -> bool {
        !self.has(STIRRED | RUNNING | COPY_IN | BLOCKED | DUE)
    }

    /// As `is_quiet`, without exception.
    pub(super) fn is_idle(self) -> bool {
        self.is_quiet() && !self.has(CLOSES)
    }

    /// How many answers are due.
    pub(super) fn due(self) -> u64 {
        (self.0 & DUE) >> DUE_SHIFT
    }

    /// Whether it can never be used again.
    pub(super) fn is_broken(self) -> bool {
        self.has(OVER | STUCK | FORGOTTEN | STRAY | GIVEN_UP)
    }

    /// Whether nothing is to be expected of a farewell: it would be due after answers that do not come.
    pub(super) fn is_hopeless(self) -> bool {
        self.has(STUCK | GIVEN_UP)
    }

    /// Whether the session goes on, but without its prepared statements.
    pub(super) fn has_forgotten(self) -> bool {
        self.has(FORGOTTEN) && !self.has(OVER | STUCK)
    }

    /// Whether a cancel was lost on its way.
    pub(super) fn is_strayed(self) -> bool {
        self.has(STRAY)
    }
}

/// The word's two counts.
pub(super) fn counts(due: usize, closes: usize) -> u64 {
    let count = |n: usize| (n as u64).min(COUNT);
    (count(due) << DUE_SHIFT) | (count(closes) << CLOSES_SHIFT)
}

struct Ended(Option<broadcast::Sender<Notification>>);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

impl Default for Word {
    /// A connection that has not been driven yet counts as busy.
    fn default() -> Self {
        Word(AtomicU64::new(STIRRED))
    }
}

impl Default for Cancels {
    fn default() -> Self {
        Cancels(AtomicU64::new(0))
    }
}

impl Default for Listeners {
    fn default() -> Self {
        Listeners(Mutex::new(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::Waker;

    #[derive(Default)]
    struct Bell(AtomicU32);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_waits_for_quiet_is_called_when_it_is_quiet_and_not_at_each_pause() {
        let (link, bell) = (Link::default(), Arc::new(Bell::default()));
        let waker = Waker::from(bell.clone());
        let cx = &mut Context::from_waker(&waker);
        link.publish(counts(1, 0), 0);
        let mut quiet = pin!(link.quiet());
        assert!(quiet.as_mut().poll(cx).is_pending());
        let look = || {
            link.begin(&Context::from_waker(Waker::noop()));
            link.pause();
            bell.0.load(Ordering::Relaxed)
        };
        assert_eq!(look(), 0, "the task would call itself for ever");
        link.publish(0, 0);
        assert_eq!(look(), 1);
        assert!(quiet.as_mut().poll(cx).is_ready());
    }
}

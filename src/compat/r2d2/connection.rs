//! What a pool over an r2d2 manager lends: a handle, whose connection goes to a blocking thread for each call and comes back.
//!
//! | it is | until | its lease ends meanwhile |
//! |---|---|---|
//! | here | a call takes it along | the manager's `has_broken` is asked |
//! | away | the closure has ended; whoever waited for it may be gone | its reset waits for it |
//! | gone | – | broken |

use super::threads::{Farewell, Parcel, off};
use crate::compat::{BoxError, Error};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::sync::oneshot;

/// A connection of a blocking manager. Closures use it on a blocking thread; a thread that may block takes it [as it
/// is](Connection::blocking).
pub struct Connection<C: Send + 'static> {
    place: Place<C>,
    /// Its lease ended while it was away, so nobody has looked at it since.
    unseen: bool,
}

/// See the [table](self).
enum Place<C: Send + 'static> {
    Here(Parcel<C>),
    Away(oneshot::Receiver<Parcel<C>>),
    Gone,
}

/// Why a closure gave no answer, or there is no connection for another one. It is inside the [`Error`] of
/// [`Connection::call`] and its kin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// The closure panicked, with these words. The connection is dropped.
    Panicked(String),
    /// There is no connection any more: an earlier closure panicked, or the runtime ended before the closure began.
    Gone,
}

impl<C: Send + 'static> Connection<C> {
    pub(super) fn new(parcel: Parcel<C>) -> Self {
        Connection {
            place: Place::Here(parcel),
            unseen: false,
        }
    }

    /// Runs a closure with the connection on a blocking thread, and returns what it says.
    ///
    /// # Errors
    ///
    /// The closure's own, which [`downcast_ref`](Error::downcast_ref) finds; or a [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// A closure that has begun cannot be interrupted: it runs to its end, and its answer is dropped. Until then the connection is lent to nobody;
    /// a later call waits for it, and so does the return to the pool, within
    /// [`reset_timeout`](crate::Options::reset_timeout), after which the connection is given up and dropped when the closure ends.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Numbers;
    /// # impl r2d2::ManageConnection for Numbers {
    /// #     type Connection = String;
    /// #     type Error = std::convert::Infallible;
    /// #     fn connect(&self) -> Result<String, Self::Error> { Ok("7".to_owned()) }
    /// #     fn is_valid(&self, _: &mut String) -> Result<(), Self::Error> { Ok(()) }
    /// #     fn has_broken(&self, _: &mut String) -> bool { false }
    /// # }
    /// # fairpool::doc::block_on(async {
    /// use fairpool::{Pool, compat::r2d2::R2d2};
    /// use std::num::ParseIntError;
    ///
    /// let pool = Pool::builder(R2d2::new(Numbers)).build()?;
    /// let mut conn = pool.acquire().await?;
    /// assert_eq!(conn.call(|number| number.parse::<u32>()).await?, 7);
    /// let error = conn.call(|number| number.replace('7', "seven").parse::<u32>()).await.unwrap_err();
    /// assert!(error.downcast_ref::<ParseIntError>().is_some());
    /// # Ok(()) });
    /// ```
    pub async fn call<R, E, F>(&mut self, work: F) -> Result<R, Error>
    where
        F: FnOnce(&mut C) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // Converted there: an error that may not leave its thread has a text that may.
        let answered = self.run(move |conn| work(conn).map_err(|error| -> BoxError { error.into() }));
        answered.await?.map_err(Error::new)
    }

    /// As [`call`](Connection::call), for a closure that returns anything.
    ///
    /// # Errors
    ///
    /// A [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// As for `call`.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Numbers;
    /// # impl r2d2::ManageConnection for Numbers {
    /// #     type Connection = u32;
    /// #     type Error = std::convert::Infallible;
    /// #     fn connect(&self) -> Result<u32, Self::Error> { Ok(7) }
    /// #     fn is_valid(&self, _: &mut u32) -> Result<(), Self::Error> { Ok(()) }
    /// #     fn has_broken(&self, _: &mut u32) -> bool { false }
    /// # }
    /// # fairpool::doc::block_on(async {
    /// use fairpool::{Manager, compat::r2d2::{CallError, R2d2}};
    ///
    /// let mut conn = R2d2::new(Numbers).connect().await?;
    /// assert_eq!(conn.run(|number| *number + 1).await?, 8);
    /// let error = conn.run(|_| panic!("no more")).await.map(|()| 0).unwrap_err();
    /// assert_eq!(error.downcast_ref(), Some(&CallError::Panicked("no more".to_owned())));
    /// assert_eq!(conn.run(|number| *number).await.unwrap_err().downcast_ref(), Some(&CallError::Gone));
    /// # Ok(()) });
    /// ```
    pub async fn run<R, F>(&mut self, work: F) -> Result<R, Error>
    where
        F: FnOnce(&mut C) -> R + Send + 'static,
        R: Send + 'static,
    {
        let mut parcel = self.fetch().await.ok_or_else(gone)?;
        let (home, back) = oneshot::channel();
        let (reply, answer) = oneshot::channel();
        self.place = Place::Away(back);
        off(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(parcel.conn())));
            let outcome = match outcome {
                Ok(result) => {
                    // Home before the answer, so that whoever has the answer finds it there.
                    if let Err(unwanted) = home.send(parcel) {
                        unwanted.bury();
                    }
                    Ok(result)
                }
                Err(panic) => {
                    parcel.bury();
                    Err(CallError::Panicked(in_words(&*panic)))
                }
            };
            let _ = reply.send(outcome);
        });
        let outcome = answer.await;
        self.look();
        outcome.map_err(|_| gone())?.map_err(Error::new)
    }

    /// The connection itself, for a thread that may block: one that acquired with
    /// [`acquire_blocking`](crate::Pool::acquire_blocking), for instance. Waits for a closure that is still running because its call was
    /// dropped.
    ///
    /// # Errors
    ///
    /// [`CallError::Gone`].
    ///
    /// # Panics
    ///
    /// If it would have to wait, and is called in async code.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Numbers;
    /// # impl r2d2::ManageConnection for Numbers {
    /// #     type Connection = u32;
    /// #     type Error = std::convert::Infallible;
    /// #     fn connect(&self) -> Result<u32, Self::Error> { Ok(7) }
    /// #     fn is_valid(&self, _: &mut u32) -> Result<(), Self::Error> { Ok(()) }
    /// #     fn has_broken(&self, _: &mut u32) -> bool { false }
    /// # }
    /// use fairpool::{Pool, compat::r2d2::R2d2};
    ///
    /// let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
    /// let pool = Pool::builder(R2d2::new(Numbers)).runtime(runtime.handle().clone()).build()?;
    /// let mut lease = pool.acquire_blocking()?;
    /// let number: &mut u32 = lease.blocking()?;
    /// assert_eq!(*number, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn blocking(&mut self) -> Result<&mut C, Error> {
        self.look();
        if let Place::Away(back) = &mut self.place {
            let back = std::mem::replace(back, oneshot::channel().1);
            self.place = back.blocking_recv().map_or(Place::Gone, Place::Here);
        }
        match &mut self.place {
            Place::Here(parcel) => Ok(parcel.conn()),
            _ => Err(gone()),
        }
    }

    /// The connection, for good. [`detach`](crate::Pooled::detach) the guard first.
    ///
    /// # Errors
    ///
    /// [`CallError::Gone`], also while a closure is still running because its call was dropped.
    pub fn into_inner(mut self) -> Result<C, Error> {
        self.look();
        match self.place {
            Place::Here(parcel) => Ok(parcel.open()),
            _ => Err(gone()),
        }
    }

    /// Whether its lease ended while a closure had it, and it has not been [settled](Connection::settle) since.
    pub(super) fn is_unseen(&mut self) -> bool {
        self.look();
        self.unseen |= matches!(self.place, Place::Away(_));
        self.unseen
    }

    /// The connection if it is here; `Err` if it is gone, and `Ok(None)` while it is away.
    pub(super) fn at_hand(&mut self) -> Result<Option<&mut C>, Error> {
        self.look();
        match &mut self.place {
            Place::Here(parcel) => Ok(Some(parcel.conn())),
            Place::Away(_) => Ok(None),
            Place::Gone => Err(gone()),
        }
    }

    /// Waits until it is not away.
    pub(super) async fn settle(&mut self) {
        if let Place::Away(back) = &mut self.place {
            // A cancel here leaves it away.
            let back = back.await;
            self.place = back.map_or(Place::Gone, Place::Here);
        }
        self.unseen = false;
    }

    /// Waits until the connection has been dropped, on a thread that may block.
    pub(super) async fn close(mut self) {
        if let Some(parcel) = self.fetch().await {
            let (done, ended) = oneshot::channel();
            off(move || {
                parcel.bury();
                let _ = done.send(());
            });
            let _ = ended.await;
        }
    }

    async fn fetch(&mut self) -> Option<Parcel<C>> {
        self.settle().await;
        match std::mem::replace(&mut self.place, Place::Gone) {
            Place::Here(parcel) => Some(parcel),
            _ => None,
        }
    }

    /// Takes in what has come back.
    fn look(&mut self) {
        if let Place::Away(back) = &mut self.place {
            match back.try_recv() {
                Ok(parcel) => self.place = Place::Here(parcel),
                Err(oneshot::error::TryRecvError::Closed) => self.place = Place::Gone,
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
        }
    }
}

impl<C: Send + 'static> fmt::Debug for Connection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.place {
            Place::Here(_) => "Connection(here)",
            Place::Away(_) => "Connection(away)",
            Place::Gone => "Connection(gone)",
        })
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Panicked(words) => write!(f, "the closure panicked: {words}"),
            CallError::Gone => f.write_str("the connection is gone with a closure that panicked, or with its runtime"),
        }
    }
}

impl std::error::Error for CallError {}

pub(super) fn gone() -> Error {
    Error::new(CallError::Gone)
}

/// A connection's way back from the thread that opened it; whoever waited for it may be gone.
pub(super) fn deliver<C: Send + 'static>(
    reply: oneshot::Sender<std::thread::Result<Result<Parcel<C>, Error>>>,
    outcome: std::thread::Result<Result<C, Error>>,
    farewell: &Farewell<C>,
) {
    let outcome = outcome.map(|opened| opened.map(|conn| Parcel::new(conn, farewell.clone())));
    if let Err(Ok(Ok(unwanted))) = reply.send(outcome) {
        unwanted.bury();
    }
}

fn in_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without words".to_owned())
}

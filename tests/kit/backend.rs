//! A backend in memory with sessions, questions and answers, and a manager for it that can be made wrong in one way at a time.
//!
//! It behaves as a server does: a question is sent and its answer comes later, in order, whether or not anybody still waits
//! for it; a session lasts until it is ended or its connection is dropped; one that was severed answers no more.

use crate::server::{Server, Session, later};
use fairpool::test_util::{Answer, Conformance};
use fairpool::{Manager, Options};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is wrong with a manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    ConnectFails,
    ConnectBlocks,
    ConnectBlocksForEver,
    ConnectNeverAnswers,
    ConnectLeaksWhenDropped,
    ConnectPanicsWhenDropped,
    ConnectionsShareASession,
    DefaultsOutOfRange,
    PermanentLooksTransient,
    TransientLooksPermanent,
    ValidateAlwaysPasses,
    ValidateRefusesAll,
    ValidateDirties,
    ValidateHangsOnTheDead,
    ValidatePanicsWhenDropped,
    BrokenIsNotNoticed,
    BrokenSaysYesAlways,
    BrokenNeedsARuntime,
    ResetIsMissing,
    ResetCleansNothing,
    ResetActsWhenBuilt,
    ResetForgetsWhenBuilt,
    ResetAlwaysFails,
    ResetNeedsARuntime,
    ResetLeaksWhenDropped,
    CloseForgetsTheSession,
    CloseLeaksWhenDropped,
    CloseLeaksTheUnread,
    CloseHangs,
    ClosePanics,
    DropPanics,
    DropLeaksTheSession,
    DropNeedsARuntime,
    DetachedPanics,
    DetachedEndsTheSession,
    AnswersAreMixedUpAfterACancel,
}

#[derive(Debug, Clone)]
pub(crate) struct Wrong {
    pub(crate) flaw: Flaw,
    pub(crate) server: Arc<Server>,
    shared: Arc<Mutex<Option<Arc<Session>>>>,
    refuses: Option<Refusal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    WrongPassword,
    Down,
    Lost,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::WrongPassword => "the password is wrong",
            Refusal::Down => "nobody listens",
            Refusal::Lost => "the session is lost",
        })
    }
}

impl Error for Refusal {}

pub(crate) struct Conn {
    session: Arc<Session>,
    flaw: Flaw,
    next: u64,
    /// As the client believes.
    in_transaction: bool,
    failed: bool,
    unread: u64,
    farewell: bool,
}

impl Conn {
    /// Asks the server something and reads the answer.
    pub(crate) async fn ask(&mut self) -> Result<(), Refusal> {
        if self.flaw != Flaw::AnswersAreMixedUpAfterACancel {
            self.skip().await?;
        }
        self.next += 1;
        let question = self.next;
        self.send(question)?;
        self.unread += 1;
        later().await;
        let answer = self.read()?;
        self.unread -= 1;
        later().await;
        if answer == question { Ok(()) } else { Err(Refusal::Lost) }
    }

    /// Reads answers that a cancelled question left.
    async fn skip(&mut self) -> Result<(), Refusal> {
        while self.unread > 0 {
            later().await;
            self.read()?;
            self.unread -= 1;
        }
        Ok(())
    }

    pub(crate) async fn begin(&mut self) -> Result<(), Refusal> {
        self.in_transaction = true;
        self.ask().await?;
        self.session.state.lock().unwrap().in_transaction = true;
        self.ask().await
    }

    async fn rollback(&mut self) -> Result<(), Refusal> {
        self.ask().await?;
        if self.flaw != Flaw::ResetCleansNothing {
            self.session.state.lock().unwrap().in_transaction = false;
        }
        self.in_transaction = false;
        Ok(())
    }

    fn send(&mut self, question: u64) -> Result<(), Refusal> {
        let mut state = self.session.state.lock().unwrap();
        if state.severed || state.ended {
            drop(state);
            return Err(self.lost());
        }
        state.answers.push_back(question);
        Ok(())
    }

    fn read(&mut self) -> Result<u64, Refusal> {
        let answer = {
            let mut state = self.session.state.lock().unwrap();
            if state.severed { None } else { state.answers.pop_front() }
        };
        answer.ok_or_else(|| self.lost())
    }

    fn lost(&mut self) -> Refusal {
        self.failed = true;
        Refusal::Lost
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        match self.flaw {
            Flaw::DropLeaksTheSession if !self.farewell => return,
            Flaw::CloseForgetsTheSession if self.farewell => return,
            Flaw::CloseLeaksTheUnread if self.farewell && self.unread > 0 => return,
            Flaw::DropNeedsARuntime => drop(tokio::runtime::Handle::current()),
            _ => {}
        }
        self.session.end();
        assert!(self.flaw != Flaw::DropPanics, "no drop of mine");
    }
}

/// Does something when it is dropped before it is disarmed.
struct OnDrop<F: FnMut()>(bool, F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if self.0 {
            (self.1)();
        }
    }
}

impl Wrong {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Wrong {
            flaw,
            server: Arc::default(),
            shared: Arc::default(),
            refuses: None,
        }
    }

    pub(crate) fn refusing(flaw: Flaw, refusal: Refusal) -> Self {
        Wrong {
            refuses: Some(refusal),
            ..Wrong::new(flaw)
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn session(&self) -> Arc<Session> {
        self.server.sessions.fetch_add(1, Relaxed);
        Arc::new(Session {
            server: self.server.clone(),
            state: Mutex::default(),
        })
    }
}

impl Manager for Wrong {
    type Connection = Conn;
    type Error = Refusal;

    async fn connect(&self) -> Result<Conn, Refusal> {
        if let Some(refusal) = self.refuses {
            later().await;
            return Err(refusal);
        }
        match self.flaw {
            Flaw::ConnectFails => return Err(Refusal::Down),
            Flaw::ConnectBlocks => std::thread::sleep(Duration::from_millis(15)),
            Flaw::ConnectBlocksForEver => std::thread::park(),
            Flaw::ConnectNeverAnswers => std::future::pending().await,
            _ => {}
        }
        let session = if self.has(Flaw::ConnectionsShareASession) {
            let mut shared = self.shared.lock().unwrap();
            shared.get_or_insert_with(|| self.session()).clone()
        } else {
            self.session()
        };
        let leak = session.clone();
        let mut greeting = OnDrop(true, || {
            assert!(!self.has(Flaw::ConnectPanicsWhenDropped), "cut off");
            if !self.has(Flaw::ConnectLeaksWhenDropped) {
                leak.end();
            }
        });
        later().await;
        later().await;
        greeting.0 = false;
        Ok(Conn {
            session,
            flaw: self.flaw,
            next: 0,
            in_transaction: false,
            failed: false,
            unread: 0,
            farewell: false,
        })
    }

    async fn validate(&self, conn: &mut Conn) -> Result<(), Refusal> {
        match self.flaw {
            Flaw::ValidateAlwaysPasses => return Ok(()),
            Flaw::ValidateRefusesAll => return Err(Refusal::Lost),
            _ => {}
        }
        let mut whole = OnDrop(self.has(Flaw::ValidatePanicsWhenDropped), || panic!("cut off"));
        let answer = conn.ask().await;
        whole.0 = false;
        match self.flaw {
            Flaw::ValidateDirties => conn.session.state.lock().unwrap().in_transaction = true,
            Flaw::ValidateHangsOnTheDead if answer.is_err() => std::future::pending().await,
            _ => {}
        }
        answer
    }

    fn reset(&self, conn: &mut Conn) -> Option<impl Future<Output = Result<(), Refusal>> + Send> {
        match self.flaw {
            Flaw::ResetIsMissing => return None,
            Flaw::ResetNeedsARuntime => drop(tokio::runtime::Handle::current()),
            Flaw::ResetActsWhenBuilt => conn.session.state.lock().unwrap().in_transaction = false,
            _ => {}
        }
        let needed = conn.in_transaction || conn.unread > 0 && !self.has(Flaw::AnswersAreMixedUpAfterACancel);
        if self.has(Flaw::ResetForgetsWhenBuilt) {
            conn.in_transaction = false;
        }
        needed.then_some(async {
            if self.has(Flaw::ResetAlwaysFails) {
                return Err(Refusal::Lost);
            }
            let server = conn.session.server.clone();
            let mut whole = OnDrop(self.has(Flaw::ResetLeaksWhenDropped), || {
                server.sessions.fetch_add(1, Relaxed);
            });
            let cleaned = conn.rollback().await;
            whole.0 = false;
            cleaned
        })
    }

    fn is_broken(&self, conn: &mut Conn) -> bool {
        match self.flaw {
            Flaw::BrokenIsNotNoticed => return false,
            Flaw::BrokenSaysYesAlways => return true,
            Flaw::BrokenNeedsARuntime => drop(tokio::runtime::Handle::current()),
            _ => {}
        }
        conn.failed
    }

    fn close(&self, mut conn: Conn) -> Option<impl Future<Output = ()> + Send> {
        assert!(!self.has(Flaw::ClosePanics), "no farewell of mine");
        Some(async move {
            if self.has(Flaw::CloseHangs) {
                std::future::pending::<()>().await;
            }
            // Until it has ended, dropping it drops a connection that was not told farewell.
            let session = conn.session.clone();
            let mut leak = OnDrop(self.has(Flaw::CloseLeaksWhenDropped), || {
                session.server.sessions.fetch_add(1, Relaxed);
            });
            later().await;
            leak.0 = false;
            conn.farewell = true;
            drop(conn);
        })
    }

    fn is_transient(&self, error: &Refusal) -> bool {
        match self.flaw {
            Flaw::PermanentLooksTransient => true,
            Flaw::TransientLooksPermanent => false,
            _ => *error != Refusal::WrongPassword,
        }
    }

    fn detached(&self, conn: &mut Conn) {
        assert!(!self.has(Flaw::DetachedPanics), "nobody leaves");
        if self.has(Flaw::DetachedEndsTheSession) {
            conn.session.end();
        }
    }

    fn defaults(&self) -> Options {
        let mut options = Options::default();
        if self.has(Flaw::DefaultsOutOfRange) {
            options.limit = 0;
        }
        options
    }
}

/// The kit with every closure that it can use.
pub(crate) fn kit(flaw: Flaw) -> Conformance<Wrong> {
    fn boxed<'a, T: 'a>(outcome: impl Future<Output = Result<T, Refusal>> + Send + 'a) -> Answer<'a, T> {
        Box::pin(async { Ok(outcome.await?) })
    }
    Conformance::fresh(move || Wrong::new(flaw))
        .exercise(|conn| boxed(conn.ask()))
        .dirty(|conn| boxed(conn.begin()))
        .is_clean(|conn| boxed(async { Ok(!conn.session.state.lock().unwrap().in_transaction) }))
        .sever(|conn| {
            conn.session.state.lock().unwrap().severed = true;
            boxed(async { Ok(()) })
        })
        .sessions(|manager| boxed(async { Ok(manager.server.sessions.load(Relaxed)) }))
        .permanent(Wrong::refusing(flaw, Refusal::WrongPassword))
        .transient(Wrong::refusing(flaw, Refusal::Down))
        .patience(Duration::from_millis(200))
}

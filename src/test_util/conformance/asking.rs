//! A check's questions to the closures of the user's, each under a timeout.

use super::kit::Answer;
use super::stage::{Breach, Stage, Verdict, breach};
use super::time::within;
use crate::Manager;

impl<M: Manager> Stage<M> {
    /// Asks one of the user's closures; its error as text.
    pub(super) async fn ask<T>(&self, name: &str, answer: Answer<'_, T>) -> Result<T, String> {
        self.watch.doing(format!("waiting for the closure `{name}`"));
        match within(self.known.patience, answer).await {
            Some(answer) => answer.map_err(|error| error.to_string()),
            None => Err(format!("`{name}` did not end within {:?}", self.known.patience)),
        }
    }

    /// Uses a connection, if it is known how; its error as text.
    pub(super) async fn exercise(&self, conn: &mut M::Connection) -> Result<(), String> {
        match &self.known.exercise {
            Some(exercise) => self.ask("exercise", exercise(conn)).await,
            None => Ok(()),
        }
    }

    pub(super) async fn dirty(&self, conn: &mut M::Connection) -> Verdict {
        let Some(dirty) = &self.known.dirty else { return Ok(()) };
        let outcome = self.ask("dirty", dirty(conn)).await;
        outcome.map_err(|error| Breach(format!("the closure `dirty` failed: {error}")))
    }

    pub(super) async fn sever(&self, conn: &mut M::Connection) -> Verdict {
        let Some(sever) = &self.known.sever else { return Ok(()) };
        let outcome = self.ask("sever", sever(conn)).await;
        outcome.map_err(|error| Breach(format!("the closure `sever` failed: {error}")))
    }

    /// Whether nothing is left of what `dirty` does; yes, if nobody can tell.
    pub(super) async fn is_clean(&self, conn: &mut M::Connection) -> Verdict<bool> {
        let Some(is_clean) = &self.known.is_clean else {
            return Ok(true);
        };
        let outcome = self.ask("is_clean", is_clean(conn)).await;
        outcome.map_err(|error| Breach(format!("the closure `is_clean` failed: {error}")))
    }

    /// The connection is clean and does what it is there for. `which` begins the sentence.
    pub(super) async fn useful(&self, conn: &mut M::Connection, which: &str) -> Verdict {
        if !self.is_clean(conn).await? {
            return breach(format!("{which} was lent dirty"));
        }
        match self.exercise(conn).await {
            Ok(()) => Ok(()),
            Err(error) => breach(format!("{which} does not work: {error}")),
        }
    }
}

//! Cleaning a connection between two leases. Each way ends with a proof: the answers that are due have come, or one that cannot be
//! guessed.

use super::connection::{Connection, Marks};
use super::error::{Error, Stage};
use super::greeting::{Greeting, Token, out_of_step};
use redis::{Pipeline, Value, pipe};
use std::collections::VecDeque;

/// How a connection is cleaned between two leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Reset {
    /// After what a lease did: nothing after reads and writes of keys, `DISCARD` and `UNWATCH` after a transaction that was
    /// left open, `RESET` and the sign-on after anything else, and the end of the connection where `RESET` is not enough.
    /// The next lease sees nothing of the last one.
    #[default]
    Altered,
    /// `RESET` and the sign-on after every lease, which is a round trip each: for those who do not want to rely on the list
    /// of harmless commands.
    Always,
    /// Nothing but waiting for answers that are still due. The next lease finds whatever the last one left: an open
    /// transaction, another database or user, subscriptions.
    Never,
}

impl Connection {
    /// Undoes what a lease has left.
    pub(super) async fn reset(&mut self) -> Result<(), Error> {
        let always = self.settings.reset == Reset::Always;
        if self.settings.reset == Reset::Never {
            self.settle().await
        } else if always || self.marks.session || self.marks.uncounted {
            self.sign_on_again().await
        } else if self.marks.transaction {
            self.leave_transaction().await
        } else {
            self.settle().await
        }
    }

    /// Waits for the answers that are due.
    async fn settle(&mut self) -> Result<(), Error> {
        while self.wire.come() < self.wire.due() {
            let next = self.wire.next().await;
            next.map_err(|fault| self.fault(Stage::Reset, fault))?;
        }
        Ok(())
    }

    async fn leave_transaction(&mut self) -> Result<(), Error> {
        let token = Token::new();
        let mut pipeline = pipe();
        pipeline.cmd("DISCARD").cmd("UNWATCH").add_command(token.ping());
        let [_, unwatched, _] = &*self.answers_up_to(&pipeline, &token).await? else {
            return Err(out_of_step(&self.settings, Stage::Reset));
        };
        // Inside a transaction it would be queued.
        if *unwatched != Value::Okay {
            return Err(out_of_step(&self.settings, Stage::Reset));
        }
        self.marks = Marks::default();
        Ok(())
    }

    async fn sign_on_again(&mut self) -> Result<(), Error> {
        let token = Token::new();
        let greeting = Greeting::new(&self.settings, true, &token);
        let answers = self.answers_up_to(&greeting.pipeline(), &token).await?;
        for (index, answer) in answers.iter().enumerate() {
            greeting.judge(index, answer, &self.settings, Stage::Reset, &token)?;
        }
        self.marks = Marks::default();
        Ok(())
    }

    /// Sends commands of which the last is a ping with this token, and returns their answers. What else comes before is
    /// dropped, however much it is: after a subscription nobody can count.
    async fn answers_up_to(&mut self, pipeline: &Pipeline, token: &Token) -> Result<Vec<Value>, Error> {
        if !self.can_ping {
            return Err(Error::OutOfStep {
                server: self.settings.server.clone(),
                stage: Stage::Reset,
                reason: "it cannot be checked, as the user may not ping".to_owned(),
            });
        }
        self.wire.ask_all(pipeline, pipeline.len() as u64);
        let mut last = VecDeque::with_capacity(pipeline.len());
        loop {
            let answer = self.wire.next().await;
            let answer = answer.map_err(|fault| self.fault(Stage::Reset, fault))?;
            if last.len() == pipeline.len() {
                last.pop_front();
            }
            let is_end = token.is_in(&answer);
            last.push_back(answer);
            if is_end {
                self.wire.settle();
                return Ok(last.into());
            }
            if !self.marks.uncounted && self.wire.come() >= self.wire.due() {
                return Err(out_of_step(&self.settings, Stage::Reset));
            }
        }
    }
}

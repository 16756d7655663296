//! What the pool lends: a socket of its own, and a note of what its lease did to it.

use super::commands::{Effect, effect, ends_transaction};
use super::error::{Error, Stage};
use super::greeting::{Greeting, Token, is_sound, out_of_step, ping_refused};
use super::reset::Reset;
use super::settings::Settings;
use super::socket::open;
use super::stream::Stream;
use super::wire::{Fault, Wire};
use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, ServerError, Value, parse_redis_value};
use std::sync::Arc;
use std::{fmt, io};

/// A connection to a Redis server: one socket, and nobody else on it.
///
/// It is a [`ConnectionLike`], so that all of the crate works on it: [`AsyncCommands`](redis::AsyncCommands), commands,
/// pipelines, scripts, scans. It cannot be cloned, so nobody keeps a way to it after its lease.
///
/// # Cancel safety
///
/// Dropping the future of a command leaves the connection sound: the command is sent to its end, and its answer is passed
/// over. The server may still do what it says.
pub struct Connection {
    pub(super) wire: Wire,
    pub(super) settings: Arc<Settings>,
    pub(super) marks: Marks,
    /// Whether the user may ping, which most of a reset is checked by.
    pub(super) can_ping: bool,
}

/// What leases have done since the connection was last clean. Set before a command is sent, cleared after the answer.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// `MULTI` or `WATCH`, and no `EXEC` or `DISCARD` since.
    pub(super) transaction: bool,
    /// Something that `RESET` undoes.
    pub(super) session: bool,
    /// Answers may be more or fewer than were asked for.
    pub(super) uncounted: bool,
    /// Something that nothing undoes.
    pub(super) lasting: bool,
    /// A command whose answer may never come is about to be sent.
    pub(super) blocks: bool,
    /// The number after that of the last such command.
    pub(super) blocked_until: u64,
}

impl Connection {
    /// The database and the address: `database 0 on cache.example:6379`.
    pub fn server(&self) -> &str {
        &self.settings.server
    }

    /// Opens a socket and signs on.
    pub(super) async fn open(settings: Arc<Settings>) -> Result<Self, Error> {
        let stream = open(&settings).await?;
        let mut connection = Connection {
            wire: Wire::new(stream),
            settings,
            marks: Marks::default(),
            can_ping: true,
        };
        let token = Token::new();
        let greeting = Greeting::new(&connection.settings, false, &token);
        let first = connection.wire.ask_all(&greeting.pipeline(), greeting.len() as u64);
        let mut before = None;
        for index in 0..greeting.len() {
            let answer = match (connection.wire.answer(first + index as u64).await, before) {
                (Ok(answer), _) => answer,
                // A server that takes nobody says why, whatever was asked, and hangs up.
                (Err(_), Some(Value::ServerError(error))) => {
                    return Err(ping_refused(&connection.settings, Stage::Connect, &error));
                }
                (Err(fault), _) => return Err(connection.fault(Stage::Connect, fault)),
            };
            connection.can_ping = greeting.judge(index, &answer, &connection.settings, Stage::Connect, &token)?;
            before = Some(answer);
        }
        Ok(connection)
    }

    /// A ping whose answer is its own.
    pub(super) async fn validate(&mut self) -> Result<(), Error> {
        let token = Token::new();
        let number = self.wire.ask(&token.ping(), 1);
        let answer = self.wire.answer(number).await;
        match answer.map_err(|fault| self.fault(Stage::Validate, fault))? {
            answer if token.is_in(&answer) => Ok(()),
            Value::ServerError(error) if is_sound(&error) => Ok(()),
            Value::ServerError(error) => Err(ping_refused(&self.settings, Stage::Validate, &error)),
            _ => Err(out_of_step(&self.settings, Stage::Validate)),
        }
    }

    /// Whether it cannot be lent again, whatever a reset does. Takes in what has arrived, and asks nothing.
    pub(super) fn is_broken(&mut self) -> bool {
        // After a subscription anything may come, and any amount of it.
        let is_gone = if self.marks.uncounted {
            self.wire.is_gone()
        } else {
            self.wire.look()
        };
        is_gone || self.marks.lasting || self.is_blocked()
    }

    /// Whether a reset would have nothing to do.
    pub(super) fn is_clean(&self) -> bool {
        let is_altered = match self.settings.reset {
            Reset::Always => true,
            Reset::Altered => self.marks.transaction || self.marks.session || self.marks.uncounted,
            Reset::Never => false,
        };
        !is_altered && !self.wire.is_busy()
    }

    /// The socket, on which nothing is under way.
    pub(super) fn into_stream(self) -> Stream {
        self.wire.into_stream()
    }

    /// Ends the connection, and waits until the server has done so too; not if it owes an answer that should have come, as it
    /// does not listen then.
    pub(super) async fn close(self) {
        if self.is_blocked() || !self.wire.is_busy() {
            self.wire.close().await;
        }
    }

    /// Whether the answer to a blocking command is due.
    fn is_blocked(&self) -> bool {
        self.wire.come() < self.marks.blocked_until
    }

    /// Notes what a command will leave behind, before it is sent; how many answers it will have.
    fn note(&mut self, command: &Cmd) -> u64 {
        match effect(command, &self.settings.harmless) {
            Effect::Nothing => {}
            Effect::Blocks => self.marks.blocks = true,
            Effect::Transaction => self.marks.transaction = true,
            Effect::Session => self.marks.session = true,
            Effect::Lasting => self.marks.lasting = true,
            Effect::Subscription => {
                self.marks.uncounted = true;
                // One for each channel.
                return command.args_iter().len().saturating_sub(1).max(1) as u64;
            }
        }
        1
    }

    fn note_blocking(&mut self) {
        if std::mem::take(&mut self.marks.blocks) {
            self.marks.blocked_until = self.wire.due();
        }
    }

    async fn command(&mut self, command: &Cmd) -> RedisResult<Value> {
        if command.args_iter().len() == 0 {
            return Err((ErrorKind::Client, "empty command").into());
        }
        let answers = self.note(command);
        let number = self.wire.ask(command, answers);
        self.note_blocking();
        if command.is_no_response() {
            self.wire.flush().await.map_err(|fault| self.lost(fault))?;
            return Ok(Value::Nil);
        }
        let answer = self.wire.answer(number).await.map_err(|fault| self.lost(fault))?;
        if self.marks.transaction && ends_transaction(command, &answer) {
            self.marks.transaction = false;
        }
        Ok(answer)
    }

    async fn pipeline(&mut self, pipeline: &Pipeline, offset: usize, count: usize) -> RedisResult<Vec<Value>> {
        if pipeline.is_empty() && !pipeline.is_transaction() {
            return Err((ErrorKind::Client, "empty command").into());
        }
        if pipeline.is_transaction() {
            self.marks.transaction = true;
        }
        let answers: u64 = pipeline.cmd_iter().map(|command| self.note(command)).sum();
        let frame = if pipeline.is_transaction() { 2 } else { 0 };
        let first = self.wire.ask_all(pipeline, answers + frame);
        self.note_blocking();
        let mut refused = None;
        let mut values = Vec::with_capacity(count);
        for number in 0..(offset + count) as u64 {
            let value = self
                .wire
                .answer(first + number)
                .await
                .map_err(|fault| self.lost(fault))?;
            if number >= offset as u64 {
                values.push(value);
            } else if let (Value::ServerError(error), None) = (&value, &refused) {
                refused = Some((number, error.clone()));
            }
        }
        if pipeline.is_transaction() {
            match values.last() {
                Some(Value::ServerError(error)) => {
                    if error.code() == "EXECABORT" {
                        self.marks.transaction = false;
                    }
                    return Err(aborted(error, refused));
                }
                Some(_) => self.marks.transaction = false,
                None => {}
            }
        }
        Ok(values)
    }

    /// What a command's caller is told: the crate's error, with the server's name.
    fn lost(&self, fault: Fault) -> RedisError {
        match fault {
            Fault::Io(error) => io::Error::new(error.kind(), format!("{}: {error}", self.settings.server)).into(),
            Fault::Protocol(error) => error,
        }
    }

    pub(super) fn fault(&self, stage: Stage, fault: Fault) -> Error {
        match fault {
            Fault::Io(error) => Error::io(&self.settings.server, stage, error),
            Fault::Protocol(error) => Error::protocol(&self.settings.server, stage, &error),
        }
    }
}

/// A transaction that the server has not carried out, in the crate's words: `EXECABORT`, and which command was refused.
fn aborted(error: &ServerError, refused: Option<(u64, ServerError)>) -> RedisError {
    let Some((number, refused)) = refused else {
        return error.clone().into();
    };
    let (code, message) = (refused.code(), refused.details().unwrap_or_default());
    // The first answer is that of MULTI.
    let which = match number.checked_sub(1) {
        Some(number) => format!("command {number} of the transaction"),
        None => "MULTI".to_owned(),
    };
    let text = format!("-{} {which}: {code} {message}\r\n", error.code());
    match parse_redis_value(text.as_bytes()) {
        Ok(Value::ServerError(error)) => error.into(),
        _ => error.clone().into(),
    }
}

/// All of the crate's ways to send something end here, so here is where it is noted.
impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(self.command(cmd))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(self.pipeline(cmd, offset, count))
    }

    fn get_db(&self) -> i64 {
        self.settings.database
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("server", &self.settings.server)
            .field("marks", &self.marks)
            .field("busy", &self.wire.is_busy())
            .finish_non_exhaustive()
    }
}

//! Questions out, answers in, on one socket, in order. Whoever asks also drives the socket: there is no task behind it.
//!
//! It counts the answers that are due, so that a question whose asker has gone (its future was dropped) is still sent to
//! its end, and its answer is never taken for somebody else's. Knows no command.

use super::stream::Stream;
use redis::{Cmd, Parser, Pipeline, PushKind, RedisError, Value};
use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A buffer that has become larger than this is given back after use.
const KEPT: usize = 64 * 1024;

/// A socket, and what is under way on it.
pub(super) struct Wire {
    stream: Stream,
    /// Keeps what has been read of an answer that is not complete yet.
    parser: Parser,
    /// What is still to be written: `out[written..]`.
    out: Vec<u8>,
    written: usize,
    is_flushed: bool,
    /// How many answers are due for all that was ever asked, and how many have come.
    due: u64,
    come: u64,
    is_gone: bool,
}

/// Why a socket can be used no more.
pub(super) enum Fault {
    /// It failed, or the server closed it.
    Io(io::Error),
    /// What came is not Redis's protocol.
    Protocol(RedisError),
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Wire {
            stream,
            parser: Parser::new(),
            out: Vec::new(),
            written: 0,
            is_flushed: true,
            due: 0,
            come: 0,
            is_gone: false,
        }
    }

    /// Queues a command that will have so many answers; returns the number of the first.
    pub(super) fn ask(&mut self, command: &Cmd, answers: u64) -> u64 {
        command.write_packed_command(self.out());
        self.owe(answers)
    }

    /// Queues a pipeline that will have so many answers; returns the number of the first.
    pub(super) fn ask_all(&mut self, pipeline: &Pipeline, answers: u64) -> u64 {
        let packed = pipeline.get_packed_pipeline();
        let out = self.out();
        if out.is_empty() {
            *out = packed;
        } else {
            out.extend_from_slice(&packed);
        }
        self.owe(answers)
    }

    /// The answer with this number; earlier ones, whose askers have gone, are dropped.
    ///
    /// Cancel safety: the answer stays due, and a later call passes over it.
    pub(super) async fn answer(&mut self, number: u64) -> Result<Value, Fault> {
        loop {
            let at = self.come;
            let value = self.next().await?;
            if at >= number {
                return Ok(value);
            }
        }
    }

    /// The next answer, whosever it is.
    pub(super) async fn next(&mut self) -> Result<Value, Fault> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Writes what is queued, and waits for no answer.
    pub(super) async fn flush(&mut self) -> Result<(), Fault> {
        poll_fn(|cx| match self.poll_write(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.fail(error))),
        })
        .await
    }

    /// Takes in, without waiting, what has already arrived. Whether the socket is gone, or said something unasked.
    pub(super) fn look(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if self.is_gone || self.come > self.due {
                return true;
            }
            if self.poll_next(&mut cx).is_pending() {
                return false;
            }
        }
    }

    /// Whether answers are still due, or something is still to be written.
    pub(super) fn is_busy(&self) -> bool {
        self.come < self.due || !self.out.is_empty()
    }

    /// Whether the socket is known to be of no use.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// How many answers have come.
    pub(super) fn come(&self) -> u64 {
        self.come
    }

    /// How many answers will have come when all is answered.
    pub(super) fn due(&self) -> u64 {
        self.due
    }

    /// All that was asked has been answered, however many answers that were.
    pub(super) fn settle(&mut self) {
        self.come = self.due;
    }

    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }

    /// Tells the server that nothing more will come, and waits until it has closed its end.
    pub(super) async fn close(mut self) {
        if self.is_gone
            || poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx))
                .await
                .is_err()
        {
            return;
        }
        let mut sink = vec![0; 4096];
        loop {
            let read = poll_fn(|cx| {
                let mut buf = ReadBuf::new(&mut sink);
                Pin::new(&mut self.stream)
                    .poll_read(cx, &mut buf)
                    .map_ok(|()| buf.filled().len())
            });
            if !matches!(read.await, Ok(1..)) {
                return;
            }
        }
    }

    fn out(&mut self) -> &mut Vec<u8> {
        if self.written > 0 {
            self.out.drain(..self.written);
            self.written = 0;
        }
        &mut self.out
    }

    fn owe(&mut self, answers: u64) -> u64 {
        let first = self.due;
        self.due += answers;
        first
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Value, Fault>> {
        // Both directions go on together: a server that cannot write stops reading.
        let unwritten = match self.poll_write(cx) {
            Poll::Ready(Err(error)) => Some(error),
            _ => None,
        };
        loop {
            match self.poll_value(cx) {
                Poll::Ready(Ok(Value::Push { kind, .. })) if !is_answer(&kind) => {}
                Poll::Ready(Ok(value)) => {
                    self.come += 1;
                    return Poll::Ready(Ok(value));
                }
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                // What could not be written is told only now: a server that refuses says why before it hangs up.
                Poll::Pending => {
                    return unwritten.map_or(Poll::Pending, |error| Poll::Ready(Err(self.fail(error))));
                }
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_gone {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        while self.written < self.out.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.out[self.written..])? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(bytes) => self.written += bytes,
                Poll::Pending => return Poll::Pending,
            }
            self.is_flushed = false;
        }
        self.written = 0;
        self.out.clear();
        if self.out.capacity() > KEPT {
            self.out = Vec::new();
        }
        if !self.is_flushed {
            if Pin::new(&mut self.stream).poll_flush(cx)?.is_pending() {
                return Poll::Pending;
            }
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_value(&mut self, cx: &mut Context<'_>) -> Poll<Result<Value, Fault>> {
        if self.is_gone {
            return Poll::Ready(Err(self.fail(io::ErrorKind::BrokenPipe.into())));
        }
        let mut source = Source {
            stream: &mut self.stream,
            cx,
            met: Met::Bytes,
        };
        let parsed = self.parser.parse_value(&mut source);
        let met = source.met;
        match (parsed, met) {
            (Ok(value), _) => Poll::Ready(Ok(value)),
            (Err(_), Met::Nothing) => Poll::Pending,
            (Err(_), Met::End) => Poll::Ready(Err(self.fail(io::ErrorKind::UnexpectedEof.into()))),
            (Err(_), Met::Error(error)) => Poll::Ready(Err(self.fail(error))),
            (Err(error), Met::Bytes) => {
                self.is_gone = true;
                Poll::Ready(Err(Fault::Protocol(error)))
            }
        }
    }

    /// The socket is not used again.
    fn fail(&mut self, error: io::Error) -> Fault {
        self.is_gone = true;
        let text = match error.kind() {
            io::ErrorKind::UnexpectedEof if error.get_ref().is_none() => "the server closed the connection",
            io::ErrorKind::BrokenPipe => "the connection is closed",
            _ => return Fault::Io(error),
        };
        Fault::Io(io::Error::new(error.kind(), text))
    }
}

/// Whether a push message of RESP3 is what a command waits for.
fn is_answer(kind: &PushKind) -> bool {
    matches!(
        kind,
        PushKind::Subscribe
            | PushKind::PSubscribe
            | PushKind::SSubscribe
            | PushKind::Unsubscribe
            | PushKind::PUnsubscribe
            | PushKind::SUnsubscribe
    )
}

/// The socket as the parser reads it. The parser keeps its place when a read fails, so "nothing yet" is such a failure.
struct Source<'a, 'b, 'c> {
    stream: &'a mut Stream,
    cx: &'b mut Context<'c>,
    met: Met,
}

/// What the last read met.
enum Met {
    Bytes,
    Nothing,
    End,
    Error(io::Error),
}

impl Read for Source<'_, '_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(bytes);
        match Pin::new(&mut *self.stream).poll_read(self.cx, &mut buf) {
            Poll::Ready(Ok(())) => {
                if buf.filled().is_empty() {
                    self.met = Met::End;
                }
                Ok(buf.filled().len())
            }
            Poll::Ready(Err(error)) => {
                let kind = error.kind();
                self.met = Met::Error(error);
                Err(kind.into())
            }
            Poll::Pending => {
                self.met = Met::Nothing;
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
    }
}

//! What passes between client and server, told by the messages alone: what is unanswered, in which state the last answer left the
//! session, and whether something was done that outlasts the transaction. The result is published in the [link](super::link).
//!
//! | the client sends | effect |
//! |---|---|
//! | `Query`, `FunctionCall`, `Sync` | one more `ReadyForQuery` is due; after nothing but `Close` it is one that does not matter |
//! | `CopyDone`, `CopyFail` | the copy ends |
//!
//! | the server sends | effect |
//! |---|---|
//! | `ReadyForQuery` | one less is due; its status holds |
//! | `CopyInResponse` | the server will ignore the `Sync` that was sent with this request, so that is not due; another ends the copy |
//! | the same to a `Query`, `CopyBothResponse` | stuck: tokio-postgres cannot answer these |
//! | `CommandComplete` | altered, unless its tag is one of the harmless; forgotten, if it dropped all statements |
//! | `ParameterStatus` after the first `ReadyForQuery` | altered |
//! | `ErrorResponse` | over, if it is fatal; stale or forgotten, by its code |
//! | `BackendKeyData` | the process id |

use super::frames::Frames;
use super::link::{ALTERED, BLOCKED, COPY_IN, FAILED, FORGOTTEN, IDLE, Link, OPEN, OVER, SENT, STALE, STUCK, counts};
use std::collections::VecDeque;
use std::sync::Arc;

/// The command tags that leave nothing behind but what a transaction keeps or undoes.
const HARMLESS: [&[u8]; 18] = [
    b"SELECT",
    b"INSERT",
    b"UPDATE",
    b"DELETE",
    b"MERGE",
    b"COPY",
    b"FETCH",
    b"MOVE",
    b"BEGIN",
    b"START",
    b"COMMIT",
    b"ROLLBACK",
    b"SAVEPOINT",
    b"RELEASE",
    b"SHOW",
    b"EXPLAIN",
    b"NOTIFY",
    b"TRUNCATE",
];

/// Kept by the stream, which is used by one task at a time.
#[derive(Debug)]
pub(super) struct Ledger {
    link: Arc<Link>,
    sent: Frames,
    received: Frames,
    seen: Seen,
    /// What was published last.
    published: (u64, u64),
}

/// What the messages so far amount to.
#[derive(Debug, Default)]
struct Seen {
    /// The requests without `ReadyForQuery`, oldest first, and how many of them matter.
    requests: VecDeque<Request>,
    due: usize,
    /// What came since the last `Sync`.
    group: Group,
    status: u64,
    copy_in: bool,
    blocked: bool,
    /// Whether the session has begun.
    ready: bool,
    lasting: u64,
    /// The beginning of the body that is being read.
    body: Body,
    fields: Fields,
    process_id: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    Simple,
    Extended,
    Close,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Group {
    #[default]
    Empty,
    Closes,
    Works,
}

impl Ledger {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Ledger {
            link,
            sent: Frames::frontend(),
            received: Frames::backend(),
            seen: Seen::default(),
            published: (0, 0),
        }
    }

    /// These bytes were written.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        let seen = &mut self.seen;
        self.sent.feed(bytes, |tag, _, is_last| {
            if is_last {
                seen.asked(tag);
            }
        });
        self.publish();
    }

    /// These bytes were read; none at all is the end.
    pub(super) fn received(&mut self, bytes: &[u8]) {
        let seen = &mut self.seen;
        if bytes.is_empty() {
            seen.lasting |= OVER;
        }
        self.received
            .feed(bytes, |tag, piece, is_last| seen.answered(tag, piece, is_last));
        self.publish();
    }

    /// Whether the socket takes no more for the moment.
    pub(super) fn blocked(&mut self, blocked: bool) {
        if self.seen.blocked != blocked {
            self.seen.blocked = blocked;
            self.publish();
        }
    }

    /// The stream has failed.
    pub(super) fn failed(&mut self) {
        self.seen.lasting |= OVER;
        self.publish();
    }

    fn publish(&mut self) {
        if self.sent.is_lost() || self.received.is_lost() {
            self.seen.lasting |= STUCK;
        }
        if let Some(id) = self.seen.process_id.take() {
            self.link.name_process(id);
        }
        let lasting = std::mem::take(&mut self.seen.lasting);
        let passing = self.seen.passing();
        if (passing, lasting) != self.published || lasting != 0 {
            self.link.publish(passing, lasting);
            self.published = (passing, lasting);
        }
    }
}

impl Seen {
    fn passing(&self) -> u64 {
        let bit = |is_set: bool, bit: u64| if is_set { bit } else { 0 };
        self.status
            | bit(self.copy_in, COPY_IN)
            | bit(self.blocked, BLOCKED)
            | counts(self.due, self.requests.len() - self.due)
    }

    /// The client has sent a message with this tag.
    fn asked(&mut self, tag: u8) {
        match tag {
            b'Q' | b'F' => self.push(Request::Simple),
            b'S' => match std::mem::take(&mut self.group) {
                Group::Closes => self.push(Request::Close),
                Group::Empty | Group::Works => self.push(Request::Extended),
            },
            b'C' if self.group == Group::Empty => self.group = Group::Closes,
            b'P' | b'B' | b'E' | b'D' => self.group = Group::Works,
            b'c' | b'f' => self.copy_in = false,
            _ => {}
        }
    }

    fn push(&mut self, request: Request) {
        self.requests.push_back(request);
        if request != Request::Close {
            self.due += 1;
            self.lasting |= SENT;
        }
    }

    fn pop(&mut self) -> Option<Request> {
        let request = self.requests.pop_front()?;
        self.due -= usize::from(request != Request::Close);
        Some(request)
    }

    /// The server has sent a piece of a message with this tag.
    fn answered(&mut self, tag: u8, piece: &[u8], is_last: bool) {
        match tag {
            b'C' | b'Z' | b'K' => self.body.take(piece),
            b'E' => self.fields.take(piece),
            _ => {}
        }
        if !is_last {
            return;
        }
        match tag {
            b'Z' => {
                self.status = match self.body.kept() {
                    [b'I'] => IDLE,
                    [b'T'] => OPEN,
                    _ => FAILED,
                };
                self.pop();
                self.ready = true;
                if self.requests.is_empty() {
                    self.copy_in = false;
                }
            }
            b'G' => match self.pop() {
                Some(Request::Extended) => self.copy_in = true,
                _ => self.lasting |= STUCK,
            },
            b'W' => self.lasting |= STUCK,
            b'C' => self.lasting |= consequences(self.body.kept()),
            b'S' if self.ready => self.lasting |= ALTERED,
            b'K' => {
                self.process_id = self.body.kept().first_chunk().map(|id| i32::from_be_bytes(*id));
            }
            // SQL's own EXECUTE of a name that is not there says the same, but mostly in a simple query.
            b'E' => {
                let is_simple = self.requests.front() == Some(&Request::Simple);
                self.lasting |= self.fields.consequences() & if is_simple { !FORGOTTEN } else { !0 };
            }
            _ => {}
        }
        self.body = Body::default();
        self.fields = Fields::default();
    }
}

/// What a completed command leaves behind, by its tag.
fn consequences(tag: &[u8]) -> u64 {
    let tag = tag.split(|byte| *byte == 0).next().unwrap_or_default();
    let word = tag.split(|byte| *byte == b' ').next().unwrap_or_default();
    match tag {
        b"DISCARD ALL" | b"DEALLOCATE ALL" => ALTERED | FORGOTTEN,
        _ if HARMLESS.contains(&word) => 0,
        _ => ALTERED,
    }
}

/// The beginning of a body: as much as a tag, a status or a process id takes.
#[derive(Debug, Default)]
struct Body {
    kept: [u8; 24],
    filled: usize,
}

impl Body {
    fn take(&mut self, piece: &[u8]) {
        let room = &mut self.kept[self.filled..];
        let taken = piece.len().min(room.len());
        room[..taken].copy_from_slice(&piece[..taken]);
        self.filled += taken;
    }

    fn kept(&self) -> &[u8] {
        &self.kept[..self.filled]
    }
}

/// The fields of an `ErrorResponse`: a letter, a text, a zero; and a zero after the last one.
#[derive(Debug, Default)]
struct Fields {
    letter: Option<u8>,
    text: Body,
    is_fatal: bool,
    is_forgotten: bool,
    is_unsupported: bool,
    is_from_replan: bool,
}

impl Fields {
    fn take(&mut self, piece: &[u8]) {
        for byte in piece {
            match (self.letter, byte) {
                (None, byte) => self.letter = Some(*byte).filter(|byte| *byte != 0),
                (Some(_), 0) => self.field(),
                (Some(_), byte) => self.text.take(&[*byte]),
            }
        }
    }

    fn field(&mut self) {
        match (self.letter.take(), self.text.kept()) {
            // Not localised, unlike the field S.
            (Some(b'V'), severity) => self.is_fatal = matches!(severity, b"FATAL" | b"PANIC"),
            // invalid_sql_statement_name, and feature_not_supported.
            (Some(b'C'), b"26000") => self.is_forgotten = true,
            (Some(b'C'), b"0A000") => self.is_unsupported = true,
            (Some(b'R'), b"RevalidateCachedQuery") => self.is_from_replan = true,
            _ => {}
        }
        self.text = Body::default();
    }

    fn consequences(&self) -> u64 {
        let bit = |is_set: bool, bit: u64| if is_set { bit } else { 0 };
        bit(self.is_fatal, OVER)
            | bit(self.is_forgotten, FORGOTTEN)
            | bit(self.is_unsupported && self.is_from_replan, STALE)
    }
}

#[cfg(test)]
mod tests;

//! Cuts a byte stream of PostgreSQL's protocol into messages, wherever it is split. Keeps no body: it hands on the pieces as
//! they come, and knows no message's meaning.

/// A tag, unless it is the startup message, and a length that counts itself.
const LENGTH: usize = 4;

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Frames {
    /// What has come of the header.
    header: [u8; LENGTH + 1],
    filled: usize,
    /// What of the body is still to come, once the header is complete.
    left: Option<usize>,
    /// The first message that a client sends has no tag.
    untagged: bool,
    /// A length that cannot be: from here on nothing can be told.
    lost: bool,
}

impl Frames {
    /// What the client sends.
    pub(super) fn frontend() -> Self {
        Frames {
            untagged: true,
            ..Frames::backend()
        }
    }

    /// What the server sends.
    pub(super) fn backend() -> Self {
        Frames {
            header: [0; LENGTH + 1],
            filled: 0,
            left: None,
            untagged: false,
            lost: false,
        }
    }

    /// Whether the stream made no sense.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Tells of each message that these bytes continue: its tag (0 for the startup message), a piece of its body, and
    /// whether that was the last one. A message's pieces may be empty.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut piece: impl FnMut(u8, &[u8], bool)) {
        while !bytes.is_empty() && !self.lost {
            let Some(left) = self.left.or_else(|| self.head(&mut bytes)) else {
                return;
            };
            let (body, rest) = bytes.split_at(left.min(bytes.len()));
            let is_last = body.len() == left;
            let tag = if self.untagged { 0 } else { self.header[0] };
            piece(tag, body, is_last);
            bytes = rest;
            self.left = Some(left - body.len());
            if is_last {
                self.left = None;
                self.filled = 0;
                self.untagged = false;
            }
        }
    }

    /// Takes what is missing of the header; the length of the body, once it is complete.
    fn head(&mut self, bytes: &mut &[u8]) -> Option<usize> {
        let size = if self.untagged { LENGTH } else { LENGTH + 1 };
        let (head, rest) = bytes.split_at((size - self.filled).min(bytes.len()));
        self.header[self.filled..self.filled + head.len()].copy_from_slice(head);
        self.filled += head.len();
        *bytes = rest;
        if self.filled < size {
            return None;
        }
        let mut length = [0; LENGTH];
        length.copy_from_slice(&self.header[size - LENGTH..size]);
        let body = u32::from_be_bytes(length).checked_sub(LENGTH as u32);
        self.lost = body.is_none();
        self.left = body.map(|body| body as usize);
        self.left
    }
}

//! The faults.
//!
//! | mode | newcomers | connections that are there | afterwards |
//! |---|---|---|---|
//! | `Pass` | reach the backend | go on | – |
//! | `Refuse` | ECONNREFUSED: nobody listens | closed | – |
//! | `Reset` | accepted, then RST | RST | – |
//! | `Silent` | accepted, never answered | stand still | everything goes on where it stood, as after SIGCONT |
//! | `HalfOpen` | accepted, never answered | bytes and closes are swallowed, both ways | they stay dead, and a close is passed on at last |
//! | `Unreachable` | no answer to their SYN | as `HalfOpen` | the same; the kernel of a newcomer that still waits asks again, after 1 s, 3 s, 7 s |
//! | `Slow` | reach the backend | answers come a few bytes at a time | go on |
//! | `Cut` | reach the backend | closed after so many bytes of answers each, counted from now | – |

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All is well.
    Pass,
    /// The server is not running.
    Refuse,
    /// Something before the server lets nobody through.
    Reset,
    /// The server hangs.
    Silent,
    /// A firewall has forgotten its connections: no answer, no RST, no FIN.
    HalfOpen,
    /// The host has gone: the same, and no handshake of TCP either.
    Unreachable,
    /// The server, or the way to it, has hardly any capacity left.
    Slow { bytes: usize, every: Duration },
    /// The server dies while it answers.
    Cut { after: usize },
}

impl Mode {
    /// Whether it closes whatever is connected.
    pub(super) fn ends_links(self) -> bool {
        matches!(self, Mode::Refuse | Mode::Reset)
    }

    /// Whether nothing reaches the backend, and nothing comes from it.
    pub(super) fn is_quiet(self) -> bool {
        self == Mode::Silent || self.is_hole()
    }

    /// Whether what is sent is lost.
    pub(super) fn is_hole(self) -> bool {
        matches!(self, Mode::HalfOpen | Mode::Unreachable)
    }
}

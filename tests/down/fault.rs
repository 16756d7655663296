//! What can go wrong.

use super::backend::Backend;
use crate::proxy::{Mode, Proxy};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Between the pool and the server.
    Network(Mode),
    /// The server with all its processes stands still (SIGSTOP).
    Frozen,
    /// It is killed, and started again.
    Killed,
    /// It is shut down in good order, and started again.
    Stopped,
}

impl Fault {
    pub(crate) fn strike<B: Backend>(self, server: &mut B, proxy: &Proxy) {
        match self {
            Fault::Network(mode) => proxy.set(mode),
            Fault::Frozen => drop(server.keeper().freeze()),
            Fault::Killed => server.keeper().kill(),
            Fault::Stopped => server.keeper().stop(),
        }
    }

    pub(crate) fn heal<B: Backend>(self, server: &mut B, proxy: &Proxy) {
        match self {
            Fault::Network(_) => proxy.heal(),
            Fault::Frozen => server.keeper().thaw(),
            Fault::Killed | Fault::Stopped => server.keeper().begin(),
        }
    }

    /// Whether a question may be answered all the same.
    pub(crate) fn lets_some_through(self) -> bool {
        matches!(self, Fault::Network(Mode::Slow { .. } | Mode::Cut { .. }))
    }

    /// Whether the pool reaches the server through the proxy.
    pub(crate) fn is_network(self) -> bool {
        matches!(self, Fault::Network(_))
    }
}

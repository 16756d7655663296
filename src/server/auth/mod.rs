//! Who may ask, and for what. There is no default: every router is given an [`Authority`].
//!
//! | file | noun |
//! |---|---|
//! | `mod.rs` | [`Authority`]; what it says: [`Grant`], [`Holder`]; several of them: [`AnyOf`]; none: [`Insecure`] |
//! | `scopes.rs` | [`Scope`], [`Scopes`] |
//! | `keys.rs` | [`ApiKeys`], of which only hashes are kept |
//! | `jwt.rs` | [`JwtHs256`] |
//! | `presented.rs` | in which header a family looks for a credential, and what a browser says of where it is |
//!
//! A credential is text that somebody presents. Nothing here shows one in `Debug`, `Display` or an error, and how long a refusal
//! takes says nothing about the credentials that would have been accepted.
//!
//! ```
//! use fairpool::server::auth::{ApiKeys, Authority, JwtHs256, Scope, Scopes};
//! use std::sync::Arc;
//!
//! let mut keys = ApiKeys::new();
//! keys.add("k1-5f2d8c0b9a7e4f63", Scopes::ALL)?;
//! keys.add("k2-0c4be1f7d29a8356", Scope::Read)?;
//! let jwt = JwtHs256::new(b"at least thirty-two bytes of secret", "fairpool")?;
//!
//! let auth: Arc<dyn Authority> = keys.or(jwt);
//! assert!(auth.grant("k2-0c4be1f7d29a8356").is_some_and(|grant| !grant.scopes().contains(Scope::Write)));
//! assert!(auth.grant("k3-0c4be1f7d29a8356").is_none());
//! # Ok::<(), fairpool::server::auth::WeakCredential>(())
//! ```

mod jwt;
mod keys;
mod presented;
mod scopes;

pub use jwt::JwtHs256;
pub use keys::ApiKeys;
pub(crate) use presented::{Header, is_for_here, is_from_another_site, presented};
pub use scopes::{Scope, Scopes};

use ring::digest::{SHA256, digest};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Knows credentials: whose they are and what they may do.
///
/// It is asked on every request and on the thread that serves it, so it must not wait. Whoever has to ask another service keeps what
/// that one said.
pub trait Authority: Send + Sync + 'static {
    /// What the holder of this credential may do; `None` if nobody holds it, or not any more.
    ///
    /// How long this takes must not depend on how much of a credential is right.
    fn grant(&self, credential: &str) -> Option<Grant>;

    /// What somebody may do who presents no credential: nothing, unless an authority says otherwise.
    ///
    /// Whoever may do no more than that, with a credential or without one, could be a page in some visitor's browser. So it has to
    /// ask for `localhost`, a loopback address or the host of [`public_url`](super::RouterOptions::public_url) by name (`Host`), and
    /// for another site it changes nothing: see [`Insecure`].
    fn anonymous(&self) -> Option<Grant> {
        None
    }

    /// This authority, and where it knows nobody the other one.
    fn or(self, other: impl Authority) -> Arc<dyn Authority>
    where
        Self: Sized,
    {
        Arc::new(AnyOf(vec![Arc::new(self), Arc::new(other)]))
    }
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    scopes: Scopes,
    holder: Holder,
}

/// By which two requests of one holder are known to be the same one's: for rate limits. It tells nothing about a credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holder([u8; 16]);

/// The first of several authorities that knows a credential.
pub struct AnyOf(pub Vec<Arc<dyn Authority>>);

/// Lets everybody do everything, with any credential and without one.
///
/// For tests, and for a server that listens on a loopback address only. What a visitor's browser sends there for another site changes
/// nothing: a request from elsewhere (`Sec-Fetch-Site`, `Origin`) is refused as if a scope were missing, and a body has to be
/// `application/json`, in every family. Nor does such a site read anything by having its own name lead here: what asks for another
/// host than `localhost`, a loopback address, or the one of [`public_url`](super::RouterOptions::public_url) is refused likewise,
/// whatever its method. A request that names no host, which no browser sends, is let in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Insecure;

/// A key or a secret that would be too easy to guess, or that no request could present.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeakCredential {
    /// It has fewer bytes than this.
    TooShort {
        /// The least.
        least: usize,
    },
    /// It has more bytes than this.
    TooLong {
        /// The most.
        most: usize,
    },
    /// It has spaces or other characters than those of visible ASCII, which no header could carry.
    NotVisible,
    /// It is no SHA-256 in 64 hexadecimal digits.
    NotAHash,
}

impl Grant {
    /// These scopes, for whoever bears this name (a key's, a subject's): two names are two holders.
    pub fn new(scopes: Scopes, name: &[u8]) -> Self {
        let hash = digest(&SHA256, name);
        let mut holder = [0; 16];
        holder.copy_from_slice(&hash.as_ref()[..16]);
        Grant {
            scopes,
            holder: Holder(holder),
        }
    }

    /// What may be done.
    pub fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// By whom.
    pub fn holder(&self) -> Holder {
        self.holder
    }
}

impl Authority for AnyOf {
    fn grant(&self, credential: &str) -> Option<Grant> {
        self.0.iter().find_map(|authority| authority.grant(credential))
    }

    fn anonymous(&self) -> Option<Grant> {
        self.0.iter().find_map(|authority| authority.anonymous())
    }
}

impl Authority for Arc<dyn Authority> {
    fn grant(&self, credential: &str) -> Option<Grant> {
        (**self).grant(credential)
    }

    fn anonymous(&self) -> Option<Grant> {
        (**self).anonymous()
    }
}

impl Authority for Insecure {
    fn grant(&self, _credential: &str) -> Option<Grant> {
        self.anonymous()
    }

    fn anonymous(&self) -> Option<Grant> {
        Some(Grant::new(Scopes::ALL, b""))
    }
}

impl fmt::Debug for AnyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyOf({} authorities)", self.0.len())
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holder")
    }
}

impl fmt::Display for WeakCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WeakCredential::TooShort { least } => write!(f, "a key must have at least {least} characters"),
            WeakCredential::TooLong { most } => write!(f, "a key must have at most {most} characters"),
            WeakCredential::NotVisible => f.write_str("a key must consist of visible ASCII characters without spaces"),
            WeakCredential::NotAHash => f.write_str("a key's hash must be a SHA-256 in 64 hexadecimal digits"),
        }
    }
}

impl Error for WeakCredential {}

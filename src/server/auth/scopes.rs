//! What a credential may do: a set of three scopes, none of which includes another.

use std::fmt;
use std::ops::BitOr;

/// One of the things that a credential may do, each for itself: `write` does not include `read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// `read`: to look, by `GET` and `HEAD`.
    Read,
    /// `operate`: to clear, drain, pause, resume and invalidate.
    Operate,
    /// `write`: to create, change and delete.
    Write,
}

/// A set of scopes.
///
/// ```
/// use fairpool::server::auth::{Scope, Scopes};
///
/// let scopes = Scopes::from(Scope::Read) | Scope::Operate;
/// assert!(scopes.contains(Scope::Operate) && !scopes.contains(Scope::Write));
/// assert_eq!(scopes.to_string(), "read operate");
/// assert_eq!(Scopes::named("read operate dance"), scopes);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u8);

impl Scope {
    const ALL: [Scope; 3] = [Scope::Read, Scope::Operate, Scope::Write];

    /// Its name, as claims and configuration files spell it.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Operate => "operate",
            Scope::Write => "write",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Scope::Read => 1,
            Scope::Operate => 2,
            Scope::Write => 4,
        }
    }
}

impl Scopes {
    /// No scope.
    pub const NONE: Scopes = Scopes(0);
    /// All scopes.
    pub const ALL: Scopes = Scopes(7);

    /// Whether it is among them.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// The scopes among these words, which are separated by spaces; others are somebody else's and ignored.
    pub fn named(words: &str) -> Self {
        let known = |word: &str| Scope::ALL.into_iter().find(|scope| scope.name() == word);
        words.split(' ').filter_map(known).collect()
    }
}

impl From<Scope> for Scopes {
    fn from(scope: Scope) -> Self {
        Scopes(scope.bit())
    }
}

impl<S: Into<Scopes>> BitOr<S> for Scopes {
    type Output = Scopes;

    fn bitor(self, other: S) -> Scopes {
        Scopes(self.0 | other.into().0)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Scopes::NONE, BitOr::bitor)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Scope::ALL.into_iter().filter(|scope| self.contains(*scope));
        let names: Vec<_> = names.map(Scope::name).collect();
        f.write_str(&names.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

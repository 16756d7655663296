//! API keys with scopes. Only their SHA-256 is kept, which is enough for keys that are long and random.
//!
//! A presented key is hashed and compared with every key there is, each in constant time, so that neither the place nor the
//! beginning of a right one shows in the time that a wrong one takes.

use super::{Authority, Grant, Scopes, WeakCredential};
use ring::digest::{SHA256, digest};
use std::fmt;
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// API keys, and what each may do.
///
/// A key has at least 16 characters, since a hash alone does not protect a word that can be guessed; good ones are random
/// (`openssl rand -hex 24`). Each key costs a request some 30 ns.
///
/// ```
/// use fairpool::server::auth::{ApiKeys, Authority, Scope, WeakCredential};
///
/// let mut keys = ApiKeys::new();
/// assert_eq!(keys.add("sesame", Scope::Read), Err(WeakCredential::TooShort { least: 16 }));
/// keys.add("a1b2c3d4e5f60718", Scope::Read)?;
/// assert!(keys.grant("a1b2c3d4e5f60718").is_some());
/// assert_eq!(format!("{keys:?}"), "ApiKeys(1)");
/// # Ok::<(), WeakCredential>(())
/// ```
#[derive(Clone, Default)]
pub struct ApiKeys {
    keys: Vec<(Hash, Grant)>,
}

type Hash = [u8; 32];

const LEAST: usize = 16;
const MOST: usize = 512;

impl ApiKeys {
    /// No keys: nobody may do anything.
    pub fn new() -> Self {
        ApiKeys::default()
    }

    /// One key more, with these scopes; if it is there already, it has them in addition.
    ///
    /// # Errors
    ///
    /// It has fewer than 16 or more than 512 characters, or others than visible ASCII.
    pub fn add(&mut self, key: &str, scopes: impl Into<Scopes>) -> Result<(), WeakCredential> {
        if key.len() < LEAST {
            return Err(WeakCredential::TooShort { least: LEAST });
        }
        self.add_short(key, scopes)
    }

    /// The same for a key of any length, such as a person thinks up: for a network where nobody guesses.
    ///
    /// # Errors
    ///
    /// It is empty, has more than 512 characters, or others than visible ASCII.
    pub fn add_short(&mut self, key: &str, scopes: impl Into<Scopes>) -> Result<(), WeakCredential> {
        match key.len() {
            0 => Err(WeakCredential::TooShort { least: 1 }),
            1..=MOST if key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                self.insert(hash(key), scopes.into());
                Ok(())
            }
            1..=MOST => Err(WeakCredential::NotVisible),
            _ => Err(WeakCredential::TooLong { most: MOST }),
        }
    }

    /// One key more, of which only the SHA-256 is known, in hexadecimal digits (`printf %s KEY | sha256sum`).
    ///
    /// # Errors
    ///
    /// It is no SHA-256.
    pub fn add_hash(&mut self, sha256: &str, scopes: impl Into<Scopes>) -> Result<(), WeakCredential> {
        let digits = sha256.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(WeakCredential::NotAHash);
        }
        let mut hash = Hash::default();
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&sha256[at..at + 2], 16).map_err(|_| WeakCredential::NotAHash)?;
        }
        self.insert(hash, scopes.into());
        Ok(())
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn insert(&mut self, hash: Hash, scopes: Scopes) {
        match self.keys.iter_mut().find(|(known, _)| *known == hash) {
            Some((_, granted)) => *granted = Grant::new(granted.scopes() | scopes, &hash),
            None => self.keys.push((hash, Grant::new(scopes, &hash))),
        }
    }
}

impl Authority for ApiKeys {
    fn grant(&self, credential: &str) -> Option<Grant> {
        let presented = hash(credential);
        let (mut place, mut found) = (0, 0);
        // To the end in any case, and without a branch on what is right.
        for (at, (known, _)) in (0u64..).zip(&self.keys) {
            let is_it = known.ct_eq(&presented);
            place.conditional_assign(&at, is_it);
            found.conditional_assign(&1u8, is_it);
        }
        (found == 1).then(|| self.keys[place as usize].1)
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeys({})", self.keys.len())
    }
}

fn hash(key: &str) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::auth::Scope;

    #[test]
    fn a_key_is_found_by_its_whole_text_only() {
        let mut keys = ApiKeys::new();
        keys.add("a-long-enough-key-1", Scope::Read).expect("long enough");
        keys.add("a-long-enough-key-2", Scope::Write).expect("long enough");
        keys.add("a-long-enough-key-2", Scope::Operate).expect("long enough");
        let scopes = |key: &str| keys.grant(key).map(|grant| grant.scopes().to_string());
        assert_eq!(scopes("a-long-enough-key-1").as_deref(), Some("read"));
        assert_eq!(scopes("a-long-enough-key-2").as_deref(), Some("operate write"));
        for wrong in ["", "a-long-enough-key-", "a-long-enough-key-11", "A-long-enough-key-1"] {
            assert_eq!(scopes(wrong), None, "{wrong}");
        }
        assert_eq!(keys.len(), 2);
        let holder = |key: &str| keys.grant(key).map(|grant| grant.holder());
        assert_eq!(holder("a-long-enough-key-1"), holder("a-long-enough-key-1"));
        assert!(holder("a-long-enough-key-1") != holder("a-long-enough-key-2"));
    }

    #[test]
    fn a_key_can_be_known_by_its_hash_alone() {
        let mut keys = ApiKeys::new();
        // SHA-256 of "abc", from FIPS 180-2.
        let abc = "BA7816BF8F01CFEA414140DE5DAE2223b00361a396177a9cb410ff61f20015ad";
        keys.add_hash(abc, Scopes::ALL).expect("a hash");
        assert!(keys.grant("abc").is_some());
        assert!(keys.grant(abc).is_none());
        for bad in ["", &abc[1..], &abc.replace('B', "g"), &format!("{}é", &abc[2..])] {
            assert_eq!(keys.add_hash(bad, Scopes::ALL), Err(WeakCredential::NotAHash));
        }
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_refused() {
        let mut keys = ApiKeys::new();
        for bad in ["with a space in it", "with\ttab-in-between", "schlüssel-schlüssel"] {
            assert_eq!(keys.add(bad, Scopes::ALL), Err(WeakCredential::NotVisible), "{bad}");
        }
        assert_eq!(
            keys.add_short("", Scopes::ALL),
            Err(WeakCredential::TooShort { least: 1 })
        );
        let long = "k".repeat(MOST + 1);
        assert_eq!(
            keys.add(&long, Scopes::ALL),
            Err(WeakCredential::TooLong { most: MOST })
        );
        assert!(keys.is_empty());
    }
}

//! Who may ask: keys of the command line, of a key file and of the configuration file, and tokens. Shows none of them.

use fairpool::resource::models::Secret;
use fairpool::server::auth::{AnyOf, ApiKeys, Authority, JwtHs256, Scope, Scopes, WeakCredential};
use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, Hash, RandomState};
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// What is collected.
#[derive(Default)]
pub(crate) struct Keys {
    keys: ApiKeys,
    tokens: Vec<Arc<dyn Authority>>,
    /// What is not wise about them, a sentence each.
    warnings: Vec<String>,
    /// One for each key and token with what it may do, to tell those of before from those of now. Of this process alone.
    marks: BTreeSet<u64>,
}

impl Keys {
    /// A key; `from` is where it was said.
    pub(crate) fn add(&mut self, key: &str, scopes: Scopes, from: &str) -> Result<(), WeakCredential> {
        self.mark(("key", key, said(scopes)));
        match self.keys.add(key, scopes) {
            // A network where nobody guesses is the operator's to judge.
            Err(WeakCredential::TooShort { least }) if !key.is_empty() => {
                self.keys.add_short(key, scopes)?;
                let said = format!("a key of {from} has fewer than {least} characters, and can be guessed");
                self.warnings.push(said);
                Ok(())
            }
            added => added,
        }
    }

    pub(crate) fn add_hash(&mut self, sha256: &str, scopes: Scopes) -> Result<(), WeakCredential> {
        self.mark(("sha256", sha256, said(scopes)));
        self.keys.add_hash(sha256, scopes)
    }

    /// `by`: all that they are told by.
    pub(crate) fn add_tokens(&mut self, tokens: JwtHs256, by: impl Hash) {
        self.mark(("jwt", by));
        self.tokens.push(Arc::new(tokens));
    }

    /// What an option was given: keys, separated by spaces, since a variable can be given only once.
    pub(crate) fn add_given(&mut self, given: &[Secret], scopes: Scopes, option: &str) -> Result<(), String> {
        let keys = given.iter().flat_map(|keys| keys.reveal().split_whitespace());
        for key in keys {
            let added = self.add(key, scopes, option);
            added.map_err(|weak| format!("{option}: {weak}"))?;
        }
        Ok(())
    }

    /// A file with a line for each key: the key or `sha256:` and its hash, then its scopes; all of them if none are said.
    /// Lines that begin with `#` are remarks. Returns how many keys it has.
    pub(crate) fn add_file(&mut self, path: &Path) -> Result<usize, String> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
        let mut keys = 0;
        for (at, line) in text.lines().enumerate() {
            let place = format!("{file}:{}", at + 1);
            let mut words = line.split_whitespace();
            let Some(key) = words.next().filter(|word| !word.starts_with('#')) else {
                continue;
            };
            let words: Vec<_> = words.collect();
            let granted = match words.is_empty() {
                true => Scopes::ALL,
                false => scopes(words.into_iter()).map_err(|said| format!("{place}: scopes {said}"))?,
            };
            let added = match key.strip_prefix("sha256:") {
                Some(hash) => self.add_hash(hash, granted),
                None => self.add(key, granted, &place),
            };
            added.map_err(|weak| format!("{place}: {weak}"))?;
            keys += 1;
        }
        if let Some(said) = exposed(path) {
            self.warnings.push(said);
        }
        Ok(keys)
    }

    /// These and those.
    pub(crate) fn and(mut self, others: Keys) -> Self {
        self.warnings.extend_from_slice(&others.warnings);
        self.marks.extend(&others.marks);
        if let Some(others) = others.authority() {
            self.tokens.push(others);
        }
        self
    }

    /// What tells them from others.
    pub(crate) fn marks(&self) -> &BTreeSet<u64> {
        &self.marks
    }

    fn mark(&mut self, what: impl Hash) {
        static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        self.marks.insert(STATE.hash_one(what));
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Who may ask by these; `None` if there are none.
    pub(crate) fn authority(self) -> Option<Arc<dyn Authority>> {
        let Keys { keys, mut tokens, .. } = self;
        if !keys.is_empty() {
            tokens.insert(0, Arc::new(keys));
        }
        (!tokens.is_empty()).then(|| Arc::new(AnyOf(tokens)) as Arc<dyn Authority>)
    }
}

fn said(scopes: Scopes) -> String {
    format!("{scopes:?}")
}

/// The scopes of these words.
pub(crate) fn scopes<'w>(words: impl Iterator<Item = &'w str>) -> Result<Scopes, &'static str> {
    let scope = |word| match word {
        "read" => Ok(Scope::Read),
        "operate" => Ok(Scope::Operate),
        "write" => Ok(Scope::Write),
        _ => Err("must be of read, operate, write"),
    };
    words.map(scope).collect()
}

/// Says so, if others than its owner may read a file.
pub(crate) fn exposed(path: &Path) -> Option<String> {
    let mode = mode(path)?;
    let is_exposed = mode & 0o077 != 0;
    is_exposed.then(|| {
        format!(
            "{}: has mode {mode:03o}, others than its owner may open it",
            path.display()
        )
    })
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}

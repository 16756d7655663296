//! What a pool is called where many are watched, and what it leads to.

use std::sync::Arc;

#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) text: Arc<str>,
    /// The builder was told; else it is made from the manager's type, which is no news in an error.
    given: bool,
    /// By the manager's word.
    pub(crate) backend: Option<Arc<str>>,
}

impl Name {
    pub(crate) fn given(text: Arc<str>) -> Self {
        Name {
            text,
            given: true,
            backend: None,
        }
    }

    /// The manager's type without the paths.
    pub(crate) fn of_type<M>() -> Self {
        Name {
            text: short(std::any::type_name::<M>()).into(),
            given: false,
            backend: None,
        }
    }

    pub(crate) fn if_given(&self) -> Option<Arc<str>> {
        self.given.then(|| self.text.clone())
    }
}

/// `a::b::C<d::E>` as `C<E>`.
fn short(path: &str) -> String {
    let in_a_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut out = String::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let end = if in_a_path(first) {
            rest.find(|c| !in_a_path(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(end);
        out.push_str(word.rsplit("::").next().unwrap_or(word));
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_named_without_its_paths() {
        assert_eq!(short("fairpool::drivers::sqlite::Sqlite"), "Sqlite");
        assert_eq!(short("a::b::C<d::E, &str>"), "C<E, &str>");
        assert_eq!(short("Plain"), "Plain");
    }
}

//! Every path that a file names, written out from the crate's root: `use` trees unfolded, `self` and `super` resolved.
//!
//! Sees paths of two or more names anywhere in code (not only in `use`), and single ones only in `use`. What a re-export
//! or an alias stands for it does not know; the rules therefore look at where a name enters a file.

use crate::lexer::Token;

/// A path in code: where it starts, and its names. A path inside the crate starts with `crate`, a glob ends with `*`.
pub(crate) struct Named<'a> {
    pub(crate) token: &'a Token,
    pub(crate) names: Vec<String>,
}

impl Named<'_> {
    pub(crate) fn starts_with(&self, names: &[&str]) -> bool {
        self.names.len() >= names.len() && self.names.iter().zip(names).all(|(a, b)| a == b)
    }
}

pub(crate) fn named(tokens: &[Token]) -> Vec<Named<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let after_use = at > 0 && tokens[at - 1].text == "use";
        let mut found = Vec::new();
        let end = tree(tokens, at, &[], &mut found).max(at + 1);
        out.extend(
            found
                .into_iter()
                .filter(|path| after_use || path.names.len() > 1)
                .map(resolve),
        );
        at = end;
    }
    out
}

/// Reads one `use` tree or path at `at`; returns where it ended.
fn tree<'a>(tokens: &'a [Token], mut at: usize, prefix: &[String], out: &mut Vec<Named<'a>>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| &*token.text);
    let start = at;
    let mut names = prefix.to_vec();
    loop {
        if text(at) == "::" {
            at += 1;
        }
        match text(at) {
            "{" if at > start || !prefix.is_empty() => {
                at += 1;
                while !matches!(text(at), "}" | "") {
                    let before = at;
                    at = tree(tokens, at, &names, out);
                    // Past `as name` and the comma.
                    while !matches!(text(at), "," | "}" | "") {
                        at += 1;
                    }
                    at += usize::from(text(at) == ",");
                    at = at.max(before + 1);
                }
                return at + 1;
            }
            "*" if !names.is_empty() => {
                names.push("*".to_owned());
                at += 1;
                break;
            }
            "self" if !names.is_empty() => {
                at += 1;
                break;
            }
            word if tokens.get(at).is_some_and(Token::is_word) => {
                names.push(word.to_owned());
                at += 1;
            }
            _ => break,
        }
        if text(at) != "::" {
            break;
        }
    }
    if !names.is_empty() && at > start {
        out.push(Named {
            token: &tokens[start],
            names,
        });
    }
    at
}

fn resolve(mut path: Named<'_>) -> Named<'_> {
    let mut module = path.token.module.clone();
    let supers = path.names.iter().take_while(|name| *name == "super").count();
    if supers > 0 {
        module.truncate(module.len().saturating_sub(supers));
        path.names.drain(..supers);
    } else if path.names[0] == "self" {
        path.names.remove(0);
    } else {
        return path;
    }
    module.insert(0, "crate".to_owned());
    path.names.splice(..0, module);
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::tokens;

    fn paths(text: &str) -> Vec<String> {
        named(&tokens("src/pool/lane.rs", text))
            .iter()
            .map(|path| path.names.join("::"))
            .collect()
    }

    #[test]
    fn a_use_tree_is_unfolded() {
        let uses = "use crate::{sync::{self, line::Line as L, word::*}, Pool}; use tokio;";
        assert_eq!(
            paths(uses),
            [
                "crate::sync",
                "crate::sync::line::Line",
                "crate::sync::word::*",
                "crate::Pool",
                "tokio"
            ]
        );
    }

    #[test]
    fn self_and_super_are_resolved_from_the_module() {
        assert_eq!(
            paths("use super::guard::Pooled; use self::x::y;"),
            ["crate::pool::guard::Pooled", "crate::pool::lane::x::y"]
        );
        assert_eq!(
            paths("mod tests { use super::*; use super::super::guard; }"),
            ["crate::pool::lane::*", "crate::pool::guard"]
        );
        assert_eq!(
            paths("use super::super::{sync, drivers::a};"),
            ["crate::sync", "crate::drivers::a"]
        );
    }

    #[test]
    fn a_path_in_the_middle_of_code_is_seen() {
        let code = "fn a(x: ::std::sync::Mutex<u8>) { crate::pool::f::<u8>(); match x { _ => { y } } a(b, c) }";
        assert_eq!(paths(code), ["std::sync::Mutex", "crate::pool::f"]);
    }
}

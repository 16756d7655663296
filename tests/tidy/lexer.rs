//! Rust's tokens, as far as the rules need them: words, `::` and single marks, each with its place and its module.
//!
//! Comments, strings and characters are no tokens: a word in them breaks no rule. Not a parser; it trusts rustfmt'ed code.

/// A word (name, keyword, number), `::`, or one mark.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// The byte at which it starts.
    pub(crate) start: usize,
    /// The module it stands in, from the crate's root.
    pub(crate) module: Vec<String>,
}

impl Token {
    pub(crate) fn is_word(&self) -> bool {
        self.text.starts_with(is_word_char)
    }

    /// Whether it stands in a module of tests, which may do what the crate may not.
    pub(crate) fn in_tests(&self) -> bool {
        self.module.iter().any(|name| name == "tests")
    }
}

/// All tokens of a file; `path` says which module the file is.
pub(crate) fn tokens(path: &str, text: &str) -> Vec<Token> {
    let code = blank(text);
    let mut module = module_of(path);
    let mut inline: Vec<usize> = Vec::new();
    let mut depth = 0;
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(first) = code[at..].chars().next() {
        let rest = &code[at..];
        let length = if first.is_whitespace() {
            at += 1;
            continue;
        } else if is_word_char(first) {
            rest.find(|c| !is_word_char(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            1
        };
        let text = &rest[..length];
        if text == "{" {
            depth += 1;
            if let Some(name) = inline_module(&tokens) {
                module.push(name);
                inline.push(depth);
            }
        }
        tokens.push(Token {
            text: text.to_owned(),
            start: at,
            module: module.clone(),
        });
        if text == "}" {
            if inline.last() == Some(&depth) {
                inline.pop();
                module.pop();
            }
            depth = depth.saturating_sub(1);
        }
        at += length;
    }
    tokens
}

/// The name of the module that a `{` after these tokens opens, if it opens one.
fn inline_module(before: &[Token]) -> Option<String> {
    let [.., keyword, name] = before else { return None };
    (keyword.text == "mod").then(|| name.text.clone())
}

/// `src/pool/pool.rs` is `pool::pool`, `src/pool/mod.rs` is `pool`, `src/lib.rs` the root.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let name = inside.strip_suffix(".rs").unwrap_or(inside);
    let name = name.strip_suffix("/mod").unwrap_or(name);
    if name == "lib" {
        Vec::new()
    } else {
        name.split('/').map(str::to_owned).collect()
    }
}

fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The text with comments, strings and characters overwritten by spaces; every byte left keeps its place.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    while out.len() < bytes.len() {
        let at = out.len();
        match hidden(text, at) {
            Some(end) => out.extend(
                bytes[at..end]
                    .iter()
                    .map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }),
            ),
            None => out.push(if bytes[at].is_ascii() { bytes[at] } else { b' ' }),
        }
    }
    String::from_utf8(out).expect("only ASCII was written")
}

/// Where the comment, string or character that starts at `at` ends, if one does.
fn hidden(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let rest = &bytes[at..];
    let through =
        |needle: &str, from: usize| find(bytes, from, needle.as_bytes()).map_or(bytes.len(), |i| i + needle.len());
    match rest {
        [b'/', b'/', ..] => Some(find(bytes, at, b"\n").unwrap_or(bytes.len())),
        [b'/', b'*', ..] => Some(block_comment(bytes, at)),
        [b'"', ..] => Some(quoted(bytes, at, b'"')),
        [b'\'', b'\\', ..] => Some(quoted(bytes, at, b'\'')),
        [b'\'', ..] => {
            // A lifetime has no second quote right after one character.
            let character = std::str::from_utf8(&rest[1..]).ok()?.chars().next()?;
            let end = 1 + character.len_utf8();
            (character != '\'' && rest.get(end) == Some(&b'\'')).then_some(at + end + 1)
        }
        [b'r', b'"' | b'#', ..] => {
            let prefix = at.checked_sub(1).map_or(b' ', |i| bytes[i]);
            let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
            let is_raw =
                rest.get(1 + hashes) == Some(&b'"') && (matches!(prefix, b'b' | b'c') || !is_word_char(prefix.into()));
            is_raw.then(|| through(&format!("\"{}", "#".repeat(hashes)), at + 2 + hashes))
        }
        _ => None,
    }
}

fn block_comment(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(bytes.len())
}

fn quoted(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    bytes[from..]
        .windows(needle.len())
        .position(|window| window == needle)
        .map(|i| from + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens("src/a.rs", text)
            .into_iter()
            .filter(Token::is_word)
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn comments_strings_and_characters_hold_no_words() {
        assert_eq!(
            words("a // b\n/* c /* d */ e */ f \"g \\\" h\" 'i' '\\'' j"),
            ["a", "f", "j"]
        );
        assert_eq!(
            words("r#\"a \" b\"# c br\"d\" r#fn \"é\" 'é' e"),
            ["c", "b", "r", "fn", "e"]
        );
        assert_eq!(
            words("fn a<'b>(c: &'b str) -> char { '\"' }"),
            ["fn", "a", "b", "c", "b", "str", "char"]
        );
    }

    #[test]
    fn a_token_knows_its_byte_and_its_module() {
        let tokens = tokens("src/pool/lane.rs", "a; mod tests { mod b { c } } d");
        let of = |text: &str| tokens.iter().find(|token| token.text == text).expect("a token");
        assert_eq!((of("a").start, of("a").module.join("::")), (0, "pool::lane".to_owned()));
        assert_eq!(of("c").module.join("::"), "pool::lane::tests::b");
        assert!(of("c").in_tests() && !of("d").in_tests());
    }

    #[test]
    fn a_file_is_a_module_of_the_crate() {
        assert_eq!(module_of("src/pool/mod.rs"), ["pool"]);
        assert_eq!(module_of("src/drivers/sqlite.rs"), ["drivers", "sqlite"]);
        assert!(module_of("src/lib.rs").is_empty());
    }
}

//! Cuts SQL into words and what stands between them, as PostgreSQL's lexer does: comments, strings and numbers say nothing.
//!
//! Strings are read as with `standard_conforming_strings` on. A text that ends within one ends there.

/// As much as the [words](super::words) need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or a name, as it is written.
    Word(&'a str),
    /// A name in double quotes, without them.
    Name(&'a str),
    /// A string, a number or a parameter.
    Value,
    /// Any other character.
    Mark(u8),
}

/// The tokens of a text.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        Tokens { rest: sql }
    }

    /// Takes so many bytes.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Takes everything up to the end of this text, or all.
    fn take_past(&mut self, end: &str) -> &'a str {
        match self.rest.find(end) {
            Some(at) => {
                let taken = self.take(at);
                self.take(end.len());
                taken
            }
            None => self.take(self.rest.len()),
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest.trim_ascii_start();
            self.rest = rest;
            if rest.starts_with("--") {
                self.take_past("\n");
            } else if rest.starts_with("/*") {
                self.skip_comment();
            } else {
                return;
            }
        }
    }

    /// They nest.
    fn skip_comment(&mut self) {
        let bytes = self.rest.as_bytes();
        let (mut at, mut depth) = (0, 0);
        while at < bytes.len() {
            match bytes.get(at..at + 2) {
                Some(b"/*") => (at, depth) = (at + 2, depth + 1),
                Some(b"*/") => (at, depth) = (at + 2, depth - 1),
                _ => at += 1,
            }
            if depth == 0 {
                break;
            }
        }
        self.take(at);
    }

    /// The end of a quoted text, behind its first quote: a doubled quote does not end it, nor one behind a backslash, if that
    /// escapes.
    fn skip_quoted(&mut self, quote: u8, escapes: bool) -> &'a str {
        let bytes = self.rest.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if escapes && bytes[at] == b'\\' {
                at += 2;
            } else if bytes[at] != quote {
                at += 1;
            } else if bytes.get(at + 1) == Some(&quote) {
                at += 2;
            } else {
                let text = self.take(at);
                self.take(1);
                return text;
            }
        }
        self.take(bytes.len())
    }

    /// `$1`, or a string between `$tag$` and `$tag$`.
    fn dollar(&mut self) -> Token<'a> {
        let inner = &self.rest[1..];
        let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            self.take(1 + digits);
            return Token::Value;
        }
        let tag = inner
            .bytes()
            .take_while(|byte| is_in_word(*byte) && *byte != b'$')
            .count();
        if inner.as_bytes().get(tag) != Some(&b'$') {
            self.take(1);
            return Token::Mark(b'$');
        }
        let quote = self.take(tag + 2);
        self.take_past(quote);
        Token::Value
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        let first = *self.rest.as_bytes().first()?;
        Some(match first {
            b'\'' => {
                self.take(1);
                self.skip_quoted(b'\'', false);
                Token::Value
            }
            b'"' => {
                self.take(1);
                Token::Name(self.skip_quoted(b'"', false))
            }
            b'$' => self.dollar(),
            b'0'..=b'9' => {
                let is_in_number = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
                self.take(self.rest.bytes().take_while(is_in_number).count());
                Token::Value
            }
            byte if is_in_word(byte) => {
                let word = self.take(self.rest.bytes().take_while(|byte| is_in_word(*byte)).count());
                if matches!(word, "e" | "E") && self.rest.starts_with('\'') {
                    self.take(1);
                    self.skip_quoted(b'\'', true);
                    return Some(Token::Value);
                }
                Token::Word(word)
            }
            // What is not ASCII is in a word.
            mark => {
                self.take(1);
                Token::Mark(mark)
            }
        })
    }
}

fn is_in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(sql: &str) -> Vec<&str> {
        let word = |token| match token {
            Token::Word(word) => Some(word),
            _ => None,
        };
        Tokens::new(sql).filter_map(word).collect()
    }

    #[test]
    fn what_is_quoted_or_commented_says_nothing() {
        assert_eq!(words("a 'b; c' d"), ["a", "d"]);
        assert_eq!(words("a 'it''s' d"), ["a", "d"]);
        assert_eq!(words(r"a 'b\' c"), ["a", "c"]);
        assert_eq!(words(r"a E'b\' c' d"), ["a", "d"]);
        assert_eq!(words("a $$b$$ c $x$d $$ $y$ e$x$ f $1 g"), ["a", "c", "f", "g"]);
        assert_eq!(words("a -- b\nc /* d /* e */ f */ g"), ["a", "c", "g"]);
        assert_eq!(words("a 'b"), ["a"]);
        assert_eq!(words("a $x$b"), ["a"]);
        assert_eq!(words("a /* b"), ["a"]);
        assert_eq!(words(r"E'\"), [""; 0]);
        assert_eq!(words("größe$1 1e5 12ab x"), ["größe$1", "x"]);
    }

    #[test]
    fn names_in_quotes_are_told_from_words() {
        let tokens: Vec<_> = Tokens::new("\"a b\".c(€)").collect();
        let expected = [
            Token::Name("a b"),
            Token::Mark(b'.'),
            Token::Word("c"),
            Token::Mark(b'('),
            Token::Word("€"),
            Token::Mark(b')'),
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn any_text_comes_to_an_end() {
        let pieces = [
            "'", "\"", "$", "$$", "$a$", "\\", "E'", "/*", "*/", "--", "\n", "é", "a", "1", ";", " ",
        ];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let text: String = (0..random.usize(0..12))
                .map(|_| *random.choice(&pieces).expect("some"))
                .collect();
            assert!(Tokens::new(&text).count() <= text.len());
        }
    }
}

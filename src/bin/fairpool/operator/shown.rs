//! Texts of others on a terminal: what could move its cursor, hide or reverse what stands beside it is shown as an escape.

use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands for nothing.
pub(crate) const NONE: &str = "–";

/// The text, with escapes for what is not to be seen as such.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// A value of the server's JSON in a cell.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => NONE.to_owned(),
        Some(Value::String(text)) => shown(text),
        Some(Value::Array(all)) => {
            let all: Vec<String> = all.iter().map(|one| cell(Some(one))).collect();
            if all.is_empty() {
                NONE.to_owned()
            } else {
                all.join(", ")
            }
        }
        Some(Value::Object(fields)) => {
            let fields: Vec<String> = (fields.iter())
                .map(|(name, value)| format!("{} {}", shown(name), cell(Some(value))))
                .collect();
            fields.join(" ")
        }
        Some(other) => shown(&other.to_string()),
    }
}

/// JSON in one line. Inside of its texts escapes mean the same.
pub(crate) fn json_line(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if is_hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// In columns of a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// At most so many columns of it; what is missing is an ellipsis.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or_default();
        // One column is the ellipsis'.
        if used + 1 > columns {
            break;
        }
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// Control characters, those that turn the direction of writing, and those without any width of their own that join or separate.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_moves_a_cursor_or_turns_the_writing_is_escaped() {
        let evil = "a\u{1b}[2J\u{9b}1m\u{7f}\u{202e}b\r\n\u{200b}é日";
        let said = shown(evil);
        assert_eq!(said, "a\\u{1b}[2J\\u{9b}1m\\u{7f}\\u{202e}b\\r\\n\\u{200b}é日");
    }

    #[test]
    fn json_keeps_its_meaning_and_has_no_control_character() {
        let evil = json!({"a\u{9b}": "b\u{1b}\u{202e}\u{e0041}\n", "n": [1.0, 7, null]});
        let line = json_line(&evil);
        assert!(!line.contains(is_hidden), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).expect("JSON"), evil);
    }

    #[test]
    fn a_text_is_cut_by_columns_and_not_by_characters() {
        assert_eq!(cut("orders", 6), "orders");
        assert_eq!(cut("orders", 5), "orde…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!((cut("ab", 1), cut("ab", 0)), ("…".to_owned(), String::new()));
    }
}

//! A request's path in segments, and its query in pairs, each decoded once.

use axum::http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;

/// What may stand in a query as it is (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The segments between slashes, decoded: `/a%20b%2Fc/d` is `a b/c` and `d`. A slash at the end makes an empty last one.
/// `None` if one of them is no UTF-8.
pub(crate) fn segments(path: &str) -> Option<Vec<Cow<'_, str>>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let decoded = path.split('/').map(|segment| percent_decode_str(segment).decode_utf8());
    decoded.collect::<Result<_, _>>().ok()
}

/// The pairs of a query, decoded. What is no UTF-8 in them becomes `�`.
pub(crate) fn pairs(uri: &Uri) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let pairs = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

/// A text as it stands in a query.
pub(crate) fn encoded(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, ENCODED)
}

fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_decoded_once() {
        let seen = |path| segments(path).map(|all| all.join("|"));
        assert_eq!(seen("/a%20b%2Fc/d").as_deref(), Some("a b/c|d"));
        assert_eq!(seen("/%2525/%25").as_deref(), Some("%25|%"));
        assert_eq!(seen("/%zz/%/a+b/").as_deref(), Some("%zz|%|a+b|"));
        assert_eq!(seen("/").as_deref(), Some(""));
        assert_eq!(seen("/%ff"), None);
    }

    #[test]
    fn a_query_is_read_in_pairs() {
        let uri: Uri = "/x?filter%5Bname%5D=a+b%2Bc&&page&sort=%ff&=1&a=b=c"
            .parse()
            .expect("a path");
        let seen: Vec<_> = pairs(&uri).map(|(name, value)| format!("{name}:{value}")).collect();
        assert_eq!(seen, ["filter[name]:a b+c", "page:", "sort:\u{fffd}", ":1", "a:b=c"]);
        assert_eq!(encoded("a b&c[é]").to_string(), "a%20b%26c%5B%C3%A9%5D");
    }
}

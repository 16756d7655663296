//! The id by which a request is found again in a journal: the client's, if it is sane, else one that is made here.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Where the id stands, in requests and in answers.
pub(crate) const NAME: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 128;

/// The request's id. The client's counts if there is one only, of at most 128 letters, digits, `-`, `_`, `.` and `:`, so that nobody
/// can write into a journal what he likes.
pub(crate) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let mut given = headers.get_all(NAME).iter();
    match (given.next(), given.next()) {
        (Some(id), None) if is_sane(id.as_bytes()) => id.clone(),
        _ => made(),
    }
}

fn is_sane(id: &[u8]) -> bool {
    let may_be = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    (1..=LONGEST).contains(&id.len()) && id.iter().all(may_be)
}

/// A UUID of version 4. It is no secret, so any random bits will do.
fn made() -> HeaderValue {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | 4 << 76 | 2 << 62;
    let mut text = *b"00000000-0000-0000-0000-000000000000";
    let mut rest = bits;
    for digit in text.iter_mut().rev().filter(|byte| **byte == b'0') {
        *digit = b"0123456789abcdef"[(rest & 0xf) as usize];
        rest >>= 4;
    }
    HeaderValue::from_bytes(&text).expect("bug: hexadecimal digits are visible")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_kept_and_any_other_replaced() {
        let kept = |ids: &[&str]| {
            let mut headers = HeaderMap::new();
            for id in ids {
                headers.append(NAME, HeaderValue::from_bytes(id.as_bytes()).expect("a value"));
            }
            let id = request_id(&headers);
            ids.first().is_some_and(|first| id == *first)
        };
        let long = "a".repeat(LONGEST);
        for sane in ["7", "a-b_c.d:e", &long] {
            assert!(kept(&[sane]), "{sane}");
        }
        let longer = "a".repeat(LONGEST + 1);
        for other in ["", "a b", "a\"b", "é", "{}", &longer] {
            assert!(!kept(&[other]), "{other}");
        }
        assert!(!kept(&["a", "b"]));
        assert!(!kept(&[]));
    }

    #[test]
    fn a_made_id_is_a_uuid_of_version_four() {
        let id = made();
        let id = id.to_str().expect("visible");
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert!(made() != made());
    }
}

//! The numbers that a store draws for keys. Each kind has its own; none is drawn twice, whatever was deleted or restarted.

use super::error::StoreError;
use super::kind::Kind;

/// The last one: SQLite's integers have a sign.
const LAST: u64 = i64::MAX as u64;

/// The number after `last`.
pub(super) fn next(kind: Kind, last: u64) -> Result<u64, StoreError> {
    if last < LAST {
        Ok(last + 1)
    } else {
        Err(StoreError::Exhausted { kind })
    }
}

/// The number that a key spells as a drawn one would, if it could be drawn.
pub(super) fn spelled(key: &str) -> Option<u64> {
    let number = key.parse::<u64>().ok()?;
    (number <= LAST && number.to_string() == key).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_that_could_be_drawn_counts_as_a_number() {
        assert_eq!(spelled("17"), Some(17));
        assert_eq!(spelled("9223372036854775807"), Some(LAST));
        for name in [
            "",
            "orders",
            "+1",
            "01",
            " 1",
            "1.0",
            "-1",
            "9223372036854775808",
            "99999999999999999999",
        ] {
            assert_eq!(spelled(name), None, "{name}");
        }
        assert_eq!(next(Kind::Topic, 0).ok(), Some(1));
        assert!(matches!(next(Kind::Topic, LAST), Err(StoreError::Exhausted { .. })));
    }
}

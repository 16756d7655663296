//! The names of pools in one text, so that a filter looks through 10,000 of them in one go and touches no pool that it does not show.
//!
//! Finds what [`ListQuery::matches`](super::super::models::ListQuery::matches) finds: a part of a name, ignoring case.

use memchr::memmem;

/// Names in lower case, in the order in which they came.
pub(super) struct Names {
    /// Each is followed by [`END`], which is in no text.
    text: Vec<u8>,
    /// Where each has its end.
    ends: Vec<usize>,
}

const END: u8 = 0xff;

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for name in names {
            if name.is_ascii() {
                text.extend(name.bytes().map(|byte| byte.to_ascii_lowercase()));
            } else {
                text.extend(name.to_lowercase().bytes());
            }
            ends.push(text.len());
            text.push(END);
        }
        Names { text, ends }
    }
}

impl Names {
    /// The places of the names that contain one of these parts, which are in lower case.
    pub(super) fn containing(&self, parts: &[String]) -> Vec<usize> {
        if let [part] = parts {
            return self.with(part);
        }
        let mut is_chosen = vec![false; self.ends.len()];
        for at in parts.iter().flat_map(|part| self.with(part)) {
            is_chosen[at] = true;
        }
        let chosen = is_chosen.iter().enumerate().filter(|(_, is_chosen)| **is_chosen);
        chosen.map(|(at, _)| at).collect()
    }

    fn with(&self, part: &str) -> Vec<usize> {
        let finder = memmem::Finder::new(part);
        let (mut found, mut from, mut at) = (Vec::new(), 0, 0);
        while let Some(place) = self.text.get(from..).and_then(|rest| finder.find(rest)) {
            // The names come one after the other, so that all of a search looks at each end once.
            while self.ends.get(at).is_some_and(|end| *end < from + place) {
                at += 1;
            }
            let Some(end) = self.ends.get(at) else { break };
            found.push(at);
            from = end + 1;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_each_name_once_and_never_across_two() {
        let names: Names = ["ab", "", "bAb", "É-b", "a", "b"].into_iter().collect();
        let found = |parts: &[&str]| names.containing(&parts.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(found(&["b"]), [0, 2, 3, 5]);
        assert_eq!(found(&["é"]), [3]);
        assert_eq!(found(&["ab"]), [0, 2]);
        assert_eq!(found(&["bb"]), [] as [usize; 0]);
        assert_eq!(found(&[""]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(found(&["a", "-", "a"]), [0, 2, 3, 4]);
        assert_eq!(Names::from_iter([]).containing(&[String::new()]), [] as [usize; 0]);
    }
}

//! A table indexed by slot number that grows and never moves: segments that double in size, made when a limit needs them.

use std::sync::OnceLock;

const FIRST: u32 = 8;
/// Enough for 65,536 numbers.
pub(crate) const SEGMENTS: usize = 14;
/// Enough for any number.
pub(crate) const ALL_SEGMENTS: usize = 29;

#[derive(Debug)]
pub(crate) struct Segments<T, const N: usize = SEGMENTS>([OnceLock<Box<[T]>>; N]);

impl<T, const N: usize> Segments<T, N> {
    pub(crate) fn new() -> Self {
        Segments(std::array::from_fn(|_| OnceLock::new()))
    }

    /// Makes the entries of the first `numbers` numbers, and a few more; they stay.
    pub(crate) fn reach(&self, numbers: u32, make: impl Fn() -> T) {
        for (segment, entries) in self.0.iter().enumerate().take(locate(numbers.max(1) - 1).0 + 1) {
            entries.get_or_init(|| (0..segment_len(segment)).map(|_| make()).collect());
        }
    }

    #[inline(always)]
    pub(crate) fn at(&self, number: u32) -> &T {
        let (segment, offset) = locate(number);
        &self.0[segment]
            .get()
            .expect("bug: a slot was made before its place in a table")[offset]
    }
}

/// Segment *s* holds the 8·2^*s* numbers after those of the segments before it.
#[inline(always)]
pub(crate) fn locate(number: u32) -> (usize, usize) {
    let from_first = number + FIRST;
    let segment = from_first.ilog2() - FIRST.ilog2();
    (segment as usize, (from_first - (FIRST << segment)) as usize)
}

pub(crate) fn segment_len(segment: usize) -> usize {
    (FIRST as usize) << segment
}

#[cfg(all(test, not(fairpool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_one_place_and_places_follow_each_other() {
        let mut expected = (0, 0);
        for number in 0..65_536 {
            assert_eq!(locate(number), expected, "number {number}");
            expected.1 += 1;
            if expected.1 == segment_len(expected.0) {
                expected = (expected.0 + 1, 0);
            }
        }
        assert!(locate(65_535).0 < SEGMENTS);
        assert_eq!(locate(u32::MAX - FIRST).0, ALL_SEGMENTS - 1);
    }
}

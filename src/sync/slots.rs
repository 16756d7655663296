//! The stock of numbered slots: idle ones as bits in gated words, or on a shelf behind the line's lock.
//!
//! Slot *n* has one word and one bit for ever: the first 32·H slots are dealt round-robin over H *home* words, so that
//! threads which start at different words meet different slots; the next ones fill up to 32 further words, made when the
//! limit first needs them; slots beyond those have no word and are always shelved. Scanning and gating thus touch a bounded
//! number of words, whatever the limit.
//!
//! | an idle slot is | where | lent by |
//! |---|---|---|
//! | public | its bit, in its word | one CAS |
//! | fresh | shelf, under the lock: it has no word | the lock's holder |
//! | stale | shelf, under the lock: unused for a while | nobody before it has been looked after (`take_stale`) |
//!
//! What becomes of slots under the lock (vacancies, debt, epochs, ticks) is in `upkeep`.

use super::cells::Slot;
use super::home::thread_number;
use super::line::Line;
use super::primitives::{OnceLock, Padded, mutant};
use super::stock::Stock;
use super::word::{Look, SLOTS, Word};
use std::collections::{BinaryHeap, VecDeque};
use std::marker::PhantomData;

/// The most slots a pool can have.
pub(crate) const MAX_SLOTS: u32 = 65_536;
/// Words beyond the home words; loom, which tries them all in every order, gets one.
const MORE: usize = if cfg!(fairpool_loom) { 1 } else { 32 };

#[derive(Debug)]
pub(crate) struct Slots<T> {
    home: Box<[Padded<Word>]>,
    more: OnceLock<Box<[Padded<Word>]>>,
    /// What the slots' cells hold; the stock itself never sees one.
    _cells: PhantomData<fn() -> T>,
}

/// What stands behind the gates. All of it is under the line's lock.
#[derive(Debug)]
pub(crate) struct Back {
    pub(super) limit: u32,
    /// Slots that hold a connection or are being given one.
    pub(super) occupied: u32,
    /// Of those, the ones sure to be vacated soon: they pay a shrink's debt already.
    pub(super) leaving: u32,
    /// Generation that idle slots belong to.
    pub(super) epoch: u32,
    /// Slot numbers never used begin here.
    pub(super) made: u32,
    /// Numbers used before and vacant now, lowest first.
    pub(super) spare: BinaryHeap<std::cmp::Reverse<u32>>,
    pub(super) fresh: Vec<u32>,
    /// Unused since before the moment beside them, the longest unused in front.
    pub(super) stale: VecDeque<(u32, u64)>,
    /// Nothing was used for a tick: gates stay shut so that the next use is noticed.
    pub(super) dozing: bool,
    /// Every slot is to be looked after before it is lent: nothing is ever public.
    pub(super) guarded: bool,
}

impl Back {
    /// Whether more slots are occupied for good than the limit allows.
    pub(super) fn in_debt(&self) -> bool {
        self.occupied - self.leaving > self.limit && !mutant!("shrink_forgets_debt")
    }

    pub(super) fn vacant(&self) -> u32 {
        self.limit.saturating_sub(self.occupied)
    }
}

impl<T> Line<Slots<T>> {
    /// A line over `limit` vacant slots, dealt over at most `homes` words.
    pub(crate) fn slots(limit: u32, homes: usize, guarded: bool, margin: u64) -> Self {
        let most = 1 << limit.clamp(1, SLOTS).ilog2();
        let homes = homes.clamp(1, most).next_power_of_two();
        let back = Back {
            limit,
            occupied: 0,
            leaving: 0,
            epoch: 0,
            made: 0,
            spare: BinaryHeap::new(),
            fresh: Vec::new(),
            stale: VecDeque::new(),
            dozing: false,
            guarded,
        };
        let home = (0..homes).map(|_| Padded(Word::shut_at(0))).collect();
        let line = Line::over(
            Slots {
                home,
                more: OnceLock::new(),
                _cells: PhantomData,
            },
            back,
            margin,
        );
        line.stock.reach(limit, 0);
        line
    }
}

impl<T> Slots<T> {
    /// Makes the further words once the limit needs them. Shut: the line opens them when it may.
    pub(super) fn reach(&self, limit: u32, epoch: u32) {
        if limit as usize > self.home.len() * SLOTS as usize && self.more.get().is_none() {
            let words = (0..MORE).map(|_| Padded(Word::shut_at(epoch))).collect();
            self.more
                .set(words)
                .expect("bug: the words were made twice under one lock");
        }
    }

    /// All words, the home words first.
    pub(super) fn words(&self) -> impl Iterator<Item = &Word> {
        self.home
            .iter()
            .chain(self.more.get().into_iter().flatten())
            .map(|padded| &padded.0)
    }

    /// The slot behind a bit of the word at `index` of `words`.
    pub(super) fn number(&self, index: usize, bit: u32) -> u32 {
        let homes = self.home.len() as u32;
        match (index as u32).checked_sub(homes) {
            None => self.home_number(index, bit),
            Some(further) => (homes + further) * SLOTS + bit,
        }
    }

    #[inline(always)]
    fn home_number(&self, index: usize, bit: u32) -> u32 {
        bit << self.home.len().trailing_zeros() | index as u32
    }

    /// The word and bit of a slot, if it has one.
    #[inline(always)]
    pub(super) fn place(&self, slot: u32) -> Option<(&Word, u32)> {
        let homes = self.home.len() as u32;
        let bit = slot >> homes.trailing_zeros();
        if bit < SLOTS {
            return Some((&self.home[(slot & (homes - 1)) as usize].0, bit));
        }
        let further = slot - homes * SLOTS;
        let word = self.more.get()?.get((further / SLOTS) as usize)?;
        Some((&word.0, further % SLOTS))
    }

    /// `take`, starting at a given home word.
    #[inline(always)]
    pub(super) fn take_from(&self, start: usize) -> Option<u32> {
        let mask = self.home.len() - 1;
        for step in 0..self.home.len() {
            let index = (start + step) & mask;
            match self.home[index].take() {
                Look::Taken(bit) => return Some(self.home_number(index, bit)),
                Look::Empty => {}
                Look::Shut => return None,
            }
        }
        self.take_further()
    }

    #[cold]
    fn take_further(&self) -> Option<u32> {
        for (index, word) in self.more.get()?.iter().enumerate() {
            match word.take() {
                Look::Taken(bit) => return Some(self.number(self.home.len() + index, bit)),
                Look::Empty => {}
                Look::Shut => return None,
            }
        }
        None
    }

    /// Bits idle in all words.
    pub(super) fn public(&self) -> u32 {
        self.words().map(|word| word.idle().count_ones()).sum()
    }
}

impl<T> Stock for Slots<T> {
    type Unit = Slot<T>;
    type Back = Back;

    #[inline(always)]
    fn unit(number: u32) -> Slot<T> {
        Slot::of(number)
    }

    #[inline(always)]
    fn number(slot: Slot<T>) -> u32 {
        slot.end()
    }

    #[inline(always)]
    fn take(&self) -> Option<u32> {
        self.take_from(thread_number())
    }

    #[inline(always)]
    fn put(&self, slot: u32, epoch: u32) -> bool {
        self.place(slot).is_some_and(|(word, bit)| word.put(bit, epoch))
    }

    fn solvent(back: &Back) -> bool {
        !back.in_debt()
    }

    fn usable(back: &Back, epoch: u32) -> bool {
        epoch == back.epoch && !back.in_debt()
    }

    fn guarded(back: &Back) -> bool {
        back.guarded
    }

    fn dormant(back: &Back) -> bool {
        back.vacant() > 0 || !back.stale.is_empty()
    }

    fn part(back: &mut Back) {
        back.leaving += 1;
    }

    fn shut_and_take(&self, back: &mut Back) -> Option<u32> {
        for (index, word) in self.words().enumerate() {
            let idle = if mutant!("join_looks_without_shutting") {
                word.idle()
            } else {
                word.shut()
            };
            if idle != 0 {
                let bit = idle.trailing_zeros();
                word.pick(bit);
                return Some(self.number(index, bit));
            }
        }
        back.fresh.pop()
    }

    fn stir(back: &mut Back) -> bool {
        !mutant!("doze_never_ends") && std::mem::take(&mut back.dozing)
    }

    fn shut(&self) {
        for word in self.words() {
            word.shut();
        }
    }

    fn open(&self, back: &Back) {
        if !back.dozing && !back.guarded {
            self.words().for_each(Word::open);
        }
    }

    fn keep(&self, back: &mut Back, slot: u32, open: bool) {
        if back.guarded {
            back.stale.push_back((slot, 0));
            return;
        }
        match self.place(slot) {
            Some((word, bit)) => {
                word.lay(bit);
                if open && !back.dozing {
                    word.open();
                }
            }
            None => back.fresh.push(slot),
        }
    }

    fn retire_idle(&self, back: &mut Back) -> Vec<u32> {
        let mut idle: Vec<u32> = back.fresh.drain(..).collect();
        idle.extend(back.stale.drain(..).map(|(slot, _)| slot));
        for (index, word) in self.words().enumerate() {
            let bits = word.sweep(back.epoch);
            idle.extend(
                (0..SLOTS)
                    .filter(|bit| bits & 1 << bit != 0)
                    .map(|bit| self.number(index, bit)),
            );
        }
        back.leaving += idle.len() as u32;
        idle
    }
}

#[cfg(all(test, not(fairpool_loom)))]
mod tests {
    use super::super::line::Given;
    use super::*;

    /// The index among `words` of a slot's word, and its bit.
    fn place(stock: &Slots<()>, slot: u32) -> Option<(usize, u32)> {
        let (word, bit) = stock.place(slot)?;
        let index = stock.words().position(|other| std::ptr::eq(word, other));
        Some((index.expect("its word is one of them"), bit))
    }

    #[test]
    fn a_slot_and_its_place_find_each_other_whatever_the_number_of_home_words() {
        for homes in [1, 2, 3, 4, 7, 8, 16, 31, 32, 1000] {
            let line = Line::<Slots<()>>::slots(MAX_SLOTS, homes, false, 0);
            let words = line.stock.words().count() as u32;
            assert_eq!(words, (homes as u32).next_power_of_two().min(SLOTS) + MORE as u32);
            for slot in 0..words * SLOTS {
                let (index, bit) = place(&line.stock, slot).expect("it has a word");
                assert!(bit < SLOTS, "slot {slot} of {homes} homes");
                assert_eq!(line.stock.number(index, bit), slot, "slot {slot} of {homes} homes");
            }
            for slot in words * SLOTS..MAX_SLOTS {
                assert_eq!(place(&line.stock, slot), None, "slot {slot} of {homes} homes");
            }
        }
    }

    #[test]
    fn the_first_slots_stand_in_words_of_their_own() {
        let line = Line::<Slots<()>>::slots(64, 8, false, 0);
        let words: Vec<_> = (0..8).filter_map(|slot| place(&line.stock, slot)).collect();
        assert_eq!(words, (0..8).map(|index| (index, 0)).collect::<Vec<_>>());
    }

    #[test]
    fn a_small_pool_has_no_more_words_than_slots_and_a_growth_makes_the_further_ones() {
        for (limit, homes) in [
            (0, 1),
            (1, 1),
            (2, 2),
            (3, 2),
            (5, 4),
            (31, 16),
            (32, 32),
            (33, 32),
            (1024, 32),
        ] {
            let line = Line::<Slots<()>>::slots(limit, 1000, false, 0);
            assert_eq!(line.stock.words().count(), homes, "limit {limit}");
        }
        let line = Line::<Slots<()>>::slots(1, 1, false, 0);
        assert_eq!(place(&line.stock, 32), None);
        assert!(line.set_limit(33, || 0).is_empty());
        assert_eq!(place(&line.stock, 32), Some((1, 0)));
        assert!(line.set_limit(40, || 0).is_empty());
        assert_eq!(line.stock.words().count(), 1 + MORE);
    }

    #[test]
    fn slots_are_taken_from_the_home_word_first_and_lowest_first_in_each() {
        let line = Line::<Slots<()>>::slots(8, 4, false, 0);
        let held: Vec<_> = std::iter::from_fn(|| line.occupy()).collect();
        for (slot, epoch) in held {
            assert!(matches!(line.give(slot, epoch, || 0), Given::Kept));
        }
        let taken: Vec<_> = std::iter::from_fn(|| line.stock.take_from(2)).collect();
        assert_eq!(taken, [2, 6, 3, 7, 0, 4, 1, 5]);
    }
}

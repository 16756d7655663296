//! What a line gives out: numbered slots, or so many of something.
//!
//! A stock is the lock-free half of the line. Its gates decide which half a caller meets: open, one compare-and-swap and
//! done; shut, the line's lock. Only the holder of that lock moves a gate, and while all are shut only that holder changes
//! the stock, which is what makes a look at it exact.

/// See the module. `Back` is what stands behind the gates, under the line's lock.
pub(crate) trait Stock {
    /// What a caller holds: a token that cannot be copied. Inside the line it is only a number.
    type Unit;
    type Back;

    fn unit(number: u32) -> Self::Unit;

    fn number(unit: Self::Unit) -> u32;

    /// One unit, unless a gate is shut or nothing is left.
    fn take(&self) -> Option<u32>;

    /// Gives a unit back, marked with the epoch it belongs to; false when the caller must go through the lock.
    fn put(&self, unit: u32, epoch: u32) -> bool;

    // With the line's lock held:

    /// Whether units may be handed out and kept at all: not while a shrink's debt is owed.
    fn solvent(back: &Self::Back) -> bool;

    /// Whether a unit of this epoch can be used again: not an old one, and not while a debt is owed.
    fn usable(back: &Self::Back, epoch: u32) -> bool;

    /// Whether a unit must be looked after before it is lent again, even to the next in line.
    fn guarded(back: &Self::Back) -> bool;

    /// Whether there is something that could become a unit if somebody saw to it.
    fn dormant(back: &Self::Back) -> bool;

    /// Books that a unit given back leaves instead of being used again.
    fn part(back: &mut Self::Back);

    /// Shuts gates until it meets an idle unit and takes that; `None` means all are shut and nothing is idle.
    fn shut_and_take(&self, back: &mut Self::Back) -> Option<u32>;

    /// Ends a doze, in which the stock keeps its gates shut to notice the next use; true when there was one.
    fn stir(back: &mut Self::Back) -> bool;

    /// Shuts every gate.
    fn shut(&self);

    /// Opens every gate that the stock itself does not want shut.
    fn open(&self, back: &Self::Back);

    /// Keeps a unit idle; `open` says whether the line allows the gate in front of it to be open.
    fn keep(&self, back: &mut Self::Back, unit: u32, open: bool);

    /// Books that everything still idle leaves, because the line has closed; gates are shut.
    fn retire_idle(&self, back: &mut Self::Back) -> Vec<u32>;
}

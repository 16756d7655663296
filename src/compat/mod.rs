//! Managers that were written for another pool, unchanged under this one: one room and one feature for each pool, whose version is
//! in the feature's name.

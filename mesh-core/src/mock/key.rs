//! The names of what a network holds.

use crate::slots::{Name, Slots};

/// The name of an end, a message on its way, a member of a lobby or a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) index: u32,
    pub(super) generation: u32,
}

/// Things by their [`Key`].
pub(super) type Table<T> = Slots<Key, T>;

impl Name for Key {
    fn new(index: u32, generation: u32) -> Self {
        Self { index, generation }
    }

    fn slot(self) -> u32 {
        self.index
    }

    fn generation(self) -> u32 {
        self.generation
    }
}

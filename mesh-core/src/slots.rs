//! Slots that are used again and again, under names that are given once.

use alloc::vec::Vec;

use crate::LinkId;

/// A table whose names become invalid for good when their thing is removed. It iterates in the order of the slots, so in
/// the same order in every run.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    /// The name of the present thing, or of the next one.
    name: LinkId,
    thing: Option<T>,
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Puts a thing into a free slot, under a name that was never given before.
    pub(crate) fn insert(&mut self, make: impl FnOnce(LinkId) -> T) -> LinkId {
        let slot = self.free.pop().unwrap_or_else(|| {
            let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            let name = LinkId {
                slot,
                generation: 0,
            };
            self.slots.push(Slot { name, thing: None });
            slot
        });
        let entry = &mut self.slots[slot as usize];
        let name = entry.name;
        entry.thing = Some(make(name));
        name
    }

    pub(crate) fn get(&self, name: LinkId) -> Option<&T> {
        let slot = self.slots.get(name.slot as usize)?;
        slot.thing.as_ref().filter(|_| slot.name == name)
    }

    pub(crate) fn get_mut(&mut self, name: LinkId) -> Option<&mut T> {
        let slot = self.slots.get_mut(name.slot as usize)?;
        slot.thing.as_mut().filter(|_| slot.name == name)
    }

    pub(crate) fn remove(&mut self, name: LinkId) -> Option<T> {
        let slot = self.slots.get_mut(name.slot as usize)?;
        let thing = slot.thing.take_if(|_| slot.name == name)?;
        // A slot whose generations are used up is never used again.
        if let Some(next) = name.generation.checked_add(1) {
            slot.name.generation = next;
            self.free.push(name.slot);
        }
        Some(thing)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.thing.as_ref())
    }

    pub(crate) fn ids(&self) -> Vec<LinkId> {
        let used = self.slots.iter().filter(|slot| slot.thing.is_some());
        used.map(|slot| slot.name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_given_twice() {
        let mut slots: Slots<char> = Slots::new();
        let first = slots.insert(|_| 'a');
        assert_eq!(slots.remove(first), Some('a'));
        let second = slots.insert(|_| 'b');
        assert_eq!(second.slot, first.slot);
        assert_ne!(second, first);
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(second), Some(&'b'));
        assert_eq!(slots.ids(), [second]);
        assert!(slots.iter().eq(&['b']));
    }
}

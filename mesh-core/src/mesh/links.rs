//! The slots of a mesh's links: a name is valid once, however often its slot is used.

use alloc::vec::Vec;

use crate::LinkId;

/// A table from [`LinkId`] to whatever is known of the link.
#[derive(Debug)]
pub(super) struct Links<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    link: Option<T>,
}

impl<T> Links<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Puts a link into a free slot under a name nobody has had before.
    pub(super) fn insert(&mut self, make: impl FnOnce(LinkId) -> T) -> LinkId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                generation: 0,
                link: None,
            });
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let entry = &mut self.slots[slot as usize];
        let id = LinkId {
            slot,
            generation: entry.generation,
        };
        entry.link = Some(make(id));
        id
    }

    pub(super) fn get(&self, id: LinkId) -> Option<&T> {
        let slot = self.slots.get(id.slot as usize)?;
        slot.link
            .as_ref()
            .filter(|_| slot.generation == id.generation)
    }

    pub(super) fn get_mut(&mut self, id: LinkId) -> Option<&mut T> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        slot.link
            .as_mut()
            .filter(|_| slot.generation == id.generation)
    }

    pub(super) fn remove(&mut self, id: LinkId) -> Option<T> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.generation != id.generation {
            return None;
        }
        let link = slot.link.take()?;
        // A slot whose generations are used up is never used again.
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(id.slot);
        }
        Some(link)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.link.as_ref())
    }

    pub(super) fn ids(&self) -> Vec<LinkId> {
        (0..)
            .zip(&self.slots)
            .filter(|(_, entry)| entry.link.is_some())
            .map(|(slot, entry)| LinkId {
                slot,
                generation: entry.generation,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_given_twice() {
        let mut links = Links::new();
        let first = links.insert(|_| 'a');
        assert_eq!(links.remove(first), Some('a'));
        let second = links.insert(|_| 'b');
        assert_eq!(second.slot, first.slot);
        assert_ne!(second, first);
        assert_eq!(links.get(first), None);
        assert_eq!(links.remove(first), None);
        assert_eq!(links.get(second), Some(&'b'));
        assert_eq!(links.ids(), [second]);
    }
}

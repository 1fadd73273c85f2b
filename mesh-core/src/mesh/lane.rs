//! The way of a message whose channels are idle: straight to the backend, without a queue for each.

use alloc::vec::Vec;

use crate::{ChannelIndex, LinkId, Payload};

/// One message, and the links that it has yet to go to.
///
/// The payload is there once. The last link gets the bytes themselves: unshared, a backend can send them without a copy.
#[derive(Debug, Default)]
pub(super) struct Lane {
    message: Option<(ChannelIndex, Payload)>,
    links: Vec<LinkId>,
    next: usize,
}

impl Lane {
    pub(super) fn is_empty(&self) -> bool {
        self.next == self.links.len()
    }

    /// Adds a link to those of the message that [`load`](Self::load) will bring.
    pub(super) fn add(&mut self, link: LinkId) {
        self.links.push(link);
    }

    /// Brings the message, once all its links are known. One that has links to go to already stays.
    pub(super) fn load(&mut self, channel: ChannelIndex, payload: Payload) {
        if !self.is_empty() {
            self.message.get_or_insert((channel, payload));
        }
    }

    pub(super) fn pop(&mut self) -> Option<(LinkId, ChannelIndex, Payload)> {
        let link = *self.links.get(self.next)?;
        self.next += 1;
        if !self.is_empty() {
            let (channel, payload) = self.message.as_ref()?;
            return Some((link, *channel, payload.clone()));
        }
        self.links.clear();
        self.next = 0;
        let (channel, payload) = self.message.take()?;
        Some((link, channel, payload))
    }

    /// Takes out what a link has yet to get.
    pub(super) fn take(&mut self, link: LinkId) -> Option<(ChannelIndex, Payload)> {
        let mut waiting = self.links.iter().skip(self.next);
        let message = self
            .message
            .as_ref()
            .filter(|_| waiting.any(|other| *other == link))?;
        let message = message.clone();
        self.remove(link);
        Some(message)
    }

    /// Forgets a link.
    pub(super) fn remove(&mut self, link: LinkId) {
        if self.is_empty() {
            return;
        }
        let gone = self.links.drain(..self.next).count();
        self.next -= gone;
        self.links.retain(|other| *other != link);
        if self.links.is_empty() {
            self.message = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(slot: u32) -> LinkId {
        LinkId {
            slot,
            generation: 0,
        }
    }

    fn lane() -> Lane {
        let mut lane = Lane::default();
        for slot in 0..3 {
            lane.add(link(slot));
        }
        lane.load(ChannelIndex(2), Payload::from(alloc::vec![7; 100]));
        lane
    }

    #[test]
    fn the_last_link_gets_the_bytes_unshared() {
        let mut lane = lane();
        let mut unshared = Vec::new();
        while let Some((_, _, payload)) = lane.pop() {
            unshared.push(payload.into_bytes().try_into_mut().is_ok());
        }
        assert_eq!(unshared, [false, false, true]);
        assert!(lane.is_empty());
    }

    #[test]
    fn a_message_that_was_not_taken_out_is_not_replaced() {
        let mut lane = lane();
        lane.load(ChannelIndex(0), Payload::from("the next"));
        let channels = core::iter::from_fn(|| lane.pop()).map(|(_, channel, _)| channel);
        assert_eq!(Vec::from_iter(channels), [ChannelIndex(2); 3]);
        lane.load(ChannelIndex(0), Payload::from("for nobody"));
        assert!(lane.is_empty() && lane.pop().is_none());
    }

    #[test]
    fn a_link_that_ends_gets_nothing() {
        let mut lane = lane();
        assert_eq!(lane.pop().map(|(to, ..)| to), Some(link(0)));
        lane.remove(link(2));
        lane.remove(link(0));
        assert_eq!(lane.pop().map(|(to, ..)| to), Some(link(1)));
        assert!(lane.pop().is_none());
        lane.remove(link(1));
        assert!(lane.is_empty());
    }

    #[test]
    fn what_a_link_has_yet_to_get_is_taken_out_once() {
        let mut lane = lane();
        lane.pop();
        assert!(lane.take(link(0)).is_none(), "it has got it");
        let taken = lane.take(link(1)).map(|(channel, _)| channel);
        assert_eq!(taken, Some(ChannelIndex(2)));
        assert!(lane.take(link(1)).is_none());
        assert_eq!(lane.pop().map(|(to, ..)| to), Some(link(2)));
    }
}

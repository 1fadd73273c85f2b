//! What waits between the mesh and GGRS, with bounds.

use std::collections::{BTreeMap, VecDeque};

use ggrs::Message;
use mesh_core::PeerId;

use crate::vet;

/// The largest packet that is taken from a peer, in bytes. GGRS's own UDP socket takes a quarter of it.
pub const MAX_PACKET_SIZE: usize = 16 * 1024;

/// How many messages of one peer wait for GGRS. It takes all of them in each frame.
const MAX_INCOMING: usize = 256;

/// How many messages wait for the mesh.
const MAX_OUTGOING: usize = 1024;

/// How many messages were dropped since the [`Bridge`](crate::Bridge) was made. GGRS makes up for each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Packets that are no messages of GGRS, are larger than [`MAX_PACKET_SIZE`], or would use up the memory.
    pub undecodable: u64,
    /// Messages that came from a peer while too many of its messages waited for GGRS. The oldest are dropped.
    pub overflowed: u64,
    /// Messages of ours that the mesh did not take: the peer was gone or interrupted, or too many waited.
    pub unsent: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Queues {
    incoming: BTreeMap<PeerId, VecDeque<Message>>,
    outgoing: VecDeque<(PeerId, Vec<u8>)>,
    pub(crate) dropped: Dropped,
}

impl Queues {
    /// Takes a packet from the mesh.
    pub(crate) fn receive(&mut self, from: PeerId, packet: &[u8]) {
        let Some(message) = decode(packet) else {
            self.dropped.undecodable += 1;
            return;
        };
        let waiting = self.incoming.entry(from).or_default();
        if waiting.len() >= MAX_INCOMING {
            waiting.pop_front();
            self.dropped.overflowed += 1;
        }
        waiting.push_back(message);
    }

    /// Forgets what waits of a peer that is gone.
    pub(crate) fn forget(&mut self, peer: PeerId) {
        self.incoming.remove(&peer);
    }

    /// All messages for GGRS.
    pub(crate) fn take_incoming(&mut self) -> Vec<(PeerId, Message)> {
        let incoming = std::mem::take(&mut self.incoming);
        let messages = incoming.into_iter().flat_map(|(peer, messages)| {
            let messages = messages.into_iter();
            messages.map(move |message| (peer, message))
        });
        messages.collect()
    }

    /// Takes a message from GGRS.
    pub(crate) fn send(&mut self, to: PeerId, message: &Message) {
        let Ok(packet) = postcard::to_allocvec(message) else {
            self.dropped.unsent += 1;
            return;
        };
        if self.outgoing.len() >= MAX_OUTGOING {
            self.outgoing.pop_front();
            self.dropped.unsent += 1;
        }
        self.outgoing.push_back((to, packet));
    }

    /// All packets for the mesh.
    pub(crate) fn take_outgoing(&mut self) -> VecDeque<(PeerId, Vec<u8>)> {
        std::mem::take(&mut self.outgoing)
    }
}

/// The message of a packet, if it is one that GGRS can be given.
fn decode(packet: &[u8]) -> Option<Message> {
    if packet.len() > MAX_PACKET_SIZE || !vet::is_harmless(packet) {
        return None;
    }
    let (message, rest) = postcard::take_from_bytes(packet).ok()?;
    rest.is_empty().then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of GGRS as it is on the wire: magic number 5, a request to synchronize with the number 7.
    const SYNC_REQUEST: [u8; 3] = [5, 0, 7];

    fn peer(id: u32) -> PeerId {
        PeerId::new(id).unwrap()
    }

    #[test]
    fn what_is_sent_can_be_received() {
        let mut queues = Queues::default();
        queues.receive(peer(2), &SYNC_REQUEST);
        let mut taken = queues.take_incoming();
        let (from, message) = taken.pop().unwrap();
        assert_eq!(from, peer(2));

        queues.send(peer(3), &message);
        let sent = queues.take_outgoing();
        assert_eq!(sent, [(peer(3), SYNC_REQUEST.to_vec())]);
        assert_eq!(queues.dropped, Dropped::default());
    }

    #[test]
    fn nonsense_is_dropped_and_counted() {
        let mut queues = Queues::default();
        let too_large = [0; MAX_PACKET_SIZE + 1];
        let nonsense: [&[u8]; 6] = [
            &[],
            &[5, 0],                         // cut off
            &[5, 0, 7, 0],                   // more than a message
            &[5, 99],                        // an unknown kind
            &[5, 2, 255, 255, 255, 255, 15], // a list whose length lies
            &too_large,
        ];
        for packet in nonsense {
            queues.receive(peer(2), packet);
        }
        assert!(queues.take_incoming().is_empty());
        assert_eq!(queues.dropped.undecodable, 6);
    }

    #[test]
    fn a_flood_pushes_out_no_message_of_another_peer() {
        let mut queues = Queues::default();
        queues.receive(peer(2), &SYNC_REQUEST);
        for _ in 0..MAX_INCOMING + 10 {
            queues.receive(peer(3), &SYNC_REQUEST);
        }
        assert_eq!(queues.dropped.overflowed, 10);
        let taken = queues.take_incoming();
        assert_eq!(taken.len(), MAX_INCOMING + 1);
        assert_eq!(taken.first().unwrap().0, peer(2));

        let (_, message) = taken.first().unwrap();
        for _ in 0..MAX_OUTGOING + 10 {
            queues.send(peer(2), message);
        }
        assert_eq!(queues.dropped.unsent, 10);
        assert_eq!(queues.take_outgoing().len(), MAX_OUTGOING);
    }

    #[test]
    fn nothing_waits_of_a_peer_that_is_gone() {
        let mut queues = Queues::default();
        queues.receive(peer(2), &SYNC_REQUEST);
        queues.forget(peer(2));
        assert!(queues.take_incoming().is_empty());
    }
}

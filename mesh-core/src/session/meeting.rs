//! Who is there, and how to connect to them: what a session makes of its signaling.

use alloc::vec::Vec;

use super::Session;
use crate::{
    Backend, ConnectFailure, DisconnectReason, Event, LostReason, MAX_CUSTOM_CHANNELS, PeerId,
    SdpType, SessionDescription, Signal, Signaling, SignalingEvent, Topology,
};

impl<B: Backend, S: Signaling> Session<B, S> {
    pub(super) fn signaled(&mut self, event: SignalingEvent) {
        match event {
            SignalingEvent::Joined {
                id,
                topology,
                lobby,
            } => self.joined(id, topology, lobby),
            SignalingEvent::PeerJoined(peer) => {
                self.present.insert(peer);
                if !self.multiplayer.has_peer(peer) {
                    self.meet(peer);
                }
            }
            SignalingEvent::PeerLeft(peer) => {
                self.present.remove(&peer);
                self.retries.remove(&peer);
                // One that was connected ends by its connection, which may be ending already.
                if !self.was_connected(peer) {
                    self.give_up(peer, ConnectFailure::Left);
                }
            }
            SignalingEvent::Signal { from, signal } => match signal {
                Signal::Description(description) => self.described(from, description),
                Signal::Candidate(candidate) => {
                    if let Some(connection) = self.multiplayer.mesh().connection(from) {
                        // One too many, or late: the others may do.
                        let _ = self.multiplayer.add_ice_candidate(connection, candidate);
                    }
                }
            },
            SignalingEvent::Sealed => self.news.push_back(Event::Sealed),
            SignalingEvent::Lost { reason } => {
                self.present.clear();
                self.retries.clear();
                self.news.push_back(Event::SignalingLost(reason));
            }
        }
    }

    fn joined(&mut self, id: PeerId, topology: Topology, lobby: alloc::string::String) {
        self.topology = topology;
        match self.multiplayer.unique_id() {
            Some(own) if own != id => {
                // Our peers know us by the old id; a new one would be a stranger's.
                self.signaling.close();
                self.open = false;
                self.present.clear();
                self.retries.clear();
                self.waiting.clear();
                let reason = alloc::format!("it renamed peer {own} to {id}");
                self.news
                    .push_back(Event::SignalingLost(LostReason::Protocol(reason)));
            }
            known => {
                if known.is_none() {
                    self.set_up(id, topology);
                }
                self.news.push_back(Event::Joined {
                    id,
                    topology,
                    lobby,
                });
            }
        }
    }

    fn set_up(&mut self, id: PeerId, topology: Topology) {
        let wished = &self.config.custom_channels;
        let channels = &wished[..wished.len().min(usize::from(MAX_CUSTOM_CHANNELS))];
        // None can fail: there is no id yet, and no channel too many.
        let _ = match topology {
            Topology::Mesh => self.multiplayer.create_mesh(id, channels),
            Topology::ClientServer if id.is_server() => self.multiplayer.create_server(channels),
            Topology::ClientServer => self.multiplayer.create_client(id, channels),
        };
    }

    /// Whether the lobby's topology has a link between us and this member.
    fn wants(&self, peer: PeerId) -> bool {
        let Some(own) = self.multiplayer.unique_id() else {
            return false;
        };
        peer != own
            && match self.topology {
                Topology::Mesh => true,
                Topology::ClientServer => own.is_server() || peer.is_server(),
            }
    }

    /// Calls every member that we neither know nor are going to try again.
    pub(super) fn meet_all(&mut self) {
        let strangers: Vec<PeerId> = self
            .present
            .iter()
            .copied()
            .filter(|peer| !self.multiplayer.has_peer(*peer) && !self.retries.contains_key(peer))
            .collect();
        for peer in strangers {
            self.meet(peer);
        }
    }

    /// Starts to connect to a member; the one with the higher id offers.
    pub(super) fn meet(&mut self, peer: PeerId) {
        if !self.wants(peer) {
            return;
        }
        let connection = self.multiplayer.create_connection(self.config.link.clone());
        if self.multiplayer.add_peer(connection, peer, None).is_err() {
            // Refused for now, by the game's own wish.
            self.multiplayer.close_connection(connection);
            return;
        }
        if self.multiplayer.unique_id() > Some(peer) {
            // Cannot fail: the connection is new.
            let _ = self.multiplayer.create_offer(connection);
        }
    }

    fn described(&mut self, from: PeerId, description: SessionDescription) {
        if !self.wants(from) {
            return;
        }
        let offers = self.multiplayer.unique_id() > Some(from);
        if description.sdp_type == SdpType::Offer {
            if offers {
                // Out of turn: both would offer for ever.
                return;
            }
            match self.multiplayer.mesh().is_new(from) {
                Some(true) => {}
                // It starts anew, so what we have of it is dead. An attempt that never came to anything ends unheard.
                Some(false) => {
                    let reason = if self.multiplayer.mesh().is_connected(from) {
                        DisconnectReason::Lost
                    } else if self.was_connected(from) {
                        DisconnectReason::Closed
                    } else {
                        DisconnectReason::Removed
                    };
                    self.multiplayer.end_peer(from, reason);
                    self.meet(from);
                }
                None => self.meet(from),
            }
        }
        if let Some(connection) = self.multiplayer.mesh().connection(from) {
            // An answer nobody asked for is none of ours.
            let _ = self
                .multiplayer
                .set_remote_description(connection, description);
        }
    }

    pub(super) fn was_connected(&self, peer: PeerId) -> bool {
        self.multiplayer.mesh().was_connected(peer) == Some(true)
    }

    pub(super) fn give_up(&mut self, peer: PeerId, cause: ConnectFailure) {
        self.multiplayer
            .end_peer(peer, DisconnectReason::ConnectFailed(cause));
    }
}

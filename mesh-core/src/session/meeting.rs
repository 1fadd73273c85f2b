//! Who is there, and how to connect to them: what a session makes of its signaling.

use super::Session;
use crate::{
    Backend, ConnectFailure, DisconnectReason, Event, LostReason, PeerId, SdpType,
    SessionDescription, Signal, Signaling, SignalingEvent, Topology,
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
                    if let Some(info) = self.peer(from) {
                        // One too many, or late: the others may do.
                        let _ = self
                            .multiplayer
                            .add_ice_candidate(info.connection, candidate);
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
                    // Cannot fail: there is no id yet.
                    let _ = self.multiplayer.initialize(id, false);
                }
                self.news.push_back(Event::Joined {
                    id,
                    topology,
                    lobby,
                });
            }
        }
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
                    let reason = if self.peer(from).is_some_and(|info| info.connected) {
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
        if let Some(info) = self.peer(from) {
            // An answer nobody asked for is none of ours.
            let _ = self
                .multiplayer
                .set_remote_description(info.connection, description);
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

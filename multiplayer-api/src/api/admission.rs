//! Which peers are admitted: those that the network peer connects, and those that a server announces.

use alloc::vec::Vec;

use mesh_core::{ConnectionStatus, DisconnectReason, MultiplayerPeer, PeerId};

use super::{Admitted, MultiplayerApi};
use crate::unannounced::HeldPacket;
use crate::{ApiEvent, AuthFailure, Authentication, Generation, IgnoredReason, wire};

impl<P: MultiplayerPeer> MultiplayerApi<P> {
    /// The network peer has connected a peer.
    pub(super) fn arrive(&mut self, peer: PeerId) {
        // The game has ended its former connection without us.
        if self.has_peer(peer) || self.pending.contains_key(&peer) {
            self.depart(peer, DisconnectReason::Removed);
        }
        self.leaving.remove(&peer);
        self.status = ConnectionStatus::Connected;
        if self.config.generation == Generation::Godot3 {
            self.admit_3(peer);
            return;
        }
        match self.config.authentication {
            Authentication::None => self.admit(peer),
            Authentication::Announce => {
                self.send_command(peer, wire::auth(&[]));
                self.admit(peer);
            }
            Authentication::Required { timeout } => self.start_authentication(peer, timeout),
        }
    }

    /// The network peer has lost a peer.
    pub(super) fn depart(&mut self, peer: PeerId, reason: DisconnectReason) {
        self.leaving.remove(&peer);
        if self.pending.remove(&peer).is_some() {
            self.events.push_back(ApiEvent::PeerAuthenticationFailed {
                peer,
                reason: AuthFailure::Disconnected(reason),
            });
        } else if self.withdraw(peer) {
            let reason = Some(reason);
            self.events
                .push_back(ApiEvent::PeerDisconnected { peer, reason });
        }
        if peer.is_server() && self.is_client() {
            self.lose_star();
        }
    }

    /// The server of our star is lost.
    fn lose_star(&mut self) {
        if self.status != ConnectionStatus::Disconnected {
            self.events.push_back(ApiEvent::ServerDisconnected);
        }
        self.reset();
    }

    /// Admits a peer that we are connected to. A server that relays announces it to the others, and them to it.
    pub(super) fn admit(&mut self, peer: PeerId) {
        if self.relays() && self.peer.is_server() {
            // What still waits from a former peer with this id would be taken for the new one's, and count against it.
            self.backlog.forget_sender(peer);
            self.tell_losses();
            let others: Vec<PeerId> = self.peers().collect();
            for other in others {
                self.send_command(other, wire::add_peer(peer));
                self.send_command(peer, wire::add_peer(other));
            }
        }
        self.admitted.insert(peer, Admitted::Directly);
        if peer.is_server() {
            self.events.push_back(ApiEvent::ConnectedToServer);
        }
        self.events.push_back(ApiEvent::PeerConnected(peer));
    }

    /// 3.x tells `ConnectedToServer` after `PeerConnected`, and only to a client of a star.
    fn admit_3(&mut self, peer: PeerId) {
        self.admitted.insert(peer, Admitted::Directly);
        self.events.push_back(ApiEvent::PeerConnected(peer));
        if peer.is_server() && self.is_client() {
            self.events.push_back(ApiEvent::ConnectedToServer);
        }
    }

    /// Ends the admission of a peer; a server that relays tells the others. `false` if it was not admitted.
    pub(super) fn withdraw(&mut self, peer: PeerId) -> bool {
        self.backlog.forget(peer);
        self.tell_losses();
        if self.admitted.remove(&peer).is_none() {
            return false;
        }
        if self.relays() && self.peer.is_server() {
            let others: Vec<PeerId> = self.peers().collect();
            for other in others {
                self.send_command(other, wire::del_peer(peer));
            }
        }
        true
    }

    /// The server announces a peer.
    pub(super) fn add_announced(&mut self, given: i32) -> Result<(), IgnoredReason> {
        let peer = PeerId::try_from(i64::from(given))
            .ok()
            .filter(|peer| Some(*peer) != self.peer.unique_id() && !self.has_peer(*peer))
            .ok_or(IgnoredReason::BadPeer { given })?;
        let relayed = self
            .admitted
            .values()
            .filter(|how| **how == Admitted::ThroughServer);
        if relayed.count() >= self.config.max_relayed_peers {
            return Err(IgnoredReason::TooManyPeers);
        }
        self.admitted.insert(peer, Admitted::ThroughServer);
        self.events.push_back(ApiEvent::PeerConnected(peer));
        for packet in self.unannounced.take(peer) {
            let HeldPacket {
                from,
                mode,
                channel,
                data,
            } = packet;
            self.events.push_back(ApiEvent::PeerPacket {
                from,
                mode,
                channel,
                data,
            });
        }
        Ok(())
    }

    /// The server announces the end of a peer. If it was not admitted there is no event, as in Godot.
    pub(super) fn remove_announced(&mut self, given: i32) {
        let Ok(peer) = PeerId::try_from(i64::from(given)) else {
            return;
        };
        self.unannounced.depart(self.peer.now(), peer);
        if self.admitted.get(&peer) == Some(&Admitted::ThroughServer) {
            self.admitted.remove(&peer);
            self.events
                .push_back(ApiEvent::PeerDisconnected { peer, reason: None });
        }
    }

    /// Sends one of Godot's system commands, which must not be lost: it waits where the peer's channel is full.
    pub(super) fn send_command(&mut self, to: PeerId, packet: bytes::Bytes) {
        let limit = self.config.backlog_bytes;
        if !self.backlog.tell(&mut self.peer, to, packet, limit) {
            self.overrun(to);
        }
        self.tell_losses();
    }

    /// Disconnects a peer that is too far behind to learn who is there. The network peer tells its end.
    fn overrun(&mut self, peer: PeerId) {
        self.stats.overrun_peers = self.stats.overrun_peers.saturating_add(1);
        self.backlog.forget(peer);
        self.peer.disconnect_peer(peer, false);
    }
}

//! Who counts as a peer: those that the network peer connects, and those that a server announces.

use alloc::vec::Vec;

use mesh_core::{ConnectionStatus, DisconnectReason, MultiplayerPeer, PeerId};

use super::{Admitted, MultiplayerApi};
use crate::early::EarlyPacket;
use crate::{ApiEvent, AuthFailure, Authentication, Generation, IgnoredReason, wire};

impl MultiplayerApi {
    /// The network peer has connected somebody.
    pub(super) fn arrive(&mut self, network: &mut dyn MultiplayerPeer, peer: PeerId) {
        // Ended behind our back, and here again.
        if self.has_peer(peer) || self.pending.contains_key(&peer) {
            self.depart(network, peer, DisconnectReason::Removed);
        }
        self.leaving.remove(&peer);
        self.status = ConnectionStatus::Connected;
        if self.config.generation == Generation::Godot3 {
            self.admit_3(network, peer);
            return;
        }
        match self.config.authentication {
            Authentication::None => self.admit(network, peer),
            Authentication::Announce => {
                self.owe(network, peer, wire::auth(&[]));
                self.admit(network, peer);
            }
            Authentication::Required { timeout } => self.pend(network, peer, timeout),
        }
    }

    /// The network peer has lost somebody.
    pub(super) fn depart(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        peer: PeerId,
        reason: DisconnectReason,
    ) {
        self.leaving.remove(&peer);
        if self.pending.remove(&peer).is_some() {
            self.events.push_back(ApiEvent::PeerAuthenticationFailed {
                peer,
                reason: AuthFailure::Disconnected(reason),
            });
        } else if self.withdraw(network, peer) {
            let reason = Some(reason);
            self.events
                .push_back(ApiEvent::PeerDisconnected { peer, reason });
        }
        if peer.is_server() && Self::is_client(network) {
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

    /// Lets a peer count that we are connected to; a server introduces it and the others to each other.
    pub(super) fn admit(&mut self, network: &mut dyn MultiplayerPeer, peer: PeerId) {
        if self.relays(network) && network.is_server() {
            // Whatever waits of a former one of that id would be taken for its own, and counted against it.
            self.backlog.forget_sender(peer);
            self.tell_losses();
            let others: Vec<PeerId> = self.peers().collect();
            for other in others {
                self.owe(network, other, wire::add_peer(peer));
                self.owe(network, peer, wire::add_peer(other));
            }
        }
        self.admitted.insert(peer, Admitted::Directly);
        if peer.is_server() {
            self.events.push_back(ApiEvent::ConnectedToServer);
        }
        self.events.push_back(ApiEvent::PeerConnected(peer));
    }

    /// 3.x tells of the server the other way round, and of a connection to it only where there is one to be had.
    fn admit_3(&mut self, network: &dyn MultiplayerPeer, peer: PeerId) {
        self.admitted.insert(peer, Admitted::Directly);
        self.events.push_back(ApiEvent::PeerConnected(peer));
        if peer.is_server() && Self::is_client(network) {
            self.events.push_back(ApiEvent::ConnectedToServer);
        }
    }

    /// Lets a peer count no more; a server tells the others. Whether it did.
    pub(super) fn withdraw(&mut self, network: &mut dyn MultiplayerPeer, peer: PeerId) -> bool {
        self.backlog.forget(peer);
        self.tell_losses();
        if self.admitted.remove(&peer).is_none() {
            return false;
        }
        if self.relays(network) && network.is_server() {
            let others: Vec<PeerId> = self.peers().collect();
            for other in others {
                self.owe(network, other, wire::del_peer(peer));
            }
        }
        true
    }

    /// The server tells of somebody.
    pub(super) fn announced(
        &mut self,
        network: &dyn MultiplayerPeer,
        given: i32,
    ) -> Result<(), IgnoredReason> {
        let peer = PeerId::try_from(i64::from(given))
            .ok()
            .filter(|peer| Some(*peer) != network.unique_id() && !self.has_peer(*peer))
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
        for packet in self.early.take(peer) {
            let EarlyPacket {
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

    /// The server tells of somebody's end. Of one that does not count there is nothing to tell, as in Godot.
    pub(super) fn denounced(&mut self, network: &dyn MultiplayerPeer, given: i32) {
        let Ok(peer) = PeerId::try_from(i64::from(given)) else {
            return;
        };
        self.early.depart(network.now(), peer);
        if self.admitted.get(&peer) == Some(&Admitted::ThroughServer) {
            self.admitted.remove(&peer);
            self.events
                .push_back(ApiEvent::PeerDisconnected { peer, reason: None });
        }
    }

    /// Sends one of Godot's own commands, which may not be lost.
    pub(super) fn owe(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        to: PeerId,
        packet: bytes::Bytes,
    ) {
        let limit = self.config.backlog_bytes;
        if !self.backlog.tell(network, to, packet, limit) {
            self.overrun(network, to);
        }
        self.tell_losses();
    }

    /// It is too far behind to be told who is there. Its end is told when the network peer tells it.
    pub(super) fn overrun(&mut self, network: &mut dyn MultiplayerPeer, peer: PeerId) {
        self.stats.overrun_peers = self.stats.overrun_peers.saturating_add(1);
        self.backlog.forget(peer);
        network.disconnect_peer(peer, false);
    }
}

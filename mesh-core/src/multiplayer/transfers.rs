//! Transfers, by whoever drives a mesh.

use alloc::string::String;

use bytes::Bytes;

use crate::{
    Backend, Multiplayer, PeerId, Session, Signaling, TransferError, TransferId, TransferInfo,
};

impl<B: Backend> Multiplayer<B> {
    /// Transfers bytes to a connected peer: more than a message may have, up to
    /// [`MeshConfig::max_transfer`](crate::MeshConfig::max_transfer) of both sides. The peer hears
    /// [`TransferEvent::Begun`](crate::TransferEvent::Begun) with `name`, and gets all of them in one piece at the end.
    ///
    /// Transfers to one peer go one after the other. They have a channel of their own: messages of the game do not wait for
    /// them, and have no order with them. A transfer goes on after an interruption of the path; it ends with the peer.
    ///
    /// # Errors
    ///
    /// [`TransferError`]; nothing has changed then.
    pub fn send_transfer(
        &mut self,
        peer: PeerId,
        name: impl Into<String>,
        bytes: impl Into<Bytes>,
    ) -> Result<TransferId, TransferError> {
        let begun = self.after(|mesh, now| mesh.send_transfer(now, peer, name, bytes));
        self.hand_over_waiting(self.backend.now());
        begun
    }

    /// Gives a transfer of ours up; the peer hears [`TransferEvent::Cancelled`](crate::TransferEvent::Cancelled) if it knows of
    /// it. `false` if there is no such transfer, or all of it has been given to the network.
    pub fn cancel_transfer(&mut self, peer: PeerId, transfer: TransferId) -> bool {
        let is_given_up = self.after(|mesh, now| mesh.cancel_transfer(now, peer, transfer));
        self.hand_over_waiting(self.backend.now());
        is_given_up
    }

    /// Does not want a transfer of a peer, which hears [`TransferEvent::Refused`](crate::TransferEvent::Refused). Nothing more is
    /// told of it. `false` if the peer has no such transfer under way.
    pub fn refuse_transfer(&mut self, peer: PeerId, transfer: TransferId) -> bool {
        let is_refused = self.after(|mesh, now| mesh.refuse_transfer(now, peer, transfer));
        self.hand_over_waiting(self.backend.now());
        is_refused
    }

    /// Our transfers to a peer, the oldest first: those under way, and those that wait for them.
    pub fn transfers_to(&self, peer: PeerId) -> impl Iterator<Item = TransferInfo> {
        self.mesh.transfers_to(peer)
    }
}

impl<B: Backend, S: Signaling> Session<B, S> {
    /// Transfers bytes to a connected peer, as [`Multiplayer::send_transfer`] does: up to
    /// [`MeshConfig::max_transfer`](crate::MeshConfig::max_transfer), in parts, beside the messages of the game.
    ///
    /// # Errors
    ///
    /// [`TransferError`]; nothing has changed then.
    pub fn send_transfer(
        &mut self,
        peer: PeerId,
        name: impl Into<String>,
        bytes: impl Into<Bytes>,
    ) -> Result<TransferId, TransferError> {
        self.multiplayer_mut().send_transfer(peer, name, bytes)
    }

    /// Gives a transfer of ours up. `false` if there is no such transfer, or all of it has been given to the network.
    pub fn cancel_transfer(&mut self, peer: PeerId, transfer: TransferId) -> bool {
        self.multiplayer_mut().cancel_transfer(peer, transfer)
    }

    /// Does not want a transfer of a peer, of which nothing more is told. `false` if the peer has no such transfer under way.
    pub fn refuse_transfer(&mut self, peer: PeerId, transfer: TransferId) -> bool {
        self.multiplayer_mut().refuse_transfer(peer, transfer)
    }

    /// Our transfers to a peer, the oldest first: those under way, and those that wait for them.
    pub fn transfers_to(&self, peer: PeerId) -> impl Iterator<Item = TransferInfo> {
        self.multiplayer().transfers_to(peer)
    }
}

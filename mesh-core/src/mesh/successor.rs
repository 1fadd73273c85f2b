//! A second link to a peer: it takes over when it is complete, and until then nothing happens to the first one.

use core::time::Duration;

use super::{LINGER, Mesh};
use crate::{AddPeerError, ConnectionId, DisconnectReason, Instant, LinkId, PeerId};

impl Mesh {
    /// Makes a new connection a second link to a peer that is connected already; `unreliable_lifetime` is as in
    /// [`add_peer`](Self::add_peer).
    ///
    /// The first link goes on as if there were no second one. When all channels of the second one are open, it takes over:
    /// the first link ends as [`Lost`](DisconnectReason::Lost), because a far side that starts anew has lost what it knew,
    /// and the peer is announced again. A successor that fails, or is not complete within
    /// [`MeshConfig::connect_deadline`](crate::MeshConfig::connect_deadline), ends unheard. If the first link ends before,
    /// its end is told and the successor is the peer's only link, with the deadline that it has.
    ///
    /// # Errors
    ///
    /// [`AddPeerError`]; nothing has changed then.
    pub fn add_successor(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        peer: PeerId,
        unreliable_lifetime: Option<u16>,
    ) -> Result<(), AddPeerError> {
        self.check_new_peer(connection, peer, self.refuse_new_connections)?;
        self.attach_second(now, connection, peer, unreliable_lifetime)
    }

    /// Makes a new connection the one that goes on where a peer's present link is broken, as
    /// [`add_successor`](Self::add_successor) does, and also while new connections are refused: it brings nobody new.
    ///
    /// Both sides name what they go on with in their descriptions (`docs/wire.md`). If they agree, the peer stays: reliable
    /// messages that were not taken are sent again, each arrives once and in its order, and the game hears
    /// [`PeerResumed`](crate::Event::PeerResumed). If the far side answers that it has lost what it knew, the peer is
    /// [`Lost`](DisconnectReason::Lost).
    ///
    /// # Errors
    ///
    /// [`AddPeerError`]; nothing has changed then.
    pub fn add_replacement(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        peer: PeerId,
        unreliable_lifetime: Option<u16>,
    ) -> Result<(), AddPeerError> {
        self.check_new_peer(connection, peer, false)?;
        self.attach_second(now, connection, peer, unreliable_lifetime)?;
        if let Some(member) = self.member_mut(connection) {
            member.replaces = true;
        }
        Ok(())
    }

    fn attach_second(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        peer: PeerId,
        unreliable_lifetime: Option<u16>,
    ) -> Result<(), AddPeerError> {
        if self.was_connected(peer) != Some(true) {
            return Err(AddPeerError::NothingToSucceed { id: peer });
        }
        if self.successors.contains_key(&peer) {
            return Err(AddPeerError::Duplicate { id: peer });
        }
        self.successors.insert(peer, connection);
        self.attach(now, connection, peer, unreliable_lifetime)
    }

    /// The link that is to take over from a peer's present one, if there is such a link.
    #[must_use]
    pub fn successor(&self, peer: PeerId) -> Option<ConnectionId> {
        self.successors.get(&peer).copied()
    }

    /// The connection of a peer that is being made: its successor, or its only link while that has never been complete.
    pub(crate) fn attempt(&self, peer: PeerId) -> Option<ConnectionId> {
        self.successor(peer).or_else(|| {
            self.connection(peer)
                .filter(|_| self.was_connected(peer) == Some(false))
        })
    }

    /// The peer whose successor a link is.
    fn peer_to_take_over(&self, link: LinkId) -> Option<PeerId> {
        let peer = self.peer_of(link)?;
        (self.successor(peer) == Some(link)).then_some(peer)
    }

    /// Ends a link unheard if it is a successor; whether it was.
    pub(super) fn drop_successor(&mut self, link: LinkId, close: Option<Duration>) -> bool {
        let Some(peer) = self.peer_to_take_over(link) else {
            return false;
        };
        let was_taking_over = self.is_taking_over(link);
        self.successors.remove(&peer);
        self.drop_link(link, close);
        // What has been taken meanwhile was not told.
        if let Some(first) = self.connection(peer).filter(|_| was_taking_over) {
            self.tell_taken(first);
        }
        true
    }

    /// A peer's first link has ended: the successor is its only one now, unless the game wants the peer gone.
    pub(super) fn succeed(&mut self, peer: PeerId, reason: &DisconnectReason) {
        let Some(successor) = self.successors.remove(&peer) else {
            return;
        };
        // One that was to go on has nothing to go on with.
        if *reason == DisconnectReason::Removed || self.goes_on(successor) {
            self.drop_link(successor, Some(Duration::ZERO));
        } else {
            self.peers.insert(peer, successor);
        }
    }

    /// A link is complete: if it is a successor, the first link ends and this one is the peer's.
    pub(super) fn take_over(&mut self, link: LinkId) {
        let peer = self.peer_to_take_over(link);
        let former = peer.and_then(|peer| self.connection(peer));
        let Some((former, member)) = former.and_then(|link| Some((link, self.member(link)?)))
        else {
            return;
        };
        let reason = if member.is_connected() {
            DisconnectReason::Lost
        } else {
            member.closing_reason()
        };
        // With it `succeed` makes this link the peer's, or drops it where the game is closing the peer.
        self.end(former, reason, Some(LINGER));
    }
}

//! Authentication: what two peers tell each other before they count.

use core::time::Duration;

use bytes::Bytes;
use mesh_core::{ConnectionStatus, Instant, MultiplayerPeer, PeerId};

use super::MultiplayerApi;
use crate::backlog::{self, CONTROL};
use crate::{ApiEvent, AuthError, AuthFailure, wire};

/// A peer that does not count yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    /// When it is sent away.
    pub(super) deadline: Option<Instant>,
    /// Whether we are through with it.
    pub(super) local: bool,
    /// Whether it is through with us.
    remote: bool,
}

impl MultiplayerApi {
    /// Sends a peer what convinces it (Godot: `send_auth`).
    ///
    /// # Errors
    ///
    /// [`AuthError`]; a peer whose channel is full may be tried again.
    pub fn send_auth(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        peer: PeerId,
        data: &[u8],
    ) -> Result<(), AuthError> {
        self.begin_anew(network);
        let pending = self.pending_peer(network, peer)?;
        if data.is_empty() {
            return Err(AuthError::Empty);
        }
        if pending.local {
            return Err(AuthError::Completed);
        }
        if pending.remote {
            return Err(AuthError::CompletedByPeer);
        }
        self.transmit_auth(network, peer, data)
    }

    /// Tells a peer that it has convinced us (Godot: `complete_auth`). It counts once both sides have said so.
    ///
    /// # Errors
    ///
    /// [`AuthError`]; a peer whose channel is full may be tried again.
    pub fn complete_auth(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        peer: PeerId,
    ) -> Result<(), AuthError> {
        self.begin_anew(network);
        let pending = self.pending_peer(network, peer)?;
        if pending.local {
            return Err(AuthError::Completed);
        }
        self.transmit_auth(network, peer, &[])?;
        if pending.remote {
            self.pending.remove(&peer);
            self.admit(network, peer);
        } else if let Some(pending) = self.pending.get_mut(&peer) {
            pending.local = true;
        }
        Ok(())
    }

    /// A peer that has to authenticate is there.
    pub(super) fn pend(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        peer: PeerId,
        timeout: Duration,
    ) {
        let deadline = (!timeout.is_zero()).then(|| network.now() + timeout);
        let pending = Pending {
            deadline,
            local: false,
            remote: false,
        };
        self.pending.insert(peer, pending);
        self.events.push_back(ApiEvent::PeerAuthenticating(peer));
    }

    /// A peer that we are not through with takes a step.
    pub(super) fn auth_step(&mut self, from: PeerId, data: Bytes) {
        if !data.is_empty() {
            self.events.push_back(ApiEvent::AuthData { from, data });
        } else if let Some(pending) = self.pending.get_mut(&from) {
            pending.remote = true;
        }
    }

    /// Sends away those that have taken too long.
    pub(super) fn expire_pending(&mut self, network: &mut dyn MultiplayerPeer, now: Instant) {
        let late = self
            .pending
            .extract_if(.., |_, peer| peer.deadline.is_some_and(|at| at <= now));
        for (peer, _) in late {
            network.disconnect_peer(peer, false);
            self.leaving.insert(peer);
            self.events.push_back(ApiEvent::PeerAuthenticationFailed {
                peer,
                reason: AuthFailure::TimedOut,
            });
        }
    }

    fn pending_peer(
        &self,
        network: &dyn MultiplayerPeer,
        peer: PeerId,
    ) -> Result<Pending, AuthError> {
        if network.connection_status() != ConnectionStatus::Connected {
            return Err(AuthError::NotConnected);
        }
        let pending = self.pending.get(&peer).copied();
        pending.ok_or(AuthError::NotAuthenticating { peer })
    }

    fn transmit_auth(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        peer: PeerId,
        data: &[u8],
    ) -> Result<(), AuthError> {
        backlog::send(network, peer, CONTROL, wire::auth(data))?.map_err(AuthError::Refused)
    }
}

//! Authentication: what two peers tell each other before they admit each other.

use core::time::Duration;

use bytes::Bytes;
use mesh_core::{ConnectionStatus, Instant, MultiplayerPeer, PeerId};

use super::MultiplayerApi;
use crate::backlog::{self, CONTROL};
use crate::{ApiEvent, AuthError, AuthFailure, wire};

/// A peer that is not admitted yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    /// When it is disconnected.
    pub(super) deadline: Option<Instant>,
    /// Whether we have completed our side.
    pub(super) local: bool,
    /// Whether it has completed its side.
    remote: bool,
}

impl<P: MultiplayerPeer> MultiplayerApi<P> {
    /// Sends authentication data to a peer, such as a password (Godot: `send_auth`).
    ///
    /// # Errors
    ///
    /// [`AuthError`], and nothing has changed then. If the peer's channel was full, the game may try again.
    pub fn send_auth(&mut self, peer: PeerId, data: &[u8]) -> Result<(), AuthError> {
        self.notice_close();
        let pending = self.pending_peer(peer)?;
        if data.is_empty() {
            return Err(AuthError::Empty);
        }
        if pending.local {
            return Err(AuthError::Completed);
        }
        if pending.remote {
            return Err(AuthError::CompletedByPeer);
        }
        self.transmit_auth(peer, data)
    }

    /// Accepts a peer (Godot: `complete_auth`). It is admitted once both sides have called this.
    ///
    /// # Errors
    ///
    /// [`AuthError`], and nothing has changed then. If the peer's channel was full, the game may try again.
    pub fn complete_auth(&mut self, peer: PeerId) -> Result<(), AuthError> {
        self.notice_close();
        let pending = self.pending_peer(peer)?;
        if pending.local {
            return Err(AuthError::Completed);
        }
        self.transmit_auth(peer, &[])?;
        if pending.remote {
            self.pending.remove(&peer);
            self.admit(peer);
        } else if let Some(pending) = self.pending.get_mut(&peer) {
            pending.local = true;
        }
        Ok(())
    }

    /// A peer is connected and has to authenticate.
    pub(super) fn start_authentication(&mut self, peer: PeerId, timeout: Duration) {
        let deadline = (!timeout.is_zero()).then(|| self.peer.now() + timeout);
        let pending = Pending {
            deadline,
            local: false,
            remote: false,
        };
        self.pending.insert(peer, pending);
        self.events.push_back(ApiEvent::PeerAuthenticating(peer));
    }

    /// A peer whose authentication we have not completed sends data, or completes its own side.
    pub(super) fn auth_step(&mut self, from: PeerId, data: Bytes) {
        if !data.is_empty() {
            self.events.push_back(ApiEvent::AuthData { from, data });
        } else if let Some(pending) = self.pending.get_mut(&from) {
            pending.remote = true;
        }
    }

    /// Disconnects the peers that have taken too long.
    pub(super) fn expire_pending(&mut self, now: Instant) {
        let late = self
            .pending
            .extract_if(.., |_, peer| peer.deadline.is_some_and(|at| at <= now));
        for (peer, _) in late {
            self.peer.disconnect_peer(peer, false);
            self.leaving.insert(peer);
            self.events.push_back(ApiEvent::PeerAuthenticationFailed {
                peer,
                reason: AuthFailure::TimedOut,
            });
        }
    }

    fn pending_peer(&self, peer: PeerId) -> Result<Pending, AuthError> {
        if self.peer.connection_status() != ConnectionStatus::Connected {
            return Err(AuthError::NotConnected);
        }
        let pending = self.pending.get(&peer).copied();
        pending.ok_or(AuthError::NotAuthenticating { peer })
    }

    fn transmit_auth(&mut self, peer: PeerId, data: &[u8]) -> Result<(), AuthError> {
        backlog::send(&mut self.peer, peer, CONTROL, wire::auth(data))?.map_err(AuthError::Refused)
    }
}

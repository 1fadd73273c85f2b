//! What a session asks of the signaling for its lobby.

use alloc::string::String;

use super::Session;
#[cfg(doc)]
use crate::Event;
use crate::{Backend, GivenReason, LobbyCommand, PeerId, Signaling, SignalingError};

impl<B: Backend, S: Signaling> Session<B, S> {
    /// Asks the signaling to let nobody join the lobby any more; [`Event::Sealed`] follows.
    ///
    /// # Errors
    ///
    /// [`SignalingError`]: not in a lobby, not its host, or the signaling knows no sealing.
    pub fn seal(&mut self) -> Result<(), SignalingError> {
        if !self.open {
            return Err(SignalingError::NotConnected);
        }
        self.signaling.seal(self.multiplayer.backend().now())
    }

    /// Asks the signaling to send a member out of the lobby, with words for it of at most
    /// [`MAX_REASON_SIZE`](crate::MAX_REASON_SIZE) bytes; for the host. [`LobbyEvent::Removed`](crate::LobbyEvent::Removed)
    /// follows for every other member, and each of them closes its connection with it. The member loses its seat, hears
    /// [`LostReason::Removed`](crate::LostReason::Removed), and can join anew.
    ///
    /// This is for the whole lobby. [`kick`](Self::kick) is for this peer's own connection, and [`kick_out`](Self::kick_out) does both.
    ///
    /// # Errors
    ///
    /// [`SignalingError`]: not in a lobby, not its host, a reason that is too long, or the signaling knows no kicking.
    pub fn kick_from_lobby(
        &mut self,
        peer: PeerId,
        reason: impl Into<String>,
    ) -> Result<(), SignalingError> {
        let reason = reason.into();
        self.control(LobbyCommand::Kick { peer, reason })
    }

    /// Closes our connection with a peer and tells it why, as [`kick_with_reason`](Self::kick_with_reason) does. If we are the host, it
    /// also asks the signaling to send the peer out of the lobby, as [`kick_from_lobby`](Self::kick_from_lobby) does, and everybody else
    /// parts from it, too. For anybody else the result is an error, but our connection is closed.
    ///
    /// The signaling is told the text of the reason alone.
    ///
    /// # Errors
    ///
    /// [`SignalingError`] where the signaling was not asked, for which see `kick_from_lobby`. Our own connection has ended all the same.
    pub fn kick_out(
        &mut self,
        peer: PeerId,
        reason: impl Into<GivenReason>,
    ) -> Result<(), SignalingError> {
        let reason = reason.into();
        let asked = self.kick_from_lobby(peer, reason.text());
        self.kick_with_reason(peer, reason);
        asked
    }

    /// As [`kick_from_lobby`](Self::kick_from_lobby), and the member may not join this lobby again, as far as the signaling can
    /// recognise it. `signaling-server` recognises its seat and its address, but for the address of the host itself.
    ///
    /// # Errors
    ///
    /// [`SignalingError`], as for a kick.
    pub fn ban_from_lobby(
        &mut self,
        peer: PeerId,
        reason: impl Into<String>,
    ) -> Result<(), SignalingError> {
        let reason = reason.into();
        self.control(LobbyCommand::Ban { peer, reason })
    }

    /// Asks the signaling to let nobody new into the lobby, or to let them in again; for the host.
    /// [`LobbyEvent::Locked`](crate::LobbyEvent::Locked) follows for every member. Those whose connection with the signaling
    /// breaks come back also to a locked lobby. Unlike a sealed one it goes on.
    ///
    /// # Errors
    ///
    /// [`SignalingError`]: not in a lobby, not its host, or the signaling knows no locking.
    pub fn set_lobby_locked(&mut self, is_locked: bool) -> Result<(), SignalingError> {
        self.control(LobbyCommand::SetLocked(is_locked))
    }

    /// Asks the signaling to put the lobby on its public list, or to take it off; for the host.
    /// [`LobbyEvent::Listed`](crate::LobbyEvent::Listed) follows for every member. A lobby is not on the list unless its maker or
    /// its host has asked for it.
    ///
    /// # Errors
    ///
    /// [`SignalingError`]: not in a lobby, not its host, or the signaling has no list.
    pub fn set_lobby_listed(&mut self, is_listed: bool) -> Result<(), SignalingError> {
        self.control(LobbyCommand::SetListed(is_listed))
    }

    /// Asks the signaling to tell everybody in the lobby this of it: a JSON object as text, of at most
    /// [`MAX_LOBBY_DATA_SIZE`](crate::MAX_LOBBY_DATA_SIZE) bytes, or an empty text for nothing; for the host.
    /// [`LobbyEvent::Data`](crate::LobbyEvent::Data) follows for every member, and for those who join later.
    ///
    /// # Errors
    ///
    /// [`SignalingError`]: not in a lobby, not its host, no such text, or the signaling knows no data.
    pub fn set_lobby_data(&mut self, json: impl Into<String>) -> Result<(), SignalingError> {
        self.control(LobbyCommand::SetData(json.into()))
    }

    /// Asks the signaling to tell everybody in the lobby this of us, such as a name: a JSON object as text, of at most
    /// [`MAX_MEMBER_DATA_SIZE`](crate::MAX_MEMBER_DATA_SIZE) bytes, or an empty text for nothing.
    /// [`LobbyEvent::MemberData`](crate::LobbyEvent::MemberData) follows for every member, and for those who join later.
    ///
    /// # Errors
    ///
    /// [`SignalingError`]: not in a lobby, no such text, or the signaling knows no data.
    pub fn set_member_data(&mut self, json: impl Into<String>) -> Result<(), SignalingError> {
        self.control(LobbyCommand::SetMemberData(json.into()))
    }

    fn control(&mut self, command: LobbyCommand) -> Result<(), SignalingError> {
        if !self.open {
            return Err(SignalingError::NotConnected);
        }
        let now = self.multiplayer.backend().now();
        self.signaling.control(now, command)
    }
}

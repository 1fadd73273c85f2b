//! Whether the far side is there, and what that means for the state of the connection.

use crate::ConnectionState;

/// Whether the far side is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Life {
    /// It has no pulse, or the channel is not open: only the platform can tell.
    #[default]
    Unknown,
    /// It was heard within 2 s, and has answered within 4 s.
    Answers,
    /// It is heard and has not answered for 4 s: what we say may not arrive.
    Unheard,
    /// It is heard and has not answered for 10 s, or for 3 s since the path came back: what we say does not arrive, whatever the
    /// platform says of the path. SCTP may have stopped in
    /// one direction, which was seen between two Chromiums after cuts and after one of them had got another address.
    Deaf,
    /// It is heard again after a silence and has not yet what it was [owed](super::Pulse::owes), for 10 s at most.
    Owed,
    /// It says nothing, but its end of the path answers: its thread is busy, or its page is suspended.
    Stalled,
    /// Nothing comes from there. It stays so until the far side is heard, or until the path has carried something for 4 s without a word
    /// from there.
    Silent,
}

/// The state of a connection: what the platform says of it, and what the pulse says.
///
/// The platform alone knows how a connection is made, has failed or is closed. Whether one that stands carries something is
/// for the pulse to say, which is faster and is not disturbed by the loss of a few checks of ICE. A far side that is stalled, or
/// has not answered for a while, is there as long as the platform says so: a path may be broken in one direction alone for a moment.
#[must_use]
pub const fn judge(platform: ConnectionState, life: Life) -> ConnectionState {
    match (platform, life) {
        (ConnectionState::Connected, Life::Silent | Life::Deaf) => ConnectionState::Disconnected,
        (ConnectionState::Connected | ConnectionState::Disconnected, Life::Owed) => {
            ConnectionState::Connecting
        }
        (ConnectionState::Disconnected, Life::Answers) => ConnectionState::Connected,
        (platform, _) => platform,
    }
}

//! Why the server closes a socket, as a WebSocket close code and words.

use std::fmt;
use std::time::Duration;

use signaling::{DataError, DecodeError};

use crate::admission::Refusal;

/// A close frame holds 125 bytes, two of them the code.
const MAX_REASON: usize = 123;

/// The demo's code for everything that is an error.
const ERROR: u16 = 4000;

/// Why a socket is closed. The words are those of Godot's Node demo server wherever it has some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Goodbye {
    TooManyPeers,
    TooManySockets { limit: usize },
    TooManyJoins { per_second: u32 },
    TooManyLobbies,
    TooManyOwnLobbies { limit: usize },
    LobbyFull { limit: usize },
    LobbyNameTooLong { limit: usize },
    GroupTooLarge { limit: usize },
    OtherProtocol { is_godot3: bool },
    UnknownLobby,
    Sealed,
    AlreadyInLobby,
    NoLobby,
    JoinDeadline,
    NotHost,
    Format { why: Option<DecodeError> },
    TooLarge { limit: usize },
    Unreadable,
    NotUtf8,
    Binary,
    InvalidCommand,
    InvalidDestination,
    TooFast { per_second: u32 },
    Flooding,
    MessageDeadline { within: Duration },
    Silent { within: Duration },
    HostLeft,
    SealComplete,
    ShuttingDown,
    NoEntropy,
    NotAdmitted { why: Refusal },
    NoSeat,
    Replaced,
    TooManyReturns,
    TryLater { within: Duration },
    Orphaned { within: Duration },
    Settling { within: Duration },
    NoBroker,
    OwnerGone,
    Moved,
    HostOnly,
    ReasonTooLong { limit: usize },
    BadData { why: DataError },
    Locked,
    Removed(Removal),
}

/// How the host sends a member away, or had banned it before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Removal {
    pub(crate) is_banned: bool,
    /// The host's words.
    pub(crate) reason: String,
    /// Whether our extension is spoken with the member: it has codes of its own for this.
    pub(crate) is_ours: bool,
}

impl Goodbye {
    /// The close code: the demo's 4000, WebSocket's own where the demo has no counterpart.
    pub(crate) const fn code(&self) -> u16 {
        self.facts().0
    }

    /// A word for logs and figures, which holds nothing that somebody sent.
    pub(crate) const fn name(&self) -> &'static str {
        self.facts().1
    }

    const fn facts(&self) -> (u16, &'static str) {
        match self {
            Self::SealComplete => (1000, "seal_complete"),
            Self::ShuttingDown => (1001, "shutting_down"),
            Self::Unreadable => (1002, "unreadable"),
            Self::NotUtf8 => (1007, "not_utf8"),
            Self::TooManySockets { .. } => (1008, "too_many_sockets"),
            Self::TooManyJoins { .. } => (1008, "too_many_joins"),
            Self::TooManyOwnLobbies { .. } => (1008, "too_many_own_lobbies"),
            Self::TooFast { .. } => (1008, "too_fast"),
            Self::Flooding => (1008, "flooding"),
            Self::MessageDeadline { .. } => (1008, "message_deadline"),
            Self::TooLarge { .. } => (1009, "too_large"),
            Self::NoEntropy => (1011, "no_entropy"),
            // Come back later.
            Self::Silent { .. } => (1013, "silent"),
            Self::TryLater { .. } => (1013, "try_later"),
            Self::Orphaned { .. } => (1013, "orphaned"),
            Self::Settling { .. } => (1013, "settling"),
            Self::NoBroker => (1013, "no_broker"),
            Self::OwnerGone => (1013, "owner_gone"),
            // Service restart: come back at once.
            Self::Moved => (1012, "moved"),
            Self::TooManyReturns => (1013, "too_many_returns"),
            Self::TooManyPeers => (ERROR, "too_many_peers"),
            Self::TooManyLobbies => (ERROR, "too_many_lobbies"),
            Self::LobbyFull { .. } => (ERROR, "lobby_full"),
            Self::LobbyNameTooLong { .. } => (ERROR, "lobby_name_too_long"),
            Self::GroupTooLarge { .. } => (ERROR, "group_too_large"),
            Self::OtherProtocol { .. } => (ERROR, "other_protocol"),
            Self::UnknownLobby => (ERROR, "unknown_lobby"),
            Self::Sealed => (ERROR, "sealed"),
            Self::AlreadyInLobby => (ERROR, "already_in_lobby"),
            Self::NoLobby => (ERROR, "no_lobby"),
            Self::JoinDeadline => (ERROR, "join_deadline"),
            Self::NotHost => (ERROR, "not_host"),
            Self::Format { .. } => (ERROR, "format"),
            Self::Binary => (ERROR, "binary"),
            Self::InvalidCommand => (ERROR, "invalid_command"),
            Self::InvalidDestination => (ERROR, "invalid_destination"),
            Self::HostOnly => (ERROR, "host_only"),
            Self::ReasonTooLong { .. } => (ERROR, "reason_too_long"),
            Self::BadData { .. } => (ERROR, "bad_data"),
            Self::Locked => (ERROR, "locked"),
            Self::Removed(removal) => match (removal.is_banned, removal.is_ours) {
                (false, true) => (signaling::CLOSE_KICKED, "kicked"),
                (true, true) => (signaling::CLOSE_BANNED, "banned"),
                (false, false) => (ERROR, "kicked"),
                (true, false) => (ERROR, "banned"),
            },
            Self::HostLeft => (ERROR, "host_left"),
            Self::NotAdmitted { .. } => (signaling::CLOSE_NOT_ADMITTED, "not_admitted"),
            // Of our extension: they tell a client that it does not come back to its seat.
            Self::NoSeat => (signaling::CLOSE_NO_SEAT, "no_seat"),
            Self::Replaced => (signaling::CLOSE_REPLACED, "replaced"),
        }
    }

    /// The words, as many as a close frame holds.
    pub(crate) fn reason(&self) -> String {
        let mut reason = self.to_string();
        let end = reason.floor_char_boundary(MAX_REASON);
        reason.truncate(end);
        reason
    }

    /// Whether the member may come back to its seat: it was slow, or too fast, and has broken no rule of the protocol.
    pub(crate) const fn keeps_seat(&self) -> bool {
        matches!(
            self,
            Self::Silent { .. }
                | Self::TooFast { .. }
                | Self::Flooding
                | Self::MessageDeadline { .. }
        )
    }

    /// Whether what waits for the socket may be dropped: it does not read.
    pub(crate) const fn is_impatient(&self) -> bool {
        matches!(self, Self::Silent { .. })
    }
}

impl fmt::Display for Goodbye {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyPeers => f.write_str("Too many peers connected"),
            Self::TooManySockets { limit } => {
                write!(f, "Too many sockets from your address: at most {limit}")
            }
            Self::TooManyJoins { per_second } => {
                write!(
                    f,
                    "Too many joins from your address: at most {per_second} a second"
                )
            }
            Self::TooManyLobbies => f.write_str("Too many lobbies open, disconnecting"),
            Self::TooManyOwnLobbies { limit } => {
                write!(
                    f,
                    "Too many lobbies made from your address: at most {limit}"
                )
            }
            Self::LobbyFull { limit } => write!(f, "Lobby is full: at most {limit} peers"),
            Self::LobbyNameTooLong { limit } => {
                write!(f, "Lobby name is too long: at most {limit} characters")
            }
            Self::GroupTooLarge { limit } => {
                write!(f, "Group is too large: at most {limit} peers")
            }
            Self::OtherProtocol { is_godot3 } => f.write_str(match is_godot3 {
                false => "Lobby is not for clients of Godot 3",
                true => "Lobby is for clients of Godot 3 alone",
            }),
            Self::UnknownLobby => f.write_str("Lobby does not exists"),
            Self::Sealed => f.write_str("Lobby is sealed"),
            Self::AlreadyInLobby => f.write_str("Already in a lobby"),
            Self::NoLobby => f.write_str("Invalid message when not in a lobby"),
            Self::JoinDeadline => f.write_str("Have not joined lobby yet"),
            Self::NotHost => f.write_str("Only host can seal the lobby"),
            Self::Format { why: None } => f.write_str("Invalid message format"),
            Self::Format { why: Some(why) } => write!(f, "Invalid message format: {why}"),
            Self::TooLarge { limit } => write!(f, "Message too large: at most {limit} bytes"),
            Self::Unreadable => f.write_str("Not a WebSocket frame"),
            Self::NotUtf8 => f.write_str("Not UTF-8"),
            Self::Binary => f.write_str("Invalid transfer mode, must be text"),
            Self::InvalidCommand => f.write_str("Invalid command"),
            Self::InvalidDestination => f.write_str("Invalid destination"),
            Self::Orphaned { within } => {
                let seconds = within.as_secs().saturating_add(1);
                write!(
                    f,
                    "The lobby waits for its members: others can join in {seconds} s"
                )
            }
            Self::Settling { within } => {
                let seconds = within.as_secs().saturating_add(1);
                write!(
                    f,
                    "The broker has restarted: lobbies can be made in {seconds} s"
                )
            }
            Self::NoBroker => f.write_str("No new lobby can be made or found now: try again later"),
            Self::OwnerGone => f.write_str("The server of the lobby does not answer: try again"),
            Self::Moved => f.write_str("The lobby is on another server now: come back"),
            Self::HostOnly => f.write_str("Only the host can do that"),
            Self::ReasonTooLong { limit } => {
                write!(f, "Reason is too long: at most {limit} bytes")
            }
            Self::BadData { why } => write!(f, "Not allowed: {why}"),
            Self::Locked => f.write_str("Lobby is locked"),
            Self::Removed(Removal {
                is_banned,
                reason,
                is_ours: false,
            }) if reason.is_empty() => f.write_str(match is_banned {
                false => "The host has removed you",
                true => "The host has banned you",
            }),
            Self::Removed(Removal { reason, .. }) => f.write_str(reason),
            Self::TooFast { per_second } => {
                write!(f, "Too many messages: at most {per_second} a second")
            }
            Self::Flooding => f.write_str("Too many messages for peers that have no room for them"),
            Self::MessageDeadline { within } => {
                write!(f, "A message did not end within {within:?}")
            }
            Self::Silent { within } => write!(f, "No answer to a ping within {within:?}"),
            Self::HostLeft => f.write_str("Room host has disconnected"),
            Self::SealComplete => f.write_str("Seal complete"),
            Self::ShuttingDown => f.write_str("The server is shutting down"),
            Self::NoEntropy => f.write_str("Server error, no random numbers"),
            Self::NotAdmitted { why } => why.fmt(f),
            Self::NoSeat => f.write_str("No seat is kept for you any more"),
            Self::Replaced => f.write_str("You have come back on another connection"),
            Self::TooManyReturns => f.write_str("You have come back too often: try again later"),
            Self::TryLater { within } => {
                let seconds = within.as_secs().saturating_add(1);
                write!(
                    f,
                    "The server has restarted: lobbies can be made in {seconds} s"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_a_close_frame() {
        let why = Some(DecodeError::NotAnObject("ä".repeat(300)));
        let reason = Goodbye::Format { why }.reason();
        assert!(reason.len() <= MAX_REASON && reason.len() > MAX_REASON - 4);
        assert!(reason.starts_with("Invalid message format: "));
    }
}

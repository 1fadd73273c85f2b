//! What is told of a lobby besides who comes and goes, and what its host can do there.

use alloc::string::String;

use thiserror::Error;

use crate::{Duration, PeerId};

/// The longest reason that a host can give for a [`Kick`](LobbyCommand::Kick) or a [`Ban`](LobbyCommand::Ban), in bytes. It
/// is what the close frame of a WebSocket holds, and the longest text of a [`GivenReason`](crate::GivenReason), too.
pub const MAX_REASON_SIZE: usize = 123;

/// The longest data of a lobby, in bytes ([`LobbyCommand::SetData`]).
pub const MAX_LOBBY_DATA_SIZE: usize = 1024;

/// The longest data of a member, in bytes ([`LobbyCommand::SetMemberData`]).
pub const MAX_MEMBER_DATA_SIZE: usize = 256;

/// The longest address that a server may name for coming back ([`LobbyEvent::Draining`]), in bytes.
pub const MAX_HINT_SIZE: usize = 512;

/// What a member asks the signaling service to do with its lobby ([`Signaling::control`](crate::Signaling::control)).
///
/// A command that is on its way when the connection with the service breaks may be lost. What has become of it is told as a
/// [`LobbyEvent`]; without one, send it again after [`Event::SignalingResumed`](crate::Event::SignalingResumed).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LobbyCommand {
    /// Send a member away. It loses its seat, and can join anew. For the host.
    Kick {
        /// Who.
        peer: PeerId,
        /// What it is told, and the others, too: at most [`MAX_REASON_SIZE`] bytes. May be empty.
        reason: String,
    },
    /// Send a member away and do not let it join this lobby again, as far as the service can recognise it. For the host.
    Ban {
        /// Who.
        peer: PeerId,
        /// What it is told, and the others, too: at most [`MAX_REASON_SIZE`] bytes. May be empty.
        reason: String,
    },
    /// Let nobody new join (`true`), or let them join again (`false`). Members whose connection broke come back to their
    /// seats also while the lobby is locked. For the host.
    SetLocked(bool),
    /// Put the lobby on the public list of the service (`true`), or take it off (`false`). For the host.
    SetListed(bool),
    /// Set what is told of the lobby to everybody in it: a JSON object as text, of at most [`MAX_LOBBY_DATA_SIZE`] bytes. An
    /// empty text removes it. For the host.
    SetData(String),
    /// Set what is told of us to everybody who is told that we are there: a JSON object as text, of at most
    /// [`MAX_MEMBER_DATA_SIZE`] bytes. An empty text removes it. For everybody.
    SetMemberData(String),
}

/// What is told of a lobby besides who comes and goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LobbyEvent {
    /// Everybody who was in the lobby when we joined has been told. Comes once after each `Joined`, behind the `PeerJoined` of
    /// those members. It says nothing about connections with them.
    Complete,
    /// The host has locked the lobby (`true`) or has opened it again (`false`).
    Locked(bool),
    /// The lobby is on the public list of the service (`true`), or is not any more (`false`). One that is not is never told of
    /// before.
    Listed(bool),
    /// That member is the host now: it may do in the lobby what a host may, such as [`LobbyCommand::Kick`]. It may be us.
    ///
    /// The host is who made the lobby, peer 1, until its service says so. It does only in a lobby that goes on when its host
    /// leaves. Ids do not change with the role: peer 1 has left then, and nobody gets that id.
    Host(PeerId),
    /// The lobby's data are these now: a JSON object as text, or nothing. A service tells newcomers, too.
    Data(String),
    /// A member's data are these now: a JSON object as text, or nothing. Ours are told to us as well.
    MemberData {
        /// Whose.
        peer: PeerId,
        /// A JSON object as text, or nothing. It is that member's word: judge it as what comes from a peer.
        data: String,
    },
    /// The host has sent a member away. For those who have been told of it, `PeerLeft` follows.
    Removed {
        /// Who.
        peer: PeerId,
        /// Whether it may not join again.
        is_banned: bool,
        /// The host's words, control characters escaped. May be empty.
        reason: String,
    },
    /// The server of the lobby stops before long, and then ends the connection with it. Connections with peers go on.
    ///
    /// The library comes back by itself: [`Event::SignalingInterrupted`](crate::Event::SignalingInterrupted) follows, then
    /// [`Event::SignalingResumed`](crate::Event::SignalingResumed). A game need not do anything.
    Draining {
        /// How long the connection stands at most.
        within: Duration,
        /// Where the library comes back to.
        hint: ReconnectHint,
    },
}

/// Where a server that stops wants its members to come back to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReconnectHint {
    /// To the same address as before, where another server answers.
    Same,
    /// To this address. It is tried first, and the one that the program has given in turn with it.
    At(String),
    /// To an address that is not used. The one of before is tried.
    Refused(HintError),
}

/// Why an address is not used that a server has named for coming back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HintError {
    /// It is too long.
    #[error("it has {size} bytes, and at most {MAX_HINT_SIZE} are taken")]
    TooLong {
        /// How many bytes it has.
        size: usize,
    },
    /// It does not begin with `ws://` or `wss://`, names no host, or holds what no such address may hold.
    #[error("it is not the address of a WebSocket")]
    NotWebSocket,
    /// The connection is encrypted (`wss://`), and the one to that address would not be.
    #[error("it would lead from an encrypted connection to one that is not")]
    Unencrypted,
    /// The transport connects to its own address alone.
    #[error("the transport cannot connect to another address")]
    Unsupported,
}

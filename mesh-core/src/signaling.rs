//! The seam to a signaling service: how peers that are not connected yet reach each other.

use alloc::format;
use alloc::string::String;
use core::task::{Context, Poll};

use thiserror::Error;

use crate::{Instant, LobbyCommand, LobbyEvent, PeerId, Signal, SignalingError};

/// Carries signals between peers that are not connected yet. Bring your own: a lobby server, Steam, Nakama, copy and paste.
///
/// The contract:
///
/// 1. `Joined` comes first, at most once until `Lost`; the lobby's members follow as `PeerJoined`, and later ones as they
///    come. `Joined` never carries the id of another member. A service that knows when it has told of all who were there
///    says [`LobbyEvent::Complete`] then.
/// 2. Signals between two members arrive in the order sent, at most once; `PeerJoined` of a member precedes its signals.
/// 3. `send` never blocks; what it has accepted is delivered or the peer's `PeerLeft` or our `Lost` follows, unless it grows
///    older than any handshake while the service is out of reach.
/// 4. `Lost` is the last event until a further `Joined`, and carries a reason a person understands.
/// 5. `poll_event` is cancel-safe and wakes the last waker given, except for the passing of `poll_timeout`.
/// 6. After `close` nothing more is sent or reported.
/// 7. A service that can be found again says `Interrupted` when it is out of reach, and `Resumed` or `Lost` after it. Who is in
///    the lobby stays so meanwhile, and signals are taken. After `Resumed` the differences follow as `PeerJoined` and
///    `PeerLeft`.
pub trait Signaling {
    /// Hands over a signal for another member.
    ///
    /// # Errors
    ///
    /// [`SignalingError`] when it cannot be queued. The session keeps a signal that found no room, and
    /// ends the attempt to connect where the signaling does not work.
    fn send(&mut self, now: Instant, to: PeerId, signal: Signal) -> Result<(), SignalingError>;

    /// The next event.
    fn poll_event(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<SignalingEvent>;

    /// When to call `poll_event` even if nothing woke it.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Asks the service to let nobody join any more; [`SignalingEvent::Sealed`] follows for every member.
    ///
    /// # Errors
    ///
    /// [`SignalingError::Unsupported`] where the service has no such thing, which is what this method does unless it is
    /// implemented; else as the service has it.
    fn seal(&mut self, now: Instant) -> Result<(), SignalingError> {
        let _ = now;
        Err(SignalingError::Unsupported)
    }

    /// Asks the service to do something with the lobby. What becomes of it is told to every member as
    /// [`SignalingEvent::Lobby`].
    ///
    /// # Errors
    ///
    /// [`SignalingError::Unsupported`] where the service has no such thing, which is what this method does unless it is
    /// implemented; else as the service has it.
    fn control(&mut self, now: Instant, command: LobbyCommand) -> Result<(), SignalingError> {
        let _ = (now, command);
        Err(SignalingError::Unsupported)
    }

    /// The path to a peer has broken, so that to the service may have, too. A client that would only find out after a while asks
    /// the service now whether it is there. What it does with the answer is as always: 7 of the contract.
    fn doubt(&mut self, now: Instant) {
        let _ = now;
    }

    /// Leaves. Connected peers are not touched.
    fn close(&mut self);

    /// After a `close`: waits until the service has been told, or cannot be. A session that leaves waits for it, for a bounded time.
    ///
    /// Unless it is implemented, there is nothing to wait for. Cancel-safe; wakes the last waker given.
    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }
}

/// What a signaling service says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignalingEvent {
    /// We are a member.
    Joined {
        /// Our id.
        id: PeerId,
        /// The lobby's topology.
        topology: Topology,
        /// The lobby's name.
        lobby: String,
    },
    /// Another member is there.
    PeerJoined(PeerId),
    /// It left the lobby; says nothing about a connection that stands.
    PeerLeft(PeerId),
    /// Another member's signal.
    Signal {
        /// Whose.
        from: PeerId,
        /// What it says.
        signal: Signal,
    },
    /// Nobody can join any more.
    Sealed,
    /// Something else that is told of the lobby.
    Lobby(LobbyEvent),
    /// The service is out of reach for now and is being tried again. `Resumed` or `Lost` follows.
    Interrupted {
        /// Why.
        reason: LostReason,
    },
    /// The service is back, and we are in the same lobby under the same id.
    Resumed,
    /// The service is out of reach or sent us away.
    Lost {
        /// Why.
        reason: LostReason,
    },
}

/// Who is linked with whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Topology {
    /// Everybody with everybody.
    #[default]
    Mesh,
    /// Everybody with peer 1 alone (Godot 4.x: `create_server`, `create_client`).
    ClientServer,
}

/// Why the signaling ended.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LostReason {
    /// The server could not be reached.
    #[error("the signaling server cannot be reached: {0}")]
    Unreachable(String),
    /// The server refused us, or sent us away, with this code and these words.
    #[error("the signaling server refused: {reason}{}", code_words(*code))]
    Refused {
        /// WebSocket close code, 0 where there is none.
        code: u16,
        /// The server's words, control characters escaped.
        reason: String,
    },
    /// The server ended the connection without a word.
    #[error("the signaling server closed the connection")]
    Closed,
    /// The lobby ended as agreed: it was sealed, and its time is up.
    #[error("the lobby is sealed and complete")]
    SealComplete,
    /// The lobby ended because its host left it. Who is connected stays connected.
    #[error("the host has left the lobby")]
    HostLeft,
    /// The host has sent us away.
    #[error("{}{}", removal_words(*is_banned), reason_words(reason))]
    Removed {
        /// Whether we may not join this lobby again.
        is_banned: bool,
        /// The host's words, control characters escaped. May be empty.
        reason: String,
    },
    /// The user left the page, and has come back to it out of the browser's cache. Nothing of the mesh is left either: join
    /// anew to play on.
    #[error("the page was left")]
    PageLeft,
    /// The server sent something that is not the protocol.
    #[error("the signaling server broke the protocol: {0}")]
    Protocol(String),
}

/// The close code behind a refusal, where there is one.
fn code_words(code: u16) -> String {
    match code {
        0 => String::new(),
        code => format!(" (code {code})"),
    }
}

const fn removal_words(is_banned: bool) -> &'static str {
    match is_banned {
        false => "the host has removed us from the lobby",
        true => "the host has banned us from the lobby",
    }
}

fn reason_words(reason: &str) -> String {
    match reason {
        "" => String::new(),
        reason => format!(": {reason}"),
    }
}

impl Topology {
    /// Whether two members of a lobby are linked.
    pub(crate) fn links(self, a: PeerId, b: PeerId) -> bool {
        match self {
            Self::Mesh => a != b,
            Self::ClientServer => a != b && (a.is_server() || b.is_server()),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    /// A service that carries signals and can do nothing else.
    struct Plain;

    impl Signaling for Plain {
        fn send(&mut self, _: Instant, _: PeerId, _: Signal) -> Result<(), SignalingError> {
            Ok(())
        }

        fn poll_event(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<SignalingEvent> {
            Poll::Pending
        }

        fn poll_timeout(&self) -> Option<Instant> {
            None
        }

        fn close(&mut self) {}
    }

    #[test]
    fn what_a_service_does_not_implement_it_does_not_support() {
        let now = Instant::from_micros(1);
        let unsupported = Err(SignalingError::Unsupported);
        assert_eq!(Plain.seal(now), unsupported);
        let command = LobbyCommand::SetLocked(true);
        assert_eq!(Plain.control(now, command), unsupported);
    }

    #[test]
    fn a_reason_has_its_code_and_its_words_where_there_are_some() {
        let refused = |code| {
            let reason = String::from("full");
            LostReason::Refused { code, reason }.to_string()
        };
        assert_eq!(refused(0), "the signaling server refused: full");
        assert_eq!(
            refused(4001),
            "the signaling server refused: full (code 4001)"
        );
        let removed = |is_banned, reason| {
            let reason = String::from(reason);
            LostReason::Removed { is_banned, reason }.to_string()
        };
        assert_eq!(removed(false, ""), "the host has removed us from the lobby");
        assert_eq!(
            removed(true, "spam"),
            "the host has banned us from the lobby: spam"
        );
    }
}

//! A [`Signaling`] over any [`Transport`].

mod membership;
#[cfg(test)]
mod tests;

use std::fmt;
use std::task::{Context, Poll};

use mesh_core::{
    Duration, Instant, LostReason, PeerId, Signal, Signaling, SignalingError, SignalingEvent,
    Topology,
};

use crate::{
    DecodeError, MAX_MESSAGE_SIZE, MAX_NOTICE_SIZE, Message, Notice, Request, Transport,
    TransportError, TransportEvent, decode, encode, escape_control, signal_data,
};

use membership::Membership;

pub use membership::MAX_MEMBERS;

/// How many texts one poll reads at most; the rest waits for the next, which is asked for at once.
const TEXTS_PER_POLL: usize = 1024;

/// WebSocket's code for an end as planned.
const CLOSE_NORMAL: u16 = 1000;

/// What Godot's Node server and ours say when the host has left.
const HOST_LEFT: &str = "Room host has disconnected";

/// What to ask a server for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinRequest {
    /// The lobby's name. Empty asks for a new one; `Joined` has the name it got.
    pub lobby: String,
    /// What the lobby is to be if it is made now. That of one that exists stays, and is in `Joined`.
    pub topology: Topology,
}

impl JoinRequest {
    /// Asks for a mesh of that name.
    #[must_use]
    pub fn mesh(lobby: impl Into<String>) -> Self {
        Self {
            lobby: lobby.into(),
            topology: Topology::Mesh,
        }
    }
}

/// A member of a lobby on a server of Godot's protocol.
///
/// It asks to join as soon as the transport has opened. `Joined` follows when the server has sent both our id and the
/// lobby's name, in whatever order; what else it sends before that is held back until then. It joins once: after `Lost`
/// nothing more comes, and a new client is needed.
///
/// A signal of somebody who is no member is dropped, and so is a candidate that cannot be read: another peer wrote it, and
/// no peer may end our signaling. A message of an unknown type is passed over: a newer server may send it. What only a broken
/// server can send ends the signaling with [`LostReason::Protocol`].
///
/// It has no clock: the time to join runs from the first `poll_event`.
pub struct Client<T> {
    transport: T,
    request: JoinRequest,
    join_deadline: Duration,
    stage: Stage,
    membership: Membership,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody has polled yet.
    New,
    /// The transport has not opened.
    Connecting { deadline: Instant },
    /// The server has been asked.
    Joining { deadline: Instant },
    /// It has taken us in.
    Joined,
    /// Lost or closed.
    Ended,
}

impl<T: Transport> Client<T> {
    /// How long reaching the server and joining may take together: 10 s.
    pub const DEFAULT_JOIN_DEADLINE: Duration = Duration::from_secs(10);

    /// A client that will join as asked.
    #[must_use]
    pub const fn new(transport: T, request: JoinRequest) -> Self {
        Self {
            transport,
            request,
            join_deadline: Self::DEFAULT_JOIN_DEADLINE,
            stage: Stage::New,
            membership: Membership::new(),
        }
    }

    /// Sets how long reaching the server and joining may take together; the way to another default.
    #[must_use]
    pub const fn with_join_deadline(mut self, deadline: Duration) -> Self {
        self.join_deadline = deadline;
        self
    }

    /// Our id, once joined.
    #[must_use]
    pub const fn id(&self) -> Option<PeerId> {
        match self.stage {
            Stage::Joined => self.membership.own_id(),
            Stage::New | Stage::Connecting { .. } | Stage::Joining { .. } | Stage::Ended => None,
        }
    }

    fn request(&mut self, request: Request) -> Result<(), SignalingError> {
        let text = encode(&Message::from(request));
        if text.len() > MAX_MESSAGE_SIZE {
            return Err(SignalingError::Unsendable(format!(
                "it has {} bytes, a server takes {MAX_MESSAGE_SIZE}",
                text.len()
            )));
        }
        self.transport.send(text).map_err(|error| match error {
            TransportError::Full => SignalingError::Full,
            TransportError::NotOpen | TransportError::InvalidUrl { .. } => {
                SignalingError::NotConnected
            }
        })
    }

    fn on_opened(&mut self) -> Result<(), LostReason> {
        let Stage::Connecting { deadline } = self.stage else {
            return Ok(());
        };
        let JoinRequest { lobby, topology } = self.request.clone();
        self.request(Request::Join { lobby, topology })
            .map_err(|error| {
                LostReason::Unreachable(format!("the request to join could not be sent: {error}"))
            })?;
        self.stage = Stage::Joining { deadline };
        Ok(())
    }

    fn on_text(&mut self, text: &str) -> Result<(), LostReason> {
        let protocol = |error: &dyn fmt::Display| LostReason::Protocol(error.to_string());
        let message = match decode(text, MAX_NOTICE_SIZE) {
            Ok(message) => message,
            // A newer server may send it.
            Err(DecodeError::UnknownType(_)) => return Ok(()),
            Err(error) => return Err(protocol(&error)),
        };
        let notice = Notice::try_from(message).map_err(|error| protocol(&error))?;
        self.membership
            .handle(notice)
            .map_err(|fault| protocol(&fault))?;
        if self.membership.is_joined() {
            self.stage = Stage::Joined;
        }
        Ok(())
    }

    fn on_transport(&mut self, event: TransportEvent) -> Result<(), LostReason> {
        match event {
            TransportEvent::Opened => self.on_opened(),
            TransportEvent::Text(text) => self.on_text(&text),
            TransportEvent::Closed { reason } => Err(self.judge_close(reason)),
        }
    }

    /// What a close means here, in words safe to print.
    fn judge_close(&self, reason: LostReason) -> LostReason {
        match reason {
            LostReason::Refused { code, .. }
                if code == CLOSE_NORMAL && self.membership.is_sealed() =>
            {
                LostReason::SealComplete
            }
            // 1000 and 1001 are a server's goodbye, 1005 and 1006 stand for no close frame, 0 for no code.
            LostReason::Refused { code, reason }
                if reason.is_empty() && matches!(code, 0 | 1000 | 1001 | 1005 | 1006) =>
            {
                LostReason::Closed
            }
            // Whatever the server's code is: the demo's is 4000, which stands for every error.
            LostReason::Refused { reason, .. } if reason == HOST_LEFT => LostReason::HostLeft,
            LostReason::Refused { code, reason } => LostReason::Refused {
                code,
                reason: escape_control(&reason),
            },
            LostReason::Unreachable(why) => LostReason::Unreachable(escape_control(&why)),
            LostReason::Protocol(what) => LostReason::Protocol(escape_control(&what)),
            said @ (LostReason::Closed | LostReason::SealComplete | _) => said,
        }
    }

    fn on_pending(&mut self, now: Instant) -> Poll<SignalingEvent> {
        if self.poll_timeout().is_none_or(|deadline| now < deadline) {
            return Poll::Pending;
        }
        let within = format!("within {:?}", self.join_deadline);
        let reason = if !matches!(self.stage, Stage::Joining { .. }) {
            LostReason::Unreachable(format!("no connection {within}"))
        } else if self.membership.is_named_only() {
            // Godot's GDScript server answers so.
            LostReason::Refused {
                code: 0,
                reason: format!(
                    "it named the lobby and gave us no id {within}: the lobby is sealed"
                ),
            }
        } else {
            LostReason::Unreachable(format!("it did not answer the request to join {within}"))
        };
        self.lose(reason)
    }

    fn lose(&mut self, reason: LostReason) -> Poll<SignalingEvent> {
        self.close();
        Poll::Ready(SignalingEvent::Lost { reason })
    }
}

impl<T: Transport> Signaling for Client<T> {
    fn send(&mut self, _now: Instant, to: PeerId, signal: Signal) -> Result<(), SignalingError> {
        if self.id().is_none() {
            return Err(SignalingError::NotConnected);
        }
        if !self.membership.is_member(to) {
            // Godot's Node server sends away whoever writes to somebody who is not there.
            return Err(SignalingError::Unsendable(format!(
                "peer {to} is not in the lobby"
            )));
        }
        let (kind, data) =
            signal_data(&signal).map_err(|error| SignalingError::Unsendable(error.to_string()))?;
        let to = to.get();
        self.request(Request::Relay { kind, to, data })
    }

    fn poll_event(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<SignalingEvent> {
        if self.stage == Stage::New {
            let deadline = now + self.join_deadline;
            self.stage = Stage::Connecting { deadline };
        }
        for _ in 0..TEXTS_PER_POLL {
            if self.stage == Stage::Ended {
                return Poll::Pending;
            }
            if let Some(event) = self.membership.next_event() {
                return Poll::Ready(event);
            }
            let Poll::Ready(event) = self.transport.poll_event(cx) else {
                return self.on_pending(now);
            };
            if let Err(reason) = self.on_transport(event) {
                return self.lose(reason);
            }
        }
        cx.waker().wake_by_ref();
        self.on_pending(now)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self.stage {
            Stage::Connecting { deadline } | Stage::Joining { deadline } => Some(deadline),
            Stage::New | Stage::Joined | Stage::Ended => None,
        }
    }

    /// Asks the server to take nobody any more. `Sealed` follows, for every member.
    ///
    /// [`SignalingError::NotConnected`] before `Joined` and after `Lost`, [`SignalingError::Unsendable`] where we are not
    /// the host (a server would send us away for asking), [`SignalingError::Full`] when too much waits to be sent.
    fn seal(&mut self, _now: Instant) -> Result<(), SignalingError> {
        let id = self.id().ok_or(SignalingError::NotConnected)?;
        if !id.is_server() {
            return Err(SignalingError::Unsendable(
                "only the host, peer 1, can seal the lobby".to_owned(),
            ));
        }
        self.request(Request::Seal)
    }

    fn close(&mut self) {
        if self.stage != Stage::Ended {
            self.stage = Stage::Ended;
            self.membership = Membership::new();
            self.transport.close();
        }
    }
}

impl<T> fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("request", &self.request)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

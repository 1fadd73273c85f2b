//! A [`Signaling`] over any [`Transport`].

mod absence;
mod backoff;
mod closing;
mod control;
mod courier;
mod membership;
mod pulse;
mod route;
mod steps;
#[cfg(test)]
mod tests;

use std::fmt;
use std::task::{Context, Poll};

use mesh_core::{
    Duration, Instant, LobbyCommand, PeerId, Signal, Signaling, SignalingError, SignalingEvent,
    Topology,
};

use crate::{MAX_MESSAGE_SIZE, Request, SignalNumber, Transport, TransportError, signal_data};

use absence::{Absence, Token};
use backoff::Backoff;
use courier::{Courier, Full};
use membership::Membership;
use pulse::Pulse;
use route::Route;

pub use membership::MAX_MEMBERS;

/// How many texts one poll reads at most; the rest waits for the next, which is asked for at once.
const TEXTS_PER_POLL: usize = 1024;

/// What to ask a server for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinRequest {
    /// The lobby's name. Empty asks for a new one; `Joined` has the name it got.
    pub lobby: String,
    /// What the lobby is to be if it is made now. That of one that exists stays, and is in `Joined`.
    pub topology: Topology,
    /// How many members the lobby may have, we included, if it is made now: at most what the server allows, which is what it
    /// has without one. A server of Godot's protocol knows no such limit.
    pub max_players: Option<u32>,
    /// Whether the lobby is to be on the server's public list, if it is made now: not by default. See [`LobbyQuery`](crate::LobbyQuery).
    pub is_listed: bool,
    /// How many players make a group, where the server is to put us together with others. Who joins with the same name and the same
    /// number comes into one lobby, whose name the server gives, until there are so many; then the lobby seals itself, and
    /// the next ones come into another. A server of Godot's protocol passes over it, and makes one lobby of that name.
    pub group_of: Option<u32>,
    /// Whether the lobby is to go on when its host leaves, if it is made now and is a mesh: not by default, as with Godot's servers.
    /// The member that has been there longest is the host then
    /// ([`LobbyEvent::Host`](mesh_core::LobbyEvent::Host)).
    pub host_migration: bool,
}

impl JoinRequest {
    /// Asks for a mesh of that name.
    #[must_use]
    pub fn mesh(lobby: impl Into<String>) -> Self {
        Self {
            lobby: lobby.into(),
            topology: Topology::Mesh,
            ..Self::default()
        }
    }
}

/// A member of a lobby on a server of Godot's protocol.
///
/// It asks to join as soon as the transport has opened. `Joined` follows when the server has sent both our id and the
/// lobby's name, in whatever order; what else it sends before that is held back until then. It joins once: after `Lost`
/// nothing more comes, and a new client is needed.
///
/// With its join it offers our extension of the protocol (`docs/signaling.md`). A server that speaks it is asked for a sign of
/// life whenever it has been silent for 4 s. When the connection breaks, or nothing has come for 9 s, the client says
/// `Interrupted` and comes back to its seat: the same id in the same lobby. It tries again and again, with pauses that grow from a
/// quarter of a second to two seconds, until it says `Resumed`, or `Lost` when the server keeps the seat no longer. The time in which an
/// attempt has found no connection is a part of the pause after it. Signals are taken meanwhile. Between members that speak the extension none is lost and none comes twice. With any other server the first
/// break is `Lost`. A server that is about to stop may name another address
/// ([`LobbyEvent::Draining`](mesh_core::LobbyEvent::Draining)): it is tried first, and the one that the transport was made for in turn.
///
/// A signal of somebody who is no member is dropped, and so is a candidate that cannot be read: another peer wrote it, and
/// no peer may end our signaling. A message of an unknown type is passed over: a newer server may send it. What only a broken
/// server can send ends the signaling with [`LostReason::Protocol`](mesh_core::LostReason::Protocol).
///
/// It has no clock: the time to join runs from the first `poll_event`.
pub struct Client<T> {
    transport: T,
    request: JoinRequest,
    join_deadline: Duration,
    stage: Stage,
    membership: Membership,
    courier: Courier,
    /// From a server that speaks our extension.
    token: Option<Token>,
    /// Whether the server has said on this connection that it speaks our extension.
    is_welcome: bool,
    /// How often we have asked to be taken back.
    attempts: u32,
    /// Where we come back to.
    route: Route,
    /// The pauses between attempts, since a connection has last stood for a while.
    backoff: Option<Backoff>,
    /// While we are on our way back.
    absence: Option<Absence>,
    /// When to try again to send what the transport had no room for.
    full_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Nobody has polled yet.
    New,
    /// The transport has not opened.
    Connecting { deadline: Instant },
    /// The server has been asked.
    Joining { deadline: Instant },
    /// It has taken us in.
    Joined { since: Instant, pulse: Pulse },
    /// The next attempt to come back is made then.
    Paused { until: Instant },
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
            courier: Courier::new(),
            token: None,
            is_welcome: false,
            attempts: 0,
            route: Route::new(),
            backoff: None,
            absence: None,
            full_until: None,
        }
    }

    /// Sets how long reaching the server and joining may take together; the way to another default.
    #[must_use]
    pub const fn with_join_deadline(mut self, deadline: Duration) -> Self {
        self.join_deadline = deadline;
        self
    }

    /// Our id, once joined; also while we are on our way back.
    #[must_use]
    pub const fn id(&self) -> Option<PeerId> {
        match self.stage {
            Stage::Joined { .. } => self.membership.own_id(),
            Stage::Connecting { .. } | Stage::Joining { .. } | Stage::Paused { .. }
                if self.absence.is_some() =>
            {
                self.membership.own_id()
            }
            Stage::New
            | Stage::Connecting { .. }
            | Stage::Joining { .. }
            | Stage::Paused { .. }
            | Stage::Ended => None,
        }
    }

    const fn is_joined(&self) -> bool {
        matches!(self.stage, Stage::Joined { .. })
    }

    /// Whether our extension is spoken with the server. While we are on our way back we count on it.
    const fn is_extended(&self) -> bool {
        self.token.is_some() && (self.is_welcome || self.absence.is_some())
    }
}

impl<T: Transport> Signaling for Client<T> {
    fn send(&mut self, now: Instant, to: PeerId, signal: Signal) -> Result<(), SignalingError> {
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
        let is_numbered = self.is_extended() && self.membership.is_ours(to);
        // Before it is kept: it would be in the way of all that come after it.
        let size = steps::text(Request::Relay {
            kind,
            to: to.get(),
            data: data.clone(),
            number: is_numbered.then_some(SignalNumber {
                this: u32::MAX,
                previous: u32::MAX,
            }),
        })
        .len();
        if size > MAX_MESSAGE_SIZE {
            return Err(SignalingError::Unsendable(format!(
                "it has {size} bytes, a server takes {MAX_MESSAGE_SIZE}"
            )));
        }
        let pushed = self.courier.push(now, to, is_numbered, kind, data);
        pushed.map_err(|Full| SignalingError::Full)?;
        if !self.is_joined() || !self.membership.is_reachable(to) {
            return Ok(());
        }
        match self.flush_to(to) {
            Ok(()) => Ok(()),
            // It is sent when we are back.
            Err(TransportError::NotOpen) if self.is_extended() => Ok(()),
            Err(error) => {
                self.courier.take_back(to);
                Err(refusal(error))
            }
        }
    }

    fn poll_event(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<SignalingEvent> {
        if matches!(self.stage, Stage::New) {
            let deadline = now + self.join_deadline;
            self.stage = Stage::Connecting { deadline };
        }
        for _ in 0..TEXTS_PER_POLL {
            if let Some(event) = self.membership.next_event() {
                return Poll::Ready(event);
            }
            let polled = match self.stage {
                // The old connection says nothing that matters any more.
                Stage::Ended | Stage::Paused { .. } => Poll::Pending,
                Stage::New
                | Stage::Connecting { .. }
                | Stage::Joining { .. }
                | Stage::Joined { .. } => self.transport.poll_event(cx),
            };
            let goes_on = match polled {
                Poll::Ready(event) => self.on_transport(now, event).map(|()| true),
                Poll::Pending => self.on_timeout(now),
            };
            match goes_on {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(reason) => {
                    if let Some(last) = self.fail(now, reason) {
                        return Poll::Ready(last);
                    }
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn doubt(&mut self, now: Instant) {
        if let Stage::Joined { pulse, .. } = &mut self.stage {
            pulse.doubt(now);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self.stage {
            Stage::Connecting { deadline } | Stage::Joining { deadline } => Some(deadline),
            Stage::Paused { until } => Some(until),
            Stage::Joined { pulse, .. } => {
                let pulse = self.is_extended().then(|| pulse.due());
                let due = [
                    pulse,
                    self.membership.poll_timeout(),
                    self.courier.poll_timeout(),
                    self.full_until,
                ];
                due.into_iter().flatten().min()
            }
            Stage::New | Stage::Ended => None,
        }
    }

    /// Asks the server to take nobody any more. `Sealed` follows, for every member.
    ///
    /// [`SignalingError::NotConnected`] before `Joined`, after `Lost` and while the connection is interrupted,
    /// [`SignalingError::Unsendable`] where we are not the host (a server would send us away for asking),
    /// [`SignalingError::Full`] when too much waits to be sent.
    fn seal(&mut self, _now: Instant) -> Result<(), SignalingError> {
        let id = self.id().filter(|_| self.is_joined());
        let id = id.ok_or(SignalingError::NotConnected)?;
        if id != self.membership.host() {
            let why = "only the host can seal the lobby".to_owned();
            return Err(SignalingError::Unsendable(why));
        }
        self.request(Request::Seal).map_err(refusal)
    }

    /// Asks the server as the host. What becomes of it follows as an event, for every member.
    ///
    /// [`SignalingError::NotConnected`] before `Joined`, after `Lost` and while the connection is interrupted,
    /// [`SignalingError::Unsupported`] where the server does not speak our extension,
    /// [`SignalingError::Unsendable`] where we are not the host or it breaks a bound (a server would send us away for it),
    /// [`SignalingError::Full`] when too much waits to be sent.
    fn control(&mut self, _now: Instant, command: LobbyCommand) -> Result<(), SignalingError> {
        let id = self.id().filter(|_| self.is_joined());
        let id = id.ok_or(SignalingError::NotConnected)?;
        if !self.is_welcome {
            return Err(SignalingError::Unsupported);
        }
        let request = control::request(id, self.membership.host(), command)?;
        self.request(request).map_err(refusal)
    }

    fn close(&mut self) {
        if matches!(self.stage, Stage::Ended) {
            return;
        }
        match self.stage {
            // So that our seat is not kept, whatever becomes of the close frame.
            Stage::Joined { .. } | Stage::Joining { .. } if self.is_extended() => {
                let _ = self.request(Request::Leave);
            }
            // There is no connection to say it on.
            Stage::Connecting { .. } | Stage::Paused { .. } if self.absence.is_some() => {
                let texts = [self.join(), Request::Leave].map(steps::text);
                self.transport.farewell(texts.into());
            }
            Stage::New
            | Stage::Connecting { .. }
            | Stage::Joining { .. }
            | Stage::Joined { .. }
            | Stage::Paused { .. }
            | Stage::Ended => {}
        }
        self.end();
    }

    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.transport.poll_closed(cx)
    }
}

/// Why a request was not taken.
fn refusal(error: TransportError) -> SignalingError {
    match error {
        TransportError::Full => SignalingError::Full,
        TransportError::NotOpen | TransportError::InvalidUrl { .. } => SignalingError::NotConnected,
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

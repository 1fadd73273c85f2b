//! What a participant is at the moment: nothing, a bare backend, a mesh, a session, a bare signaling client, a bare transport.

use std::iter;
use std::task::{Context, Poll};

use mesh_core::{
    Backend, ChannelIndex, Instant, LinkId, Multiplayer, PeerId, Session, Signal, Signaling,
    TransferMode,
};
use signaling::{Transport, TransportOptions};

use super::api::{self, Api};
use crate::Content;
use crate::observed::translate::Entry;
use crate::planted::{Dressed, Fault, FaultyTransport};
use crate::platform::Platform;
use crate::refusal::{Refusal, peer_id};
use crate::request::{LurkerRequest, Start};

pub(super) enum Stack<P: Platform> {
    Nothing,
    Backend(Box<Dressed<P::Backend>>),
    Mesh(Box<Multiplayer<Dressed<P::Backend>>>),
    Session(Box<Session<Dressed<P::Backend>, P::Signaling>>),
    Api(Box<Api<Dressed<P::Backend>>>),
    Lurker {
        signaling: Box<P::Signaling>,
        /// What its socket lives on.
        _backend: Box<Dressed<P::Backend>>,
    },
    Transport {
        transport: Box<FaultyTransport<P::Transport>>,
        /// What its socket lives on.
        _backend: Box<P::Backend>,
    },
}

impl<P: Platform> Stack<P> {
    pub(super) fn start(platform: &P, start: Start, fault: Option<Fault>) -> Result<Self, Refusal> {
        let backend = platform.backend()?;
        let dress = |backend| Dressed::new(backend, fault);
        Ok(match start {
            Start::Backend => Self::Backend(Box::new(dress(backend))),
            Start::Mesh {
                id,
                server_compatibility,
                settings,
            } => {
                let mut mesh = Box::new(Multiplayer::new(dress(backend), settings.into()));
                if id != 0 {
                    mesh.initialize(peer_id(id)?, server_compatibility)?;
                }
                Self::Mesh(mesh)
            }
            Start::Session { meeting, settings } => {
                let signaling = platform.signaling(&backend, &meeting)?;
                let backend = dress(backend);
                Self::Session(Box::new(Session::new(backend, signaling, settings.into())))
            }
            Start::Api(start) => Self::Api(Box::new(api::start(dress(backend), start)?)),
            Start::Lurker { meeting } => Self::Lurker {
                signaling: Box::new(platform.signaling(&backend, &meeting)?),
                _backend: Box::new(dress(backend)),
            },
            Start::Transport {
                url,
                max_message_size,
            } => {
                let options = TransportOptions {
                    max_message_size,
                    ..TransportOptions::default()
                };
                let transport = platform.transport(&backend, &url, options)?;
                Self::Transport {
                    transport: Box::new(FaultyTransport::new(transport, fault)),
                    _backend: Box::new(backend),
                }
            }
        })
    }

    /// The next event, and when to ask again without being woken.
    pub(super) fn poll_next(
        &mut self,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> (Poll<Entry>, Option<Instant>) {
        let event = match self {
            Self::Nothing => Poll::Pending,
            Self::Backend(backend) => backend.poll_event(cx).map(Entry::from),
            Self::Mesh(mesh) => mesh.poll_next(cx).map(Entry::from),
            Self::Session(session) => session.poll_next(cx).map(Entry::from),
            Self::Api(api) => api.poll_next(cx).map(Entry::from),
            Self::Lurker { signaling, .. } => {
                let event = signaling.poll_event(now, cx).map(Entry::from);
                return (event, signaling.poll_timeout());
            }
            Self::Transport { transport, .. } => transport.poll_event(cx).map(Entry::from),
        };
        (event, None)
    }

    /// All events of one frame.
    pub(super) fn poll_frame(&mut self) -> Vec<Entry> {
        match self {
            Self::Mesh(mesh) => iter::from_fn(|| mesh.poll()).map(Entry::from).collect(),
            Self::Session(session) => iter::from_fn(|| session.poll()).map(Entry::from).collect(),
            Self::Api(api) => iter::from_fn(|| api.poll()).map(Entry::from).collect(),
            // Frames are a game's; these are not for games.
            Self::Nothing | Self::Backend(_) | Self::Lurker { .. } | Self::Transport { .. } => {
                Vec::new()
            }
        }
    }

    pub(super) fn greet_peer(&mut self, peer: u32, content: &Content) {
        let Ok(peer) = PeerId::new(peer) else {
            return;
        };
        for mode in TransferMode::ALL {
            // A refusal shows as the greeting's absence, which is what the case looks for.
            let _ = match self {
                Self::Mesh(mesh) => mesh.send(peer, mode, content.payload()),
                Self::Session(session) => session.send(peer, mode, content.payload()),
                Self::Nothing
                | Self::Backend(_)
                | Self::Api(_)
                | Self::Lurker { .. }
                | Self::Transport { .. } => return,
            };
        }
    }

    pub(super) fn greet_channel(&mut self, link: LinkId, channel: ChannelIndex, content: &Content) {
        if let Self::Backend(backend) = self {
            let _ = backend.send(link, channel, content.payload());
        }
    }

    pub(super) fn lurk(&mut self, now: Instant, request: LurkerRequest) -> Result<(), Refusal> {
        let Self::Lurker { signaling, .. } = self else {
            return Err(Refusal::Suite("this participant is no lurker".to_owned()));
        };
        let (to, signal) = match request {
            LurkerRequest::Describe { to, description } => (to, Signal::Description(description)),
            LurkerRequest::Trickle { to, candidate } => (to, Signal::Candidate(candidate)),
        };
        signaling
            .send(now, peer_id(to)?, signal)
            .map_err(|error| Refusal::Suite(error.to_string()))
    }
}

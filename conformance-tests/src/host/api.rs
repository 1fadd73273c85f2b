//! A multiplayer API over a mesh, and requests to it.

use mesh_core::{Backend, MeshConfig, Multiplayer, MultiplayerPeer, Payload};
use multiplayer_api::{
    ApiConfig, ApiEvent, AuthFailure, Authentication, Generation, MultiplayerApi,
};

use super::Host;
use super::stack::Stack;
use crate::Body;
use crate::observed::translate::Entry;
use crate::observed::{Observed, Seen};
use crate::platform::Platform;
use crate::refusal::{Refusal, peer_id};
use crate::reply::Reply;
use crate::request::{ApiRequest, ApiStart};

/// The API and what it stands on.
pub(super) struct ApiStack<B> {
    pub(super) network: Multiplayer<B>,
    api: MultiplayerApi,
}

impl<B: Backend> ApiStack<B> {
    pub(super) fn start(backend: B, start: ApiStart) -> Result<Self, Refusal> {
        let mut network = Multiplayer::new(backend, MeshConfig::default());
        let id = peer_id(start.id)?;
        if !start.star {
            network.create_mesh(id, &[])?;
        } else if id.is_server() {
            network.create_server(&[])?;
        } else {
            network.create_client(id, &[])?;
        }
        let generation = if start.godot_3 {
            Generation::Godot3
        } else {
            Generation::Godot4
        };
        let authentication = start
            .authentication
            .map_or(Authentication::None, |timeout| Authentication::Required {
                timeout,
            });
        let api = MultiplayerApi::new(ApiConfig {
            generation,
            authentication,
            ..ApiConfig::default()
        });
        Ok(Self { network, api })
    }

    pub(super) fn poll_frame(&mut self) -> Vec<Entry> {
        std::iter::from_fn(|| self.api.poll(&mut self.network))
            .map(Entry::from)
            .collect()
    }

    fn carry_out(&mut self, request: ApiRequest) -> Result<Reply, Refusal> {
        let network: &mut dyn MultiplayerPeer = &mut self.network;
        match request {
            ApiRequest::SendBytes { to, mode, content } => {
                let data = content.payload().into_bytes();
                let sent = self
                    .api
                    .send_bytes(network, to.target()?, mode, &data)
                    .map_err(|error| error.to_string())?;
                return Ok(Reply::Amount(sent.accepted));
            }
            ApiRequest::SendAuth { peer, data } => self
                .api
                .send_auth(network, peer_id(peer)?, &data)
                .map_err(|error| error.to_string())?,
            ApiRequest::CompleteAuth(peer) => self
                .api
                .complete_auth(network, peer_id(peer)?)
                .map_err(|error| error.to_string())?,
            ApiRequest::DisconnectPeer(peer) => {
                let known = self.api.disconnect_peer(network, peer_id(peer)?);
                return Ok(Reply::Flag(known));
            }
            ApiRequest::CloseApi => self.api.close(network),
        }
        Ok(Reply::Done)
    }
}

impl<P: Platform> Host<P> {
    pub(super) fn api(&mut self, request: ApiRequest) -> Result<Reply, Refusal> {
        let Stack::Api(stack) = &mut self.stack else {
            return Err(Refusal::Suite("this participant has no API".to_owned()));
        };
        stack.carry_out(request)
    }
}

impl From<ApiEvent> for Entry {
    fn from(event: ApiEvent) -> Self {
        let seen = match event {
            ApiEvent::Peer(event) => return Self::from(event),
            ApiEvent::PeerConnected(peer) => Seen::Connected(peer.get()),
            ApiEvent::PeerDisconnected {
                peer,
                reason: Some(reason),
            } => Seen::Disconnected {
                peer: peer.get(),
                reason,
            },
            ApiEvent::PeerDisconnected { peer, reason: None } => Seen::Withdrawn(peer.get()),
            ApiEvent::ConnectedToServer => Seen::ServerConnected,
            ApiEvent::ConnectionFailed(Some(reason)) => Seen::ServerFailed(reason),
            ApiEvent::ServerDisconnected => Seen::ServerDisconnected,
            ApiEvent::PeerAuthenticating(peer) => Seen::Authenticating(peer.get()),
            ApiEvent::AuthData { from, data } => Seen::AuthData {
                from: from.get(),
                body: Body::of(&Payload::Binary(data)),
            },
            ApiEvent::PeerAuthenticationFailed { peer, reason } => Seen::AuthFailed {
                peer: peer.get(),
                timed_out: reason == AuthFailure::TimedOut,
            },
            ApiEvent::PeerPacket {
                from,
                mode,
                channel,
                data,
            } => Seen::Packet {
                from: from.get(),
                mode,
                channel,
                body: Body::of(&Payload::Binary(data)),
            },
            other => Seen::Unknown(format!("{other:?}")),
        };
        Self::Event(Observed::Mesh(seen))
    }
}

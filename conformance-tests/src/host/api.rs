//! A multiplayer API over a mesh, and requests to it.

use mesh_core::{Backend, MeshConfig, Multiplayer, Payload};
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

/// An API that owns the mesh below it.
pub(super) type Api<B> = MultiplayerApi<Multiplayer<B>>;

pub(super) fn start<B: Backend>(backend: B, start: ApiStart) -> Result<Api<B>, Refusal> {
    let mut mesh = Multiplayer::new(backend, MeshConfig::default());
    let id = peer_id(start.id)?;
    if !start.star {
        mesh.create_mesh(id, &[])?;
    } else if id.is_server() {
        mesh.create_server(&[])?;
    } else {
        mesh.create_client(id, &[])?;
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
    let config = ApiConfig {
        generation,
        authentication,
        ..ApiConfig::default()
    };
    Ok(MultiplayerApi::new(mesh, config))
}

fn carry_out<B: Backend>(api: &mut Api<B>, request: ApiRequest) -> Result<Reply, Refusal> {
    match request {
        ApiRequest::SendBytes { to, mode, content } => {
            let data = content.payload().into_bytes();
            let sent = api
                .send_bytes(to.target()?, mode, &data)
                .map_err(|error| error.to_string())?;
            return Ok(Reply::Amount(sent.accepted));
        }
        ApiRequest::SendAuth { peer, data } => api
            .send_auth(peer_id(peer)?, &data)
            .map_err(|error| error.to_string())?,
        ApiRequest::CompleteAuth(peer) => api
            .complete_auth(peer_id(peer)?)
            .map_err(|error| error.to_string())?,
        ApiRequest::DisconnectPeer(peer) => {
            return Ok(Reply::Flag(api.disconnect_peer(peer_id(peer)?)));
        }
        ApiRequest::CloseApi => api.close(),
    }
    Ok(Reply::Done)
}

impl<P: Platform> Host<P> {
    pub(super) fn api(&mut self, request: ApiRequest) -> Result<Reply, Refusal> {
        let Stack::Api(api) = &mut self.stack else {
            return Err(Refusal::Suite("this participant has no API".to_owned()));
        };
        carry_out(api, request)
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

//! What a case asks of a multiplayer API.

use mesh_core::TransferMode;

use super::Participant;
use crate::reply::Reply;
use crate::request::{ApiRequest, ApiStart, Request, Start, To};
use crate::{Content, Outcome};

impl Participant {
    /// Becomes a multiplayer API of its own id, in a mesh or a star, which asks nothing of its peers.
    pub async fn start_api(&self, star: bool) -> Outcome {
        self.start_api_as(ApiStart {
            id: self.id(),
            star,
            godot_3: false,
            authentication: None,
        })
        .await
    }

    /// Becomes a multiplayer API.
    pub async fn start_api_as(&self, start: ApiStart) -> Outcome {
        self.start(Start::Api(start)).await
    }

    /// Sends data through the API, and tells how many have taken it.
    pub async fn send_bytes(&self, to: To, mode: TransferMode, content: Content) -> Outcome<usize> {
        let request = ApiRequest::SendBytes { to, mode, content };
        match self.ask(Request::Api(request)).await? {
            Reply::Amount(accepted) => Ok(accepted),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Any request to an API that is only done; a refusal fails the case.
    pub async fn api(&self, request: ApiRequest) -> Outcome {
        self.done(Request::Api(request)).await
    }

    /// Sends a peer away.
    pub async fn api_disconnect_peer(&self, peer: u32) -> Outcome<bool> {
        match self
            .ask(Request::Api(ApiRequest::DisconnectPeer(peer)))
            .await?
        {
            Reply::Flag(known) => Ok(known),
            reply => Err(self.odd(&reply)),
        }
    }
}

//! What a case asks of Godot's class.

use mesh_core::{ChannelIndex, ConnectionId, TransferMode};

use super::Participant;
use crate::refusal::Refusal;
use crate::reply::{ChannelReport, Reply, SentReport, StatesReport};
use crate::request::{MeshRequest, Request, Settings, Setup, Start, To};
use crate::{Content, Outcome};

impl Participant {
    /// Becomes a mesh that is not set up.
    pub async fn start_unset(&self, settings: Settings) -> Outcome {
        self.start(Start::Mesh {
            id: 0,
            server_compatibility: false,
            settings,
        })
        .await
    }

    /// Becomes a mesh that is set up like this.
    pub async fn start_as(&self, setup: Setup) -> Outcome {
        self.start_with(setup, &[]).await
    }

    /// Becomes a mesh that is set up like this, with custom channels.
    pub async fn start_with(&self, setup: Setup, custom_channels: &[TransferMode]) -> Outcome {
        self.start_unset(Settings::default()).await?;
        self.try_set_up_with(setup, custom_channels)
            .await?
            .map_err(|refusal| self.fail(format!("could not be set up: {refusal}")))
    }

    /// Tries to set a mesh up.
    pub async fn try_set_up(&self, setup: Setup) -> Outcome<Result<(), Refusal>> {
        self.try_set_up_with(setup, &[]).await
    }

    async fn try_set_up_with(
        &self,
        setup: Setup,
        custom_channels: &[TransferMode],
    ) -> Outcome<Result<(), Refusal>> {
        let custom_channels = custom_channels.to_vec();
        self.try_mesh(MeshRequest::SetUp {
            setup,
            custom_channels,
        })
        .await
    }

    /// Ends a peer; whether it was there.
    pub async fn disconnect_peer(&self, peer: u32, force: bool) -> Outcome<bool> {
        self.flag(MeshRequest::DisconnectPeer { peer, force }).await
    }

    /// Tries to send one message on a channel.
    pub async fn try_send_on_channel(
        &self,
        to: To,
        channel: ChannelIndex,
        content: Content,
    ) -> Outcome<Result<SentReport, Refusal>> {
        let request = MeshRequest::SendOnChannel {
            to,
            channel,
            content,
        };
        match self.attempt(Request::Mesh(request)).await? {
            Ok(Reply::Sent(report)) => Ok(Ok(report)),
            Err(refusal) => Ok(Err(refusal)),
            Ok(reply) => Err(self.odd(&reply)),
        }
    }

    /// Closes one channel of a peer; whether it was there.
    pub async fn close_channel(&self, peer: u32, channel: ChannelIndex) -> Outcome<bool> {
        self.flag(MeshRequest::CloseChannel { peer, channel }).await
    }

    /// A peer's channels; none of a stranger.
    pub async fn channels(&self, peer: u32) -> Outcome<Vec<ChannelReport>> {
        match self.mesh(MeshRequest::Channels(peer)).await? {
            Reply::Channels(channels) => Ok(channels),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Where a connection is; `None` for one that is closed.
    pub async fn states(&self, connection: ConnectionId) -> Outcome<Option<StatesReport>> {
        match self.mesh(MeshRequest::States(connection)).await? {
            Reply::States(states) => Ok(states),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Whether it is the server, and whether a layer above would have to relay.
    pub async fn standing(&self) -> Outcome<(bool, bool)> {
        match self.mesh(MeshRequest::Standing).await? {
            Reply::Standing { is_server, relays } => Ok((is_server, relays)),
            reply => Err(self.odd(&reply)),
        }
    }

    async fn flag(&self, request: MeshRequest) -> Outcome<bool> {
        match self.mesh(request).await? {
            Reply::Flag(flag) => Ok(flag),
            reply => Err(self.odd(&reply)),
        }
    }
}

//! Requests that are about Godot's class.

use mesh_core::{Backend, Multiplayer};

use crate::refusal::{Refusal, peer_id};
use crate::reply::{ChannelReport, Reply, SentReport, StatesReport};
use crate::request::{MeshRequest, Setup};

pub(super) fn carry_out<B: Backend>(
    mesh: &mut Multiplayer<B>,
    request: MeshRequest,
) -> Result<Reply, Refusal> {
    match request {
        MeshRequest::SetUp {
            setup,
            custom_channels,
        } => match setup {
            Setup::Compatible(id) => {
                mesh.initialize(peer_id(id)?, true)?;
                mesh.set_custom_channels(&custom_channels)?;
            }
            Setup::Mesh(id) => mesh.create_mesh(peer_id(id)?, &custom_channels)?,
            Setup::Client(id) => mesh.create_client(peer_id(id)?, &custom_channels)?,
            Setup::Server => mesh.create_server(&custom_channels)?,
        },
        MeshRequest::DisconnectPeer { peer, force } => {
            return Ok(Reply::Flag(mesh.disconnect_peer(peer_id(peer)?, force)));
        }
        MeshRequest::SendOnChannel {
            to,
            channel,
            content,
        } => {
            let mut report = SentReport::default();
            let sent = mesh.send_on(to.target()?, channel, content.payload())?;
            report.note(&sent);
            report.messages = u64::from(sent.is_complete());
            return Ok(Reply::Sent(report));
        }
        MeshRequest::CloseChannel { peer, channel } => {
            return Ok(Reply::Flag(mesh.close_channel(peer_id(peer)?, channel)));
        }
        MeshRequest::Channels(peer) => {
            let info = mesh.peer(peer_id(peer)?);
            let channels = info.into_iter().flat_map(|info| info.channels);
            let reports = channels.map(|channel| ChannelReport {
                mode: channel.mode,
                label: channel.label().into_owned(),
                parameters: channel.parameters,
                negotiated: channel.negotiated,
                state: channel.state,
                buffered_amount: channel.buffered_amount,
            });
            return Ok(Reply::Channels(reports.collect()));
        }
        MeshRequest::States(connection) => {
            let mesh = mesh.mesh();
            let states = mesh.connection_state(connection).map(|state| StatesReport {
                connection: state,
                gathering: mesh.gathering_state(connection).unwrap_or_default(),
                signaling: mesh.signaling_state(connection).unwrap_or_default(),
            });
            return Ok(Reply::States(states));
        }
        MeshRequest::Standing => {
            return Ok(Reply::Standing {
                is_server: mesh.mesh().is_server(),
                relays: mesh.mesh().is_server_relay_supported(),
            });
        }
        request => {
            let words = format!("not about Godot's class: {request:?}");
            return Err(Refusal::Suite(words));
        }
    }
    Ok(Reply::Done)
}

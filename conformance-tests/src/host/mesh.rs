//! Requests to a mesh or a session.

use mesh_core::platform::LINGER;
use mesh_core::{
    Backend, GivenReason, ModeTraffic, Multiplayer, Session, TransferId, TransferMode,
};

use super::Host;
use super::stack::Stack;
use crate::planted::Dressed;
use crate::platform::Platform;
use crate::refusal::{Refusal, peer_id};
use crate::reply::{PeerReport, Reply, SentReport};
use crate::request::MeshRequest;

impl<P: Platform> Host<P> {
    pub(super) async fn mesh(&mut self, request: MeshRequest) -> Result<Reply, Refusal> {
        match request {
            MeshRequest::Leave => self.leave(None).await,
            MeshRequest::LeaveWith(reason) if matches!(self.stack, Stack::Session(_)) => {
                self.leave(Some(reason)).await
            }
            MeshRequest::Seal => self.seal(),
            request => match &mut self.stack {
                Stack::Mesh(mesh) => carry_out(mesh, request),
                Stack::Session(session) => match request {
                    MeshRequest::Kick { peer, reason } => {
                        let is_known = session.kick_with_reason(peer_id(peer)?, reason);
                        Ok(Reply::Flag(is_known))
                    }
                    request => carry_out(session.multiplayer_mut(), request),
                },
                Stack::Api(api) => carry_out(api.peer_mut(), request),
                Stack::Nothing
                | Stack::Backend(_)
                | Stack::Lurker { .. }
                | Stack::Transport { .. } => Err(no_mesh()),
            },
        }
    }

    async fn leave(&mut self, reason: Option<GivenReason>) -> Result<Reply, Refusal> {
        let session = self.session()?;
        match reason {
            Some(reason) => session.leave_with_reason(reason).await,
            None => session.leave().await,
        }
        self.stack = Stack::Nothing;
        Ok(Reply::Done)
    }

    fn seal(&mut self) -> Result<Reply, Refusal> {
        let sealed = self.session()?.seal();
        sealed.map_err(|error| error.to_string())?;
        Ok(Reply::Done)
    }

    fn session(&mut self) -> Result<&mut Session<Dressed<P::Backend>, P::Signaling>, Refusal> {
        let Stack::Session(session) = &mut self.stack else {
            return Err(no_mesh());
        };
        Ok(session)
    }
}

fn no_mesh() -> Refusal {
    Refusal::Suite("this participant has nothing that could do that".to_owned())
}

fn carry_out<B: Backend>(
    mesh: &mut Multiplayer<B>,
    request: MeshRequest,
) -> Result<Reply, Refusal> {
    match request {
        MeshRequest::Initialize { id } => mesh.initialize(peer_id(id)?, false)?,
        MeshRequest::SetUp { .. }
        | MeshRequest::DisconnectPeer { .. }
        | MeshRequest::SendOnChannel { .. }
        | MeshRequest::CloseChannel { .. }
        | MeshRequest::Channels(_)
        | MeshRequest::States(_)
        | MeshRequest::Standing => return super::godot::carry_out(mesh, request),
        MeshRequest::CreateConnection(config) => {
            return Ok(Reply::Connection(mesh.create_connection(config)));
        }
        MeshRequest::AddPeer {
            connection,
            peer,
            unreliable_lifetime,
        } => mesh.add_peer(connection, peer_id(peer)?, unreliable_lifetime)?,
        MeshRequest::CreateOffer(connection) => mesh.create_offer(connection)?,
        MeshRequest::SetRemote {
            connection,
            description,
        } => mesh.set_remote_description(connection, description)?,
        MeshRequest::AddCandidate {
            connection,
            candidate,
        } => mesh.add_ice_candidate(connection, candidate)?,
        MeshRequest::CloseConnection(connection) => {
            return Ok(Reply::Flag(mesh.close_connection(connection)));
        }
        MeshRequest::RemovePeer(peer) => return Ok(Reply::Flag(mesh.remove_peer(peer_id(peer)?))),
        MeshRequest::Send {
            to,
            mode,
            content,
            count,
        } => {
            let mut report = SentReport::default();
            for payload in content.payloads(count) {
                let sent = mesh.send(to.target()?, mode, payload)?;
                report.note(&sent);
                if !sent.is_complete() {
                    break;
                }
                report.messages += 1;
            }
            return Ok(Reply::Sent(report));
        }
        MeshRequest::RequestStats(peer) => {
            return Ok(Reply::Flag(mesh.request_stats(peer_id(peer)?)));
        }
        MeshRequest::Traffic(peer) => {
            let stats = mesh.stats(peer_id(peer)?).unwrap_or_default();
            let of = |traffic: ModeTraffic| {
                TransferMode::ALL.map(|mode| (traffic.of(mode).packets, traffic.of(mode).bytes))
            };
            return Ok(Reply::Traffic {
                sent: of(stats.sent),
                received: of(stats.received),
            });
        }
        MeshRequest::Arrived(peer) => {
            let stats = mesh.stats(peer_id(peer)?).unwrap_or_default();
            let bytes = usize::try_from(stats.link.bytes_received);
            return Ok(Reply::Amount(bytes.unwrap_or(usize::MAX)));
        }
        MeshRequest::Buffered { peer, mode } => {
            let amount = mesh.buffered_amount(peer_id(peer)?, mode.channel());
            return Ok(Reply::Amount(amount));
        }
        MeshRequest::Peers => {
            let peers = mesh.peers().map(|peer| PeerReport {
                id: peer.id.get(),
                connection: peer.connection,
                connected: peer.connected,
                state: peer.state,
                max_message_size: peer.max_message_size,
            });
            return Ok(Reply::Peers(peers.collect()));
        }
        MeshRequest::Status => {
            return Ok(Reply::Status {
                id: mesh.unique_id().map(mesh_core::PeerId::get),
                status: mesh.connection_status(),
            });
        }
        MeshRequest::RefuseNew(refuse) => mesh.set_refuse_new_connections(refuse),
        MeshRequest::CloseMesh => mesh.close(),
        MeshRequest::Kick { peer, reason } => {
            return Ok(Reply::Flag(mesh.kick(peer_id(peer)?, reason)));
        }
        MeshRequest::LeaveWith(reason) => mesh.leave(LINGER, reason),
        MeshRequest::SendTransfer {
            peer,
            name,
            content,
        } => {
            let bytes = content.payload().into_bytes();
            let begun = mesh.send_transfer(peer_id(peer)?, name, bytes);
            let transfer = begun.map_err(|error| error.to_string())?;
            return Ok(Reply::Transfer(transfer.get()));
        }
        MeshRequest::CancelTransfer { peer, transfer } => {
            let transfer = TransferId::new(transfer);
            return Ok(Reply::Flag(mesh.cancel_transfer(peer_id(peer)?, transfer)));
        }
        MeshRequest::RefuseTransfer { peer, transfer } => {
            let transfer = TransferId::new(transfer);
            return Ok(Reply::Flag(mesh.refuse_transfer(peer_id(peer)?, transfer)));
        }
        MeshRequest::Leave | MeshRequest::Seal => return Err(no_mesh()),
    }
    Ok(Reply::Done)
}

//! What a case asks of a mesh or a session.

use mesh_core::{
    ConnectionId, ConnectionStatus, DisconnectReason, GivenReason, IceCandidate, LinkConfig,
    SessionDescription, TransferMode,
};

use super::Participant;
use crate::observed::{Figures, Handshake, Moved, Observed, Seen};
use crate::refusal::Refusal;
use crate::reply::{PeerReport, Reply, SentReport};
use crate::request::{MeshRequest, Request, To};
use crate::{Body, Content, Outcome};

impl Participant {
    /// Makes a connection.
    pub async fn create_connection(&self) -> Outcome<ConnectionId> {
        let config = self.link_config.borrow().clone();
        self.create_connection_with(config).await
    }

    /// Makes a connection with these settings.
    pub async fn create_connection_with(&self, config: LinkConfig) -> Outcome<ConnectionId> {
        match self.mesh(MeshRequest::CreateConnection(config)).await? {
            Reply::Connection(connection) => Ok(connection),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Tries to make a connection a peer's.
    pub async fn try_add_peer(
        &self,
        connection: ConnectionId,
        peer: u32,
    ) -> Outcome<Result<(), Refusal>> {
        self.try_mesh(MeshRequest::AddPeer {
            connection,
            peer,
            unreliable_lifetime: None,
        })
        .await
    }

    /// Makes a connection a peer's.
    pub async fn add_peer(&self, connection: ConnectionId, peer: u32) -> Outcome {
        self.add_peer_with(connection, peer, None).await
    }

    /// Makes a connection a peer's, with this lifetime of its unreliable messages in milliseconds.
    pub async fn add_peer_with(
        &self,
        connection: ConnectionId,
        peer: u32,
        unreliable_lifetime: Option<u16>,
    ) -> Outcome {
        self.mesh(MeshRequest::AddPeer {
            connection,
            peer,
            unreliable_lifetime,
        })
        .await
        .map(drop)
    }

    /// Makes an offer.
    pub async fn create_offer(&self, connection: ConnectionId) -> Outcome {
        self.mesh(MeshRequest::CreateOffer(connection))
            .await
            .map(drop)
    }

    /// Tries to apply the far side's description.
    pub async fn try_set_remote(
        &self,
        connection: ConnectionId,
        description: SessionDescription,
    ) -> Outcome<Result<(), Refusal>> {
        self.try_mesh(MeshRequest::SetRemote {
            connection,
            description,
        })
        .await
    }

    /// Tries to apply the far side's candidate.
    pub async fn try_add_candidate(
        &self,
        connection: ConnectionId,
        candidate: IceCandidate,
    ) -> Outcome<Result<(), Refusal>> {
        self.try_mesh(MeshRequest::AddCandidate {
            connection,
            candidate,
        })
        .await
    }

    /// Removes a peer; whether it was there.
    pub async fn remove_peer(&self, peer: u32) -> Outcome<bool> {
        match self.mesh(MeshRequest::RemovePeer(peer)).await? {
            Reply::Flag(known) => Ok(known),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Tries to send messages; see [`MeshRequest::Send`].
    pub async fn try_send(
        &self,
        to: To,
        mode: TransferMode,
        content: Content,
        count: u64,
    ) -> Outcome<Result<SentReport, Refusal>> {
        let request = MeshRequest::Send {
            to,
            mode,
            content,
            count,
        };
        match self.attempt(Request::Mesh(request)).await? {
            Ok(Reply::Sent(report)) => Ok(Ok(report)),
            Err(refusal) => Ok(Err(refusal)),
            Ok(reply) => Err(self.odd(&reply)),
        }
    }

    /// Sends one message, which every target must take; gives how many there were.
    pub async fn send(&self, to: To, mode: TransferMode, content: Content) -> Outcome<usize> {
        match self.try_send(to, mode, content, 1).await? {
            Ok(report) if report.messages == 1 => Ok(report.accepted),
            Ok(report) => Err(self.fail(format!("not everybody took it: {report:?}"))),
            Err(refusal) => Err(self.fail(format!("could not send: {refusal}"))),
        }
    }

    /// Sends a short text to everybody on the reliable channel.
    pub async fn say(&self, text: &str) -> Outcome<usize> {
        let content = Content::Text(text.to_owned());
        self.send(To::All, TransferMode::Reliable, content).await
    }

    /// The figures of a peer's link.
    pub async fn figures(&self, peer: u32) -> Outcome<Figures> {
        match self.mesh(MeshRequest::RequestStats(peer)).await? {
            Reply::Flag(true) => {}
            reply => return Err(self.odd(&reply)),
        }
        self.find("for figures", |seen| match seen {
            Seen::Stats { peer: of, figures } if *of == peer => Some(figures.clone()),
            _ => None,
        })
        .await
    }

    /// The messages and the bytes of each mode that were sent to a peer, and that have come from it.
    pub async fn traffic(&self, peer: u32) -> Outcome<[[(u64, u64); 3]; 2]> {
        match self.mesh(MeshRequest::Traffic(peer)).await? {
            Reply::Traffic { sent, received } => Ok([sent, received]),
            reply => Err(self.odd(&reply)),
        }
    }

    /// How many bytes of messages have come from a peer, whether the application has taken them or not.
    pub async fn arrived(&self, peer: u32) -> Outcome<usize> {
        match self.mesh(MeshRequest::Arrived(peer)).await? {
            Reply::Amount(bytes) => Ok(bytes),
            reply => Err(self.odd(&reply)),
        }
    }

    /// How much the channel of a mode buffers.
    pub async fn buffered(&self, peer: u32, mode: TransferMode) -> Outcome<usize> {
        match self.mesh(MeshRequest::Buffered { peer, mode }).await? {
            Reply::Amount(amount) => Ok(amount),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Who is there.
    pub async fn peers(&self) -> Outcome<Vec<PeerReport>> {
        match self.mesh(MeshRequest::Peers).await? {
            Reply::Peers(peers) => Ok(peers),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Its id and status.
    pub async fn status(&self) -> Outcome<(Option<u32>, ConnectionStatus)> {
        match self.mesh(MeshRequest::Status).await? {
            Reply::Status { id, status } => Ok((id, status)),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Closes the mesh at once.
    pub async fn close_mesh(&self) -> Outcome {
        self.mesh(MeshRequest::CloseMesh).await.map(drop)
    }

    /// Gives a closed mesh an id again.
    pub async fn rename(&self, id: u32) -> Outcome {
        self.mesh(MeshRequest::Initialize { id }).await?;
        self.id.set(id);
        Ok(())
    }

    /// Leaves, and waits until that has gone out.
    pub async fn leave(&self) -> Outcome {
        self.mesh(MeshRequest::Leave).await.map(drop)
    }

    /// Leaves and says why, and waits until that has gone out.
    pub async fn leave_with(&self, reason: GivenReason) -> Outcome {
        self.mesh(MeshRequest::LeaveWith(reason)).await.map(drop)
    }

    /// Kicks a peer that is there, and tells it why.
    pub async fn kick(&self, peer: u32, reason: GivenReason) -> Outcome {
        match self.mesh(MeshRequest::Kick { peer, reason }).await? {
            Reply::Flag(true) => Ok(()),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Begins a transfer to a peer; gives its number.
    pub async fn transfer(&self, peer: u32, name: &str, content: Content) -> Outcome<u32> {
        let name = name.to_owned();
        let request = MeshRequest::SendTransfer {
            peer,
            name,
            content,
        };
        match self.mesh(request).await? {
            Reply::Transfer(transfer) => Ok(transfer),
            reply => Err(self.odd(&reply)),
        }
    }

    /// What becomes next of a transfer with a peer, but for its progress.
    pub async fn moved(&self, peer: u32) -> Outcome<(u32, Moved)> {
        self.find("for a transfer to move", |seen| match seen {
            Seen::Transfer {
                moved: Moved::Progress { .. },
                ..
            } => None,
            Seen::Transfer {
                peer: with,
                transfer,
                moved,
            } if *with == peer => Some((*transfer, moved.clone())),
            _ => None,
        })
        .await
    }

    /// Any request to a mesh; a refusal is for the case to judge.
    pub async fn try_mesh(&self, request: MeshRequest) -> Outcome<Result<(), Refusal>> {
        match self.attempt(Request::Mesh(request)).await? {
            Ok(Reply::Done) => Ok(Ok(())),
            Err(refusal) => Ok(Err(refusal)),
            Ok(reply) => Err(self.odd(&reply)),
        }
    }

    /// Any request to a mesh; a refusal fails the case.
    pub async fn mesh(&self, request: MeshRequest) -> Outcome<Reply> {
        self.ask(Request::Mesh(request)).await
    }

    /// The next event of its mesh.
    pub async fn seen(&self) -> Outcome<Seen> {
        match self.next().await? {
            Observed::Mesh(seen) => Ok(seen),
            event => Err(self.fail(format!("an event of the wrong level: {event:?}"))),
        }
    }

    /// The next event that `accept` accepts. Others are passed over, but an end that is not accepted fails.
    pub async fn find<T>(
        &self,
        what: &str,
        mut accept: impl FnMut(&Seen) -> Option<T>,
    ) -> Outcome<T> {
        self.note(format!("waits {what}"));
        loop {
            let seen = self.seen().await?;
            if let Some(found) = accept(&seen) {
                return Ok(found);
            }
            if matches!(
                seen,
                Seen::Disconnected { .. } | Seen::Failed { .. } | Seen::SignalingLost(_)
            ) {
                return Err(self.fail(format!("waited {what}, saw {seen:?}")));
            }
        }
    }

    /// Waits until its session has joined; gives its id.
    pub async fn joined(&self) -> Outcome<u32> {
        let id = self
            .find("to be taken in", |seen| match seen {
                Seen::Joined { id, .. } => Some(*id),
                _ => None,
            })
            .await?;
        self.id.set(id);
        Ok(id)
    }

    /// Waits until this peer is connected.
    pub async fn connected(&self, peer: u32) -> Outcome {
        self.find(&format!("for peer {peer} to connect"), |seen| {
            (*seen == Seen::Connected(peer)).then_some(())
        })
        .await
    }

    /// Waits until so many more peers are connected; gives them in order.
    pub async fn connected_peers(&self, count: usize) -> Outcome<Vec<u32>> {
        let mut peers = Vec::new();
        while peers.len() < count {
            let what = format!("for {} more peers to connect", count - peers.len());
            let peer = self
                .find(&what, |seen| match seen {
                    Seen::Connected(peer) => Some(*peer),
                    _ => None,
                })
                .await?;
            peers.push(peer);
        }
        Ok(peers)
    }

    /// Waits until this peer is gone, and gives the reason.
    pub async fn disconnected(&self, peer: u32) -> Outcome<DisconnectReason> {
        self.find(&format!("for peer {peer} to go"), |seen| match seen {
            Seen::Disconnected { peer: gone, reason } if *gone == peer => Some(reason.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until this peer has failed, and gives the reason.
    pub async fn failed(&self, peer: u32) -> Outcome<DisconnectReason> {
        self.find(&format!("for peer {peer} to fail"), |seen| match seen {
            Seen::Failed { peer: gone, reason } if *gone == peer => Some(reason.clone()),
            _ => None,
        })
        .await
    }

    /// The next packet.
    pub async fn packet(&self) -> Outcome<(u32, TransferMode, Body)> {
        self.find("for a packet", |seen| match seen {
            Seen::Packet {
                from, mode, body, ..
            } => Some((*from, *mode, body.clone())),
            _ => None,
        })
        .await
    }

    /// The next description it made, and of which connection.
    pub async fn description(&self) -> Outcome<(ConnectionId, SessionDescription)> {
        match self.next_handshake().await? {
            Handshake::Description { link, description } => Ok((link, description)),
            other @ Handshake::Candidate { .. } => {
                Err(self.fail(format!("a candidate before the description: {other:?}")))
            }
        }
    }

    /// The next candidate it found, and of which connection.
    pub async fn candidate(&self) -> Outcome<(ConnectionId, IceCandidate)> {
        match self.next_handshake().await? {
            Handshake::Candidate { link, candidate } => Ok((link, candidate)),
            other @ Handshake::Description { .. } => {
                Err(self.fail(format!("a second description: {other:?}")))
            }
        }
    }
}

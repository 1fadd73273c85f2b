//! Sending the game's own data.

use alloc::vec::Vec;

use bytes::Bytes;
use mesh_core::{
    ChannelIndex, ConnectionStatus, MultiplayerPeer, PeerId, Refused, RefusedReason, SendError,
    Sent, Target,
};

use super::MultiplayerApi;
use crate::{Generation, SendBytesError, backlog, wire};

/// What goes before the data, and who gets it all from us.
struct Plan {
    header: Header,
    receivers: Receivers,
}

/// At most the two headers of a packet that is to be passed on.
struct Header {
    bytes: [u8; 7],
    length: usize,
}

enum Receivers {
    /// The network peer finds them.
    Target(Target),
    /// One that the caller has named, or the server in its place. What it cannot take is the caller's fault.
    One(PeerId),
    /// Each of these.
    Each(Vec<PeerId>),
}

impl<P: MultiplayerPeer> MultiplayerApi<P> {
    /// Sends data to peers (Godot: `send_bytes`).
    ///
    /// The channel is the built-in one of a [`TransferMode`](mesh_core::TransferMode), or any other [`ChannelIndex`].
    ///
    /// A target of more than one means the admitted peers. A client of a star reaches all but the server through the server
    /// if [`ApiConfig::server_relay`](crate::ApiConfig::server_relay) is on. The result then says what became of the data on
    /// its way to the server.
    ///
    /// One byte goes before the data, and six more where the server passes it on. Reliable data of a server waits behind
    /// what the server has yet to pass on to a client, as far as
    /// [`ApiConfig::backlog_bytes`](crate::ApiConfig::backlog_bytes) allows.
    ///
    /// # Errors
    ///
    /// [`SendBytesError`] where the caller is at fault; nobody gets the data then. What one of several peers does not take,
    /// also because the data is larger than that peer allows, is in [`Sent::refused`] and keeps it from nobody else.
    #[doc(alias = "rpc")]
    pub fn send_bytes(
        &mut self,
        target: impl Into<Target>,
        channel: impl Into<ChannelIndex>,
        data: &[u8],
    ) -> Result<Sent, SendBytesError> {
        if data.is_empty() {
            return Err(SendBytesError::Empty);
        }
        self.send_with(target.into(), channel.into(), |mut packet| {
            packet.extend_from_slice(data);
            Ok(packet)
        })
    }

    /// Sends what `write` appends to a packet.
    pub(crate) fn send_with<E: From<SendBytesError>>(
        &mut self,
        target: Target,
        channel: ChannelIndex,
        write: impl FnOnce(Vec<u8>) -> Result<Vec<u8>, E>,
    ) -> Result<Sent, E> {
        self.notice_close();
        let Plan { header, receivers } = self.plan(target)?;
        let packet = write(header.bytes().to_vec())?;
        if packet.len() == header.length {
            return Err(SendBytesError::Empty.into());
        }
        let packet = Bytes::from(packet);
        let sent = match receivers {
            Receivers::Target(target) => self.peer.send_on(target, channel, packet.into()),
            Receivers::One(peer) => self.send_to_one(peer, channel, packet),
            Receivers::Each(peers) => self.send_to_each(&peers, channel, packet),
        };
        self.tell_losses();
        match sent {
            Ok(mut sent) => {
                for refused in &mut sent.refused {
                    header.hide_in(refused);
                }
                Ok(sent)
            }
            Err(error) => Err(header.without(error).into()),
        }
    }

    fn plan(&self, target: Target) -> Result<Plan, SendBytesError> {
        if self.peer.connection_status() != ConnectionStatus::Connected {
            return Err(SendBytesError::NotConnected);
        }
        let raw = wire::raw_header(self.config.generation);
        if self.config.generation == Generation::Godot3 {
            return Ok(Plan {
                header: Header::new(&raw, &[]),
                receivers: Receivers::Target(target),
            });
        }
        let through_server =
            self.relays() && !self.peer.is_server() && target != Target::One(PeerId::SERVER);
        let mut needed = through_server.then_some(PeerId::SERVER);
        if let Target::One(peer) = target {
            needed = Some(peer);
        }
        if let Some(peer) = needed.filter(|peer| !self.has_peer(*peer)) {
            return Err(SendBytesError::UnknownPeer { peer });
        }
        if through_server {
            let receivers = match target {
                Target::One(_) => Receivers::One(PeerId::SERVER),
                Target::All | Target::AllExcept(_) => Receivers::Each(alloc::vec![PeerId::SERVER]),
            };
            return Ok(Plan {
                header: Header::new(&wire::relay_header(target), &raw),
                receivers,
            });
        }
        let receivers = match target {
            Target::All => Receivers::Each(self.peers().collect()),
            Target::One(peer) => Receivers::One(peer),
            Target::AllExcept(except) => {
                Receivers::Each(self.peers().filter(|peer| *peer != except).collect())
            }
        };
        Ok(Plan {
            header: Header::new(&raw, &[]),
            receivers,
        })
    }

    fn send_to_one(
        &mut self,
        peer: PeerId,
        channel: ChannelIndex,
        packet: Bytes,
    ) -> Result<Sent, SendError> {
        let mut sent = Sent::default();
        match self.send_behind_backlog(peer, channel, packet)? {
            Ok(()) => sent.accepted = 1,
            Err(reason) => sent.refused.push(Refused { peer, reason }),
        }
        Ok(sent)
    }

    /// Sends to several peers. After the checks at its beginning nothing is an error any more: a peer that cannot be sent
    /// to must not keep the packet from those behind it.
    fn send_to_each(
        &mut self,
        peers: &[PeerId],
        channel: ChannelIndex,
        packet: Bytes,
    ) -> Result<Sent, SendError> {
        let size = packet.len();
        let limit = self.peer.max_message_size();
        if usize::from(channel.0) >= self.peer.channel_modes().len() {
            return Err(SendError::UnknownChannel { channel: channel.0 });
        }
        if size > limit {
            return Err(SendError::TooLarge { size, limit });
        }
        let mut sent = Sent::default();
        let mut packet = Some(packet);
        for (index, &peer) in peers.iter().enumerate() {
            // The last one gets the bytes themselves: unshared, a backend can send them without a copy.
            let last = index + 1 == peers.len();
            let copy = if last { packet.take() } else { packet.clone() };
            let Some(copy) = copy else { break };
            let taken = self
                .send_behind_backlog(peer, channel, copy)
                .unwrap_or_else(|error| Err(refusal(error)));
            match taken {
                Ok(()) => sent.accepted += 1,
                Err(reason) => sent.refused.push(Refused { peer, reason }),
            }
        }
        Ok(sent)
    }

    /// Sends to one peer. What the server has yet to pass on to it goes first.
    fn send_behind_backlog(
        &mut self,
        peer: PeerId,
        channel: ChannelIndex,
        packet: Bytes,
    ) -> Result<Result<(), RefusedReason>, SendError> {
        if self.backlog.is_clear(&mut self.peer, peer, channel) {
            return backlog::send(&mut self.peer, peer, channel, packet);
        }
        let size = packet.len();
        if let Some(limit) = self.peer.max_message_size_of(peer)
            && size > limit
        {
            return Err(SendError::TooLarge { size, limit });
        }
        let room = self.config.backlog_bytes;
        let is_kept = self.backlog.keep_own(peer, channel, packet, room);
        Ok(is_kept.then_some(()).ok_or(RefusedReason::Full))
    }
}

/// What an error of a send to one of several peers means for that peer.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else is wrong with a peer that was there a moment ago, it is not reached"
)]
const fn refusal(error: SendError) -> RefusedReason {
    match error {
        SendError::TooLarge { limit, .. } => RefusedReason::TooLarge { limit },
        SendError::UnknownChannel { .. } => RefusedReason::NoSuchChannel,
        _ => RefusedReason::NotConnected,
    }
}

impl Header {
    fn new(first: &[u8], second: &[u8]) -> Self {
        let mut bytes = [0; 7];
        let length = first.len() + second.len();
        for (to, from) in bytes.iter_mut().zip(first.iter().chain(second)) {
            *to = *from;
        }
        Self { bytes, length }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }

    /// States a limit as one of the caller's data, who knows nothing of the header.
    const fn hide_in(&self, refused: &mut Refused) {
        if let RefusedReason::TooLarge { limit } = &mut refused.reason {
            *limit = limit.saturating_sub(self.length);
        }
    }

    /// States an error as one of the caller's data.
    fn without(&self, error: SendError) -> SendBytesError {
        let SendError::TooLarge { size, limit } = error else {
            return error.into();
        };
        SendError::TooLarge {
            size: size.saturating_sub(self.length),
            limit: limit.saturating_sub(self.length),
        }
        .into()
    }
}

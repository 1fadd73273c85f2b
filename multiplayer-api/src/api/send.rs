//! Sending the game's own data.

use alloc::vec::Vec;

use bytes::Bytes;
use mesh_core::{
    ChannelIndex, ConnectionStatus, MultiplayerPeer, PeerId, Refused, RefusedReason, SendError,
    Sent, Target,
};

use super::MultiplayerApi;
use crate::backlog;
use crate::{Generation, SendBytesError, Via, wire};

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
    /// As the network peer understands it.
    Target(Target),
    /// Each of them.
    Each(Vec<PeerId>),
}

impl MultiplayerApi {
    /// Sends data to peers (Godot: `send_bytes`).
    ///
    /// Targets of more than one are the peers that count. A client of a star reaches all but the server through the server,
    /// if [`ApiConfig::server_relay`](crate::ApiConfig::server_relay) is on: what is returned says then what became of it
    /// on the way to the server.
    ///
    /// A byte goes before the data, and six more where the server passes it on. Reliable data of a server waits behind what it
    /// has yet to pass on to a client, if it is not too much: see [`ApiConfig::backlog_bytes`](crate::ApiConfig::backlog_bytes).
    ///
    /// # Errors
    ///
    /// [`SendBytesError`]. Nobody gets the data then; only if it is too large for one of several targets and not for those
    /// before it, by id, those have got it.
    #[doc(alias = "rpc")]
    pub fn send_bytes(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        target: impl Into<Target>,
        via: impl Into<Via>,
        data: &[u8],
    ) -> Result<Sent, SendBytesError> {
        if data.is_empty() {
            return Err(SendBytesError::Empty);
        }
        self.send_with(network, target.into(), via.into(), |mut packet| {
            packet.extend_from_slice(data);
            Ok(packet)
        })
    }

    /// Sends what `write` appends to a packet.
    pub(crate) fn send_with<E: From<SendBytesError>>(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        target: Target,
        via: Via,
        write: impl FnOnce(Vec<u8>) -> Result<Vec<u8>, E>,
    ) -> Result<Sent, E> {
        self.begin_anew(network);
        let Plan { header, receivers } = self.plan(network, target)?;
        let packet = write(header.bytes().to_vec())?;
        if packet.len() == header.length {
            return Err(SendBytesError::Empty.into());
        }
        let sent = match receivers {
            Receivers::Target(target) => {
                network.send_on(target, via.channel(), Bytes::from(packet).into())
            }
            Receivers::Each(peers) => {
                let is_one = matches!(target, Target::One(_));
                self.send_each(network, &peers, is_one, via.channel(), packet.into())
            }
        };
        self.tell_losses();
        sent.map_err(|error| header.seen_from_outside(error).into())
    }

    fn plan(&self, network: &dyn MultiplayerPeer, target: Target) -> Result<Plan, SendBytesError> {
        if network.connection_status() != ConnectionStatus::Connected {
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
            self.relays(network) && !network.is_server() && target != Target::One(PeerId::SERVER);
        let mut needed = through_server.then_some(PeerId::SERVER);
        if let Target::One(peer) = target {
            needed = Some(peer);
        }
        if let Some(peer) = needed.filter(|peer| !self.has_peer(*peer)) {
            return Err(SendBytesError::UnknownPeer { peer });
        }
        if through_server {
            return Ok(Plan {
                header: Header::new(&wire::relay_header(target), &raw),
                receivers: Receivers::Each(alloc::vec![PeerId::SERVER]),
            });
        }
        let peers = match target {
            Target::All => self.peers().collect(),
            Target::One(peer) => alloc::vec![peer],
            Target::AllExcept(except) => self.peers().filter(|peer| *peer != except).collect(),
        };
        Ok(Plan {
            header: Header::new(&raw, &[]),
            receivers: Receivers::Each(peers),
        })
    }

    fn send_each(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        peers: &[PeerId],
        is_one: bool,
        channel: ChannelIndex,
        packet: Bytes,
    ) -> Result<Sent, SendError> {
        let mut sent = Sent::default();
        let mut packet = Some(packet);
        for (index, &peer) in peers.iter().enumerate() {
            // The last one gets the bytes themselves: unshared, a backend can send them without a copy.
            let last = index + 1 == peers.len();
            let copy = if last { packet.take() } else { packet.clone() };
            let Some(copy) = copy else { break };
            let taken = if self.backlog.is_clear(network, peer, channel) {
                match backlog::send(network, peer, channel, copy) {
                    // Of those that count one may just have gone; only whom the caller names must be there.
                    Err(SendError::UnknownPeer { .. }) if !is_one => {
                        Err(RefusedReason::NotConnected)
                    }
                    taken => taken?,
                }
            } else {
                // What was passed on before must arrive before.
                let limit = self.config.backlog_bytes;
                let is_kept = self.backlog.keep_own(peer, channel, copy, limit);
                is_kept.then_some(()).ok_or(RefusedReason::Full)
            };
            match taken {
                Ok(()) => sent.accepted += 1,
                Err(reason) => sent.refused.push(Refused { peer, reason }),
            }
        }
        Ok(sent)
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

    /// The caller knows nothing of a header.
    fn seen_from_outside(&self, error: SendError) -> SendBytesError {
        let SendError::TooLarge { size, limit, peer } = error else {
            return error.into();
        };
        SendError::TooLarge {
            size: size.saturating_sub(self.length),
            limit: limit.saturating_sub(self.length),
            peer,
        }
        .into()
    }
}

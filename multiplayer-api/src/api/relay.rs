//! Passing packets on: clients of a star reach each other through the server.

use alloc::vec::Vec;

use bytes::Bytes;
use mesh_core::{MultiplayerPeer, Packet, PeerId};

use super::MultiplayerApi;
use crate::IgnoredReason;
use crate::backlog::{self, Loss};
use crate::early::{EarlyPacket, NotHeld};
use crate::wire::{self, Frame};

/// Godot's number of "all but the server".
const ALL_BUT_SERVER: i32 = -1;

impl MultiplayerApi {
    /// A packet that is to be passed on, or was.
    pub(super) fn relay(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        packet: &Packet,
        peer: i32,
        inner: Bytes,
    ) -> Result<(), IgnoredReason> {
        if !self.relays(network) {
            return Err(IgnoredReason::NoRelay);
        }
        if network.is_server() {
            return self.pass_on(network, packet, peer, &inner);
        }
        if !packet.from.is_server() {
            return Err(IgnoredReason::NotTheServer);
        }
        let from = PeerId::try_from(i64::from(peer))
            .ok()
            .filter(|from| Some(*from) != network.unique_id())
            .ok_or(IgnoredReason::BadPeer { given: peer })?;
        if self.has_peer(from) {
            return self.inner(from, packet, &inner);
        }
        self.hold(network, from, packet, &inner)
    }

    /// Only a client of a star that relays is told of peers, and only by the server.
    pub(super) fn check_server(
        &self,
        network: &dyn MultiplayerPeer,
        from: PeerId,
    ) -> Result<(), IgnoredReason> {
        if !self.relays(network) || network.is_server() {
            return Err(IgnoredReason::NoRelay);
        }
        if !from.is_server() {
            return Err(IgnoredReason::NotTheServer);
        }
        Ok(())
    }

    /// The server's part. Positive targets are one peer, which may have gone in the meantime; 0 is all, and a negative one
    /// is all but one. All others are neither the sender; the server itself belongs to them.
    fn pass_on(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        packet: &Packet,
        target: i32,
        inner: &Bytes,
    ) -> Result<(), IgnoredReason> {
        let forwarded = wire::relayed(packet.from, inner);
        if target > 0 {
            let to = PeerId::try_from(i64::from(target)).ok();
            match to.filter(|to| self.has_peer(*to)) {
                Some(to) => self.forward(network, packet, to, forwarded),
                None => self.drop_relayed(),
            }
            return Ok(());
        }
        let except = target.unsigned_abs();
        let receivers: Vec<PeerId> = self
            .peers()
            .filter(|to| *to != packet.from && to.get() != except)
            .collect();
        for to in receivers {
            self.forward(network, packet, to, forwarded.clone());
        }
        if target == ALL_BUT_SERVER {
            return Ok(());
        }
        self.inner(packet.from, packet, inner)
    }

    /// Passes a packet on to one peer, on the channel it came on. A reliable one is not lost to a full channel, unless its
    /// sender has more waiting there than anybody else.
    fn forward(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        packet: &Packet,
        to: PeerId,
        forwarded: Bytes,
    ) {
        let (from, channel) = (packet.from, packet.channel);
        let is_passed_on = if packet.mode.is_reliable() {
            let limit = self.config.backlog_bytes;
            self.backlog
                .pass_on(network, from, to, channel, forwarded, limit)
        } else {
            backlog::send(network, to, channel, forwarded) == Ok(Ok(()))
        };
        if is_passed_on {
            self.stats.relayed = self.stats.relayed.saturating_add(1);
        } else {
            self.drop_relayed();
        }
        self.tell_losses();
    }

    /// Counts what had been passed on and was not, and tells whose packets had to go for want of room at the server.
    pub(super) fn tell_losses(&mut self) {
        let undeliverable = self.backlog.take_undeliverable();
        self.unpass(undeliverable);
        while let Some(Loss { from, to }) = self.backlog.take_loss() {
            self.unpass(1);
            self.ignore(from, IgnoredReason::BacklogFull { to });
        }
    }

    const fn unpass(&mut self, packets: u64) {
        let stats = &mut self.stats;
        stats.relayed = stats.relayed.saturating_sub(packets);
        stats.relay_dropped = stats.relay_dropped.saturating_add(packets);
    }

    const fn drop_relayed(&mut self) {
        self.stats.relay_dropped = self.stats.relay_dropped.saturating_add(1);
    }

    /// The client's part for a sender that has not been announced yet.
    fn hold(
        &mut self,
        network: &dyn MultiplayerPeer,
        from: PeerId,
        packet: &Packet,
        inner: &Bytes,
    ) -> Result<(), IgnoredReason> {
        let Frame::Raw(data) = wire::decode(self.config.generation, inner)? else {
            return Err(IgnoredReason::Unannounced);
        };
        let early = EarlyPacket {
            from,
            mode: packet.mode,
            channel: packet.channel,
            data,
        };
        self.early
            .hold(network.now(), early)
            .map_err(|why| match why {
                NotHeld::NoRoom => IgnoredReason::Unannounced,
                NotHeld::Departed => IgnoredReason::Departed,
            })
    }
}

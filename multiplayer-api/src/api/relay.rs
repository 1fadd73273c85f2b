//! Relay: clients of a star reach each other through the server, which passes their packets on.

use alloc::vec::Vec;

use bytes::Bytes;
use mesh_core::{MultiplayerPeer, Packet, PeerId};

use super::MultiplayerApi;
use crate::IgnoredReason;
use crate::backlog::{self, Loss};
use crate::unannounced::{HeldPacket, NotHeld};
use crate::wire::{self, Frame};

/// Godot's number for "all but the server".
const ALL_BUT_SERVER: i32 = -1;

impl<P: MultiplayerPeer> MultiplayerApi<P> {
    /// Takes a packet that is to be passed on, or that was.
    pub(super) fn relay(
        &mut self,
        packet: &Packet,
        peer: i32,
        inner: Bytes,
    ) -> Result<(), IgnoredReason> {
        if !self.relays() {
            return Err(IgnoredReason::NoRelay);
        }
        if self.peer.is_server() {
            return self.pass_on(packet, peer, &inner);
        }
        if !packet.from.is_server() {
            return Err(IgnoredReason::NotTheServer);
        }
        let from = PeerId::try_from(i64::from(peer))
            .ok()
            .filter(|from| Some(*from) != self.peer.unique_id())
            .ok_or(IgnoredReason::BadPeer { given: peer })?;
        if self.has_peer(from) {
            return self.inner(from, packet, &inner);
        }
        self.hold(from, packet, &inner)
    }

    /// Only the server may announce peers, and only to a client of a star that relays.
    pub(super) fn check_server(&self, from: PeerId) -> Result<(), IgnoredReason> {
        if !self.relays() || self.peer.is_server() {
            return Err(IgnoredReason::NoRelay);
        }
        if !from.is_server() {
            return Err(IgnoredReason::NotTheServer);
        }
        Ok(())
    }

    /// The server's part. A positive target is one peer, which may be gone by now; 0 is all, a negative target is all but
    /// one. "All" never includes the sender, and includes the server itself.
    fn pass_on(
        &mut self,
        packet: &Packet,
        target: i32,
        inner: &Bytes,
    ) -> Result<(), IgnoredReason> {
        let forwarded = wire::relayed(packet.from, inner);
        if target > 0 {
            let to = PeerId::try_from(i64::from(target)).ok();
            match to.filter(|to| self.has_peer(*to)) {
                Some(to) => self.forward(packet, to, forwarded),
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
            self.forward(packet, to, forwarded.clone());
        }
        if target == ALL_BUT_SERVER {
            return Ok(());
        }
        self.inner(packet.from, packet, inner)
    }

    /// Passes a packet on to one peer, on the channel it came on. A reliable packet waits where the channel is full. It is
    /// lost only if there is no room and its sender has more waiting there than anybody else.
    fn forward(&mut self, packet: &Packet, to: PeerId, forwarded: Bytes) {
        let (from, channel) = (packet.from, packet.channel);
        let is_passed_on = if packet.mode.is_reliable() {
            let limit = self.config.backlog_bytes;
            self.backlog
                .pass_on(&mut self.peer, from, to, channel, forwarded, limit)
        } else {
            backlog::send(&mut self.peer, to, channel, forwarded) == Ok(Ok(()))
        };
        if is_passed_on {
            self.stats.relayed = self.stats.relayed.saturating_add(1);
        } else {
            self.drop_relayed();
        }
        self.tell_losses();
    }

    /// Sends what waits, as far as there is room.
    pub(super) fn flush_backlog(&mut self) {
        self.backlog.flush(&mut self.peer);
        self.tell_losses();
    }

    /// Counts packets that waited and were not sent, and tells whose packets were discarded for lack of room.
    pub(super) fn tell_losses(&mut self) {
        let undeliverable = self.backlog.take_undeliverable();
        self.count_as_dropped(undeliverable);
        while let Some(Loss { from, to }) = self.backlog.take_loss() {
            self.count_as_dropped(1);
            self.ignore(from, IgnoredReason::BacklogFull { to });
        }
    }

    /// Takes back what was counted as relayed when it began to wait.
    const fn count_as_dropped(&mut self, packets: u64) {
        let stats = &mut self.stats;
        stats.relayed = stats.relayed.saturating_sub(packets);
        stats.relay_dropped = stats.relay_dropped.saturating_add(packets);
    }

    const fn drop_relayed(&mut self) {
        self.stats.relay_dropped = self.stats.relay_dropped.saturating_add(1);
    }

    /// The client's part for a sender that has not been announced yet.
    fn hold(&mut self, from: PeerId, packet: &Packet, inner: &Bytes) -> Result<(), IgnoredReason> {
        let Frame::Raw(data) = wire::decode(self.config.generation, inner)? else {
            return Err(IgnoredReason::Unannounced);
        };
        let held = HeldPacket {
            from,
            mode: packet.mode,
            channel: packet.channel,
            data,
        };
        self.unannounced
            .hold(self.peer.now(), held)
            .map_err(|why| match why {
                NotHeld::NoRoom => IgnoredReason::Unannounced,
                NotHeld::Departed => IgnoredReason::Departed,
            })
    }
}

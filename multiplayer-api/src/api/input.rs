//! The events of the network peer, and the packets of peers.

use bytes::Bytes;
use mesh_core::{ConnectionStatus, Event, MultiplayerPeer, Packet, PeerId};

use super::MultiplayerApi;
use crate::wire::{self, Frame};
use crate::{ApiEvent, Generation, IgnoredReason};

impl<P: MultiplayerPeer> MultiplayerApi<P> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what this layer does not know it passes on, also events of new kinds"
    )]
    pub(super) fn handle(&mut self, event: Event) {
        match event {
            Event::Packet(packet) => self.packet(packet),
            Event::PeerConnected(peer) => self.arrive(peer),
            Event::PeerDisconnected { peer, reason } => self.depart(peer, reason),
            Event::ConnectionSucceeded => {
                // 4.x tells it when it admits peer 1.
                if self.config.generation == Generation::Godot3 {
                    self.events.push_back(ApiEvent::ConnectedToServer);
                }
            }
            Event::ConnectionFailed(reason) => {
                self.events
                    .push_back(ApiEvent::ConnectionFailed(Some(reason)));
                self.reset();
            }
            Event::ServerDisconnected => {
                if self.status != ConnectionStatus::Disconnected {
                    self.events.push_back(ApiEvent::ServerDisconnected);
                }
                self.reset();
            }
            other => {
                if matches!(other, Event::BufferedAmountLow { .. }) {
                    self.flush_backlog();
                }
                self.events.push_back(ApiEvent::Peer(other));
            }
        }
    }

    fn packet(&mut self, packet: Packet) {
        if self.leaving.contains(&packet.from) {
            return;
        }
        let frame = wire::decode(self.config.generation, packet.payload.bytes());
        let taken = match self.config.generation {
            // 3.x does not check whether the sender is admitted.
            Generation::Godot3 => frame.and_then(|frame| self.content(packet.from, &packet, frame)),
            Generation::Godot4 => self.admitted_packet(&packet, frame),
        };
        if let Err(why) = taken {
            self.ignore(packet.from, why);
        }
    }

    fn admitted_packet(
        &mut self,
        packet: &Packet,
        frame: Result<Frame, IgnoredReason>,
    ) -> Result<(), IgnoredReason> {
        let from = packet.from;
        if let Some(pending) = self.pending.get(&from) {
            if !pending.local {
                let Ok(Frame::Auth(data)) = frame else {
                    return Err(IgnoredReason::Authenticating);
                };
                self.auth_step(from, data);
                return Ok(());
            }
            // We have completed our side. That the peer sends a packet says that it has completed its side, too.
            self.pending.remove(&from);
            self.admit(from);
        }
        if !self.has_peer(from) {
            return Err(IgnoredReason::NotAdmitted);
        }
        match frame? {
            Frame::Auth(data) if data.is_empty() => Ok(()),
            Frame::Auth(_) => Err(IgnoredReason::UnexpectedAuth),
            Frame::AddPeer(peer) => {
                self.check_server(from)?;
                self.add_announced(peer)
            }
            Frame::DelPeer(peer) => {
                self.check_server(from)?;
                self.remove_announced(peer);
                Ok(())
            }
            Frame::Relay { peer, inner } => self.relay(packet, peer, inner),
            frame @ (Frame::Raw(_) | Frame::Scene) => self.content(from, packet, frame),
        }
    }

    /// Takes a packet that was passed on. It may hold anything but a system command.
    pub(super) fn inner(
        &mut self,
        from: PeerId,
        packet: &Packet,
        inner: &Bytes,
    ) -> Result<(), IgnoredReason> {
        let frame = wire::decode(self.config.generation, inner)?;
        self.content(from, packet, frame)
    }

    /// Gives the game what is meant for it. `packet` is the packet that it came in.
    fn content(
        &mut self,
        from: PeerId,
        packet: &Packet,
        frame: Frame,
    ) -> Result<(), IgnoredReason> {
        match frame {
            Frame::Raw(data) => {
                let (mode, channel) = (packet.mode, packet.channel);
                self.events.push_back(ApiEvent::PeerPacket {
                    from,
                    mode,
                    channel,
                    data,
                });
                Ok(())
            }
            Frame::Scene => {
                self.stats.scene_commands = self.stats.scene_commands.saturating_add(1);
                Ok(())
            }
            Frame::Auth(_) | Frame::AddPeer(_) | Frame::DelPeer(_) | Frame::Relay { .. } => {
                Err(IgnoredReason::NestedSystemCommand)
            }
        }
    }
}

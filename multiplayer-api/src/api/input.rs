//! What the network peer tells, and the packets of peers.

use bytes::Bytes;
use mesh_core::{ConnectionStatus, Event, MultiplayerPeer, Packet, PeerId};

use super::MultiplayerApi;
use crate::wire::{self, Frame};
use crate::{ApiEvent, Generation, IgnoredReason};

impl MultiplayerApi {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what this layer has no word for it passes on, of new kinds, too"
    )]
    pub(super) fn handle(&mut self, network: &mut dyn MultiplayerPeer, event: Event) {
        match event {
            Event::Packet(packet) => self.packet(network, packet),
            Event::PeerConnected(peer) => self.arrive(network, peer),
            Event::PeerDisconnected { peer, reason } => self.depart(network, peer, reason),
            Event::ConnectionSucceeded => {
                // 4.x tells it of the peer 1 that it admits.
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
                    self.backlog.flush(network);
                    self.tell_losses();
                }
                self.events.push_back(ApiEvent::Peer(other));
            }
        }
    }

    fn packet(&mut self, network: &mut dyn MultiplayerPeer, packet: Packet) {
        if self.leaving.contains(&packet.from) {
            return;
        }
        let frame = wire::decode(self.config.generation, packet.payload.bytes());
        let taken = match self.config.generation {
            // It asks nobody who is admitted.
            Generation::Godot3 => frame.and_then(|frame| self.content(packet.from, &packet, frame)),
            Generation::Godot4 => self.admitted_packet(network, &packet, frame),
        };
        if let Err(why) = taken {
            self.ignore(packet.from, why);
        }
    }

    fn admitted_packet(
        &mut self,
        network: &mut dyn MultiplayerPeer,
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
            // It has convinced us, and that it speaks at all says that we have convinced it.
            self.pending.remove(&from);
            self.admit(network, from);
        }
        if !self.has_peer(from) {
            return Err(IgnoredReason::NotAdmitted);
        }
        match frame? {
            Frame::Auth(data) if data.is_empty() => Ok(()),
            Frame::Auth(_) => Err(IgnoredReason::UnexpectedAuth),
            Frame::AddPeer(peer) => {
                self.check_server(network, from)?;
                self.announced(network, peer)
            }
            Frame::DelPeer(peer) => {
                self.check_server(network, from)?;
                self.denounced(network, peer);
                Ok(())
            }
            Frame::Relay { peer, inner } => self.relay(network, packet, peer, inner),
            frame @ (Frame::Raw(_) | Frame::Scene) => self.content(from, packet, frame),
        }
    }

    /// A packet that may have been passed on: only what is no system command.
    pub(super) fn inner(
        &mut self,
        from: PeerId,
        packet: &Packet,
        inner: &Bytes,
    ) -> Result<(), IgnoredReason> {
        let frame = wire::decode(self.config.generation, inner)?;
        self.content(from, packet, frame)
    }

    /// Gives the game what is meant for it; `packet` is what it came in.
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

//! Packets of Godot's multiplayer API, and of games with types.

use std::task::Context;

use mesh_core::{
    ChannelIndex, ConnectionStatus, Event, Instant, MultiplayerPeer, Packet, Payload, PeerId,
    SendError, Sent, Target, TransferMode,
};
use multiplayer_api::{ApiConfig, Generation, MultiplayerApi, Typed};
use serde::{Deserialize, Serialize};

/// A network peer with two others, whose packets are those of the input.
struct Scripted {
    id: PeerId,
    events: Vec<Event>,
    now: Instant,
}

impl Scripted {
    /// As the server of the two or as a client of one of them.
    fn new(is_server: bool, packets: Vec<(bool, Vec<u8>)>) -> Self {
        let others: [PeerId; 2] = if is_server {
            [id(2), id(3)]
        } else {
            [id(1), id(3)]
        };
        let mut events: Vec<Event> = others.map(Event::PeerConnected).into();
        events.extend(packets.into_iter().map(|(is_first, bytes)| {
            Event::Packet(Packet {
                from: others[usize::from(!is_first)],
                mode: TransferMode::Reliable,
                channel: TransferMode::Reliable.channel(),
                payload: Payload::from(bytes),
            })
        }));
        // They are taken from the end.
        events.reverse();
        Self {
            id: if is_server { id(1) } else { id(2) },
            events,
            now: Instant::from_micros(0),
        }
    }
}

fn id(number: u32) -> PeerId {
    PeerId::new(number).unwrap_or(PeerId::SERVER)
}

impl MultiplayerPeer for Scripted {
    fn pump(&mut self, _: &mut Context<'_>) {}

    fn take_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    fn set_alarm(&mut self, _: Option<Instant>) {}

    fn send_on(&mut self, _: Target, _: ChannelIndex, _: Payload) -> Result<Sent, SendError> {
        Ok(Sent {
            accepted: 1,
            refused: Vec::new(),
        })
    }

    fn max_message_size(&self) -> usize {
        65536
    }

    fn max_message_size_of(&self, _: PeerId) -> Option<usize> {
        Some(65536)
    }

    fn channel_modes(&self) -> &[TransferMode] {
        &TransferMode::ALL
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn unique_id(&self) -> Option<PeerId> {
        Some(self.id)
    }

    fn closes(&self) -> u64 {
        0
    }

    fn connection_status(&self) -> ConnectionStatus {
        ConnectionStatus::Connected
    }

    fn is_server_relay_supported(&self) -> bool {
        true
    }

    fn disconnect_peer(&mut self, _: PeerId, _: bool) -> bool {
        true
    }

    fn refuses_new_connections(&self) -> bool {
        false
    }

    fn set_refuse_new_connections(&mut self, _: bool) {}

    fn close(&mut self) {}
}

/// Packets of two peers, each after a byte that says how long it is; the first bit of that byte says of which one. The first byte
/// of all says what this side is.
pub(crate) fn packets(input: &[u8]) {
    let Some((&kind, mut input)) = input.split_first() else {
        return;
    };
    let mut packets = Vec::new();
    while let Some((&length, rest)) = input.split_first() {
        let (packet, rest) = rest.split_at(rest.len().min(usize::from(length >> 1)));
        packets.push((length & 1 == 0, packet.to_vec()));
        input = rest;
    }
    let config = ApiConfig {
        generation: if kind & 2 == 0 {
            Generation::Godot4
        } else {
            Generation::Godot3
        },
        ..ApiConfig::default()
    };
    let mut api = MultiplayerApi::new(Scripted::new(kind & 1 == 0, packets), config);
    while api.poll().is_some() {}
}

/// A message of a game, with each kind of content.
#[derive(Debug, Deserialize, Serialize)]
enum Word {
    Nothing,
    Number(u64),
    Text(String),
    Many {
        words: Vec<Option<i16>>,
        pair: (f32, bool),
    },
}

/// One packet of a game with types.
pub(crate) fn typed(input: &[u8]) {
    let packet = [&[3], input].concat();
    let mut typed = Typed::<Word, _>::new(Scripted::new(true, vec![(true, packet)]));
    while typed.poll().is_some() {}
}

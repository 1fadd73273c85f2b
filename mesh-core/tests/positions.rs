//! A game that sends more positions than the path carries: what arrives is not old.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test")]
#![expect(clippy::print_stdout, reason = "figures to read")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "no other event has a place here"
)]

use std::time::Duration;

use mesh_core::mock::{Conditions, Network};
use mesh_core::{Event, Instant, MeshConfig, Multiplayer, PeerId, Target, TransferMode};

/// A frame at 60 Hz.
const FRAME: Duration = Duration::from_micros(16_667);

/// 240,000 bytes a second, where the path carries 125,000.
const POSITIONS: usize = 4000;

const MEGABIT: u64 = 125_000;

#[test]
fn positions_over_one_megabit_are_younger_than_250_ms() {
    // A message waits in the mesh, then in the backend, then in the queue of the path. The mock's backend fills that queue; one
    // that measures its path does not.
    for (queue, mode) in [
        (0, TransferMode::Unreliable),
        (0, TransferMode::UnreliableOrdered),
        (50, TransferMode::Unreliable),
        (50, TransferMode::UnreliableOrdered),
    ] {
        let network = Network::new(7);
        network.set_conditions(Conditions {
            bandwidth: Some(MEGABIT),
            latency: Duration::from_millis(20),
            queue: Duration::from_millis(queue),
            ..Conditions::default()
        });
        let (mut ages, dropped) = play(&network, mode);
        assert!(dropped + ages.len() as u64 <= 600);
        ages.sort_unstable();
        let at = |part: usize| ages[(ages.len() - 1) * part / 100];
        let (p50, p95, max) = (at(50), at(95), at(100));
        println!(
            "{mode:?}, a queue of {queue} ms: {} of 600 arrived, {dropped} were dropped before; age p50 {p50:?}, p95 {p95:?}, max {max:?}",
            ages.len()
        );
        assert!(max < Duration::from_millis(250), "{max:?}");
        // The path is used: half of what is sent fits.
        assert!(ages.len() > 280, "{} arrived", ages.len());
    }
}

/// Plays for 10 s; how old each message was that arrived, and how many the mesh has dropped.
fn play(network: &Network, mode: TransferMode) -> (Vec<Duration>, u64) {
    let ids = [1, 2].map(|id| PeerId::new(id).unwrap());
    let mut ends = ids.map(|id| {
        let mut end = Multiplayer::new(network.backend(), MeshConfig::default());
        end.initialize(id, false).unwrap();
        end
    });
    let links = [0, 1].map(|near: usize| {
        let end = &mut ends[near];
        let link = end.create_connection(mesh_core::LinkConfig::default());
        end.add_peer(link, ids[1 - near], None).unwrap();
        link
    });
    ends[0].create_offer(links[0]).unwrap();
    let mut sent = 0;
    let mut ages = Vec::new();
    let mut connected = 0;
    let mut next_frame = network.now();
    while sent < 600 {
        // The receiver looks more often than it draws: the age on arrival is asked for.
        network.advance(Duration::from_millis(1));
        let is_frame = network.now() >= next_frame;
        if is_frame {
            next_frame += FRAME;
        }
        if is_frame && connected == 2 {
            let mut positions = network.now().as_micros().to_be_bytes().to_vec();
            positions.resize(POSITIONS, 0);
            ends[0].send(Target::All, mode, positions).unwrap();
            sent += 1;
        }
        for near in [0, 1] {
            if near == 0 && !is_frame {
                continue;
            }
            while let Some(event) = ends[near].poll() {
                let far = &mut ends[1 - near];
                match event {
                    Event::Description { description, .. } => {
                        far.set_remote_description(links[1 - near], description)
                            .unwrap();
                    }
                    Event::Candidate { candidate, .. } => {
                        far.add_ice_candidate(links[1 - near], candidate).unwrap();
                    }
                    Event::PeerConnected(_) => connected += 1,
                    Event::Packet(packet) => {
                        let (at, _) = packet.payload.bytes().split_first_chunk().unwrap();
                        let at = Instant::from_micros(u64::from_be_bytes(*at));
                        ages.push(network.now() - at);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    let info = ends[0].peer(ids[1]).unwrap();
    let dropped = info.channels[usize::from(mode.channel().0)].messages_dropped;
    (ages, dropped)
}

//! Whatever peers send, nothing panics, nothing grows without bound, and the story stays one.

use std::collections::BTreeSet;

use mesh_core::{Duration, MultiplayerPeer, PeerId, Target, TransferMode};
use multiplayer_api::{ApiConfig, ApiEvent, Authentication, Generation, MultiplayerApi};
use proptest::prelude::*;

use crate::kit::{Fake, id, poll};

/// What may befall an API.
#[derive(Clone, Debug)]
enum Step {
    Connect(u32),
    Lose(u32),
    Receive(u32, TransferMode, Vec<u8>),
    Full(u32),
    Room,
    Wait(u64),
    Send(i32),
    CompleteAuth(u32),
    Disconnect(u32),
    Close,
    Restart,
    Poll,
}

/// Ids that meet each other.
fn peer() -> impl Strategy<Value = u32> {
    1_u32..6
}

fn mode() -> impl Strategy<Value = TransferMode> {
    prop::sample::select(TransferMode::ALL.to_vec())
}

/// Bytes, most of them nearly a packet.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![
        (-7_i32..7).prop_map(i32::to_le_bytes),
        any::<[u8; 4]>(),
        Just(i32::MIN.to_le_bytes())
    ];
    let tail = prop::collection::vec(any::<u8>(), 0..6);
    let system = (0_u8..5, number, tail.clone()).prop_map(|(command, number, tail)| {
        let mut packet = vec![7, command];
        packet.extend(number);
        packet.extend(tail);
        packet
    });
    let nearly = (0_u8..9, tail).prop_map(|(command, mut tail)| {
        tail.insert(0, command);
        tail
    });
    prop_oneof![
        4 => system,
        3 => nearly,
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => peer().prop_map(Step::Connect),
        2 => peer().prop_map(Step::Lose),
        12 => (peer(), mode(), bytes()).prop_map(|(from, mode, bytes)| Step::Receive(from, mode, bytes)),
        1 => peer().prop_map(Step::Full),
        1 => Just(Step::Room),
        1 => (0_u64..4000).prop_map(Step::Wait),
        3 => (-6_i32..6).prop_map(Step::Send),
        2 => peer().prop_map(Step::CompleteAuth),
        1 => peer().prop_map(Step::Disconnect),
        1 => Just(Step::Close),
        1 => Just(Step::Restart),
        4 => Just(Step::Poll),
    ]
}

fn config() -> impl Strategy<Value = ApiConfig> {
    let authentication = prop::sample::select(vec![
        Authentication::None,
        Authentication::Announce,
        Authentication::required(),
    ]);
    let generation = prop::sample::select(vec![Generation::Godot3, Generation::Godot4]);
    (generation, authentication, any::<bool>()).prop_map(
        |(generation, authentication, server_relay)| ApiConfig {
            generation,
            authentication,
            server_relay,
            max_relayed_peers: 3,
            backlog_bytes: 300,
        },
    )
}

fn network() -> impl Strategy<Value = Network> {
    prop::sample::select(vec![Network::Mesh, Network::Server, Network::Client])
}

#[derive(Clone, Copy, Debug)]
enum Network {
    Mesh,
    Server,
    Client,
}

impl Network {
    fn fake(self) -> Fake {
        match self {
            Self::Mesh => Fake::mesh(2),
            Self::Server => Fake::server(),
            Self::Client => Fake::client(2),
        }
    }
}

/// What a game that believes the events holds for true.
#[derive(Default)]
struct Story {
    peers: BTreeSet<PeerId>,
}

impl Story {
    fn tell(&mut self, event: &ApiEvent, generation: Generation) {
        match event {
            ApiEvent::PeerConnected(peer) => assert!(self.peers.insert(*peer), "{peer} twice"),
            ApiEvent::PeerDisconnected { peer, .. } => {
                assert!(self.peers.remove(peer), "{peer} was not there");
            }
            ApiEvent::ServerDisconnected | ApiEvent::ConnectionFailed(_) => self.peers.clear(),
            ApiEvent::PeerPacket { from, data, .. } => {
                assert!(!data.is_empty());
                // 3.x does not ask who is admitted.
                let heard = self.peers.contains(from) || generation == Generation::Godot3;
                assert!(heard, "{from} is heard and not there");
            }
            ApiEvent::AuthData { data, .. } => assert!(!data.is_empty()),
            _ => {}
        }
    }
}

fn take(api: &mut MultiplayerApi<Fake>, step: Step) -> Vec<ApiEvent> {
    match step {
        Step::Connect(peer) => {
            let known =
                api.peer_mut().peers.contains(&id(peer)) || api.peer_mut().id == Some(id(peer));
            if !known && api.peer_mut().id.is_some() {
                api.peer_mut().connect(peer);
            }
        }
        Step::Lose(peer) => {
            if api.peer_mut().peers.contains(&id(peer)) {
                api.peer_mut().lose(peer);
            }
        }
        Step::Receive(from, mode, bytes) => {
            if api.peer_mut().peers.contains(&id(from)) {
                api.peer_mut().receive_on(from, mode, &bytes);
            }
        }
        Step::Full(peer) => drop(api.peer_mut().full.insert(id(peer))),
        Step::Room => api.peer_mut().full.clear(),
        Step::Wait(millis) => api.peer_mut().wait(Duration::from_millis(millis)),
        Step::Send(target) => {
            let target = Target::from_godot(target).unwrap();
            // Who is not there is an error, and no more.
            let _ = api.send_bytes(target, TransferMode::Reliable, b"x");
        }
        Step::CompleteAuth(peer) => {
            // As above.
            let _ = api.complete_auth(id(peer));
        }
        Step::Disconnect(peer) => {
            if api.disconnect_peer(id(peer)) {
                // Its end is not told: the game has asked for it.
                return vec![ApiEvent::PeerDisconnected {
                    peer: id(peer),
                    reason: None,
                }];
            }
        }
        Step::Close => api.peer_mut().close(),
        Step::Restart => api.peer_mut().restart(),
        Step::Poll => return poll(api),
    }
    Vec::new()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_story_stays_one(
        config in config(),
        network in network(),
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let generation = config.generation;
        let mut api = MultiplayerApi::new(network.fake(), config);
        let mut story = Story::default();
        for step in steps {
            let asked = matches!(step, Step::Disconnect(_));
            if matches!(step, Step::Restart) && generation == Generation::Godot3 {
                // It has no word for the end of the others.
                story.peers.clear();
            }
            for event in take(&mut api, step) {
                if asked {
                    if let ApiEvent::PeerDisconnected { peer, .. } = event {
                        story.peers.remove(&peer);
                    }
                } else {
                    story.tell(&event, generation);
                }
            }
        }
        for event in poll(&mut api) {
            story.tell(&event, generation);
        }
        if api.peer_mut().connection_status() == mesh_core::ConnectionStatus::Disconnected {
            // 3.x says nothing of the others when all is over.
            prop_assert_eq!(api.peers().count(), 0);
        } else {
            prop_assert_eq!(api.peers().collect::<BTreeSet<_>>(), story.peers);
        }
        prop_assert!(api.authenticating_peers().all(|peer| !api.has_peer(peer)));
        // And then there is nothing more to tell.
        prop_assert_eq!(poll(&mut api), vec![]);
    }

    #[test]
    fn any_bytes_at_all_are_heard_or_ignored(packet in prop::collection::vec(any::<u8>(), 0..300)) {
        for network in [Network::Mesh, Network::Server, Network::Client] {
            let mut api = MultiplayerApi::new(network.fake(), ApiConfig::default());
            api.peer_mut().connect(if matches!(network, Network::Server) { 3 } else { 1 });
            poll(&mut api);
            let from = *api.peer_mut().peers.first().unwrap();
            api.peer_mut().receive(from.get(), &packet);
            poll(&mut api);
            prop_assert!(api.has_peer(from));
        }
    }
}

//! A server and its clients over the mock network, each with an API above.

use std::collections::BTreeMap;

use mesh_core::mock::{BackendId, Conditions, MockBackend, Network};
use mesh_core::{
    ChannelIndex, ConnectionId, ConnectionStatus, Duration, Event, LinkConfig, MeshConfig,
    Multiplayer, PeerId, Signal, Target, TransferMode,
};
use multiplayer_api::{ApiConfig, ApiEvent, AuthFailure, Authentication, MultiplayerApi, Via};

use crate::fake::{connected, id};

const FRAME: Duration = Duration::from_millis(16);

/// Custom channels of every peer: transfer channel 1.
const CUSTOM: [TransferMode; 1] = [TransferMode::Ordered];

/// One game.
struct Node {
    api: MultiplayerApi,
    network_peer: Multiplayer<MockBackend>,
    backend: BackendId,
    links: BTreeMap<PeerId, ConnectionId>,
    /// What it was told and no assertion has taken yet; without what is for the signaling.
    told: Vec<ApiEvent>,
    signals: Vec<(ConnectionId, Signal)>,
}

impl Node {
    fn new(network: &Network, config: ApiConfig) -> Self {
        let backend = network.backend();
        Self {
            backend: backend.id(),
            api: MultiplayerApi::new(config),
            network_peer: Multiplayer::new(backend, MeshConfig::default()),
            links: BTreeMap::new(),
            told: Vec::new(),
            signals: Vec::new(),
        }
    }

    fn poll(&mut self) {
        while let Some(event) = self.api.poll(&mut self.network_peer) {
            match event {
                ApiEvent::Peer(Event::Description {
                    connection,
                    description,
                }) => self
                    .signals
                    .push((connection, Signal::Description(description))),
                ApiEvent::Peer(Event::Candidate {
                    connection,
                    candidate,
                }) => self
                    .signals
                    .push((connection, Signal::Candidate(candidate))),
                event => self.told.push(event),
            }
        }
    }

    fn add(&mut self, peer: PeerId) -> ConnectionId {
        let connection = self.network_peer.create_connection(LinkConfig::default());
        self.network_peer.add_peer(connection, peer, None).unwrap();
        self.links.insert(peer, connection);
        connection
    }

    fn send(&mut self, target: Target, via: impl Into<Via>, data: &[u8]) {
        let sent = self
            .api
            .send_bytes(&mut self.network_peer, target, via, data)
            .unwrap();
        assert!(sent.is_complete());
    }

    fn take(&mut self) -> Vec<ApiEvent> {
        std::mem::take(&mut self.told)
    }

    /// The data it heard, with who sent it.
    fn heard(&mut self) -> Vec<(u32, Vec<u8>)> {
        let told = self.take();
        told.into_iter()
            .map(|event| match event {
                ApiEvent::PeerPacket { from, data, .. } => (from.get(), data.to_vec()),
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

/// Peer 1 and clients 2, 3, …; the nodes are in the order of their ids.
struct Star {
    network: Network,
    nodes: Vec<Node>,
}

impl Star {
    fn new(seed: u64, configs: Vec<ApiConfig>) -> Self {
        let network = Network::new(seed);
        network.set_conditions(Conditions {
            latency: Duration::from_millis(20),
            jitter: Duration::from_millis(10),
            ..Conditions::default()
        });
        let mut nodes: Vec<Node> = configs
            .into_iter()
            .map(|config| Node::new(&network, config))
            .collect();
        for (node, own) in nodes.iter_mut().zip(1..) {
            if own == 1 {
                node.network_peer.create_server(&CUSTOM).unwrap();
            } else {
                node.network_peer.create_client(id(own), &CUSTOM).unwrap();
            }
        }
        Self { network, nodes }
    }

    /// All of them with default settings, connected one after the other and told.
    fn connected(seed: u64, clients: u32) -> Self {
        let configs = vec![ApiConfig::default(); usize::try_from(clients).unwrap() + 1];
        let mut star = Self::new(seed, configs);
        for client in 2..2 + clients {
            star.connect(client);
            star.run(Duration::from_secs(3));
        }
        for node in &star.nodes {
            assert_eq!(node.api.peers().count(), star.nodes.len() - 1);
        }
        star
    }

    fn node(&mut self, own: u32) -> &mut Node {
        &mut self.nodes[usize::try_from(own).unwrap() - 1]
    }

    fn connect(&mut self, client: u32) {
        self.node(1).add(id(client));
        let node = self.node(client);
        let connection = node.add(PeerId::SERVER);
        node.network_peer.create_offer(connection).unwrap();
    }

    fn run(&mut self, span: Duration) {
        let end = self.network.now() + span;
        while self.network.now() < end {
            self.network.advance(FRAME);
            self.nodes.iter_mut().for_each(Node::poll);
            self.signal();
        }
    }

    /// Carries descriptions and candidates between the server and its clients.
    fn signal(&mut self) {
        for index in 0..self.nodes.len() {
            let own = PeerId::new(u32::try_from(index).unwrap() + 1).unwrap();
            for (connection, signal) in std::mem::take(&mut self.nodes[index].signals) {
                let links = &self.nodes[index].links;
                let to = *links
                    .iter()
                    .find(|(_, link)| **link == connection)
                    .unwrap()
                    .0;
                let far = self.node(to.get());
                let link = far.links[&own];
                match signal {
                    Signal::Description(description) => {
                        far.network_peer
                            .set_remote_description(link, description)
                            .unwrap();
                    }
                    Signal::Candidate(candidate) => {
                        far.network_peer.add_ice_candidate(link, candidate).unwrap();
                    }
                }
            }
        }
    }

    /// Has one node send, and tells who heard it, as whose.
    fn spread(&mut self, from: u32, target: Target) -> Vec<u32> {
        self.node(from).send(target, TransferMode::Reliable, b"hi");
        self.run(Duration::from_millis(500));
        let mut receivers = Vec::new();
        for own in 1..=u32::try_from(self.nodes.len()).unwrap() {
            for (sender, data) in self.node(own).heard() {
                assert_eq!((sender, &data[..]), (from, b"hi".as_slice()));
                receivers.push(own);
            }
        }
        receivers
    }
}

fn authenticated() -> ApiConfig {
    ApiConfig {
        authentication: Authentication::required(),
        ..ApiConfig::default()
    }
}

#[test]
fn everybody_meets_everybody_through_the_server() {
    let mut star = Star::connected(1, 3);
    assert_eq!(
        star.node(1).take(),
        [connected(2), connected(3), connected(4)]
    );
    for client in 2..=4 {
        let others = (2..=4).filter(|other| *other != client).map(connected);
        let told: Vec<ApiEvent> = [ApiEvent::ConnectedToServer, connected(1)]
            .into_iter()
            .chain(others)
            .collect();
        assert_eq!(star.node(client).take(), told);
    }
}

#[test]
fn every_target_reaches_whom_it_means() {
    let mut star = Star::connected(2, 3);
    star.nodes.iter_mut().for_each(|node| drop(node.take()));
    let (all, one) = (Target::All, Target::One);
    let except = Target::AllExcept;
    assert_eq!(star.spread(2, all), [1, 3, 4]);
    assert_eq!(star.spread(2, one(id(1))), [1]);
    assert_eq!(star.spread(2, one(id(4))), [4]);
    assert_eq!(star.spread(2, except(id(4))), [1, 3]);
    assert_eq!(star.spread(2, except(id(1))), [3, 4]);
    assert_eq!(star.spread(2, except(id(2))), [1, 3, 4]);
    assert_eq!(star.spread(1, all), [2, 3, 4]);
    assert_eq!(star.spread(1, one(id(3))), [3]);
    assert_eq!(star.spread(1, except(id(3))), [2, 4]);
    assert_eq!(star.spread(1, except(id(1))), [2, 3, 4]);
}

#[test]
fn a_relayed_packet_keeps_its_mode_and_its_channel() {
    let mut star = Star::connected(3, 2);
    star.nodes.iter_mut().for_each(|node| drop(node.take()));
    let ways = [
        (Via::from(TransferMode::Reliable), TransferMode::Reliable, 0),
        (TransferMode::Ordered.into(), TransferMode::Ordered, 1),
        (TransferMode::Unreliable.into(), TransferMode::Unreliable, 2),
        (Via::new(TransferMode::Reliable, 1), CUSTOM[0], 3),
    ];
    for (via, mode, index) in ways {
        star.node(2).send(Target::One(id(3)), via, b"hi");
        star.run(Duration::from_millis(500));
        let packet = ApiEvent::PeerPacket {
            from: id(2),
            mode,
            channel: ChannelIndex(index),
            data: b"hi".as_slice().into(),
        };
        assert_eq!(star.node(3).take(), [packet]);
    }
}

#[test]
fn reliable_packets_arrive_all_and_in_order_through_the_server() {
    let mut star = Star::connected(4, 2);
    star.nodes.iter_mut().for_each(|node| drop(node.take()));
    star.network.set_conditions(Conditions {
        latency: Duration::from_millis(20),
        loss: 0.2,
        ..Conditions::default()
    });
    // More than the server's channel to 3 takes at once: what does not fit waits at the server.
    let size = 60_000;
    for number in 0..30 {
        let data = vec![number; size];
        star.node(2)
            .send(Target::One(id(3)), TransferMode::Reliable, &data);
        star.run(Duration::from_millis(200));
    }
    star.run(Duration::from_secs(60));
    let heard = star.node(3).heard();
    assert_eq!(heard.len(), 30);
    for (number, (from, data)) in (0..).zip(heard) {
        assert_eq!((from, data), (2, vec![number; size]));
    }
}

#[test]
fn who_leaves_is_gone_for_all() {
    let mut star = Star::connected(5, 3);
    star.nodes.iter_mut().for_each(|node| drop(node.take()));
    let leaver = star.node(3);
    leaver.api.close(&mut leaver.network_peer);
    star.run(Duration::from_secs(2));
    assert_eq!(star.node(3).take(), []);
    for own in [1, 2, 4] {
        let told = star.node(own).take();
        assert!(
            matches!(told[..], [ApiEvent::PeerDisconnected { peer, .. }] if peer == id(3)),
            "{own} was told {told:?}"
        );
        assert!(!star.node(own).api.has_peer(id(3)));
    }
    assert_eq!(star.spread(2, Target::All), [1, 4]);
}

#[test]
fn whom_the_server_sends_away_is_gone_for_the_others_and_knows_it() {
    let mut star = Star::connected(6, 3);
    star.nodes.iter_mut().for_each(|node| drop(node.take()));
    let server = star.node(1);
    assert!(server.api.disconnect_peer(&mut server.network_peer, id(3)));
    star.run(Duration::from_secs(2));
    assert_eq!(star.node(1).take(), []);
    for own in [2, 4] {
        let gone = ApiEvent::PeerDisconnected {
            peer: id(3),
            reason: None,
        };
        assert_eq!(star.node(own).take(), [gone]);
    }
    let told = star.node(3).take();
    assert!(
        matches!(
            told[..],
            [
                ApiEvent::PeerDisconnected {
                    peer: PeerId::SERVER,
                    ..
                },
                ApiEvent::ServerDisconnected
            ]
        ),
        "{told:?}"
    );
}

#[test]
fn the_servers_end_is_everybodys() {
    for dies in [false, true] {
        let mut star = Star::connected(7, 3);
        star.nodes.iter_mut().for_each(|node| drop(node.take()));
        let server = star.node(1);
        let backend = server.backend;
        if dies {
            star.network.kill(backend);
        } else {
            server.api.close(&mut server.network_peer);
        }
        star.run(Duration::from_secs(20));
        for client in 2..=4 {
            let told: Vec<ApiEvent> = star
                .node(client)
                .take()
                .into_iter()
                .filter(|event| !matches!(event, ApiEvent::Peer(_)))
                .collect();
            assert!(
                matches!(
                    told[..],
                    [
                        ApiEvent::PeerDisconnected {
                            peer: PeerId::SERVER,
                            ..
                        },
                        ApiEvent::ServerDisconnected
                    ]
                ),
                "{client} was told {told:?}"
            );
            assert_eq!(star.node(client).api.peers().count(), 0);
        }
    }
}

#[test]
fn a_server_that_does_not_answer_is_a_failure() {
    let mut star = Star::new(8, vec![ApiConfig::default(); 2]);
    let node = star.node(2);
    let connection = node.add(PeerId::SERVER);
    node.network_peer.create_offer(connection).unwrap();
    for _ in 0..2000 {
        star.network.advance(FRAME);
        star.node(2).poll();
    }
    let told = star.node(2).take();
    assert!(
        matches!(
            told[..],
            [
                ApiEvent::Peer(Event::PeerFailed { .. }),
                ApiEvent::ConnectionFailed(Some(_))
            ]
        ),
        "{told:?}"
    );
}

#[test]
fn a_password_lets_in_and_a_wrong_one_does_not() {
    let mut star = Star::new(9, vec![authenticated(); 3]);
    for (client, password) in [(2, b"right"), (3, b"wrong")] {
        star.connect(client);
        star.run(Duration::from_secs(2));
        let told = star.node(client).take();
        assert_eq!(told, [ApiEvent::PeerAuthenticating(id(1))]);
        let node = star.node(client);
        node.api
            .send_auth(&mut node.network_peer, id(1), password)
            .unwrap();
        node.api
            .complete_auth(&mut node.network_peer, id(1))
            .unwrap();
        star.run(Duration::from_millis(500));
        let server = star.node(1);
        for event in server.take() {
            match event {
                ApiEvent::AuthData { from, data } if data == b"right".as_slice() => {
                    server
                        .api
                        .complete_auth(&mut server.network_peer, from)
                        .unwrap();
                }
                ApiEvent::AuthData { from, .. } => {
                    assert!(server.api.disconnect_peer(&mut server.network_peer, from));
                }
                event => server.told.push(event),
            }
        }
        star.run(Duration::from_millis(500));
    }
    assert_eq!(
        star.node(1).take(),
        [
            ApiEvent::PeerAuthenticating(id(2)),
            connected(2),
            ApiEvent::PeerAuthenticating(id(3))
        ]
    );
    assert_eq!(
        star.node(2).take(),
        [ApiEvent::ConnectedToServer, connected(1)]
    );
    let told = star.node(3).take();
    assert!(
        matches!(
            &told[..],
            [
                ApiEvent::PeerAuthenticationFailed {
                    reason: AuthFailure::Disconnected(_),
                    ..
                },
                ApiEvent::ServerDisconnected
            ]
        ),
        "{told:?}"
    );
}

#[test]
fn who_does_not_authenticate_is_sent_away_after_three_seconds() {
    let mut star = Star::new(10, vec![authenticated(), ApiConfig::default()]);
    star.connect(2);
    star.run(Duration::from_secs(2));
    // The client wants nothing of its server, and believes itself in.
    assert_eq!(
        star.node(2).take(),
        [ApiEvent::ConnectedToServer, connected(1)]
    );
    star.node(2)
        .send(Target::One(id(1)), TransferMode::Reliable, b"hi");
    star.run(Duration::from_secs(4));
    let told = star.node(1).take();
    let timed_out = ApiEvent::PeerAuthenticationFailed {
        peer: id(2),
        reason: AuthFailure::TimedOut,
    };
    assert_eq!(told.first(), Some(&ApiEvent::PeerAuthenticating(id(2))));
    assert_eq!(told.last(), Some(&timed_out));
    assert_eq!(told.len(), 3, "and one packet was ignored: {told:?}");
    assert_eq!(
        star.node(2).take().last(),
        Some(&ApiEvent::ServerDisconnected)
    );
    assert_eq!(
        star.node(2).network_peer.connection_status(),
        ConnectionStatus::Disconnected
    );
}

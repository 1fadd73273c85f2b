//! A server and its clients over the mock network, each with an API above.

use std::collections::BTreeMap;

use mesh_core::mock::{BackendId, Conditions, MockBackend, Network};
use mesh_core::{
    ChannelIndex, ConnectionId, Duration, Event, LinkConfig, MeshConfig, Multiplayer, PeerId,
    Signal, Target, TransferMode,
};
use multiplayer_api::{ApiConfig, ApiEvent, MultiplayerApi};

use crate::kit::id;

mod authentication;
mod ends;
mod passing;

const FRAME: Duration = Duration::from_millis(16);

/// Custom channels of every peer: transfer channel 1.
const CUSTOM: [TransferMode; 1] = [TransferMode::UnreliableOrdered];

/// One game.
struct Node {
    api: MultiplayerApi<Multiplayer<MockBackend>>,
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
            api: MultiplayerApi::new(Multiplayer::new(backend, MeshConfig::default()), config),
            links: BTreeMap::new(),
            told: Vec::new(),
            signals: Vec::new(),
        }
    }

    fn poll(&mut self) {
        while let Some(event) = self.api.poll() {
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
        let connection = self.api.peer_mut().create_connection(LinkConfig::default());
        self.api
            .peer_mut()
            .add_peer(connection, peer, None)
            .unwrap();
        self.links.insert(peer, connection);
        connection
    }

    fn send(&mut self, target: Target, channel: impl Into<ChannelIndex>, data: &[u8]) {
        let sent = self.api.send_bytes(target, channel, data).unwrap();
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
                node.api.peer_mut().create_server(&CUSTOM).unwrap();
            } else {
                node.api.peer_mut().create_client(id(own), &CUSTOM).unwrap();
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
        node.api.peer_mut().create_offer(connection).unwrap();
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
                        far.api
                            .peer_mut()
                            .set_remote_description(link, description)
                            .unwrap();
                    }
                    Signal::Candidate(candidate) => {
                        far.api
                            .peer_mut()
                            .add_ice_candidate(link, candidate)
                            .unwrap();
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

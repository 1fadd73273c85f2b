//! What the core costs a game: nanoseconds a message and an idle frame, for 3, 7 and 31 peers.
#![expect(
    clippy::expect_used,
    reason = "a bench that cannot start has nothing to say"
)]

use std::collections::VecDeque;
use std::hint::black_box;
use std::iter;
use std::task::{Context, Poll};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mesh_core::{
    Backend, Capabilities, ChannelIndex, Command, ConnectionState, Event, Instant, LinkConfig,
    LinkEvent, LinkId, MeshConfig, Multiplayer, Payload, PeerId, Rejected, Target, TransferMode,
};

const PEERS: [u32; 3] = [3, 7, 31];

/// A platform that costs nothing: takes every message, and reports what is put into it.
#[derive(Default)]
struct Free {
    links: Vec<LinkId>,
    events: VecDeque<LinkEvent>,
}

impl Backend for Free {
    fn now(&self) -> Instant {
        Instant::from_micros(1)
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Open { link, .. } => {
                self.links.push(link);
                let state = ConnectionState::Connected;
                self.events.push_back(LinkEvent::State { link, state });
            }
            Command::CreateChannel {
                link,
                channel,
                spec,
            } => self.events.push_back(LinkEvent::ChannelOpened {
                link,
                channel,
                remote: false,
                actual: spec.parameters,
            }),
            Command::SendLast { .. }
            | Command::Abandon { .. }
            | Command::CloseChannel { .. }
            | Command::CreateOffer { .. }
            | Command::SetRemote { .. }
            | Command::AddCandidate { .. }
            | Command::RequestStats { .. }
            | Command::TellKick { .. }
            | Command::Coalesce { .. }
            | Command::TellTaken { .. }
            | Command::Goodbye { .. }
            | Command::Close { .. } => {}
        }
    }

    fn send(
        &mut self,
        _link: LinkId,
        _channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        black_box(payload);
        Ok(())
    }

    fn buffered_amount(&self, _link: LinkId, _channel: ChannelIndex) -> usize {
        0
    }

    fn poll_event(&mut self, _cx: &mut Context<'_>) -> Poll<LinkEvent> {
        self.events.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    fn set_alarm(&mut self, _deadline: Option<Instant>) {}

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
}

/// A mesh in which everybody is connected.
fn connected(peers: u32) -> Multiplayer<Free> {
    let mut multiplayer = Multiplayer::new(Free::default(), MeshConfig::default());
    let id = |id| PeerId::new(id).expect("a peer id");
    multiplayer.initialize(id(1), false).expect("a fresh mesh");
    for peer in 2..2 + peers {
        let connection = multiplayer.create_connection(LinkConfig::default());
        multiplayer
            .add_peer(connection, id(peer), None)
            .expect("a new peer");
    }
    let arrived = iter::from_fn(|| multiplayer.poll())
        .filter(|event| matches!(event, Event::PeerConnected(_)))
        .count();
    assert_eq!(arrived, peers as usize);
    multiplayer
}

/// One frame of a game that looks at every event.
fn frame(multiplayer: &mut Multiplayer<Free>) {
    while let Some(event) = multiplayer.poll() {
        black_box(event);
    }
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("idle frame");
    for peers in PEERS {
        let mut multiplayer = connected(peers);
        group.bench_function(BenchmarkId::from_parameter(peers), |bencher| {
            bencher.iter(|| frame(&mut multiplayer));
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("received message");
    for peers in PEERS {
        let mut multiplayer = connected(peers);
        let payload = Payload::from(&[0; 64]);
        group.throughput(Throughput::Elements(peers.into()));
        group.bench_function(BenchmarkId::from_parameter(peers), |bencher| {
            bencher.iter(|| {
                let backend = multiplayer.backend_mut();
                for index in 0..backend.links.len() {
                    let link = backend.links[index];
                    backend.events.push_back(LinkEvent::Message {
                        link,
                        channel: TransferMode::Unreliable.channel(),
                        payload: payload.clone(),
                    });
                }
                frame(&mut multiplayer);
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("sent message");
    for peers in PEERS {
        let mut multiplayer = connected(peers);
        let payload = Payload::from(&[0; 64]);
        group.throughput(Throughput::Elements(peers.into()));
        group.bench_function(BenchmarkId::from_parameter(peers), |bencher| {
            bencher
                .iter(|| multiplayer.send(Target::All, TransferMode::Unreliable, payload.clone()));
        });
    }
    group.finish();
}

criterion_group! {
    name = mesh;
    config = Criterion::default();
    targets = benches
}
criterion_main!(mesh);

//! Anything at any time, sense and nonsense, from many seeds: nothing panics, and no promise is broken.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::task::{Context, Poll, Waker};

use crate::mock::{BackendId, Conditions, MockBackend, Network};
use crate::rng::Rng;
use crate::{
    Backend, ChannelIndex, ChannelSpec, Command, Duration, IceCandidate, IceTransportPolicy,
    LinkConfig, LinkEvent, LinkId, Payload, Reliability, SdpType, SendLimits, SessionDescription,
    TransferMode,
};

const BACKENDS: usize = 3;
const STEPS: u32 = 400;

/// What is known of one link of one backend.
#[derive(Default)]
struct Record {
    /// Whom its signals go to.
    far: Option<(usize, LinkId)>,
    described: bool,
    closed: bool,
    opened: Vec<ChannelIndex>,
    sent: [u32; 3],
    received: [Vec<u32>; 3],
}

struct Chaos {
    network: Network,
    rng: Rng,
    ids: Vec<BackendId>,
    backends: Vec<Option<MockBackend>>,
    links: BTreeMap<(usize, LinkId), Record>,
    signals: VecDeque<(usize, Command)>,
    killed: BTreeSet<usize>,
    next_slot: u32,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let network = Network::new(seed);
        let backends: Vec<_> = (0..BACKENDS).map(|_| network.backend()).collect();
        Self {
            network,
            rng: Rng::new(seed),
            ids: backends.iter().map(MockBackend::id).collect(),
            backends: backends.into_iter().map(Some).collect(),
            links: BTreeMap::new(),
            signals: VecDeque::new(),
            killed: BTreeSet::new(),
            next_slot: 0,
        }
    }

    fn pick(&mut self, bound: usize) -> usize {
        usize::try_from(self.rng.below(bound as u64)).unwrap()
    }

    fn some_link(&mut self) -> Option<(usize, LinkId)> {
        let position = self.pick(self.links.len().max(1));
        self.links.keys().nth(position).copied()
    }

    fn execute(&mut self, backend: usize, command: Command) {
        if let Some(backend) = &mut self.backends[backend] {
            backend.execute(command);
        }
    }

    /// Two links that are to be connected with each other.
    fn open_pair(&mut self) {
        let first = self.pick(BACKENDS);
        let second = (first + 1 + self.pick(BACKENDS - 1)) % BACKENDS;
        let policy = match self.pick(20) {
            0 => IceTransportPolicy::Relay,
            _ => IceTransportPolicy::All,
        };
        let names = [first, second].map(|backend| {
            self.next_slot += 1;
            let slot = self.next_slot;
            (
                backend,
                LinkId {
                    slot,
                    generation: 0,
                },
            )
        });
        for (position, (backend, link)) in names.into_iter().enumerate() {
            let record = Record {
                far: Some(names[1 - position]),
                ..Record::default()
            };
            self.links.insert((backend, link), record);
            let config = LinkConfig {
                ice_transport_policy: policy,
                ..LinkConfig::default()
            };
            self.execute(
                backend,
                Command::Open {
                    link,
                    config,
                    inbox_bytes: 1 << 20,
                },
            );
            for mode in TransferMode::ALL {
                let limits = SendLimits::default();
                let spec = ChannelSpec::built_in(mode, Reliability::Retransmits(1), limits);
                let channel = mode.channel();
                self.execute(
                    backend,
                    Command::CreateChannel {
                        link,
                        channel,
                        spec,
                    },
                );
            }
        }
        let (backend, link) = names[0];
        self.execute(backend, Command::CreateOffer { link });
    }

    fn send(&mut self) {
        let Some((backend, link)) = self.some_link() else {
            return;
        };
        let mode = TransferMode::ALL[self.pick(3)];
        let Some(record) = self.links.get_mut(&(backend, link)) else {
            return;
        };
        let number = &mut record.sent[usize::from(mode.channel().0)];
        let payload = Payload::from(&number.to_be_bytes());
        if let Some(backend) = &mut self.backends[backend]
            && backend.send(link, mode.channel(), payload).is_ok()
        {
            *number += 1;
        }
    }

    fn nonsense(&mut self) {
        let Some((backend, link)) = self.some_link() else {
            return;
        };
        let text: String = [
            "",
            "v=0\r\n",
            "candidate:",
            "\0\u{1F980}",
            "m=application 9",
        ][self.pick(5)]
        .to_string();
        let command = match self.pick(5) {
            0 => Command::SetRemote {
                link,
                description: SessionDescription {
                    sdp_type: SdpType::Offer,
                    sdp: text,
                },
            },
            1 => Command::AddCandidate {
                link,
                candidate: IceCandidate {
                    sdp_mid: text.clone(),
                    sdp_m_line_index: 7,
                    candidate: text,
                },
            },
            2 => Command::CreateOffer { link },
            3 => Command::RequestStats { link },
            _ => Command::CloseChannel {
                link,
                channel: ChannelIndex(u16::try_from(self.pick(5)).unwrap()),
            },
        };
        self.execute(backend, command);
    }

    fn weather(&mut self) {
        let (a, b) = (self.pick(BACKENDS), self.pick(BACKENDS));
        let (a, b) = (self.ids[a], self.ids[b]);
        match self.pick(4) {
            0 => self.network.partition(&[a], &[b]),
            1 | 2 => self.network.heal(),
            _ => {
                let loss = [0.0, 0.0, 0.2, 1.0][self.pick(4)];
                let conditions = Conditions {
                    loss,
                    jitter: Duration::from_millis(10),
                    reorder: 0.2,
                    bandwidth: Some(50_000),
                    ..Conditions::default()
                };
                self.network.set_conditions(conditions);
            }
        }
    }

    fn step(&mut self) {
        match self.pick(100) {
            0..=3 => self.open_pair(),
            4..=50 => self.send(),
            51 => self.nonsense(),
            52..=54 => self.weather(),
            55..=56 => {
                if let Some((backend, link)) = self.some_link() {
                    let linger = Duration::from_millis(self.rng.below(2) * 200);
                    self.execute(backend, Command::Close { link, linger });
                }
            }
            57 if self.pick(50) == 0 => {
                let victim = self.pick(BACKENDS);
                self.killed.insert(victim);
                self.network.kill(self.ids[victim]);
            }
            58 if self.pick(50) == 0 => {
                let victim = self.pick(BACKENDS);
                self.backends[victim] = None;
            }
            59..=75 => {
                let micros = self.rng.below(200_000);
                self.network.advance(Duration::from_micros(micros));
            }
            _ => self.take_events(),
        }
        let arriving = self.pick(4);
        for _ in 0..arriving {
            if let Some((to, command)) = self.signals.pop_front() {
                self.execute(to, command);
            }
        }
    }

    fn take_events(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        let mut signals = Vec::new();
        for index in 0..BACKENDS {
            while let Some(backend) = &mut self.backends[index]
                && let Poll::Ready(event) = backend.poll_event(&mut cx)
            {
                let record = self.links.get_mut(&(index, event.link())).unwrap();
                assert!(!record.closed, "after Closed: {event:?}");
                signals.extend(record.observe(event));
            }
        }
        self.signals.extend(signals);
    }

    /// Everything is closed; nothing may be left. How many messages arrived.
    fn end(mut self) -> usize {
        for (index, link) in self.links.keys().copied().collect::<Vec<_>>() {
            let linger = Duration::ZERO;
            self.execute(index, Command::Close { link, linger });
        }
        self.network.run_until_idle();
        self.take_events();
        self.network.run_until_idle();
        assert_eq!(self.network.usage(), Default::default());
        for ((index, link), record) in &self.links {
            let far = record.far.and_then(|far| self.links.get(&far)).unwrap();
            let [reliable, ordered, unreliable] = &record.received;
            let complete: Vec<u32> = (0..).take(reliable.len()).collect();
            assert_eq!(*reliable, complete, "{index} {link:?}");
            assert!(ordered.is_sorted_by(|a, b| a < b));
            let mut unreliable = unreliable.clone();
            unreliable.sort_unstable();
            assert!(unreliable.is_sorted_by(|a, b| a < b), "a duplicate");
            assert!(reliable.len() <= far.sent[0] as usize);
            // A killed backend tells nothing any more.
            if self.backends[*index].is_some() && !self.killed.contains(index) {
                assert!(record.closed, "{index} {link:?} was never closed");
            }
        }
        let received = self.links.values().flat_map(|record| &record.received);
        received.map(Vec::len).sum()
    }
}

impl Record {
    fn observe(&mut self, event: LinkEvent) -> Option<(usize, Command)> {
        if let LinkEvent::Closed { .. } = event {
            self.closed = true;
        }
        if let LinkEvent::ChannelOpened { channel, .. } = event {
            assert!(!self.opened.contains(&channel), "{channel:?} opened twice");
            self.opened.push(channel);
        }
        if let LinkEvent::Message {
            channel, payload, ..
        } = &event
        {
            assert!(self.opened.contains(channel));
            let number = u32::from_be_bytes(payload.bytes()[..].try_into().unwrap());
            self.received[usize::from(channel.0)].push(number);
        }
        let (far, link) = self.far?;
        if let LinkEvent::Description { description, .. } = event {
            self.described = true;
            return Some((far, Command::SetRemote { link, description }));
        }
        if let LinkEvent::Candidate { candidate, .. } = event {
            assert!(self.described, "a candidate before its description");
            return Some((far, Command::AddCandidate { link, candidate }));
        }
        None
    }
}

#[test]
fn nothing_breaks_whatever_happens() {
    let mut received = 0;
    for seed in 0..300 {
        let mut chaos = Chaos::new(seed);
        for _ in 0..STEPS {
            chaos.step();
        }
        received += chaos.end();
    }
    assert!(received > 10_000, "{received}: too little happened");
}

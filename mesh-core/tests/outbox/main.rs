//! What waits to be sent, against random histories: nothing reliable is lost, doubled or reordered while its link lives, order
//! holds, the limits hold, and the counters add up.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "no other event has a place here"
)]

use std::collections::BTreeMap;
use std::iter;

use mesh_core::{
    ChannelIndex, ChannelLimits, Duration, Event, Instant, LinkConfig, LinkId, MeshConfig,
    ModeLimits, Multiplayer, PeerId, RefusedReason, SendLimits, Target, TransferMode,
};
use proptest::prelude::*;

use crate::narrow::Narrow;

mod narrow;

/// The peers are 2, 3 and 4; we are 1.
const PEERS: u32 = 3;

/// The largest message.
const LARGEST: usize = 700;

const AGE: Duration = Duration::from_millis(150);

const RELIABLE: ChannelLimits = ChannelLimits {
    bytes: 4000,
    age: Duration::MAX,
    backend: SendLimits {
        high_water: 1000,
        low_water: 300,
        age: Duration::MAX,
    },
    bulk: false,
};

const UNRELIABLE: ChannelLimits = ChannelLimits {
    bytes: 3000,
    age: AGE,
    backend: SendLimits {
        high_water: 800,
        low_water: 400,
        age: Duration::MAX,
    },
    bulk: false,
};

#[derive(Clone, Debug)]
enum Step {
    Send {
        /// 0 is all, above it one, below it all but one.
        to: i8,
        mode: TransferMode,
        bytes: usize,
    },
    /// The network takes so much of a channel.
    Leaves {
        peer: u8,
        mode: TransferMode,
        bytes: usize,
    },
    Passes(u8),
    Poll,
    Flush,
    Ends(u8),
}

fn mode() -> impl Strategy<Value = TransferMode> {
    prop::sample::select(TransferMode::ALL.to_vec())
}

fn step() -> impl Strategy<Value = Step> {
    let peer = 0..u8::try_from(PEERS).unwrap();
    let to = -3_i8..=3;
    prop_oneof![
        10 => (to, mode(), 0..=LARGEST).prop_map(|(to, mode, bytes)| Step::Send { to, mode, bytes }),
        5 => (peer.clone(), mode(), 1..1500_usize)
            .prop_map(|(peer, mode, bytes)| Step::Leaves { peer, mode, bytes }),
        3 => (0..80_u8).prop_map(Step::Passes),
        4 => Just(Step::Poll),
        1 => Just(Step::Flush),
        1 => peer.prop_map(Step::Ends),
    ]
}

fn id(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}

/// What one channel of one peer should have seen.
#[derive(Default)]
struct Expected {
    accepted: Vec<u32>,
    /// Whether a refusal has not been followed by a word of room yet.
    is_refused: bool,
}

struct World {
    mesh: Multiplayer<Narrow>,
    links: BTreeMap<u32, LinkId>,
    expected: BTreeMap<(u32, ChannelIndex), Expected>,
    /// When each message was sent, by its number.
    sent_at: Vec<Instant>,
}

impl World {
    fn new() -> Self {
        let config = MeshConfig {
            send_limits: ModeLimits {
                reliable: RELIABLE,
                unreliable_ordered: UNRELIABLE,
                unreliable: UNRELIABLE,
            },
            ..MeshConfig::default()
        };
        let mut mesh = Multiplayer::new(Narrow::default(), config);
        mesh.initialize(id(1), false).unwrap();
        let mut links = BTreeMap::new();
        for peer in 2..2 + PEERS {
            let link = mesh.create_connection(LinkConfig::default());
            mesh.add_peer(link, id(peer), None).unwrap();
            links.insert(peer, link);
        }
        let connected = iter::from_fn(|| mesh.poll()).count();
        assert_eq!(connected, links.len());
        Self {
            mesh,
            links,
            expected: BTreeMap::new(),
            sent_at: Vec::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Send { to, mode, bytes } => self.send(to, mode, bytes),
            Step::Leaves { peer, mode, bytes } => {
                if let Some(&link) = self.links.get(&(2 + u32::from(peer))) {
                    let backend = self.mesh.backend_mut();
                    backend.leaves(link, mode.channel(), bytes);
                }
            }
            Step::Passes(millis) => {
                self.mesh.backend_mut().now += Duration::from_millis(millis.into());
            }
            Step::Poll => self.poll(),
            Step::Flush => self.mesh.flush(),
            Step::Ends(peer) => {
                // Somebody has to stay.
                if self.links.len() > 1
                    && let Some(link) = self.links.remove(&(2 + u32::from(peer)))
                {
                    self.mesh.backend_mut().ends(link);
                    let peer = 2 + u32::from(peer);
                    self.expected.retain(|(of, _), _| *of != peer);
                }
            }
        }
        self.check();
    }

    fn send(&mut self, to: i8, mode: TransferMode, bytes: usize) {
        let number = u32::try_from(self.sent_at.len()).unwrap();
        let mut payload = number.to_be_bytes().to_vec();
        payload.resize(bytes.max(4), 0);
        let named = 1 + u32::from(to.unsigned_abs());
        let (target, targets): (_, Vec<u32>) = match to {
            0 => (Target::All, self.links.keys().copied().collect()),
            1.. => (Target::One(id(named)), vec![named]),
            _ => {
                let others = self.links.keys().copied().filter(|peer| *peer != named);
                (Target::AllExcept(id(named)), others.collect())
            }
        };
        // Its end has not been heard of yet where it is gone; such a send has no outcome to compare.
        let is_gone = matches!(target, Target::One(_)) && !self.links.contains_key(&named);
        self.sent_at.push(self.mesh.backend().now);
        let Ok(sent) = self.mesh.send(target, mode, payload) else {
            assert!(is_gone);
            return;
        };
        if is_gone {
            return;
        }
        let mut refused: Vec<u32> = Vec::new();
        for one in sent.refused {
            let peer = one.peer.get();
            if !self.links.contains_key(&peer) {
                continue;
            }
            assert!(mode.is_reliable(), "an unreliable channel takes everything");
            assert_eq!(one.reason, RefusedReason::Full);
            refused.push(peer);
        }
        for peer in targets {
            let expected = self.expected.entry((peer, mode.channel())).or_default();
            if refused.contains(&peer) {
                expected.is_refused = true;
            } else {
                expected.accepted.push(number);
            }
        }
    }

    fn poll(&mut self) {
        while let Some(event) = self.mesh.poll() {
            match event {
                Event::BufferedAmountLow { peer, channel } => {
                    assert_eq!(channel, TransferMode::Reliable.channel());
                    if let Some(expected) = self.expected.get_mut(&(peer.get(), channel)) {
                        expected.is_refused = false;
                    }
                }
                Event::PeerDisconnected { peer, .. } => {
                    assert!(!self.links.contains_key(&peer.get()));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn check(&self) {
        for ((peer, channel), expected) in &self.expected {
            let log = self.mesh.backend().log(self.links[peer], *channel);
            let numbers: Vec<u32> = log.iter().map(|(number, _)| *number).collect();
            let buffered = self.mesh.buffered_amount(id(*peer), *channel);
            if *channel == TransferMode::Reliable.channel() {
                assert!(expected.accepted.starts_with(&numbers), "peer {peer}");
                assert!(buffered <= RELIABLE.bytes + LARGEST, "{buffered}");
                continue;
            }
            let mut accepted = expected.accepted.iter();
            let in_order = numbers
                .iter()
                .all(|number| accepted.any(|one| one == number));
            assert!(in_order, "peer {peer}: {numbers:?}");
            assert!(buffered <= UNRELIABLE.bytes + LARGEST, "{buffered}");
            for (number, at) in log {
                let age = *at - self.sent_at[usize::try_from(*number).unwrap()];
                assert!(age <= AGE, "{age:?}");
            }
        }
    }

    /// Everything has left, and the game has heard of it.
    fn settle(&mut self) {
        for _ in 0..20 {
            for link in self.links.values() {
                for mode in TransferMode::ALL {
                    let backend = self.mesh.backend_mut();
                    backend.leaves(*link, mode.channel(), usize::MAX);
                }
            }
            self.poll();
        }
        self.check();
        for ((peer, channel), expected) in &self.expected {
            let received = self.mesh.backend().log(self.links[peer], *channel).len() as u64;
            let info = self.mesh.peer(id(*peer)).unwrap();
            let dropped = info.channels[usize::from(channel.0)].messages_dropped;
            assert_eq!(
                expected.accepted.len() as u64,
                received + dropped,
                "peer {peer}, {channel:?}"
            );
            if *channel == TransferMode::Reliable.channel() {
                assert_eq!(dropped, 0);
                assert!(!expected.is_refused, "peer {peer} was never told of room");
            }
            assert_eq!(self.mesh.buffered_amount(id(*peer), *channel), 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn nothing_reliable_is_lost_and_nothing_unreliable_gets_old(
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.settle();
    }
}

//! Random legal histories, told to the mesh and to a naive reference: both must tell the game the same.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most events say nothing here"
)]

#[path = "model/history.rs"]
mod history;
#[path = "model/reference.rs"]
mod reference;

use std::collections::{BTreeMap, BTreeSet};

use mesh_core::{Capabilities, Command, Duration, Event, Mesh, MeshConfig, PeerId};
use proptest::prelude::*;

use crate::history::{History, Step};
use crate::reference::{Reference, Setup};

/// Who we are in every history; peers are 1 and 3 to 6.
const OWN: u32 = 2;

fn mesh(setup: Setup) -> Mesh {
    // As long as the histories let time pass at once.
    let config = MeshConfig {
        resume_window: Duration::from_secs(2),
        ..MeshConfig::default()
    };
    let mut mesh = Mesh::new(config, Capabilities::default());
    match setup {
        Setup::Mesh => mesh.create_mesh(peer(OWN), &[]),
        Setup::Compatible => mesh.initialize(peer(OWN), true),
        Setup::Client => mesh.create_client(peer(OWN), &[]),
    }
    .unwrap();
    mesh
}

fn setup() -> impl Strategy<Value = Setup> {
    prop_oneof![
        2 => Just(Setup::Mesh),
        2 => Just(Setup::Compatible),
        1 => Just(Setup::Client),
    ]
}

fn peer(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}

fn commands(mesh: &mut Mesh) -> Vec<Command> {
    std::iter::from_fn(|| mesh.poll_command()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_mesh_tells_what_the_reference_tells(
        setup in setup(),
        steps in proptest::collection::vec(history::step(), 1..120),
    ) {
        let mut mesh = mesh(setup);
        let mut reference = Reference::new(setup, mesh.config().clone());
        let mut history = History::default();
        for step in steps {
            if let Step::Listen = step {
                let heard: Vec<Event> = std::iter::from_fn(|| mesh.poll_event()).collect();
                prop_assert_eq!(heard, reference.listen());
            } else {
                history.tell(&step, &mut mesh, &mut reference);
                commands(&mut mesh);
            }
            prop_assert_eq!(mesh.connection_status(), reference.status());
        }
    }

    #[test]
    fn a_game_that_listens_now_and_then_hears_a_sound_story(
        setup in setup(),
        steps in proptest::collection::vec((history::step(), 0_usize..4), 1..200),
    ) {
        let mut mesh = mesh(setup);
        let mut reference = Reference::new(setup, mesh.config().clone());
        let mut history = History::default();
        let mut story = Story {
            needs_server: setup != Setup::Mesh,
            by_name: setup == Setup::Compatible,
            ..Story::default()
        };
        for (step, heard) in steps {
            // Force is silent, so the story must know by itself who is gone: one who has heard all knows.
            if let Step::Force(id) = step {
                for event in std::iter::from_fn(|| mesh.poll_event()) {
                    story.hear(event)?;
                }
                story.present.remove(&peer(id));
                if id == 1 && story.by_name {
                    story.again = story.present.keys().copied().collect();
                }
            }
            history.tell(&step, &mut mesh, &mut reference);
            commands(&mut mesh);
            for event in std::iter::from_fn(|| mesh.poll_event()).take(heard) {
                story.hear(event)?;
            }
        }
        for event in std::iter::from_fn(|| mesh.poll_event()) {
            story.hear(event)?;
        }
    }

    #[test]
    fn the_same_history_gives_the_same_trace(
        steps in proptest::collection::vec(history::step(), 1..120),
    ) {
        let trace = || {
            let mut mesh = mesh(Setup::Mesh);
            let mut reference = Reference::new(Setup::Mesh, mesh.config().clone());
            let mut history = History::default();
            let mut trace = String::new();
            for step in &steps {
                history.tell(step, &mut mesh, &mut reference);
                trace += &format!("{:?}", commands(&mut mesh));
                if let Step::Listen = step {
                    let heard: Vec<Event> = std::iter::from_fn(|| mesh.poll_event()).collect();
                    trace += &format!("{heard:?}");
                }
            }
            trace
        };
        prop_assert_eq!(trace(), trace());
    }
}

/// What a game has heard so far; knows what it must never hear next.
#[derive(Default)]
struct Story {
    needs_server: bool,
    by_name: bool,
    /// Connected peers, with the last number heard on each channel.
    present: BTreeMap<PeerId, BTreeMap<u16, u32>>,
    /// Those of them who are told again when the server is back.
    again: BTreeSet<PeerId>,
}

impl Story {
    fn hear(&mut self, event: Event) -> Result<(), TestCaseError> {
        match event {
            Event::PeerConnected(peer) => {
                let served = peer.is_server() || self.present.contains_key(&PeerId::SERVER);
                prop_assert!(served || !self.needs_server, "{} before the server", peer);
                let is_new = !self.present.contains_key(&peer);
                prop_assert!(self.again.remove(&peer) || is_new, "{} twice", peer);
                self.present.entry(peer).or_default();
            }
            Event::PeerDisconnected { peer, .. } => {
                prop_assert!(self.present.remove(&peer).is_some());
                self.again.remove(&peer);
            }
            Event::PeerFailed { peer, .. } => prop_assert!(!self.present.contains_key(&peer)),
            Event::Packet(packet) => {
                let channels = self.present.get_mut(&packet.from);
                prop_assert!(channels.is_some(), "a packet of a stranger");
                let number = reference::number(packet.payload.bytes());
                let last = channels.and_then(|c| c.insert(packet.channel.0, number));
                prop_assert!(last.is_none_or(|last| last < number), "out of order");
            }
            Event::PeerInterrupted(peer) | Event::PeerResumed(peer) => {
                prop_assert!(self.present.contains_key(&peer));
            }
            Event::ConnectionSucceeded => {
                prop_assert!(self.by_name);
                prop_assert!(self.present.contains_key(&PeerId::SERVER));
            }
            Event::ServerDisconnected => {
                prop_assert!(self.by_name);
                prop_assert!(!self.present.contains_key(&PeerId::SERVER));
                self.again = self.present.keys().copied().collect();
            }
            // Nothing that a story could contradict.
            _ => {}
        }
        Ok(())
    }
}

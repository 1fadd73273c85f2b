//! Two peers whose links break, heal and die in every phase of a replacement, which either of them may offer. Whatever happens, each
//! reliable message arrives once and in its order, each unreliable one once at most and over the link that it was sent for, and the game
//! hears of no end.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not expected fails"
)]

#[path = "resume_model/handshake.rs"]
mod handshake;
#[path = "resume_model/link.rs"]
mod link;
#[path = "resume_model/side.rs"]
mod side;
#[path = "resume_model/world.rs"]
mod world;

use std::time::Duration;

use mesh_core::{ConnectionState, LinkEvent};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::world::{Step, World};

fn step() -> impl Strategy<Value = Step> {
    let side = 0..2_usize;
    prop_oneof![
        8 => (side.clone(), 0..2_usize, 1..9_u8, any::<bool>())
            .prop_map(|(side, channel, count, is_large)| Step::Send { side, channel, count, is_large }),
        2 => (side.clone(), 0..120_u8).prop_map(|(side, kilobytes)| Step::Transfer { side, kilobytes }),
        1 => side.clone().prop_map(Step::Cancel),
        8 => (side.clone(), any::<u8>(), 1..30_u8)
            .prop_map(|(side, pick, count)| Step::Deliver { side, pick, count }),
        2 => any::<u8>().prop_map(Step::Break),
        1 => any::<u8>().prop_map(Step::Heal),
        1 => any::<u8>().prop_map(Step::Die),
        2 => (side.clone(), any::<u8>()).prop_map(|(side, pick)| Step::Notice { side, pick }),
        2 => (side.clone(), any::<u8>()).prop_map(|(side, pick)| Step::CloseChannels { side, pick }),
        4 => (side.clone(), 1..6_u8).prop_map(|(side, count)| Step::Unreliably { side, count }),
        1 => (side.clone(), any::<u8>()).prop_map(|(side, pick)| Step::Lose { side, pick }),
        4 => side.clone().prop_map(Step::Offer),
        4 => side.clone().prop_map(Step::Answer),
        4 => side.clone().prop_map(Step::Complete),
        1 => side.prop_map(Step::GiveUp),
        1 => (0..2000_u16).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn each_message_arrives_once_and_in_order(steps in vec(step(), 0..120)) {
        let mut world = World::new();
        for step in steps {
            world.carry_out(step);
        }
        world.recover();
    }
}

/// One side has gone on over the first replacement, which dies before the other has; the second one goes on from there.
#[test]
fn a_replacement_that_died_half_way_is_replaced_itself() {
    for first in 0..2 {
        let mut world = World::new();
        let send = |side| Step::Send {
            side,
            channel: 0,
            count: 5,
            is_large: false,
        };
        let steps = [
            send(0),
            send(1),
            Step::Break(0),
            Step::Notice { side: 0, pick: 0 },
            Step::Notice { side: 1, pick: 0 },
            Step::Offer(1),
            Step::Answer(0),
            Step::Complete(0),
            Step::Complete(1),
            // What one side says arrives, and nothing of the other.
            Step::Deliver {
                side: first,
                pick: 255,
                count: 30,
            },
            send(first),
            Step::Die(255),
        ];
        for step in steps {
            world.carry_out(step);
        }
        world.recover();
    }
}

/// Both sides offer before either hears of it: one of the two links goes on, whoever is faster.
#[test]
fn both_sides_may_offer_at_once() {
    for [first, second] in [[0, 1], [1, 0]] {
        let mut world = World::new();
        let steps = [
            Step::Break(0),
            Step::Notice { side: 0, pick: 0 },
            Step::Notice { side: 1, pick: 0 },
            Step::Offer(first),
            Step::Offer(second),
            Step::Answer(first),
            Step::Answer(second),
            Step::Complete(0),
            Step::Complete(1),
        ];
        for step in steps {
            world.carry_out(step);
        }
        assert_eq!(world.sides_that_go_on(), [true; 2], "{first} offers first");
        world.recover();
    }
}

/// A short cut heals by itself. A path that breaks again soon after it was back carries nothing in one direction as a rule, and does
/// not heal.
#[test]
fn a_path_that_breaks_again_soon_is_replaced_at_once() {
    for (back_for, patience) in [(4, 0), (6, 1)] {
        let mut world = World::new();
        for state in [ConnectionState::Disconnected, ConnectionState::Connected] {
            world.tell(1, 0, |link| LinkEvent::State { link, state });
        }
        world.now += Duration::from_secs(back_for);
        let state = ConnectionState::Disconnected;
        world.tell(1, 0, |link| LinkEvent::State { link, state });
        let side = &world.sides[1];
        let due = side.mesh.replacement_due(side.peer);
        let patience = Duration::from_secs(patience);
        assert_eq!(due, Some(world.now + patience), "back for {back_for} s");
    }
}

//! Random evenings in a lobby: members come, go, fall silent, remove each other, and their signals arrive late or twice.
//! Whoever is there and wanted by both ends connected, and nothing grows without bound.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most events say nothing here"
)]

#[path = "session_model/history.rs"]
mod history;
#[path = "session_model/lobby.rs"]
mod lobby;
#[path = "session_model/network.rs"]
mod network;
#[path = "session_model/player.rs"]
mod player;
#[path = "session_model/world.rs"]
mod world;

use proptest::prelude::*;

use crate::history::{History, Step, history};
use crate::world::World;

/// Plays a history, then lets all be well again and looks at the end.
fn play(history: &History) {
    let mut world = World::new(history.members);
    for step in &history.steps {
        world.carry_out(step);
    }
    world.recover();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, ..ProptestConfig::default() })]

    #[test]
    fn two_or_three_members_find_each_other_again(history in history(2..=3)) {
        play(&history);
    }

    #[test]
    fn four_to_eight_members_find_each_other_again(history in history(4..=8)) {
        play(&history);
    }
}

/// A failed connection stays for the resume window, and a double of a candidate may come that late.
#[test]
fn a_late_candidate_may_meet_a_failed_connection() {
    let steps = vec![
        Step::Quit(0),
        Step::Slow(16_000),
        Step::Double(true),
        Step::Restart(0),
        Step::Wait(11_000),
        Step::Cut(0, 1),
        Step::Wait(20_000),
    ];
    play(&History { members: 2, steps });
}

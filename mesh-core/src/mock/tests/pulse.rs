//! What a game is told of a far side that stands still, and of a path that is full.

use super::duo::{Duo, LINK, RELIABLE, numbered};
use crate::mock::Conditions;
use crate::{Backend, Duration};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_participant_that_is_suspended_is_stalled_and_not_interrupted() {
    let mut duo = Duo::connected(1);
    let states = duo.a.states().len();
    duo.network.suspend(duo.b.backend.id());
    duo.a.send(RELIABLE, numbered(7)).unwrap();
    duo.run(Duration::from_millis(1999));
    assert!(!duo.a.backend.stats(LINK).stalled);
    duo.run(Duration::from_millis(1));
    assert!(duo.a.backend.stats(LINK).stalled);
    assert!(!duo.b.backend.stats(LINK).stalled, "the other is there");
    duo.run(SECOND * 60);
    assert_eq!(duo.a.states().len(), states, "nobody is interrupted");
    assert_eq!(duo.b.numbers(RELIABLE), []);
    duo.network.wake(duo.b.backend.id());
    duo.run(SECOND);
    assert!(!duo.a.backend.stats(LINK).stalled);
    assert_eq!(duo.b.numbers(RELIABLE), [7]);
}

#[test]
fn one_that_is_suspended_and_cut_off_is_silent() {
    let mut duo = Duo::connected(1);
    duo.network.suspend(duo.b.backend.id());
    duo.partition();
    duo.run(SECOND * 4);
    assert!(!duo.a.backend.stats(LINK).stalled);
    let last = duo.a.states().last().copied();
    assert_eq!(last, Some(crate::ConnectionState::Disconnected));
}

#[test]
fn the_round_trip_has_the_wait_at_the_narrow_part() {
    let mut duo = Duo::connected(1);
    duo.network.set_conditions(Conditions {
        latency: Duration::from_millis(10),
        bandwidth: Some(10_000),
        ..Conditions::default()
    });
    let round_trip = |duo: &Duo| duo.a.backend.stats(LINK).round_trip;
    assert_eq!(round_trip(&duo), Some(Duration::from_millis(20)));
    duo.b.send(RELIABLE, alloc::vec![0; 500]).unwrap();
    duo.run(Duration::from_millis(10));
    assert_eq!(round_trip(&duo), Some(Duration::from_millis(60)));
    duo.run(SECOND);
    assert_eq!(round_trip(&duo), Some(Duration::from_millis(20)));
}

//! Leases of one instance, step by step.

use std::time::Duration;

use mesh_core::Instant;

use super::*;

const TERM: Duration = Duration::from_millis(1000);
const KEEP: Duration = Duration::from_millis(3000);
const KEYS: [&str; 2] = ["a", "b"];

fn at(millis: u64) -> Instant {
    Instant::from_micros(0) + Duration::from_millis(millis)
}

fn new_leases() -> Leases {
    Leases::new(TERM, KEEP)
}

#[test]
fn what_is_asked_for_is_not_given_up_before_the_second_sweep() {
    let mut leases = new_leases();
    let key = Key::lobby("a");
    leases.granted(at(0), key.clone(), 7, true, true);
    let sweep = |leases: &mut Leases, is_used: bool| {
        leases.sweep(at(1), |_| is_used);
        leases.gives(at(1))
    };
    assert_eq!(sweep(&mut leases, false), []);
    let expected = Holding::Valid {
        fence: 7,
        inherits: Some(at(0) + KEEP),
    };
    assert_eq!(leases.want(at(999), &key), expected);
    assert_eq!(sweep(&mut leases, false), []);
    assert_eq!(sweep(&mut leases, true), []);
    let idle = sweep(&mut leases, false);
    // Nobody has come back under it, so somebody may elsewhere.
    assert!(matches!(
        &idle[..],
        [Renewal {
            fence: 7,
            keeps_seats: true,
            ..
        }]
    ));
    assert_eq!(leases.want(at(999), &key), Holding::No);
}

#[test]
fn what_is_given_up_is_said_until_the_broker_has_heard_it() {
    let mut leases = new_leases();
    let key = Key::lobby("a");
    let give_up = |leases: &mut Leases, fence| {
        leases.granted(at(0), Key::lobby("a"), fence, false, false);
        leases.sweep(at(1), |_| false);
        leases.sweep(at(1), |_| false);
        leases.gives(at(1))
    };
    let first = give_up(&mut leases, 7);
    assert_eq!((first.len(), leases.gives(at(2))), (1, first.clone()));
    // It has it again under another number: the earlier word would mean nothing.
    leases.granted(at(3), key, 9, false, false);
    assert_eq!(leases.gives(at(3)), []);
    let second = give_up(&mut leases, 11);
    leases.gave(&first);
    assert_eq!(leases.gives(at(2)), second);
    leases.gave(&second);
    assert_eq!(leases.gives(at(2)), []);
    // One that the broker has forgotten by itself meanwhile needs no word.
    let third = give_up(&mut leases, 13);
    let gone = at(1) + TERM + KEEP;
    assert_eq!((third.len(), leases.gives(gone)), (1, Vec::new()));
}

#[test]
fn what_is_handed_over_is_said_at_once() {
    let mut leases = new_leases();
    let key = Key::lobby("a");
    leases.granted(at(0), key.clone(), 7, false, false);
    assert_eq!(
        leases.want(at(1), &key),
        Holding::Valid {
            fence: 7,
            inherits: None
        }
    );
    leases.hand_over(at(1), &key);
    assert_eq!(leases.want(at(1), &key), Holding::No);
    let gives = leases.gives(at(1));
    assert!(matches!(
        &gives[..],
        [Renewal {
            fence: 7,
            keeps_seats: false,
            ..
        }]
    ));
    // Where members of an earlier owner may still come, they may elsewhere.
    leases.granted(at(2), key.clone(), 9, true, true);
    leases.hand_over(at(2), &key);
    let gives = leases.gives(at(2));
    assert!(matches!(
        &gives[..],
        [Renewal {
            fence: 9,
            keeps_seats: true,
            ..
        }]
    ));
}

/// Whoever asks meanwhile, the name of a lobby is not kept for members whose tokens are no good any more.
#[test]
fn members_of_an_earlier_owner_are_waited_for_as_long_as_they_can_come() {
    let mut leases = new_leases();
    let key = Key::lobby("a");
    leases.granted(at(0), key.clone(), 7, true, true);
    let last = KEEP - Duration::from_millis(1);
    for (now, waits) in [(at(0) + last, true), (at(0) + KEEP, false)] {
        let Holding::Lapsed { inherits, .. } = leases.want(now, &key) else {
            panic!("it was not renewed");
        };
        assert_eq!(inherits.is_some(), waits);
        let renewals = leases.renewals(now, Round::All, |_| false);
        assert!(matches!(&renewals[..], [renewal] if renewal.keeps_seats == waits));
    }
    leases.hand_over(at(0) + KEEP, &key);
    let gives = leases.gives(at(0) + KEEP);
    assert!(matches!(&gives[..], [given] if !given.keeps_seats));
}

#[test]
fn an_answer_that_comes_after_the_end_gives_nothing() {
    let mut leases = new_leases();
    assert!(leases.granted(at(0), Key::lobby("a"), 7, false, true));
    assert!(!leases.is_closed());
    let freed = leases.close(at(1), |_| true);
    assert_eq!(freed.len(), 1);
    assert!(leases.is_closed());
    assert!(!leases.granted(at(0), Key::lobby("b"), 8, false, true));
    assert_eq!(leases.want(at(1), &Key::lobby("b")), Holding::No);
    assert!(leases.close(at(2), |_| true).is_empty());
}

#[test]
fn of_answers_that_overtake_each_other_the_latest_number_counts() {
    let mut leases = new_leases();
    let key = Key::lobby("a");
    for (fence, latest) in [(7, 7), (9, 9), (8, 9)] {
        leases.granted(at(0), key.clone(), fence, false, true);
        assert_eq!(leases.fence(&key), Some(latest));
    }
    // The broker has heard before that members may come back, and need not hear it again.
    leases.granted(at(0), key.clone(), 11, false, false);
    assert!(!leases.seated(&key, true));
}

/// Else the broker gives it to another instance, and there are two.
#[test]
fn a_late_answer_brings_nothing_back_that_was_given_up() {
    for is_heard in [false, true] {
        let mut leases = new_leases();
        let key = Key::lobby("a");
        leases.granted(at(0), key.clone(), 7, false, false);
        // It is asked for again, and the answer is late. A renewal brings the number sooner.
        let renewals = leases.renewals(at(500), Round::All, |_| false);
        leases.renewed(at(500), &renewals[0], 9, true);
        leases.sweep(at(600), |_| false);
        leases.sweep(at(700), |_| false);
        let gives = leases.gives(at(700));
        assert!(matches!(&gives[..], [Renewal { fence: 9, .. }]));
        if is_heard {
            leases.gave(&gives);
            assert_eq!(leases.gives(at(1699)), []);
        }
        leases.granted(at(699), key.clone(), 9, false, false);
        assert_eq!(leases.want(at(1699), &key), Holding::No);
        // The broker gives it again. Its clock may have been set back, so the number may be a lower one.
        leases.granted(at(1000), key.clone(), 8, false, false);
        assert_eq!(leases.fence(&key), Some(8));
        assert_eq!(leases.gives(at(1699)), []);
    }
}

#[test]
fn what_was_given_up_is_forgotten_when_no_late_answer_can_bring_it_back() {
    let mut leases = new_leases();
    leases.granted(at(0), Key::lobby("a"), 7, false, false);
    leases.hand_over(at(700), &Key::lobby("a"));
    let gives = leases.gives(at(700));
    leases.gave(&gives);
    for (now, count) in [(1699, 1), (1700, 0)] {
        leases.gives(at(now));
        assert_eq!(leases.given.len(), count);
    }
}

#[test]
fn an_answer_that_is_heard_twice_changes_nothing() {
    let mut leases = new_leases();
    let key = Key::lobby("a");
    leases.granted(at(0), key.clone(), 7, false, false);
    assert!(leases.seated(&key, true));
    leases.granted(at(0), key.clone(), 7, false, false);
    // The broker still has to hear that somebody may come back.
    assert_eq!(leases.renewals(at(1), Round::Early, |_| true).len(), 1);
}

#[test]
fn before_their_time_those_alone_are_renewed_that_have_news() {
    let mut leases = new_leases();
    for name in KEYS {
        leases.granted(at(0), Key::lobby(name), 7, false, false);
    }
    let early = |leases: &mut Leases| {
        let renewals = leases.renewals(at(1), Round::Early, |_| true);
        Vec::from_iter(renewals.into_iter().map(|renewal| renewal.key))
    };
    assert_eq!(early(&mut leases), []);
    assert!(leases.seated(&Key::lobby("b"), true));
    assert_eq!(early(&mut leases), [Key::lobby("b")]);
    assert_eq!(early(&mut leases), []);
    assert_eq!(leases.renewals(at(1), Round::All, |_| true).len(), 2);
}

#[test]
fn a_lease_lasts_from_when_it_was_asked_for() {
    let mut leases = new_leases();
    let key = Key::lobby("a");
    leases.granted(at(100), key.clone(), 7, false, false);
    assert!(matches!(leases.want(at(1099), &key), Holding::Valid { .. }));
    assert!(matches!(
        leases.want(at(1100), &key),
        Holding::Lapsed { .. }
    ));
    // A join that was on its way meanwhile makes nothing under it any more.
    assert!(leases.may_seat(at(1099), &key, 7, false));
    assert!(!leases.may_seat(at(1100), &key, 7, false));
    assert!(leases.may_seat(at(1100), &key, 7, true), "it stands");
    assert!(!leases.may_seat(at(1099), &key, 8, true), "not its number");
    let [renewal] = &leases.renewals(at(1), Round::All, |_| false)[..] else {
        panic!("one lease");
    };
    // A broker that has forgotten everything writes it down, and no more.
    leases.renewed(at(900), renewal, 7, false);
    assert!(matches!(
        leases.want(at(1100), &key),
        Holding::Lapsed { .. }
    ));
    leases.renewed(at(900), renewal, 9, true);
    assert!(matches!(
        leases.want(at(1899), &key),
        Holding::Valid { fence: 9, .. }
    ));
    // The broker is told once that somebody may come back.
    assert!(!leases.seated(&key, false));
    assert!(leases.seated(&key, true));
    assert!(!leases.seated(&key, true));
    assert!(!leases.lost(&key, 7), "that was an earlier number");
    assert!(leases.lost(&key, 9));
    assert_eq!(leases.want(at(1000), &key), Holding::No);
}

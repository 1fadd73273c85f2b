//! The queue of one channel, alone.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::SendLimits;

const LIMITS: ChannelLimits = ChannelLimits {
    bytes: 1000,
    age: Duration::from_millis(150),
    backend: SendLimits {
        high_water: 400,
        low_water: 100,
        age: Duration::MAX,
    },
    bulk: false,
};

fn at(millis: u64) -> Instant {
    Instant::from_micros(1 + millis * 1000)
}

fn message(bytes: usize, tag: u8) -> Payload {
    Payload::from(vec![tag; bytes])
}

fn tags(outbox: &mut Outbox, now: Instant) -> Vec<u8> {
    core::iter::from_fn(|| outbox.pop(now))
        .map(|waiting| waiting.payload.bytes()[0])
        .collect()
}

#[test]
fn a_reliable_channel_refuses_at_its_limit_and_owes_a_word() {
    let mut outbox = Outbox::new(TransferMode::Reliable, LIMITS);
    assert_eq!(outbox.keep(at(0), message(100, 0)), Ok(()));
    for tag in 1..3 {
        assert_eq!(outbox.push(at(0), message(100, tag)), Ok(()));
    }
    assert_eq!(outbox.push(at(0), message(100, 3)), Err(Full));
    assert_eq!(outbox.bytes(), 300);
    assert!(!outbox.take_low(), "the backend is full");
    outbox.low(at(0));
    assert!(!outbox.take_low(), "messages wait");
    assert_eq!(tags(&mut outbox, at(10_000)), [0, 1, 2], "none is too old");
    assert!(outbox.take_low());
    assert!(!outbox.take_low(), "once");
}

#[test]
fn a_reliable_channel_whose_limit_is_the_backends_keeps_nothing() {
    let limits = ChannelLimits {
        bytes: 400,
        ..LIMITS
    };
    let mut outbox = Outbox::new(TransferMode::Reliable, limits);
    assert_eq!(outbox.keep(at(0), message(1, 0)), Err(Full));
    assert!(!outbox.is_clear(), "the next is refused without asking");
    outbox.low(at(0));
    assert!(outbox.is_clear() && outbox.take_low());
}

#[test]
fn what_was_accepted_goes_back_to_its_place() {
    let mut outbox = Outbox::new(TransferMode::Reliable, LIMITS);
    for tag in 0..4 {
        outbox.push(at(0), message(100, tag)).unwrap();
    }
    let first = outbox.pop(at(0)).unwrap();
    outbox.put_back(at(0), first);
    assert!(outbox.pop(at(0)).is_none(), "blocked");
    outbox.low(at(0));
    assert_eq!(tags(&mut outbox, at(0)), [0, 1, 2, 3]);
}

#[test]
fn an_unreliable_channel_drops_the_oldest_beyond_its_bytes() {
    let mut outbox = Outbox::new(TransferMode::Unreliable, LIMITS);
    outbox.keep(at(0), message(100, 0)).unwrap();
    for tag in 1..6 {
        outbox.push(at(0), message(100, tag)).unwrap();
    }
    assert_eq!(outbox.dropped(), 3);
    assert_eq!(outbox.bytes(), 300);
    // Larger than the limit, and the newest all the same.
    outbox.push(at(0), message(5000, 6)).unwrap();
    assert_eq!(outbox.dropped(), 6);
    outbox.low(at(0));
    assert_eq!(tags(&mut outbox, at(0)), [6]);
    assert!(!outbox.take_low(), "nobody was refused");
}

#[test]
fn an_unreliable_channel_drops_what_is_too_old() {
    let mut outbox = Outbox::new(TransferMode::UnreliableOrdered, LIMITS);
    outbox.keep(at(0), message(10, 0)).unwrap();
    outbox.push(at(100), message(10, 1)).unwrap();
    outbox.push(at(200), message(10, 2)).unwrap();
    assert_eq!(outbox.dropped(), 1);
    outbox.low(at(0));
    assert_eq!(tags(&mut outbox, at(250)), [1, 2], "150 ms is not too old");
    assert_eq!(outbox.dropped(), 1);
}

#[test]
fn the_time_that_the_backend_takes_is_part_of_the_age() {
    let mut outbox = Outbox::new(TransferMode::Unreliable, LIMITS);
    outbox.keep(at(0), message(10, 0)).unwrap();
    outbox.push(at(20), message(10, 1)).unwrap();
    outbox.push(at(50), message(10, 2)).unwrap();
    outbox.low(at(90));
    // 70 ms and another 90 are too many; 40 and 90 are not.
    let next = outbox.pop(at(90)).unwrap();
    assert_eq!(next.payload.bytes()[0], 2);
    assert_eq!(outbox.dropped(), 2);
    outbox.put_back(at(90), next);
    outbox.low(at(200));
    assert_eq!(
        tags(&mut outbox, at(200)),
        [2],
        "the newest is better than none"
    );
}

#[test]
fn what_would_be_stale_is_dropped_and_counted() {
    for (mode, kept) in [(TransferMode::Reliable, 3), (TransferMode::Unreliable, 0)] {
        let mut outbox = Outbox::new(mode, LIMITS);
        outbox.keep(at(0), message(100, 0)).unwrap();
        outbox.push(at(0), message(100, 1)).unwrap();
        outbox.push(at(0), message(100, 2)).unwrap();
        outbox.drop_unreliable();
        outbox.low(at(0));
        assert_eq!(tags(&mut outbox, at(0)).len(), kept, "{mode:?}");
        assert_eq!(outbox.dropped(), 3 - kept as u64);
    }
}

#[test]
fn what_waits_for_another_link_has_all_the_room() {
    let mut outbox = Outbox::new(TransferMode::Reliable, LIMITS);
    outbox.keep(at(0), message(10, 2)).unwrap();
    outbox.hold();
    outbox.try_again();
    for tag in 3..5 {
        outbox.push(at(0), message(100, tag)).unwrap();
    }
    assert!(outbox.pop(at(0)).is_none() && !outbox.is_clear());
    outbox.go_on(at(9), 0, VecDeque::from([message(10, 0), message(10, 1)]));
    assert_eq!(tags(&mut outbox, at(9)), [0, 1, 2, 3, 4]);
    assert!(outbox.is_clear());
    // What was to be sent again may be there already.
    outbox.push(at(9), message(10, 5)).unwrap();
    outbox.push(at(9), message(10, 6)).unwrap();
    outbox.go_on(at(9), 1, VecDeque::new());
    assert_eq!((outbox.bytes(), tags(&mut outbox, at(9))), (10, vec![6]));
}

#[test]
fn it_is_ready_when_there_is_something_to_do() {
    let mut outbox = Outbox::new(TransferMode::Reliable, LIMITS);
    assert!(!outbox.is_ready(), "nothing waits");
    outbox.push(at(0), message(1, 0)).unwrap();
    assert!(outbox.is_ready());
    let first = outbox.pop(at(0)).unwrap();
    outbox.put_back(at(0), first);
    assert!(!outbox.is_ready(), "the backend is full");
    outbox.low(at(0));
    assert!(outbox.is_ready());
    assert_eq!(tags(&mut outbox, at(0)), [0]);
    assert!(outbox.is_ready(), "the game is to be told of the room");
    assert!(outbox.take_low() && !outbox.is_ready());
    outbox.push(at(0), message(1, 1)).unwrap();
    outbox.hold();
    assert!(!outbox.is_ready(), "nobody takes anything");
}

#[test]
fn the_limit_itself_is_allowed() {
    let whole = LIMITS.bytes - OVERHEAD;
    for (bytes, taken) in [(whole, Ok(())), (whole + 1, Err(Full))] {
        let mut outbox = Outbox::new(TransferMode::Reliable, LIMITS);
        assert_eq!(outbox.push(at(0), message(bytes, 0)), taken);
    }
}

#[test]
fn what_is_taken_out_or_forgotten_takes_no_room() {
    for (mode, kept) in [(TransferMode::Reliable, 2), (TransferMode::Unreliable, 0)] {
        let mut outbox = Outbox::new(mode, LIMITS);
        for tag in 0..2 {
            outbox.push(at(0), message(100, tag)).unwrap();
        }
        assert_eq!(outbox.take_rest().count(), kept, "{mode:?}");
        assert!(outbox.is_empty() && outbox.bytes() == 0);
        outbox.push(at(0), message(100, 2)).unwrap();
        assert!(!outbox.is_empty());
        outbox.clear();
        assert!(outbox.is_empty() && outbox.bytes() == 0);
    }
}

#[test]
fn what_a_former_outbox_has_dropped_is_counted_with_what_it_holds() {
    let mut former = Outbox::new(TransferMode::Unreliable, LIMITS);
    former.push(at(0), message(1, 0)).unwrap();
    former.drop_unreliable();
    for tag in 1..3 {
        former.push(at(0), message(1, tag)).unwrap();
    }
    let mut outbox = Outbox::new(TransferMode::Unreliable, LIMITS);
    outbox.add_dropped(&former);
    assert_eq!(outbox.dropped(), 3);
}

#[test]
fn a_flood_of_empty_messages_is_bounded() {
    for mode in TransferMode::ALL {
        let mut outbox = Outbox::new(mode, LIMITS);
        let _ = outbox.keep(at(0), message(0, 0));
        for _ in 0..1000 {
            let _ = outbox.push(at(0), message(0, 0));
        }
        outbox.low(at(0));
        let kept = core::iter::from_fn(|| outbox.pop(at(0))).count();
        assert_eq!(kept, 600 / OVERHEAD, "{mode:?}");
    }
}

#[test]
fn a_backend_that_was_full_may_be_asked_again() {
    let mut outbox = Outbox::new(TransferMode::Reliable, LIMITS);
    outbox.keep(at(0), message(1, 7)).unwrap();
    outbox.try_again();
    assert_eq!(tags(&mut outbox, at(0)), [7]);
}

//! What becomes of messages on their way, and of the room that they take.

use super::*;
use crate::Command;

/// Connected, and each message of `a` and to it takes so much longer.
fn delayed(latency: Duration) -> Pair {
    let mut pair = connected();
    pair.a.backend.set_disturbance(Disturbance {
        latency,
        ..Disturbance::default()
    });
    pair
}

/// Has `a` send one message on each channel.
fn send_on_all(pair: &mut Pair) {
    for channel in CHANNELS {
        pair.a.send(channel, numbered(1)).unwrap();
    }
}

/// How many messages `b` has got on each channel.
fn arrived(pair: &Pair) -> [usize; 3] {
    CHANNELS.map(|channel| pair.b.messages(channel).len())
}

#[test]
fn an_unreliable_message_that_is_due_during_a_cut_is_lost() {
    let mut pair = delayed(SECOND);
    send_on_all(&mut pair);
    for channel in CHANNELS {
        pair.b.send(channel, numbered(1)).unwrap();
    }
    pair.run(Duration::from_millis(10));
    pair.a.backend.cut();
    pair.run(SECOND * 2);
    pair.a.backend.heal();
    pair.run(SECOND);
    for peer in [&pair.a, &pair.b] {
        let arrived = CHANNELS.map(|channel| peer.messages(channel).len());
        assert_eq!(arrived, [1, 0, 0]);
    }
}

#[test]
fn a_message_does_not_overtake_one_that_was_disturbed() {
    let mut pair = delayed(SECOND);
    pair.a.send(RELIABLE, numbered(0)).unwrap();
    pair.a.backend.set_disturbance(Disturbance::default());
    pair.a.send(RELIABLE, numbered(1)).unwrap();
    pair.run(SECOND * 2);
    assert_eq!(pair.b.numbers(RELIABLE), [0, 1]);
}

#[test]
fn an_undisturbed_message_is_refused_as_by_the_backend_inside() {
    let mut pair = connected();
    pair.a.polls = false;
    pair.b.close(Duration::ZERO);
    pair.run(SECOND);
    assert_eq!(
        pair.a.send(RELIABLE, "late"),
        Err(BackendSendError::NotOpen)
    );
}

#[test]
fn room_is_reported_once_when_what_is_on_its_way_falls_to_the_mark() {
    // Four of these are the low-water mark.
    let quarter = SendLimits::default().low_mark() / 4;
    for (count, expected) in [(4, [0, 0, 0]), (5, [0, 1, 1])] {
        let mut pair = delayed(SECOND);
        for number in 0..5 {
            if number < count {
                pair.a.send(RELIABLE, vec![0; quarter]).unwrap();
            }
            pair.run(Duration::from_millis(10));
        }
        // The first has left, the second, and all.
        let reported = [955, 10, 1000].map(|span| {
            pair.run(Duration::from_millis(span));
            let is_low = |event: &&LinkEvent| matches!(event, LinkEvent::BufferedAmountLow { .. });
            pair.a.seen.iter().filter(is_low).count()
        });
        assert_eq!(reported, expected, "{count} messages");
    }
}

#[test]
fn an_unreliable_channel_loses_what_is_more_than_a_mebibyte() {
    let mut pair = delayed(SECOND);
    for _ in 0..66 {
        pair.a.send(UNRELIABLE, vec![0; 16 * 1024]).unwrap();
        pair.run(Duration::from_millis(1));
    }
    pair.run(SECOND * 2);
    assert_eq!(arrived(&pair), [0, 0, 64]);
}

#[test]
fn a_channel_that_is_closed_hands_over_its_own_messages_alone() {
    let mut pair = delayed(SECOND);
    send_on_all(&mut pair);
    let (link, channel) = (LINK, RELIABLE);
    let close = Command::CloseChannel { link, channel };
    pair.a.backend.execute(close);
    pair.run(Duration::from_millis(100));
    assert_eq!(arrived(&pair), [1, 0, 0]);
    pair.run(SECOND);
    assert_eq!(arrived(&pair), [1, 1, 1]);
}

#[test]
fn a_channel_that_is_abandoned_forgets_its_own_messages_alone() {
    let mut pair = delayed(SECOND);
    send_on_all(&mut pair);
    let (link, channel) = (LINK, RELIABLE);
    pair.a.backend.execute(Command::Abandon { link, channel });
    assert_eq!(pair.a.backend.buffered_amount(link, channel), 0);
    assert_eq!(
        pair.a.send(RELIABLE, "late"),
        Err(BackendSendError::NotOpen)
    );
    pair.run(SECOND * 2);
    assert_eq!(arrived(&pair), [0, 1, 1]);
}

#[test]
fn who_closes_hears_of_the_end_at_once_and_not_of_what_still_comes() {
    let mut pair = delayed(SECOND * 5);
    pair.b.send(RELIABLE, numbered(1)).unwrap();
    pair.run(Duration::from_millis(10));
    pair.a.close(Duration::ZERO);
    pair.run(SECOND);
    assert_eq!(pair.a.closed(), Some(&CloseReason::Local));
    pair.run(SECOND * 5);
    assert!(pair.a.messages(RELIABLE).is_empty());
}

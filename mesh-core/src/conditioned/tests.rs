//! A disturbed connection over the mock, which disturbs nothing itself.

mod plain;
mod travel;

use alloc::vec;
use alloc::vec::Vec;

use super::{Conditioned, Disturbance};
use crate::mock::tests::duo::{Duo, LINK, ORDERED, RELIABLE, UNRELIABLE, numbered};
use crate::mock::{MockBackend, Network};
use crate::{
    Backend, BackendSendError, ChannelIndex, CloseReason, ConnectionState, Duration, LinkConfig,
    LinkEvent, Reliability, SendLimits,
};

const SECOND: Duration = Duration::from_secs(1);
const CHANNELS: [ChannelIndex; 3] = [RELIABLE, ORDERED, UNRELIABLE];

type Pair = Duo<Conditioned<MockBackend>>;

/// Two backends, of which `a` will be disturbed, with an open link whose inbox holds so many bytes.
fn pair(inbox_bytes: usize) -> Pair {
    let network = Network::new(1);
    let [a, b] = [1, 2].map(|seed| Conditioned::new(network.backend(), seed));
    let mut pair = Duo::of(network, a, b);
    for peer in [&mut pair.a, &mut pair.b] {
        peer.open(LinkConfig::default(), inbox_bytes);
        peer.create_channels(Reliability::Retransmits(0), SendLimits::default());
    }
    pair
}

fn connected() -> Pair {
    let mut pair = pair(16 << 20);
    pair.a.offer();
    pair.run(SECOND);
    assert_eq!((pair.a.opened().len(), pair.b.opened().len()), (3, 3));
    pair
}

/// Sends numbered messages 1 ms apart on every channel, both ways, and waits for the last.
fn talk(pair: &mut Pair, count: u32) {
    for number in 0..count {
        for channel in CHANNELS {
            for peer in [&mut pair.a, &mut pair.b] {
                peer.send(channel, numbered(number)).unwrap();
            }
        }
        pair.run(Duration::from_millis(1));
    }
    pair.run(SECOND * 10);
}

fn disturbed(disturbance: Disturbance) -> Pair {
    let mut pair = connected();
    pair.a.backend.set_disturbance(disturbance);
    talk(&mut pair, 1000);
    pair
}

fn all() -> Vec<u32> {
    (0..1000).collect()
}

#[test]
fn by_default_nothing_changes() {
    let pair = disturbed(Disturbance::default());
    let mut plain = Duo::connected(1);
    for number in 0..1000 {
        for channel in CHANNELS {
            for peer in [&mut plain.a, &mut plain.b] {
                peer.send(channel, numbered(number)).unwrap();
            }
        }
        plain.run(Duration::from_millis(1));
    }
    plain.run(SECOND * 10);
    assert_eq!(pair.a.seen, plain.a.seen);
    assert_eq!(pair.b.seen, plain.b.seen);
}

#[test]
fn each_direction_takes_the_latency() {
    let mut pair = connected();
    pair.a.backend.set_disturbance(Disturbance {
        latency: Duration::from_millis(100),
        ..Disturbance::default()
    });
    for there in [true, false] {
        let before = pair.network.now();
        let (from, to) = if there {
            (&mut pair.a, &mut pair.b)
        } else {
            (&mut pair.b, &mut pair.a)
        };
        for channel in CHANNELS {
            from.send(channel, "x").unwrap();
        }
        assert_eq!(from.backend.buffered_amount(LINK, RELIABLE), 1);
        while CHANNELS
            .iter()
            .any(|channel| to.messages(*channel).is_empty())
        {
            assert!(pair.network.step());
            from.drain();
            to.drain();
        }
        // That of the mock is a millisecond.
        assert_eq!(pair.network.now() - before, Duration::from_millis(101));
    }
}

#[test]
fn loss_spares_the_reliable_channel_alone() {
    let pair = disturbed(Disturbance {
        loss: 0.3,
        ..Disturbance::default()
    });
    for peer in [&pair.a, &pair.b] {
        assert_eq!(peer.numbers(RELIABLE), all());
        for channel in [ORDERED, UNRELIABLE] {
            let arrived = peer.numbers(channel);
            assert!((640..760).contains(&arrived.len()), "{}", arrived.len());
            assert!(arrived.is_sorted());
        }
    }
}

#[test]
fn jitter_reorders_the_unordered_channel_alone() {
    let pair = disturbed(Disturbance {
        jitter: Duration::from_millis(20),
        ..Disturbance::default()
    });
    for peer in [&pair.a, &pair.b] {
        assert_eq!(peer.numbers(RELIABLE), all());
        assert_eq!(peer.numbers(ORDERED), all());
        let mut unreliable = peer.numbers(UNRELIABLE);
        assert!(!unreliable.is_sorted());
        unreliable.sort_unstable();
        assert_eq!(unreliable, all());
    }
}

#[test]
fn the_same_seed_loses_the_same_messages() {
    let bad = Disturbance {
        latency: Duration::from_millis(30),
        jitter: Duration::from_millis(30),
        loss: 0.2,
    };
    let (first, second) = (disturbed(bad), disturbed(bad));
    assert_eq!(first.a.seen, second.a.seen);
    assert_eq!(first.b.seen, second.b.seen);
}

#[test]
fn a_cut_interrupts_both_directions_and_loses_unreliable_messages_alone() {
    let mut pair = connected();
    pair.a.backend.cut();
    assert!(pair.a.backend.is_cut());
    talk(&mut pair, 1000);
    for peer in [&pair.a, &pair.b] {
        assert!(
            CHANNELS
                .iter()
                .all(|channel| peer.messages(*channel).is_empty())
        );
    }
    assert!(pair.a.backend.buffered_amount(LINK, RELIABLE) >= 4000);
    let interrupted = [ConnectionState::Disconnected];
    assert_eq!(pair.a.states()[2..], interrupted);
    pair.a.backend.heal();
    pair.run(SECOND);
    for peer in [&pair.a, &pair.b] {
        assert_eq!(peer.numbers(RELIABLE), all());
        assert!(peer.messages(UNRELIABLE).is_empty() && peer.messages(ORDERED).is_empty());
    }
    assert_eq!(pair.a.states()[3..], [ConnectionState::Connected]);
    assert_eq!(
        pair.b.states().len(),
        2,
        "the far side's backend is not cut"
    );
}

#[test]
fn a_cut_for_a_span_is_noticed_after_two_seconds_and_heals_by_itself() {
    let mut pair = connected();
    let before = pair.network.now();
    pair.a.backend.cut_for(SECOND * 5);
    for (states, span) in [(3, 2), (4, 5)] {
        while pair.a.states().len() < states {
            assert!(pair.network.step(), "an alarm of its own wakes it");
            pair.a.drain();
        }
        assert_eq!(pair.network.now() - before, SECOND * span);
    }
    assert!(!pair.a.backend.is_cut());
    pair.a.backend.cut_for(SECOND);
    pair.run(SECOND * 5);
    assert_eq!(pair.a.states().len(), 4, "a short cut is not noticed");
}

#[test]
fn a_link_that_is_set_up_during_a_cut_connects_afterwards() {
    let mut pair = pair(16 << 20);
    pair.a.backend.cut();
    pair.a.offer();
    pair.run(SECOND * 4);
    assert_eq!(pair.a.states(), [ConnectionState::Connecting]);
    assert_eq!(pair.a.opened(), []);
    pair.b.send(RELIABLE, "early").unwrap();
    pair.run(SECOND);
    pair.a.backend.heal();
    pair.run(SECOND);
    assert_eq!(pair.a.states()[1..], [ConnectionState::Connected]);
    assert_eq!(pair.a.opened().len(), 3);
    assert_eq!(pair.a.messages(RELIABLE).len(), 1);
}

#[test]
fn what_is_delayed_is_bounded_and_room_is_reported() {
    let mut pair = connected();
    pair.a.backend.cut();
    let mut accepted = 0;
    while pair.a.send(RELIABLE, vec![0; 10_000]).is_ok() {
        accepted += 1;
    }
    let full = Err(BackendSendError::Full);
    assert_eq!(pair.a.send(RELIABLE, vec![0; 10_000]), full);
    assert!((100..110).contains(&accepted), "{accepted} times 10 kB");
    let low = LinkEvent::BufferedAmountLow {
        link: LINK,
        channel: RELIABLE,
    };
    pair.run(SECOND);
    assert!(!pair.a.seen.contains(&low));
    pair.a.backend.heal();
    pair.run(SECOND);
    assert!(pair.a.seen.contains(&low));
    assert_eq!(pair.b.messages(RELIABLE).len(), accepted);
}

#[test]
fn more_than_the_inbox_holds_ends_a_reliable_link_and_drops_unreliable_messages() {
    let slow = Disturbance {
        latency: SECOND * 5,
        ..Disturbance::default()
    };
    for (channel, reason) in [(UNRELIABLE, None), (RELIABLE, Some(CloseReason::InboxFull))] {
        // Room for 93, each of which counts 64 bytes more than it has.
        let mut pair = pair(93 * (1000 + 64));
        pair.a.offer();
        pair.run(SECOND);
        pair.a.backend.set_disturbance(slow);
        let mut sent = 0;
        while sent < 200 && pair.b.send(channel, vec![0; 1000]).is_ok() {
            sent += 1;
            pair.run(Duration::from_millis(1));
        }
        pair.run(SECOND * 6);
        assert_eq!(pair.a.closed(), reason.as_ref());
        let far_end = reason.is_some().then_some(&CloseReason::Remote);
        assert_eq!(pair.b.closed(), far_end);
        let arrived = pair.a.messages(channel).len();
        assert_eq!(arrived, if reason.is_some() { 0 } else { 93 });
    }
}

#[test]
fn a_close_is_preceded_by_what_was_sent_before() {
    let mut pair = connected();
    pair.a.backend.set_disturbance(Disturbance {
        latency: Duration::from_millis(300),
        ..Disturbance::default()
    });
    for number in 0..10 {
        for peer in [&mut pair.a, &mut pair.b] {
            peer.send(RELIABLE, numbered(number)).unwrap();
        }
    }
    pair.run(Duration::from_millis(100));
    pair.b.close(SECOND);
    pair.run(SECOND);
    assert_eq!(pair.a.numbers(RELIABLE).len(), 10);
    assert_eq!(pair.a.closed(), Some(&CloseReason::Remote));
    assert_eq!(pair.a.closed_channels(), 3);
    assert!(matches!(pair.a.seen.last(), Some(LinkEvent::Closed { .. })));

    let mut pair = connected();
    pair.a.backend.set_disturbance(Disturbance {
        latency: Duration::from_millis(300),
        ..Disturbance::default()
    });
    pair.a.send(RELIABLE, "last words").unwrap();
    pair.a.close(SECOND);
    assert_eq!(
        pair.a.send(RELIABLE, "late"),
        Err(BackendSendError::NotOpen)
    );
    pair.run(SECOND);
    assert_eq!(pair.b.messages(RELIABLE).len(), 1);
    assert_eq!(pair.a.closed(), Some(&CloseReason::Local));
    assert_eq!(pair.network.usage(), Default::default());
}

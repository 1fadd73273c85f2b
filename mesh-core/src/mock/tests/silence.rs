//! Far sides that do not answer: partitions, kills, missing routes.

use alloc::vec;

use super::duo::{Duo, LINK, ORDERED, Peer, RELIABLE, UNRELIABLE, numbered};
use crate::mock::{Conditions, MockConfig};
use crate::{
    Backend as _, BackendSendError, CloseReason, Command, ConnectFailure, ConnectionState,
    Duration, Goodbye, IceTransportPolicy, LinkConfig, LinkEvent, Reliability, SendLimits,
};

const SECOND: Duration = Duration::from_secs(1);
const UP: [ConnectionState; 2] = [ConnectionState::Connecting, ConnectionState::Connected];

#[test]
fn a_short_partition_delays_reliable_messages_and_loses_others() {
    let mut duo = Duo::connected(1);
    duo.a.send(RELIABLE, numbered(0)).unwrap();
    duo.network.step();
    duo.partition();
    for number in 1..10 {
        duo.a.send(RELIABLE, numbered(number)).unwrap();
        duo.a.send(UNRELIABLE, numbered(number)).unwrap();
        duo.run(Duration::from_millis(100));
    }
    assert_eq!(duo.b.numbers(RELIABLE), []);
    duo.network.heal();
    duo.a.send(RELIABLE, numbered(10)).unwrap();
    duo.run(SECOND);
    assert_eq!(duo.b.numbers(RELIABLE), (0..11).collect::<vec::Vec<_>>());
    assert_eq!(duo.b.numbers(UNRELIABLE), []);
    assert_eq!(duo.a.states(), UP, "nobody noticed");
    assert_eq!(duo.network.usage().scheduled, 0);
}

#[test]
fn a_longer_partition_is_noticed_and_got_over() {
    let mut duo = Duo::connected(1);
    duo.partition();
    duo.a.send(RELIABLE, numbered(1)).unwrap();
    duo.run(SECOND * 4);
    duo.network.heal();
    duo.run(SECOND);
    for peer in [&duo.a, &duo.b] {
        assert_eq!(
            peer.states()[2..],
            [ConnectionState::Disconnected, ConnectionState::Connected]
        );
    }
    assert_eq!(duo.b.numbers(RELIABLE), [1]);
    duo.run(SECOND * 10);
    assert_eq!(duo.a.states().len(), 4, "the timeout was called off");
}

#[test]
fn a_partition_without_end_fails_the_link_at_its_time() {
    let mut duo = Duo::connected(1);
    duo.partition();
    duo.run(Duration::from_millis(1999));
    assert_eq!(duo.b.states(), UP);
    duo.run(Duration::from_millis(1));
    assert_eq!(duo.b.states()[2..], [ConnectionState::Disconnected]);
    duo.run(Duration::from_millis(2999));
    assert_eq!(duo.b.states().len(), 3);
    duo.run(Duration::from_millis(1));
    assert_eq!(duo.b.states()[3..], [ConnectionState::Failed]);
    // The core decides what is given up.
    duo.network.heal();
    duo.run(SECOND * 10);
    assert_eq!(duo.b.states()[4..], [ConnectionState::Connected]);
}

#[test]
fn a_flapping_path_is_timed_from_its_last_failure() {
    let mut duo = Duo::connected(1);
    for _ in 0..10 {
        duo.partition();
        duo.run(Duration::from_millis(1500));
        duo.network.heal();
        duo.run(Duration::from_millis(10));
    }
    assert_eq!(duo.a.states(), UP);
}

#[test]
fn a_dead_path_bounds_what_is_buffered() {
    let mut duo = Duo::connected(1);
    duo.partition();
    let mut accepted = 0_usize;
    for _ in 0..100 {
        while duo.a.send(RELIABLE, vec![0; 10_000]).is_ok() {
            accepted += 10_000;
        }
        duo.run(Duration::from_millis(10));
    }
    assert_eq!(accepted, 1_040_000, "what fits into 1 MiB");
    assert_eq!(
        duo.a.send(RELIABLE, vec![0; 10_000]),
        Err(BackendSendError::Full)
    );
    duo.a.send(UNRELIABLE, "lost at once").unwrap();
}

#[test]
fn a_partition_during_the_handshake_only_delays_it() {
    // Cut at every step of the handshake, heal after a second.
    for steps in 0..40 {
        let mut duo = Duo::new(1);
        duo.a.offer();
        for _ in 0..steps {
            duo.a.drain();
            duo.b.drain();
            duo.run(Duration::from_micros(500));
        }
        duo.partition();
        duo.run(SECOND);
        duo.network.heal();
        duo.run(SECOND);
        assert_eq!(
            (duo.a.opened().len(), duo.b.opened().len()),
            (3, 3),
            "cut after {steps} steps"
        );
        duo.a.send(RELIABLE, "there").unwrap();
        duo.b.send(RELIABLE, "back").unwrap();
        duo.run(SECOND);
        assert_eq!(duo.a.messages(RELIABLE).len(), 1);
        assert_eq!(duo.b.messages(RELIABLE).len(), 1);
    }
}

#[test]
fn without_candidates_there_is_no_route() {
    let mut duo = Duo::new(1);
    duo.carries_candidates = false;
    duo.a.offer();
    duo.run(Duration::from_millis(4999));
    assert_eq!(duo.b.states(), [ConnectionState::Connecting]);
    duo.run(Duration::from_millis(10));
    assert_eq!(duo.b.states()[1..], [ConnectionState::Failed]);
    assert_eq!(duo.a.states()[1..], [ConnectionState::Failed]);
}

#[test]
fn a_killed_process_says_nothing() {
    let mut duo = Duo::connected(1);
    duo.a.send(RELIABLE, "on its way").unwrap();
    duo.network.step();
    duo.network.kill(duo.a.backend.id());
    duo.run(SECOND * 6);
    assert_eq!(duo.b.messages(RELIABLE).len(), 1);
    assert_eq!(
        duo.b.states()[2..],
        [ConnectionState::Disconnected, ConnectionState::Failed]
    );
    assert_eq!(duo.b.closed_channels(), 0);
    assert_eq!(duo.a.send(RELIABLE, "x"), Err(BackendSendError::NotOpen));
    duo.b.close(Duration::ZERO);
    duo.run(SECOND);
    assert_eq!(duo.network.usage(), Default::default());
}

#[test]
fn the_times_are_each_backends_own() {
    let mut duo = Duo::bare(1);
    let patient = MockConfig {
        ice_disconnected: SECOND * 5,
        ice_failed: SECOND * 25,
        ..MockConfig::default()
    };
    duo.b = Peer::new(duo.network.backend_with(patient));
    for peer in [&mut duo.a, &mut duo.b] {
        peer.open(LinkConfig::default(), 1 << 20);
        peer.create_channels(Reliability::Retransmits(0), SendLimits::default());
    }
    duo.connect();
    duo.partition();
    duo.run(SECOND * 29);
    assert_eq!(duo.a.states()[2..].len(), 2);
    assert_eq!(duo.b.states()[2..], [ConnectionState::Disconnected]);
    duo.run(SECOND);
    assert_eq!(duo.b.states()[3..], [ConnectionState::Failed]);
}

#[test]
fn total_loss_is_silence() {
    let mut duo = Duo::connected(1);
    duo.network.set_conditions(Conditions {
        loss: 1.0,
        ..Conditions::default()
    });
    duo.run(SECOND * 3);
    for peer in [&duo.a, &duo.b] {
        assert_eq!(peer.states()[2..], [ConnectionState::Disconnected]);
    }
}

#[test]
fn a_lost_goodbye_leaves_the_timeouts() {
    let mut duo = Duo::connected(1);
    duo.partition();
    duo.a.close(Duration::ZERO);
    duo.network.heal();
    duo.run(SECOND * 6);
    assert_eq!(duo.a.closed(), Some(&CloseReason::Local));
    assert_eq!(duo.b.closed(), None);
    assert_eq!(duo.b.states()[3..], [ConnectionState::Failed]);
}

#[test]
fn a_goodbye_with_a_word_is_said_until_it_is_heard() {
    let goodbye = Goodbye::Kicked("idle".into());
    let heard_after = |outage| {
        let mut duo = Duo::connected(1);
        duo.partition();
        let link = LINK;
        let goodbye = goodbye.clone();
        duo.a.backend.execute(Command::Goodbye { link, goodbye });
        duo.a.close(Duration::ZERO);
        duo.run(outage);
        duo.network.heal();
        duo.run(SECOND);
        let heard = duo.b.seen.iter().find_map(|event| {
            let LinkEvent::Goodbye { goodbye, .. } = event else {
                return None;
            };
            Some(goodbye.clone())
        });
        (heard, duo.b.closed().cloned())
    };
    let heard = (Some(goodbye.clone()), Some(CloseReason::Remote));
    assert_eq!(heard_after(SECOND), heard);
    assert_eq!(heard_after(SECOND * 2), (None, None));
}

#[test]
fn two_that_cannot_reach_each_other_have_no_route() {
    let mut duo = Duo::new(1);
    duo.partition();
    duo.a.offer();
    duo.run(SECOND * 6);
    for peer in [&duo.a, &duo.b] {
        assert_eq!(
            peer.states(),
            [ConnectionState::Connecting, ConnectionState::Failed]
        );
    }
}

#[test]
fn a_relay_that_is_demanded_is_missed_as_soon_as_gathering_ends() {
    let relay_only = LinkConfig {
        ice_transport_policy: IceTransportPolicy::Relay,
        ..LinkConfig::default()
    };
    let mut duo = Duo::bare(1);
    duo.a.open(relay_only, 1 << 20);
    duo.a
        .create_channels(Reliability::Retransmits(0), SendLimits::default());
    duo.a.offer();
    duo.run(SECOND);
    assert!(matches!(
        duo.a.closed(),
        Some(CloseReason::Failed(ConnectFailure::NoRelay { .. }))
    ));
    let is_gathered = |event: &LinkEvent| matches!(event, LinkEvent::Gathered { .. });
    assert!(duo.a.seen.iter().any(is_gathered));
}

#[test]
fn an_application_that_does_not_poll_loses_the_oldest_unreliable_messages() {
    let mut duo = Duo::connected(1);
    duo.b.polls = false;
    for number in 0..100_000 {
        duo.a.send(UNRELIABLE, numbered(number)).unwrap();
        if number % 100 == 0 {
            duo.run(Duration::from_millis(1));
        }
    }
    duo.run(SECOND);
    duo.b.polls = true;
    duo.run(SECOND);
    assert_eq!(duo.b.numbers(UNRELIABLE).last(), Some(&99_999));
    assert_eq!(duo.b.closed(), None);
}

fn flood(channel: crate::ChannelIndex) -> Duo {
    let mut duo = Duo::bare(1);
    for peer in [&mut duo.a, &mut duo.b] {
        peer.open(LinkConfig::default(), 100_000);
        peer.create_channels(Reliability::Retransmits(0), SendLimits::default());
    }
    duo.connect();
    duo.b.polls = false;
    for _ in 0..200 {
        duo.a.send(channel, vec![0; 1000]).unwrap();
    }
    duo.run(SECOND);
    duo.b.polls = true;
    duo.run(SECOND);
    duo
}

#[test]
fn a_full_inbox_drops_and_counts_unreliable_messages() {
    for channel in [ORDERED, UNRELIABLE] {
        let duo = flood(channel);
        let kept = duo.b.messages(channel).len();
        let dropped = duo.b.seen.iter().find_map(|event| {
            let LinkEvent::InboxDropped { messages, .. } = event else {
                return None;
            };
            usize::try_from(*messages).ok()
        });
        assert_eq!(kept + dropped.unwrap(), 200);
        assert!((90..100).contains(&kept), "{kept}");
        assert_eq!(duo.b.closed(), None);
    }
}

#[test]
fn a_full_inbox_ends_a_reliable_link() {
    let duo = flood(RELIABLE);
    assert_eq!(duo.b.closed(), Some(&CloseReason::InboxFull));
    assert_eq!(duo.a.closed(), Some(&CloseReason::Remote));
    assert_eq!(duo.a.closed_channels(), 3);
    assert_eq!(duo.network.usage(), Default::default());
}

//! Loss, delay, reordering and bandwidth, as each kind of channel sees them.

use alloc::format;
use alloc::vec::Vec;

use super::duo::{Duo, LINK, ORDERED, RELIABLE, UNRELIABLE, numbered};
use crate::mock::Conditions;
use crate::platform::batch;
use crate::{
    Backend, BackendSendError, ChannelIndex, Command, Duration, LinkConfig, LinkEvent, Payload,
    Reliability, SendLimits,
};

const COUNT: u32 = 1000;

/// Connects, sets conditions, sends numbered messages 1 ms apart on every channel, and waits for the last.
fn stream(seed: u64, conditions: Conditions, unreliable: Reliability) -> Duo {
    let mut duo = Duo::bare(seed);
    for peer in [&mut duo.a, &mut duo.b] {
        peer.open(LinkConfig::default(), 16 << 20);
        peer.create_channels(unreliable, SendLimits::default());
    }
    duo.connect();
    duo.network.set_conditions(conditions);
    for number in 0..COUNT {
        for channel in [RELIABLE, ORDERED, UNRELIABLE] {
            duo.a.send(channel, numbered(number)).unwrap();
        }
        duo.run(Duration::from_millis(1));
    }
    duo.run(Duration::from_secs(60));
    duo
}

fn lossy(loss: f64) -> Conditions {
    Conditions {
        loss,
        ..Conditions::default()
    }
}

fn all() -> Vec<u32> {
    (0..COUNT).collect()
}

fn is_ascending(numbers: &[u32]) -> bool {
    numbers.windows(2).all(|pair| pair[0] < pair[1])
}

#[test]
fn a_message_takes_the_latency() {
    let mut duo = Duo::connected(1);
    for (there, span) in [(true, 250), (false, 1)] {
        duo.network.set_conditions(Conditions {
            latency: Duration::from_millis(span),
            ..Conditions::default()
        });
        let (from, to) = if there {
            (&mut duo.a, &mut duo.b)
        } else {
            (&mut duo.b, &mut duo.a)
        };
        from.send(UNRELIABLE, "x").unwrap();
        duo.network.advance(Duration::from_micros(span * 1000 - 1));
        to.drain();
        assert_eq!(to.messages(UNRELIABLE).len(), 0);
        duo.network.advance(Duration::from_micros(1));
        to.drain();
        assert_eq!(to.messages(UNRELIABLE).len(), 1);
    }
}

#[test]
fn the_network_counts_what_is_lost() {
    let weather = Conditions {
        reorder: 0.2,
        ..lossy(0.2)
    };
    let duo = stream(9, weather, Reliability::Retransmits(0));
    let came = [RELIABLE, ORDERED, UNRELIABLE].map(|channel| duo.b.messages(channel).len() as u64);
    assert_eq!(came[0], u64::from(COUNT));
    assert_eq!(
        duo.network.lost(),
        3 * u64::from(COUNT) - came.iter().sum::<u64>()
    );
    assert!(duo.network.lost() > 0);
}

#[test]
fn messages_of_one_moment_share_a_packet() {
    let mut duo = Duo::connected(1);
    duo.a.backend.execute(Command::Coalesce { link: LINK });
    for number in 0..10 {
        duo.a.send(RELIABLE, numbered(number)).unwrap();
    }
    duo.run(Duration::from_millis(1));
    duo.a.send(RELIABLE, numbered(10)).unwrap();
    duo.run(Duration::from_secs(1));
    let came = duo.b.messages(RELIABLE);
    let counts: Vec<_> = came.iter().map(batch::count).collect();
    assert_eq!(counts, [10, 1]);

    duo.network.set_conditions(lossy(1.0));
    for number in 0..10 {
        duo.a.send(UNRELIABLE, numbered(number)).unwrap();
    }
    duo.run(Duration::from_secs(1));
    assert_eq!(duo.network.lost(), 10);
}

#[test]
fn loss_spares_the_reliable_channel_alone() {
    let duo = stream(1, lossy(0.3), Reliability::Retransmits(0));
    assert_eq!(duo.b.numbers(RELIABLE), all());
    for channel in [ORDERED, UNRELIABLE] {
        let arrived = duo.b.numbers(channel).len();
        assert!((640..760).contains(&arrived), "{arrived} of {COUNT}");
    }
}

#[test]
fn retransmissions_and_lifetimes_are_honoured() {
    let arrived = |reliability| {
        let duo = stream(1, lossy(0.5), reliability);
        duo.b.numbers(UNRELIABLE).len()
    };
    assert!((430..570).contains(&arrived(Reliability::Retransmits(0))));
    assert!((700..800).contains(&arrived(Reliability::Retransmits(1))));
    assert!(arrived(Reliability::Retransmits(9)) > 990);
    // The first retransmission comes after 200 ms, the second 400 ms later.
    assert!((430..570).contains(&arrived(Reliability::Lifetime(100))));
    assert!((700..800).contains(&arrived(Reliability::Lifetime(300))));
    assert!((840..910).contains(&arrived(Reliability::Lifetime(700))));
}

#[test]
fn what_is_overtaken_is_dropped_where_order_holds() {
    let conditions = Conditions {
        jitter: Duration::from_millis(20),
        reorder: 0.1,
        ..Conditions::default()
    };
    let duo = stream(1, conditions, Reliability::Retransmits(0));
    assert_eq!(duo.b.numbers(RELIABLE), all());
    let ordered = duo.b.numbers(ORDERED);
    assert!(is_ascending(&ordered) && ordered.len() < all().len());
    let mut unreliable = duo.b.numbers(UNRELIABLE);
    assert!(!is_ascending(&unreliable));
    unreliable.sort_unstable();
    assert_eq!(unreliable, all(), "nothing lost, nothing twice");
}

#[test]
fn a_bad_day_breaks_no_promise() {
    let conditions = Conditions {
        latency: Duration::from_millis(80),
        jitter: Duration::from_millis(60),
        loss: 0.2,
        reorder: 0.2,
        bandwidth: Some(20_000),
        ..Conditions::default()
    };
    for seed in 0..20 {
        let duo = stream(seed, conditions, Reliability::Retransmits(0));
        assert_eq!(duo.b.numbers(RELIABLE), all());
        assert!(is_ascending(&duo.b.numbers(ORDERED)));
        let mut unreliable = duo.b.numbers(UNRELIABLE);
        unreliable.sort_unstable();
        assert!(is_ascending(&unreliable), "nothing twice");
        assert_eq!(duo.network.usage().scheduled, 0);
    }
}

#[test]
fn large_messages_survive_loss_on_the_reliable_channel() {
    let mut duo = Duo::connected(1);
    duo.network.set_conditions(lossy(0.2));
    let large = Payload::from(alloc::vec![3; 262_144]);
    duo.a.send(RELIABLE, large.clone()).unwrap();
    duo.a.send(UNRELIABLE, large.clone()).unwrap();
    duo.run(Duration::from_secs(30));
    assert_eq!(duo.b.messages(RELIABLE), [large]);
    assert_eq!(duo.b.messages(UNRELIABLE), [], "219 datagrams, one is lost");
}

#[test]
fn connecting_survives_loss() {
    for seed in 0..50 {
        let mut duo = Duo::new(seed);
        duo.network.set_conditions(lossy(0.3));
        duo.a.offer();
        duo.run(Duration::from_secs(60));
        assert_eq!((duo.a.opened().len(), duo.b.opened().len()), (3, 3));
    }
}

/// A fast sender on a slow path: `Full` at the high-water mark, then `BufferedAmountLow`, and nothing lost.
#[test]
fn a_slow_path_fills_the_buffer_and_drains_it() {
    let mut duo = Duo::bare(1);
    let limits = SendLimits {
        high_water: 10_000,
        low_water: 2_000,
        ..SendLimits::default()
    };
    for peer in [&mut duo.a, &mut duo.b] {
        peer.open(LinkConfig::default(), 16 << 20);
        peer.create_channels(Reliability::Retransmits(0), limits);
    }
    duo.connect();
    duo.network.set_conditions(Conditions {
        bandwidth: Some(10_000),
        queue: Duration::ZERO,
        ..Conditions::default()
    });
    for channel in [RELIABLE, UNRELIABLE] {
        let start = duo.network.now();
        let mut accepted = 0;
        while duo.a.send(channel, alloc::vec![0; 1000]).is_ok() {
            accepted += 1;
        }
        assert_eq!(accepted, 10);
        assert_eq!(duo.a.send(channel, "more"), Err(BackendSendError::Full));
        assert_eq!(duo.a.backend.buffered_amount(LINK, channel), 10_000);
        let low = LinkEvent::BufferedAmountLow {
            link: LINK,
            channel,
        };
        while !duo.a.seen.contains(&low) {
            assert!(duo.network.step());
            duo.a.drain();
        }
        // The eighth thousand goes out 0.7 s after the first.
        assert_eq!(duo.network.now() - start, Duration::from_millis(700));
        assert_eq!(duo.a.backend.buffered_amount(LINK, channel), 2000);
        duo.run(Duration::from_secs(2));
        assert_eq!(duo.b.messages(channel).len(), 10);
        let reports = duo.a.seen.iter().filter(|event| **event == low).count();
        assert_eq!(reports, 1);
    }
}

#[test]
fn a_lifetime_also_counts_while_a_message_waits_for_its_turn() {
    let mut duo = Duo::bare(1);
    for peer in [&mut duo.a, &mut duo.b] {
        peer.open(LinkConfig::default(), 16 << 20);
        peer.create_channels(Reliability::Lifetime(450), SendLimits::default());
    }
    duo.connect();
    duo.network.set_conditions(Conditions {
        bandwidth: Some(10_000),
        queue: Duration::ZERO,
        ..Conditions::default()
    });
    for _ in 0..10 {
        duo.a.send(UNRELIABLE, alloc::vec![0; 1000]).unwrap();
    }
    duo.run(Duration::from_secs(2));
    assert_eq!(
        duo.b.messages(UNRELIABLE).len(),
        5,
        "0, 100, 200, 300, 400 ms"
    );
}

/// Twice as much as the path carries, for ten seconds, on a channel that loses and on one that does not.
#[test]
fn what_does_not_fit_into_the_queue_is_lost_or_sent_again() {
    let narrow = Conditions {
        bandwidth: Some(10_000),
        queue: Duration::from_millis(500),
        ..Conditions::default()
    };
    let flood = |channel| {
        let mut duo = Duo::connected(1);
        duo.network.set_conditions(narrow);
        let mut ages = Vec::new();
        for number in 0..COUNT {
            let mut message = number.to_be_bytes().to_vec();
            message.resize(200, 0);
            duo.a.send(channel, message).unwrap();
            duo.run(Duration::from_millis(10));
            let arrived = duo.b.numbers(channel);
            ages.extend(
                arrived
                    .get(ages.len()..)
                    .into_iter()
                    .flatten()
                    .map(|sent| number - sent),
            );
        }
        let waiting = duo.a.backend.buffered_amount(LINK, channel);
        duo.run(Duration::from_secs(60));
        (duo.b.numbers(channel), ages, waiting)
    };
    let (arrived, _, waiting) = flood(RELIABLE);
    assert_eq!(arrived, all());
    assert!(
        (95_000..105_000).contains(&waiting),
        "{waiting} bytes are not on the path yet"
    );
    let (arrived, ages, waiting) = flood(UNRELIABLE);
    // Half of a second's messages pass. Each time the queue is full, one is lost and the sender pauses.
    assert!(
        (85_000..95_000).contains(&waiting),
        "{waiting} bytes are not on the path yet"
    );
    let lost = all().len() - arrived.len();
    assert!((20..80).contains(&lost), "{lost} are lost");
    // Until the queue is full, after a second, the only wait is there.
    assert!(
        ages.iter().take(50).is_sorted() && ages[49] == 51,
        "{ages:?}"
    );
    assert_eq!(
        flood(UNRELIABLE),
        (arrived, ages, waiting),
        "the same each time"
    );
}

#[test]
fn channels_share_a_slow_path() {
    let mut duo = Duo::connected(1);
    duo.network.set_conditions(Conditions {
        bandwidth: Some(100_000),
        ..Conditions::default()
    });
    for _ in 0..100 {
        duo.a.send(RELIABLE, alloc::vec![0; 10_000]).unwrap();
    }
    duo.a.send(UNRELIABLE, "urgent").unwrap();
    duo.run(Duration::from_millis(500));
    assert_eq!(duo.b.messages(UNRELIABLE).len(), 1);
    assert!(duo.b.messages(RELIABLE).len() < 10);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let conditions = Conditions {
        latency: Duration::from_millis(30),
        jitter: Duration::from_millis(30),
        loss: 0.1,
        reorder: 0.1,
        ..Conditions::default()
    };
    let run = |seed| {
        let duo = stream(seed, conditions, Reliability::Lifetime(500));
        format!("{:?} {:?} {:?}", duo.a.seen, duo.b.seen, duo.network.now())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn an_empty_message_counts_as_a_byte() {
    let mut duo = Duo::connected(1);
    for _ in 0..5 {
        duo.a.send(ChannelIndex(0), "").unwrap();
    }
    assert_eq!(duo.a.backend.buffered_amount(LINK, RELIABLE), 5);
    duo.run(Duration::from_millis(1));
    assert_eq!(duo.a.backend.buffered_amount(LINK, RELIABLE), 0);
}

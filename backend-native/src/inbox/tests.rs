//! Tests of the module above.

use mesh_core::platform::ChannelInbox as _;
use mesh_core::platform::inbox::OVERHEAD;
use mesh_core::{ChannelParameters, SendLimits};
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;

/// Room for ten messages of 36 bytes.
const TEN: usize = 10 * (36 + OVERHEAD);
const LINK: LinkId = LinkId {
    slot: 0,
    generation: 0,
};

struct Fixture {
    link: Arc<LinkInbox>,
    events: UnboundedReceiver<Incoming>,
}

impl Fixture {
    fn new() -> Self {
        let (sender, events) = tokio::sync::mpsc::unbounded_channel();
        Self {
            link: LinkInbox::new(LINK, sender, TEN),
            events,
        }
    }

    fn channel(&self, index: u16, reliability: Reliability) -> Arc<ChannelInbox> {
        self.link.channel(ChannelIndex(index), reliability)
    }

    fn tokens(&self) -> usize {
        self.events.len()
    }
}

fn message(number: u8) -> Payload {
    Payload::from(vec![number; 36])
}

/// What arrives alone.
fn push(channel: &Arc<ChannelInbox>, payload: Payload) -> Result<(), InboxFull> {
    channel.push(&mut vec![payload])
}

/// Everything a channel has, as numbers: messages as they are, what was dropped as a negative count.
fn take(channel: &ChannelInbox) -> Vec<i64> {
    let mut hand = VecDeque::new();
    std::iter::from_fn(|| channel.pop(&mut hand))
        .map(|item| match item {
            Item::Message(payload) => i64::from(payload.bytes()[0]),
            Item::Dropped(count) => -i64::try_from(count).expect("few"),
            Item::Opened(_) => 1000,
            Item::Closed => 2000,
        })
        .collect()
}

fn opened() -> Opened {
    Opened {
        remote: false,
        actual: ChannelParameters {
            id: 1,
            ordered: true,
            reliability: Reliability::Reliable,
        },
        sender: Outbox::new(SendLimits::default(), Reliability::Reliable).0,
    }
}

#[test]
fn a_channel_has_one_token_however_much_it_holds() {
    let fixture = Fixture::new();
    let channel = fixture.channel(0, Reliability::Reliable);
    for number in 0..5 {
        push(&channel, message(number)).expect("room");
    }
    assert_eq!(fixture.tokens(), 1);
    assert!(!fixture.link.is_empty());
    assert_eq!(take(&channel), [0, 1, 2, 3, 4]);
    assert!(fixture.link.is_empty());
    push(&channel, message(5)).expect("room");
    assert_eq!(fixture.tokens(), 2, "given back and sent again");
}

#[test]
fn opened_comes_first_and_closed_last() {
    let fixture = Fixture::new();
    let channel = fixture.channel(0, Reliability::Reliable);
    channel.push_opened(opened());
    push(&channel, message(1)).expect("room");
    channel.push_closed();
    assert_eq!(take(&channel), [1000, 1, 2000]);
    assert_eq!(take(&channel), [0; 0]);
}

#[test]
fn a_reliable_channel_takes_what_fits_and_no_more() {
    let fixture = Fixture::new();
    let channel = fixture.channel(0, Reliability::Reliable);
    for number in 0..10 {
        push(&channel, message(number)).expect("room");
    }
    assert_eq!(push(&channel, message(10)), Err(InboxFull));
    assert_eq!(take(&channel).len(), 10, "nothing that was taken is lost");
    push(&channel, message(11)).expect("room again");
}

#[test]
fn an_unreliable_channel_drops_its_oldest_and_counts() {
    let fixture = Fixture::new();
    let channel = fixture.channel(1, Reliability::Retransmits(0));
    for number in 0..25 {
        push(&channel, message(number)).expect("always");
    }
    assert_eq!(
        take(&channel),
        [-15, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]
    );
    push(&channel, message(25)).expect("always");
    assert_eq!(take(&channel), [25], "counted once");
}

#[test]
fn a_message_that_can_never_fit_is_dropped_or_ends_the_link() {
    let fixture = Fixture::new();
    let huge = Payload::from(vec![0; TEN]);
    let unreliable = fixture.channel(1, Reliability::Lifetime(100));
    push(&unreliable, message(1)).expect("always");
    push(&unreliable, huge.clone()).expect("always");
    assert_eq!(take(&unreliable), [-2]);
    let reliable = fixture.channel(0, Reliability::Reliable);
    assert_eq!(push(&reliable, huge), Err(InboxFull));
    push(&reliable, message(1)).expect("what was refused takes no room");
}

#[test]
fn a_reliable_message_pushes_out_unreliable_ones() {
    let fixture = Fixture::new();
    let reliable = fixture.channel(0, Reliability::Reliable);
    let first = fixture.channel(1, Reliability::Retransmits(0));
    let second = fixture.channel(2, Reliability::Retransmits(0));
    for number in 0..5 {
        push(&first, message(number)).expect("room");
        push(&second, message(number)).expect("room");
    }
    for number in 0..7 {
        push(&reliable, message(number)).expect("room is made");
    }
    assert_eq!(take(&reliable), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(take(&first), [-5]);
    assert_eq!(take(&second), [-2, 2, 3, 4]);
}

#[test]
fn empty_messages_are_bounded_too() {
    let fixture = Fixture::new();
    let channel = fixture.channel(0, Reliability::Reliable);
    let empty = || Payload::from(Vec::new());
    let held = (0..1000)
        .take_while(|_| push(&channel, empty()).is_ok())
        .count();
    assert_eq!(held, TEN / OVERHEAD);
}

#[test]
fn a_batch_is_taken_as_its_messages_would_be() {
    let fixture = Fixture::new();
    let batch = |numbers: std::ops::Range<u8>| numbers.map(message).collect::<Vec<_>>();
    let unreliable = fixture.channel(1, Reliability::Retransmits(0));
    unreliable.push(&mut batch(0..4)).expect("room");
    unreliable.push(&mut batch(4..13)).expect("always");
    assert_eq!(take(&unreliable), [-3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let reliable = fixture.channel(0, Reliability::Reliable);
    assert_eq!(reliable.push(&mut batch(0..11)), Err(InboxFull));
    assert_eq!(take(&reliable), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn what_is_in_hand_comes_first_and_counts_no_more() {
    let fixture = Fixture::new();
    let channel = fixture.channel(1, Reliability::Retransmits(0));
    for number in 0..10 {
        push(&channel, message(number)).expect("room");
    }
    let mut hand = VecDeque::new();
    assert!(matches!(channel.pop(&mut hand), Some(Item::Message(_))));
    assert_eq!(hand.len(), 9);
    for number in 10..21 {
        push(&channel, message(number)).expect("always");
    }
    assert_eq!(hand.len(), 9, "no more in hand than was");
    let rest = std::iter::from_fn(|| channel.pop(&mut hand)).count();
    assert_eq!(rest, 9 + 1 + 10, "one was dropped, and told");
}

#[test]
fn what_is_in_hand_when_nobody_wants_it_is_not_given() {
    let fixture = Fixture::new();
    let channel = fixture.channel(0, Reliability::Reliable);
    channel
        .push(&mut vec![message(0), message(1)])
        .expect("room");
    let mut hand = VecDeque::new();
    assert!(channel.pop(&mut hand).is_some());
    fixture.link.discard();
    assert!(channel.pop(&mut hand).is_none());
    assert!(fixture.link.is_empty());
}

#[test]
fn what_nobody_wants_is_not_kept() {
    let fixture = Fixture::new();
    let channel = fixture.channel(0, Reliability::Reliable);
    push(&channel, message(1)).expect("room");
    fixture.link.discard();
    for number in 0..100 {
        push(&channel, message(number)).expect("thrown away");
    }
    assert_eq!(take(&channel), [0; 0]);
    assert!(fixture.link.is_empty());
}

#[test]
fn nothing_is_lost_between_two_threads() {
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let link = LinkInbox::new(LINK, sender, usize::MAX);
    let channel = link.channel(ChannelIndex(0), Reliability::Reliable);
    let total = 50_000_u32;
    let producer = std::thread::spawn(move || {
        for number in 0..total {
            let payload = Payload::from(number.to_be_bytes().to_vec());
            push(&channel, payload).expect("room");
        }
    });
    let mut next = 0;
    // A token that got lost would leave this waiting: the queue is never closed while the channel lives.
    while next < total {
        let Some(Incoming::Readable(channel)) = events.blocking_recv() else {
            panic!("a token");
        };
        let mut hand = VecDeque::new();
        while let Some(item) = channel.pop(&mut hand) {
            let Item::Message(payload) = item else {
                panic!("a message");
            };
            assert_eq!(payload.bytes()[..], next.to_be_bytes());
            next += 1;
        }
    }
    producer.join().expect("no panic");
    assert!(link.is_empty());
}

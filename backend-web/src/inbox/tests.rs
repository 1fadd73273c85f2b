//! Tests of the module above.

use mesh_core::ChannelParameters;
use mesh_core::platform::ChannelInbox as _;
use mesh_core::platform::inbox::OVERHEAD;

use super::*;

/// Room for ten messages of 36 bytes.
const TEN: usize = 10 * (36 + OVERHEAD);
const LINK: LinkId = LinkId {
    slot: 0,
    generation: 0,
};

/// A link whose channel 0 is reliable and whose channels 1 and 2 are not.
struct Fixture {
    events: Rc<Events>,
    link: Rc<LinkInbox>,
    channels: [Rc<ChannelInbox>; 3],
}

impl Fixture {
    fn new() -> Self {
        let events = Rc::new(Events::default());
        let link = LinkInbox::new(LINK, Rc::clone(&events), TEN);
        let channels = [
            link.channel(ChannelIndex(0), Reliability::Reliable),
            link.channel(ChannelIndex(1), Reliability::Retransmits(0)),
            link.channel(ChannelIndex(2), Reliability::Lifetime(100)),
        ];
        Self {
            events,
            link,
            channels,
        }
    }

    /// How many of these a channel takes.
    fn push(&self, channel: usize, numbers: impl IntoIterator<Item = u8>) -> usize {
        numbers
            .into_iter()
            .take_while(|number| self.channels[channel].push(message(*number)).is_ok())
            .count()
    }

    /// Everything the channels with a token have, in the order of the tokens: channel and what it is.
    fn take(&self) -> Vec<(u16, i64)> {
        let mut taken = Vec::new();
        while let Some(incoming) = self.events.pop() {
            let Entry::Readable(channel) = incoming else {
                panic!("no token");
            };
            while let Some(item) = channel.pop(&mut VecDeque::new()) {
                taken.push((channel.channel().0, as_number(&item)));
            }
        }
        taken
    }
}

const OPENED: i64 = 1000;
const CLOSED: i64 = 2000;

/// Messages as their number, what was dropped as a negative count.
fn as_number(item: &Item) -> i64 {
    match item {
        Item::Message(payload) => i64::from(payload.bytes()[0]),
        Item::Dropped(count) => -i64::try_from(*count).expect("few"),
        Item::Opened(_) => OPENED,
        Item::Closed => CLOSED,
    }
}

fn message(number: u8) -> Payload {
    Payload::from(vec![number; 36])
}

#[test]
fn a_channel_has_one_token_and_keeps_the_order() {
    let fixture = Fixture::new();
    let reliable = &fixture.channels[0];
    reliable.push_opened(Opened {
        remote: false,
        actual: ChannelParameters {
            id: 1,
            ordered: true,
            reliability: Reliability::Reliable,
        },
        sender: (),
    });
    assert_eq!(fixture.push(0, 1..=3), 3);
    reliable.push_closed();
    assert!(!fixture.link.is_empty());
    let expected = [OPENED, 1, 2, 3, CLOSED].map(|number| (0, number));
    assert_eq!(fixture.take(), expected);
    assert!(fixture.link.is_empty());
    assert_eq!(fixture.push(0, [4]), 1);
    assert_eq!(fixture.take(), [(0, 4)], "the token is sent again");
}

#[test]
fn a_reliable_channel_takes_what_fits_and_loses_nothing_of_it() {
    let fixture = Fixture::new();
    assert_eq!(fixture.push(0, 0..20), 10);
    assert_eq!(fixture.take().len(), 10);
    assert_eq!(fixture.push(0, 0..1), 1, "room again");
}

#[test]
fn an_unreliable_channel_drops_its_oldest_and_counts_once() {
    let fixture = Fixture::new();
    assert_eq!(fixture.push(1, 0..25), 25);
    let mut expected = vec![(1, -15)];
    expected.extend((15..25).map(|number| (1, number)));
    assert_eq!(fixture.take(), expected);
    assert_eq!(fixture.push(1, [25]), 1);
    assert_eq!(fixture.take(), [(1, 25)]);
}

#[test]
fn a_reliable_message_pushes_out_unreliable_ones() {
    let fixture = Fixture::new();
    fixture.push(1, 0..5);
    fixture.push(2, 0..5);
    assert_eq!(fixture.push(0, 0..7), 7);
    let taken = fixture.take();
    let of = |channel| {
        let numbers = taken.iter().filter(|(of, _)| *of == channel);
        numbers.map(|(_, number)| *number).collect::<Vec<_>>()
    };
    assert_eq!(of(0), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(of(1), [-5]);
    assert_eq!(of(2), [-2, 2, 3, 4]);
}

#[test]
fn a_message_that_can_never_fit_is_dropped_or_ends_the_link() {
    let fixture = Fixture::new();
    let huge = Payload::from(vec![0; TEN]);
    fixture.push(1, [1]);
    assert_eq!(fixture.channels[1].push(huge.clone()), Ok(()));
    assert_eq!(fixture.take(), [(1, -2)]);
    assert_eq!(fixture.channels[0].push(huge), Err(InboxFull));
    assert_eq!(fixture.push(0, [1]), 1, "what was refused takes no room");
}

#[test]
fn empty_messages_are_bounded_too() {
    let fixture = Fixture::new();
    let empty = || Payload::from(Vec::new());
    let held = (0..1000)
        .take_while(|_| fixture.channels[0].push(empty()).is_ok())
        .count();
    assert_eq!(held, TEN / OVERHEAD);
}

#[test]
fn what_nobody_wants_is_not_kept() {
    let fixture = Fixture::new();
    fixture.push(0, [1]);
    fixture.link.discard();
    assert_eq!(fixture.push(0, 0..100), 100, "thrown away");
    assert_eq!(fixture.take(), []);
    assert!(fixture.link.is_empty());
}

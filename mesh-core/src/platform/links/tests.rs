//! Links over a queue in memory.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::*;
use crate::Reliability;

const fn link(generation: u32) -> LinkId {
    LinkId {
        slot: 0,
        generation,
    }
}

#[derive(Default)]
struct Channel {
    index: u16,
    generation: u32,
    items: RefCell<VecDeque<Item<char>>>,
    batched: bool,
}

impl ChannelInbox for Channel {
    type Sender = char;

    fn link(&self) -> LinkId {
        link(self.generation)
    }

    fn channel(&self) -> ChannelIndex {
        ChannelIndex(self.index)
    }

    fn pop(&self, hand: &mut VecDeque<Payload>) -> Option<Item<char>> {
        if self.batched {
            for item in self.items.borrow_mut().drain(..) {
                if let Item::Message(payload) = item {
                    hand.push_back(payload);
                }
            }
            return hand.pop_front().map(Item::Message);
        }
        self.items.borrow_mut().pop_front()
    }
}

#[derive(Default)]
struct Whole {
    empty: Cell<bool>,
}

#[derive(Default)]
struct End {
    inbox: Rc<Whole>,
    opened: Vec<(u16, char)>,
}

impl LinkEnd for End {
    fn taken(&mut self) -> Option<alloc::vec::Vec<(u16, u64)>> {
        None
    }

    type Sender = char;

    fn has_reported_all(&self) -> bool {
        self.inbox.empty.get()
    }

    fn opened(&mut self, channel: ChannelIndex, sender: char) {
        self.opened.push((channel.0, sender));
    }
}

type Queue = RefCell<VecDeque<Entry<Rc<Channel>>>>;

fn next(links: &mut Links<End, Rc<Channel>>, queue: &Queue) -> Option<LinkEvent> {
    links.next_event(
        || queue.borrow_mut().pop_front(),
        |entry| queue.borrow_mut().push_back(entry),
    )
}

fn message(tag: u8) -> Item<char> {
    Item::Message(Payload::from(vec![tag]))
}

/// The messages that come next, as channel and first byte.
fn messages(links: &mut Links<End, Rc<Channel>>, queue: &Queue, count: usize) -> Vec<(u16, u8)> {
    let mut taken = Vec::new();
    while taken.len() < count {
        match next(links, queue) {
            Some(LinkEvent::Message {
                channel, payload, ..
            }) => taken.push((channel.0, payload.bytes()[0])),
            other => panic!("{other:?}"),
        }
    }
    taken
}

fn channel(index: u16, count: usize, batched: bool) -> Rc<Channel> {
    Rc::new(Channel {
        index,
        items: RefCell::new((0..count).map(|_| message(0)).collect()),
        batched,
        ..Channel::default()
    })
}

#[test]
fn a_name_is_that_of_one_link_however_often_its_slot_is_used() {
    let mut links = Links::<End, Rc<Channel>>::default();
    links.insert(link(0), End::default());
    assert!(links.get(link(0)).is_some());
    assert!(links.get_mut(link(1)).is_none());
    links.insert(link(1), End::default());
    assert!(
        links.get(link(0)).is_some(),
        "its end is yet to be reported"
    );
    assert!(links.get(link(1)).is_some());
}

#[test]
fn channels_take_turns() {
    for batched in [false, true] {
        let mut links = Links::default();
        links.insert(link(0), End::default());
        let queue = Queue::default();
        for index in 0..2 {
            let entry = Entry::Readable(channel(index, 100, batched));
            queue.borrow_mut().push_back(entry);
        }
        let of_first = messages(&mut links, &queue, 200)
            .iter()
            .take_while(|(index, _)| *index == 0)
            .count();
        // What is in hand cannot be put back.
        assert_eq!(of_first, if batched { 100 } else { 64 });
        assert_eq!(next(&mut links, &queue), None);
    }
}

#[test]
fn what_a_channel_sends_with_is_kept_when_it_opens() {
    let mut links = Links::default();
    links.insert(link(0), End::default());
    let actual = ChannelParameters {
        id: 1,
        ordered: true,
        reliability: Reliability::Reliable,
    };
    let opening = channel(3, 0, false);
    opening.items.borrow_mut().push_back(Item::Opened(Opened {
        remote: true,
        actual,
        sender: 'a',
    }));
    opening.items.borrow_mut().push_back(Item::Dropped(7));
    opening.items.borrow_mut().push_back(Item::Closed);
    let queue = Queue::default();
    queue.borrow_mut().push_back(Entry::Readable(opening));
    let (link, channel) = (link(0), ChannelIndex(3));
    let events: Vec<_> = core::iter::from_fn(|| next(&mut links, &queue)).collect();
    assert_eq!(
        events,
        [
            LinkEvent::ChannelOpened {
                link,
                channel,
                remote: true,
                actual
            },
            LinkEvent::InboxDropped {
                link,
                channel,
                messages: 7
            },
            LinkEvent::ChannelClosed { link, channel },
        ]
    );
    assert_eq!(links.get(link).unwrap().opened, [(3, 'a')]);
}

#[test]
fn an_end_comes_behind_what_its_channels_hold() {
    let failed = LinkEvent::State {
        link: link(0),
        state: ConnectionState::Failed,
    };
    let mut links = Links::default();
    let end = End::default();
    let inbox = Rc::clone(&end.inbox);
    links.insert(link(0), end);
    let queue = Queue::default();
    queue.borrow_mut().extend([
        Entry::Event(failed.clone()),
        Entry::Closed(link(0), CloseReason::Remote),
        Entry::Readable(channel(0, 1, false)),
    ]);
    assert_eq!(messages(&mut links, &queue, 1), [(0, 0)]);
    inbox.empty.set(true);
    assert_eq!(next(&mut links, &queue), Some(failed));
    let closed = LinkEvent::Closed {
        link: link(0),
        reason: CloseReason::Remote,
    };
    assert_eq!(next(&mut links, &queue), Some(closed));
    assert!(links.get(link(0)).is_none());
}

/// Every channel has something to report when the far side says why it closes, and closes before anybody looks.
#[test]
fn a_goodbye_comes_before_the_close_that_follows_it() {
    let goodbye = LinkEvent::Goodbye {
        link: link(0),
        goodbye: crate::Goodbye::PageLeft,
    };
    let mut links = Links::default();
    let end = End::default();
    let inbox = Rc::clone(&end.inbox);
    links.insert(link(0), end);
    let queue = Queue::default();
    let channels = [channel(0, 1, false), channel(1, 1, false)];
    for channel in &channels {
        queue
            .borrow_mut()
            .push_back(Entry::Readable(Rc::clone(channel)));
    }
    queue.borrow_mut().push_back(Entry::Event(goodbye.clone()));
    for channel in &channels {
        channel.items.borrow_mut().push_back(Item::Closed);
    }
    let end = Entry::Closed(link(0), CloseReason::Remote);
    queue.borrow_mut().push_back(end);
    assert_eq!(messages(&mut links, &queue, 2), [(0, 0), (1, 0)]);
    assert_eq!(next(&mut links, &queue), Some(goodbye));
    for channel in [0, 1].map(ChannelIndex) {
        let link = link(0);
        let closed = LinkEvent::ChannelClosed { link, channel };
        assert_eq!(next(&mut links, &queue), Some(closed));
    }
    inbox.empty.set(true);
    let ended = next(&mut links, &queue);
    assert!(matches!(ended, Some(LinkEvent::Closed { .. })), "{ended:?}");
}

#[test]
fn each_link_is_among_the_values() {
    let mut links = Links::<End, Rc<Channel>>::default();
    assert_eq!(links.values().count(), 0);
    for generation in [1, 2] {
        links.insert(link(generation), End::default());
    }
    assert_eq!(links.values().count(), 2);
}

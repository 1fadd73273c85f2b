//! The two sides, the links between them, and what may happen.

use std::time::Duration;

use mesh_core::{
    BackendSendError, ChannelIndex, CloseReason, Command, ConnectionState, Instant, LinkEvent,
    LinkId, SessionDescription, Transmit,
};

use crate::link::{
    CHANNELS, EndState, Item, Link, OF_TRANSFERS, STREAMS, TRANSFERS, UNRELIABLE, WORDS, path,
};
use crate::side::Side;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Send {
        side: usize,
        channel: usize,
        count: u8,
        is_large: bool,
    },
    Transfer {
        side: usize,
        kilobytes: u8,
    },
    /// So many unreliable messages are sent.
    Unreliably {
        side: usize,
        count: u8,
    },
    /// A side gives its oldest transfer up.
    Cancel(usize),
    /// So many things arrive at a side, over a link and on a stream of it that `pick` says.
    Deliver {
        side: usize,
        pick: u8,
        count: u8,
    },
    Break(u8),
    Heal(u8),
    /// What is on its way is lost, and nothing passes any more.
    Die(u8),
    /// A side's platform says what it knows of a path.
    Notice {
        side: usize,
        pick: u8,
    },
    /// A side's platform closes the channels of a link whose path is broken, and says so.
    CloseChannels {
        side: usize,
        pick: u8,
    },
    /// An unreliable message on its way to a side is lost.
    Lose {
        side: usize,
        pick: u8,
    },
    /// A side offers a replacement.
    Offer(usize),
    /// A side hears the other one's offer.
    Answer(usize),
    /// The newest link that both have described is complete at one side.
    Complete(usize),
    /// A side gives up the replacement that is not complete.
    GiveUp(usize),
    Wait(u16),
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) sides: [Side; 2],
    pub(crate) links: Vec<Link>,
    /// What each side has offered, by the position of the link.
    pub(crate) offers: [Option<(usize, SessionDescription)>; 2],
    pub(crate) descriptions: u32,
}

/// The side that offers first: it has the higher id.
pub(crate) const CALLER: usize = 1;

impl World {
    pub(crate) fn new() -> Self {
        let mut world = Self {
            now: Instant::from_micros(1),
            sides: [Side::new(1, 2), Side::new(2, 1)],
            links: Vec::new(),
            offers: [None, None],
            descriptions: 0,
        };
        world.offer(CALLER);
        world.answer(1 - CALLER);
        for side in 0..2 {
            world.complete(side);
            assert!(world.sides[side].mesh.is_connected(world.sides[side].peer));
        }
        world
    }

    pub(crate) fn carry_out(&mut self, step: Step) {
        match step {
            Step::Send {
                side,
                channel,
                count,
                is_large,
            } => {
                for _ in 0..count {
                    let bytes = if is_large { 10_000 } else { 10 };
                    self.send(side, channel, bytes);
                }
            }
            Step::Transfer { side, kilobytes } => {
                self.sides[side].transfer(self.now, usize::from(kilobytes) * 1000);
            }
            Step::Cancel(side) => self.sides[side].cancel(self.now),
            Step::Deliver { side, pick, count } => {
                for offset in 0..count {
                    let link = self.pick(pick);
                    self.deliver(link, side, usize::from(pick.wrapping_add(offset)) % STREAMS);
                }
            }
            Step::Break(pick) => {
                let link = self.pick(pick);
                self.links[link].is_broken = true;
            }
            Step::Heal(pick) => {
                let link = self.pick(pick);
                self.links[link].is_broken = false;
            }
            Step::Die(pick) => {
                let link = self.pick(pick);
                self.links[link].die();
            }
            Step::Notice { side, pick } => {
                let link = self.pick(pick);
                self.notice(link, side);
            }
            Step::CloseChannels { side, pick } => {
                let link = self.pick(pick);
                if !self.links[link].is_passable() && self.links[link].noticed[side] {
                    self.close_channels(link, side);
                }
            }
            Step::Unreliably { side, count } => {
                for _ in 0..count {
                    self.sides[side].send_unreliably(self.now);
                    self.drain(side);
                }
            }
            Step::Lose { side, pick } => {
                let link = self.pick(pick);
                self.links[link].ways[side].streams[UNRELIABLE].pop_front();
            }
            Step::Offer(side) => self.offer(side),
            Step::Answer(side) => self.answer(side),
            Step::Complete(side) => self.complete(side),
            Step::GiveUp(side) => self.give_up(side),
            Step::Wait(millis) => {
                self.now += Duration::from_millis(u64::from(millis) / 8);
            }
        }
        self.settle();
    }

    /// Has all be well: a link that does not break, and everything arrives.
    pub(crate) fn recover(&mut self) {
        self.offers = [None, None];
        for link in 0..self.links.len() {
            self.links[link].die();
            for side in 0..2 {
                self.notice(link, side);
            }
        }
        self.settle();
        for side in 0..2 {
            self.give_up(side);
        }
        self.now += Duration::from_secs(4);
        // Either side will do.
        let link = self.links.len();
        let offering = link % 2;
        self.offer(offering);
        self.answer(1 - offering);
        self.complete(0);
        self.complete(1);
        self.exchange(link);
        let heard = |world: &Self| {
            let heard = world
                .sides
                .iter()
                .map(|side| (side.heard, side.received.clone()));
            heard.collect::<Vec<_>>()
        };
        let sent = self.sides.iter().rev();
        let sent: Vec<_> = sent
            .map(|side| (side.sent, side.transferred.clone()))
            .collect();
        while heard(self) != sent {
            let before = heard(self);
            self.exchange(link);
            assert_ne!(
                before,
                heard(self),
                "it goes on no more, and {sent:?} were sent"
            );
        }
        self.exchange(link);
        for side in 0..2 {
            self.carry_out(Step::Unreliably { side, count: 1 });
        }
        self.exchange(link);
        for (side, other) in [(0, 1), (1, 0)] {
            let last = self.sides[side].sent_unreliably - 1;
            assert!(self.sides[other].heard_unreliably.contains(&last));
        }
        for side in &self.sides {
            assert_eq!(side.path, path(link));
            assert!(side.mesh.is_connected(side.peer) && !side.interrupted);
            assert_eq!(side.mesh.successor(side.peer), None);
            assert_eq!(side.mesh.connection(side.peer), side.names[link]);
            assert_eq!(
                side.mesh.transfers_to(side.peer).count(),
                0,
                "all are known to be there"
            );
        }
    }

    /// Whether each side has a link that is about to go on.
    pub(crate) fn sides_that_go_on(&self) -> [bool; 2] {
        let goes_on = |side: &Side| {
            let successor = side.mesh.successor(side.peer);
            let position = successor.and_then(|link| side.position(link));
            position.is_some_and(|position| self.links[position].is_described)
        };
        [goes_on(&self.sides[0]), goes_on(&self.sides[1])]
    }

    fn exchange(&mut self, link: usize) {
        for stream in 0..300 {
            for side in 0..2 {
                self.deliver(link, side, stream % STREAMS);
            }
        }
    }

    fn pick(&self, pick: u8) -> usize {
        // The newest links matter most.
        let last = self.links.len() - 1;
        last - usize::from(255 - pick) % 3.min(self.links.len())
    }

    fn send(&mut self, side: usize, channel: usize, bytes: usize) {
        let now = self.now;
        if self.sides[side].send(now, channel, bytes) {
            self.sides[side].sent[channel] += 1;
            let refused = self.drain(side);
            if refused {
                self.sides[side].sent[channel] -= 1;
            }
        }
    }

    /// Carries out what a mesh wants; whether a message that was just accepted was refused after all.
    pub(crate) fn drain(&mut self, side: usize) -> bool {
        let now = self.now;
        while let Some(command) = self.sides[side].command() {
            self.execute(side, command);
        }
        let mut is_refused = false;
        while let Some(transmit) = self.sides[side].transmit(now) {
            is_refused |= self.transmit(side, transmit);
        }
        self.sides[side].hear();
        is_refused
    }

    fn settle(&mut self) {
        for side in 0..2 {
            self.drain(side);
        }
    }

    fn transmit(&mut self, side: usize, transmit: Transmit) -> bool {
        let now = self.now;
        let Transmit { link, channel, .. } = transmit;
        let position = self.sides[side].position(link).unwrap();
        let entry = &mut self.links[position];
        let index = CHANNELS.iter().position(|known| *known == channel).unwrap();
        if index == UNRELIABLE {
            self.sides[side].check_link(&transmit.payload);
        }
        let reason = if entry.ends[side] != EndState::Open {
            BackendSendError::NotOpen
        } else if entry.is_dead {
            // It is lost, and nobody knows.
            return false;
        } else if entry
            .send(1 - side, index, transmit.payload.clone())
            .is_err()
        {
            BackendSendError::Full
        } else {
            return false;
        };
        let mesh = &mut self.sides[side].mesh;
        mesh.handle_rejected(now, transmit, reason).is_some()
    }

    fn execute(&mut self, side: usize, command: Command) {
        match command {
            Command::TellTaken { link, counts } => {
                let position = self.sides[side].position(link).unwrap();
                let link = &mut self.links[position];
                if !link.is_dead && link.ends[side] == EndState::Open {
                    link.ways[1 - side].streams[WORDS].push_back(Item::Taken(counts));
                }
            }
            Command::Close { link, .. } => {
                let position = self.sides[side].position(link).unwrap();
                let entry = &mut self.links[position];
                entry.ends[side] = EndState::Closed;
                entry.ways[side] = Default::default();
                if !entry.is_dead {
                    // It may overtake what was sent before.
                    entry.ways[1 - side].streams[WORDS].push_back(Item::Closed);
                }
                let reason = CloseReason::Local;
                let now = self.now;
                self.sides[side].handle(now, LinkEvent::Closed { link, reason });
            }
            Command::Open { .. }
            | Command::CreateChannel { .. }
            | Command::CreateOffer { .. }
            | Command::SetRemote { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    /// The next thing on a stream of a link arrives.
    fn deliver(&mut self, position: usize, side: usize, stream: usize) {
        let now = self.now;
        let entry = &mut self.links[position];
        if !entry.is_passable() || entry.ends[side] != EndState::Open {
            return;
        }
        let way = &mut entry.ways[side];
        // What is unordered may come in any order.
        let is_late = stream == UNRELIABLE && self.descriptions.is_multiple_of(2);
        let queue = &mut way.streams[stream];
        let item = if is_late {
            queue.pop_back()
        } else {
            queue.pop_front()
        };
        let Some(item) = item else {
            return;
        };
        let has_run_dry = stream == OF_TRANSFERS && queue.is_empty();
        let was_refused = way.refused.get_mut(stream).is_some_and(core::mem::take);
        let is_low = was_refused || has_run_dry;
        let link = self.sides[side].names[position].unwrap();
        match item {
            Item::Message(payload) => {
                let channel = CHANNELS[stream];
                let event = LinkEvent::Message {
                    link,
                    channel,
                    payload,
                };
                self.sides[side].handle(now, event);
            }
            Item::Taken(counts) => self.sides[side].handle(now, LinkEvent::Taken { link, counts }),
            Item::Closed => {
                self.close_channels(position, side);
                let reason = CloseReason::Remote;
                self.sides[side].handle(now, LinkEvent::Closed { link, reason });
            }
        }
        self.drain(side);
        if let Some(link) = self.sides[1 - side].names[position].filter(|_| is_low) {
            let channel = CHANNELS[stream];
            let low = LinkEvent::BufferedAmountLow { link, channel };
            self.sides[1 - side].handle(now, low);
        }
        self.drain(1 - side);
    }

    /// A side's platform says whether the path of a link is whole.
    fn notice(&mut self, position: usize, side: usize) {
        let entry = &mut self.links[position];
        let is_broken = !entry.is_passable();
        if entry.ends[side] != EndState::Open || entry.noticed[side] == is_broken {
            return;
        }
        entry.noticed[side] = is_broken;
        let state = if is_broken {
            ConnectionState::Disconnected
        } else {
            ConnectionState::Connected
        };
        self.tell(side, position, |link| LinkEvent::State { link, state });
    }

    fn close_channels(&mut self, position: usize, side: usize) {
        let entry = &mut self.links[position];
        if entry.ends[side] != EndState::Open {
            return;
        }
        entry.ends[side] = EndState::Closed;
        for channel in (0..4).map(ChannelIndex).chain([TRANSFERS]) {
            self.tell(side, position, |link| LinkEvent::ChannelClosed {
                link,
                channel,
            });
        }
    }

    pub(crate) fn tell(
        &mut self,
        side: usize,
        position: usize,
        event: impl FnOnce(LinkId) -> LinkEvent,
    ) {
        let now = self.now;
        if let Some(link) = self.sides[side].names.get(position).copied().flatten() {
            self.sides[side].handle(now, event(link));
            self.drain(side);
        }
    }
}

//! A connection between the two sides, as far as their meshes see it.

use std::collections::VecDeque;

use mesh_core::platform::MAX_REMOTE_CHANNELS;
use mesh_core::{ChannelIndex, PathKind, Payload};

/// How many messages of a channel may be on their way.
const WINDOW: usize = 4;

/// What is on its way on one of the streams of a link.
#[derive(Debug)]
pub(crate) enum Item {
    Message(Payload),
    Taken(Vec<(u16, u64)>),
    /// The sender has closed the link.
    Closed,
}

/// One direction of a link: messages of [`CHANNELS`], and words beside them.
#[derive(Debug, Default)]
pub(crate) struct Way {
    pub(crate) streams: [VecDeque<Item>; STREAMS],
    /// Whether a channel's sender was refused.
    pub(crate) refused: [bool; CHANNELS.len()],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum EndState {
    #[default]
    New,
    Open,
    Closed,
}

#[derive(Debug, Default)]
pub(crate) struct Link {
    /// To the side of this index.
    pub(crate) ways: [Way; 2],
    pub(crate) ends: [EndState; 2],
    /// Whether each side has been told that the path is broken.
    pub(crate) noticed: [bool; 2],
    /// Whether both sides have described it.
    pub(crate) is_described: bool,
    pub(crate) is_broken: bool,
    pub(crate) is_dead: bool,
}

/// The channels that the model uses: the built-in reliable one, a custom one, that of transfers above all others, and the built-in
/// unreliable one.
pub(crate) const CHANNELS: [ChannelIndex; 4] =
    [ChannelIndex(0), ChannelIndex(3), TRANSFERS, ChannelIndex(2)];
pub(crate) const TRANSFERS: ChannelIndex = ChannelIndex(4 + MAX_REMOTE_CHANNELS);

/// The place of the channel of transfers, and of the unreliable one.
pub(crate) const OF_TRANSFERS: usize = 2;
pub(crate) const UNRELIABLE: usize = 3;

/// The place of the words among the streams.
pub(crate) const WORDS: usize = CHANNELS.len();
pub(crate) const STREAMS: usize = WORDS + 1;

/// Which way a link takes, by its position.
pub(crate) const fn path(position: usize) -> PathKind {
    if position.is_multiple_of(2) {
        PathKind::Direct
    } else {
        PathKind::Relayed
    }
}

impl Link {
    pub(crate) fn is_passable(&self) -> bool {
        !self.is_broken && !self.is_dead
    }

    /// Takes a message of the other side's for this one, unless its window is full.
    pub(crate) fn send(
        &mut self,
        to: usize,
        channel: usize,
        payload: Payload,
    ) -> Result<(), Payload> {
        let way = &mut self.ways[to];
        if way.streams[channel].len() >= WINDOW {
            way.refused[channel] = true;
            return Err(payload);
        }
        way.streams[channel].push_back(Item::Message(payload));
        Ok(())
    }

    pub(crate) fn die(&mut self) {
        self.is_dead = true;
        self.ways = Default::default();
    }
}

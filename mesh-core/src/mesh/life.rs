//! What two peers of ours keep of their reliable messages, so that another link can go on where one broke.
//!
//! Each side numbers the messages of a reliable channel from the first link on, whichever link carries them. The receiver says
//! now and then how many it has taken, and the sender keeps what has not been counted. When a new link takes over, both
//! sides say once more how many they have, and what is missing is sent again over it.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::connection::Channel;
use crate::platform::inbox::{OVERHEAD, cost};
use crate::sdp::Identity;
use crate::{ChannelIndex, Payload};

/// How many messages of each stream a side has taken: the SCTP stream, and the number.
pub(super) type Counts = Vec<(u16, u64)>;

/// So many bytes are taken before the far side is told. It keeps them until then.
const UNTOLD_BYTES: usize = 32 * 1024;

/// The connection of two peers, over all links that have carried it.
#[derive(Debug)]
pub(super) struct Life {
    name: Identity,
    streams: Vec<Stream>,
    /// What the payloads cost that are kept.
    kept: usize,
    limit: usize,
    /// What has been taken since the far side was told.
    untold: usize,
}

/// One reliable channel.
#[derive(Debug)]
struct Stream {
    channel: ChannelIndex,
    number: u16,
    /// How many of our messages the far side has taken, as far as it has said.
    confirmed: u64,
    /// How many of our messages need not be kept any more: the confirmed ones that were sent over this link or before it.
    forgotten: u64,
    /// Our messages after those, as far as they were sent over this link.
    kept: VecDeque<Payload>,
    /// How many of our messages were ever sent.
    sent: u64,
    /// Whether the message that was kept last was sent for the first time, so that giving it back lowers `sent`.
    is_new: bool,
    /// How many of the far side's messages have been taken.
    taken: u64,
    /// How many of the next messages have been taken already, over the former link.
    doubles: u64,
}

/// What is sent again on a channel when another link goes on.
#[derive(Debug)]
pub(super) struct Again {
    pub(super) channel: ChannelIndex,
    /// How many of the first messages that wait there need not be sent: the far side has them.
    pub(super) surplus: usize,
    /// What comes before the others.
    pub(super) payloads: VecDeque<Payload>,
}

/// The far side cannot have taken what it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Miscounted;

/// More is kept than may be. The connection goes on, but no other link can go on with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

impl Life {
    /// A life that begins now, with these channels. It keeps payloads up to a cost of `limit` bytes; with 0 it only counts.
    pub(super) fn new<'a>(
        name: Identity,
        channels: impl Iterator<Item = (ChannelIndex, &'a Channel)>,
        limit: usize,
    ) -> Self {
        let reliable =
            channels.filter(|(_, channel)| channel.role.is_planned() && channel.mode.is_reliable());
        let streams = reliable.map(|(index, channel)| Stream {
            channel: index,
            number: channel.spec.parameters.id,
            confirmed: 0,
            forgotten: 0,
            kept: VecDeque::new(),
            sent: 0,
            is_new: false,
            taken: 0,
            doubles: 0,
        });
        Self {
            name,
            streams: streams.collect(),
            kept: 0,
            limit,
            untold: 0,
        }
    }

    /// What both sides call it.
    pub(super) const fn name(&self) -> Identity {
        self.name
    }

    fn stream(&mut self, channel: ChannelIndex) -> Option<&mut Stream> {
        let mut streams = self.streams.iter_mut();
        streams.find(|stream| stream.channel == channel)
    }

    /// Whether another link can go on with it. If not, this side only counts, so that the far side need not keep what is taken.
    pub(super) const fn is_kept(&self) -> bool {
        self.limit > 0
    }

    /// How many bytes of transfers may be under way, so that they and the messages of the game can be kept. `None` where nothing is
    /// kept.
    pub(super) const fn room_for_transfers(&self) -> Option<usize> {
        if self.is_kept() {
            Some(self.limit / 2)
        } else {
            None
        }
    }

    /// Keeps a message that is given to the backend. Beyond the limit nothing is kept any more.
    pub(super) fn keep(&mut self, channel: ChannelIndex, payload: &Payload) -> Result<(), TooMuch> {
        let is_kept = self.is_kept();
        let Some(stream) = self.stream(channel) else {
            return Ok(());
        };
        // What is sent again may be there already, as the far side has said since.
        if stream.forgotten < stream.confirmed || !is_kept {
            stream.forgotten = stream.forgotten.saturating_add(1);
        } else {
            stream.kept.push_back(payload.clone());
            self.kept = self.kept.saturating_add(cost(payload));
        }
        let Some(stream) = self.stream(channel) else {
            return Ok(());
        };
        stream.is_new = stream.next() > stream.sent;
        stream.sent = stream.sent.max(stream.next());
        if self.kept <= self.limit {
            return Ok(());
        }
        self.limit = 0;
        self.kept = 0;
        for stream in &mut self.streams {
            stream.forgotten = stream.next();
            stream.kept = VecDeque::new();
        }
        Err(TooMuch)
    }

    /// Forgets the message that was kept last: the backend has given it back.
    pub(super) fn give_back(&mut self, channel: ChannelIndex) {
        let Some(stream) = self.stream(channel) else {
            return;
        };
        stream.sent -= u64::from(core::mem::take(&mut stream.is_new));
        if let Some(last) = stream.kept.pop_back() {
            self.kept = self.kept.saturating_sub(cost(&last));
        } else {
            stream.forgotten = stream.forgotten.saturating_sub(1);
        }
    }

    /// The far side has taken so many. Nothing has changed where it cannot have.
    pub(super) fn confirm(&mut self, counts: &[(u16, u64)]) -> Result<(), Miscounted> {
        if self.streams.iter().any(|stream| stream.is_beyond(counts)) {
            return Err(Miscounted);
        }
        for stream in &mut self.streams {
            let freed = stream.confirm(count_of(counts, stream.number).unwrap_or_default());
            self.kept = self.kept.saturating_sub(freed);
        }
        Ok(())
    }

    /// How many of our messages on a channel the far side has taken.
    pub(super) fn confirmed(&self, channel: ChannelIndex) -> u64 {
        let mut streams = self.streams.iter();
        let stream = streams.find(|stream| stream.channel == channel);
        stream.map_or(0, |stream| stream.confirmed)
    }

    /// Counts a message of the far side; whether it is a new one.
    pub(super) fn take(&mut self, channel: ChannelIndex, bytes: usize) -> bool {
        let Some(stream) = self.stream(channel) else {
            return true;
        };
        if stream.doubles > 0 {
            stream.doubles -= 1;
            return false;
        }
        stream.taken = stream.taken.saturating_add(1);
        // As the far side's cost of keeping it, so that a flood of empty messages is counted, too.
        self.untold = self.untold.saturating_add(bytes).saturating_add(OVERHEAD);
        true
    }

    /// Whether so much has been taken since the far side was told that it should be told again.
    pub(super) const fn is_due(&self) -> bool {
        self.untold >= UNTOLD_BYTES
    }

    /// How many messages have been taken, to tell the far side.
    pub(super) fn counts(&mut self) -> Counts {
        self.untold = 0;
        let streams = self.streams.iter();
        streams
            .map(|stream| (stream.number, stream.taken))
            .collect()
    }

    /// Goes on over another link, on which this side has said that it has `told` messages and the far side that it has
    /// `heard`. Gives what has to be sent again on each channel, before what waits there. Nothing has changed where it cannot
    /// go on.
    pub(super) fn go_on(
        &mut self,
        told: &[(u16, u64)],
        heard: &[(u16, u64)],
    ) -> Result<Vec<Again>, Miscounted> {
        // What is confirmed is not kept any more.
        let is_less = |stream: &Stream| {
            count_of(heard, stream.number).is_none_or(|count| count < stream.confirmed)
        };
        if self.streams.iter().any(is_less) {
            return Err(Miscounted);
        }
        self.confirm(heard)?;
        self.kept = 0;
        let streams = self.streams.iter_mut().map(|stream| {
            // The far side sends again from where we told, and more may have come since.
            let told = count_of(told, stream.number).unwrap_or_default();
            stream.doubles = stream.taken.saturating_sub(told);
            // The rest of what was to be sent again over the former link may be there in the meantime.
            let surplus = stream.confirmed - stream.forgotten;
            stream.forgotten = stream.confirmed;
            Again {
                channel: stream.channel,
                surplus: usize::try_from(surplus).unwrap_or(usize::MAX),
                payloads: core::mem::take(&mut stream.kept),
            }
        });
        Ok(streams.collect())
    }
}

impl Stream {
    fn is_beyond(&self, counts: &[(u16, u64)]) -> bool {
        count_of(counts, self.number).is_some_and(|count| count > self.sent)
    }

    /// The number of the message that is sent next.
    fn next(&self) -> u64 {
        self.forgotten + self.kept.len() as u64
    }

    /// Forgets what is confirmed, and gives what that has cost.
    fn confirm(&mut self, count: u64) -> usize {
        let mut freed = 0;
        self.confirmed = self.confirmed.max(count);
        while self.forgotten < self.confirmed {
            let Some(first) = self.kept.pop_front() else {
                break;
            };
            freed += cost(&first);
            self.forgotten += 1;
        }
        freed
    }
}

fn count_of(counts: &[(u16, u64)], stream: u16) -> Option<u64> {
    let mut counts = counts.iter();
    let (_, count) = counts.find(|(number, _)| *number == stream)?;
    Some(*count)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::MeshConfig;
    use crate::mesh::plan::Plan;
    use crate::{Reliability, TransferMode};

    const BUILT_IN: ChannelIndex = ChannelIndex(0);
    const CUSTOM: ChannelIndex = ChannelIndex(3);

    fn life(limit: usize) -> Life {
        let plan = Plan::new(&[TransferMode::Reliable]);
        let channels = plan.channels(&MeshConfig::default(), Reliability::Retransmits(0));
        let channels = (0..).map(ChannelIndex).zip(&channels);
        Life::new(Identity::of("a life"), channels, limit)
    }

    fn message(tag: u8) -> Payload {
        Payload::from(vec![tag; 10])
    }

    fn keep(life: &mut Life, channel: ChannelIndex, tags: core::ops::Range<u8>) {
        for tag in tags {
            life.keep(channel, &message(tag)).unwrap();
        }
    }

    fn tags(again: &Again) -> Vec<u8> {
        let payloads = again.payloads.iter();
        payloads.map(|payload| payload.bytes()[0]).collect()
    }

    #[test]
    fn what_was_not_counted_is_sent_again() {
        let mut life = life(10_000);
        keep(&mut life, BUILT_IN, 0..5);
        keep(&mut life, CUSTOM, 5..7);
        assert_eq!(life.confirm(&[(1, 2)]), Ok(()));
        let rest = life.go_on(&[(1, 0), (4, 0)], &[(1, 3), (4, 0)]).unwrap();
        let again: Vec<_> = rest
            .iter()
            .map(|again| (again.channel, tags(again)))
            .collect();
        assert_eq!(again, [(BUILT_IN, vec![3, 4]), (CUSTOM, vec![5, 6])]);
        // They are kept anew when they are sent, and numbered as before.
        assert_eq!(life.kept, 0);
        keep(&mut life, BUILT_IN, 3..5);
        assert_eq!(life.confirm(&[(1, 6)]), Err(Miscounted));
        assert_eq!(life.confirm(&[(1, 5)]), Ok(()));
    }

    #[test]
    fn nothing_is_kept_of_unreliable_channels_nor_of_what_was_given_back() {
        let mut life = life(10_000);
        life.keep(ChannelIndex(2), &message(1)).unwrap();
        keep(&mut life, BUILT_IN, 0..2);
        life.give_back(BUILT_IN);
        let rest = life.go_on(&[], &[(1, 0), (4, 0)]).unwrap();
        let kept: Vec<_> = rest.iter().map(tags).collect();
        assert_eq!(kept, [vec![0], vec![]]);
    }

    #[test]
    fn what_was_given_back_counts_as_sent_only_if_it_was_before() {
        let mut life = life(10_000);
        keep(&mut life, BUILT_IN, 0..2);
        life.give_back(BUILT_IN);
        assert_eq!(life.confirm(&[(1, 2)]), Err(Miscounted));
        keep(&mut life, BUILT_IN, 1..2);
        life.go_on(&[], &[(1, 1), (4, 0)]).unwrap();
        keep(&mut life, BUILT_IN, 1..2);
        life.give_back(BUILT_IN);
        assert_eq!(life.confirm(&[(1, 2)]), Ok(()));
    }

    #[test]
    fn what_came_over_the_former_link_is_not_kept_when_it_is_sent_again() {
        let mut life = life(10_000);
        keep(&mut life, BUILT_IN, 0..5);
        life.go_on(&[], &[(1, 1), (4, 0)]).unwrap();
        keep(&mut life, BUILT_IN, 1..2);
        // The far side has taken two more over the former link, of which one has not been sent again.
        assert_eq!(life.confirm(&[(1, 3)]), Ok(()));
        keep(&mut life, BUILT_IN, 2..3);
        assert_eq!(life.kept, 0);
        life.give_back(BUILT_IN);
        // Over the next link it need not be sent at all.
        let again = life.go_on(&[], &[(1, 3), (4, 0)]).unwrap();
        assert_eq!((again[0].surplus, tags(&again[0])), (1, vec![]));
        keep(&mut life, BUILT_IN, 3..5);
        assert_eq!(life.confirm(&[(1, 6)]), Err(Miscounted));
        assert_eq!(life.confirm(&[(1, 5)]), Ok(()));
    }

    #[test]
    fn what_has_come_over_both_links_counts_once() {
        let mut life = life(10_000);
        assert!(life.take(BUILT_IN, 10));
        let told = life.counts();
        // Two more come over the old link before the new one takes over.
        assert!(life.take(BUILT_IN, 10) && life.take(BUILT_IN, 10));
        life.go_on(&told, &[(1, 0), (4, 0)]).unwrap();
        let news: Vec<_> = (0..3).map(|_| life.take(BUILT_IN, 10)).collect();
        assert_eq!(news, [false, false, true]);
        assert_eq!(life.counts(), [(1, 4), (4, 0)]);
    }

    #[test]
    fn a_far_side_that_counts_wrong_is_found_out() {
        let mut life = life(10_000);
        keep(&mut life, BUILT_IN, 0..3);
        assert_eq!(life.confirm(&[(1, 4)]), Err(Miscounted));
        assert_eq!(life.confirm(&[(1, 2)]), Ok(()));
        assert_eq!(life.confirm(&[(1, 1)]), Ok(()), "an old one does no harm");
        for wrong in [&[(1, 1), (4, 0)][..], &[(1, 2)], &[(1, 2), (4, 1)]] {
            assert_eq!(
                life.go_on(&[], wrong).map(drop),
                Err(Miscounted),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut life = life(3 * (10 + OVERHEAD));
        keep(&mut life, BUILT_IN, 0..3);
        life.confirm(&[(1, 1)]).unwrap();
        keep(&mut life, BUILT_IN, 3..4);
        assert!(life.is_kept());
        assert_eq!(life.keep(CUSTOM, &message(9)), Err(TooMuch));
        assert!(!life.is_kept() && life.kept == 0);
        // It goes on counting.
        keep(&mut life, CUSTOM, 10..11);
        assert_eq!(life.confirm(&[(1, 5)]), Err(Miscounted));
        assert_eq!(life.confirm(&[(1, 4), (4, 2)]), Ok(()));
        life.give_back(CUSTOM);
        assert!(life.take(BUILT_IN, 10));
        assert_eq!(life.counts(), [(1, 1), (4, 0)]);
    }

    #[test]
    fn the_far_side_is_told_after_so_many_bytes() {
        let mut life = life(10_000);
        let taken = (0..).take_while(|_| life.take(BUILT_IN, 0) && !life.is_due());
        assert_eq!(taken.count(), UNTOLD_BYTES / OVERHEAD - 1);
        assert_eq!(life.counts(), [(1, 512), (4, 0)]);
        assert!(!life.is_due());
    }
}

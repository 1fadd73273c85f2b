//! Messages on their way out.
//!
//! A message that is accepted waits until it may leave: until there is room in the window, and no cut. It is then on its way
//! for as long as was drawn, and after that it is handed to the backend inside, unless that has no room.

use alloc::vec::Vec;

use super::link::{Channel, Link, cost, size};
use super::{Conditioned, OnTheWay};
use crate::{
    Backend, BackendSendError, ChannelIndex, Instant, LinkEvent, LinkId, Payload, Rejected,
};

/// How many bytes of one link may be on their way. It is the window that receivers commonly offer.
const WINDOW: usize = 1024 * 1024;

impl<B: Backend> Conditioned<B> {
    pub(super) fn send_disturbed(
        &mut self,
        id: LinkId,
        index: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        self.pass_time();
        let is_cut = self.is_cut();
        let nothing_to_do = !is_cut && self.disturbance.is_nothing();
        let Some(channel) = self.open_channel(id, index) else {
            // The backend inside knows why not.
            return self.inner.send(id, index, payload);
        };
        if nothing_to_do && channel.is_idle() {
            let sent = self.inner.send(id, index, payload);
            let buffered = self.inner.buffered_amount(id, index);
            if let Some(channel) = self.open_channel(id, index) {
                let is_full = matches!(&sent, Err(why) if why.reason == BackendSendError::Full);
                channel.is_above_low |= is_full || buffered > channel.low_water();
            }
            return sent;
        }
        if is_cut && !channel.is_reliable() {
            return Ok(());
        }
        let buffered = self.buffered_amount(id, index);
        let Some(channel) = self.open_channel(id, index) else {
            let reason = BackendSendError::NotOpen;
            return Err(Rejected { payload, reason });
        };
        if !channel.limits.admits(buffered, size(&payload)) {
            channel.is_above_low = true;
            let reason = BackendSendError::Full;
            return Err(Rejected { payload, reason });
        }
        channel.is_above_low |= buffered + payload.len() > channel.low_water();
        channel.buffered += size(&payload);
        channel.waiting.push_back(payload);
        self.launch(id);
        self.arm();
        Ok(())
    }

    fn open_channel(&mut self, id: LinkId, index: ChannelIndex) -> Option<&mut Channel> {
        let link = self.links.get_mut(&id).filter(|link| !link.closing)?;
        let channel = link.channels.get_mut(&index)?;
        channel.is_open.then_some(channel)
    }

    /// Lets waiting messages leave, one of each channel in turn, while there is room in the window.
    fn launch(&mut self, id: LinkId) {
        if self.is_cut() {
            return;
        }
        while let Some((index, payload)) = self.links.get_mut(&id).and_then(Link::next_to_leave) {
            let Some(delay) = self.draw_delay(id, index) else {
                continue;
            };
            let now = self.now;
            let Some(link) = self.links.get_mut(&id) else {
                return;
            };
            link.bytes_out += cost(&payload);
            let due = link.leaves(index, now + delay);
            if due <= now {
                self.left(id, index, payload);
            } else {
                self.delay(due, OnTheWay::Out(id, index, payload));
            }
        }
        self.tell_of_room(id);
    }

    /// The delay of a message is over.
    pub(super) fn left(&mut self, id: LinkId, index: ChannelIndex, payload: Payload) {
        let is_cut = self.is_cut();
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let Some(channel) = link.channels.get_mut(&index) else {
            return;
        };
        if channel.is_reliable() {
            channel.buffered += size(&payload);
            channel.blocked.push_back(payload);
            self.hand_over(id, index);
            return;
        }
        link.bytes_out = link.bytes_out.saturating_sub(cost(&payload));
        if !is_cut {
            // An unreliable message for which there is no room inside is lost.
            let _ = self.inner.send(id, index, payload);
        }
    }

    /// Hands messages that have been on their way to the backend inside, as far as it takes them.
    fn hand_over(&mut self, id: LinkId, index: ChannelIndex) {
        if self.is_cut() {
            return;
        }
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let Some(channel) = link.channels.get_mut(&index) else {
            return;
        };
        while let Some(payload) = channel.blocked.pop_front() {
            let (freed, passed) = (cost(&payload), size(&payload));
            if let Err(Rejected {
                payload,
                reason: BackendSendError::Full,
            }) = self.inner.send(id, index, payload)
            {
                channel.blocked.push_front(payload);
                break;
            }
            link.bytes_out = link.bytes_out.saturating_sub(freed);
            channel.buffered = channel.buffered.saturating_sub(passed);
        }
    }

    /// Sends on what can be sent on after time has passed.
    pub(super) fn send_on(&mut self, id: LinkId) {
        let channels = self.links.get(&id).map(|link| &link.channels);
        let channels: Vec<ChannelIndex> = channels
            .into_iter()
            .flatten()
            .map(|(index, _)| *index)
            .collect();
        for index in channels {
            self.hand_over(id, index);
        }
        self.launch(id);
    }

    /// The backend inside has room on a channel again.
    pub(super) fn room_inside(&mut self, id: LinkId, index: ChannelIndex) {
        self.send_on(id);
        if let Some(channel) = self.open_channel(id, index)
            && channel.is_idle()
        {
            channel.is_above_low = false;
            self.ready.push_back(LinkEvent::BufferedAmountLow {
                link: id,
                channel: index,
            });
        }
    }

    /// Reports the channels whose buffered amount has fallen to the low-water mark.
    fn tell_of_room(&mut self, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        for (index, channel) in &mut link.channels {
            let inside = self.inner.buffered_amount(id, *index);
            if channel.is_above_low && inside + channel.buffered <= channel.low_water() {
                channel.is_above_low = false;
                self.ready.push_back(LinkEvent::BufferedAmountLow {
                    link: id,
                    channel: *index,
                });
            }
        }
    }

    /// Hands all messages of a channel, or of all channels of a link, to the backend inside, because it is about to be
    /// closed. During a cut they are lost.
    pub(super) fn hand_over_all(&mut self, id: LinkId, only: Option<ChannelIndex>) {
        let concerns = |channel: ChannelIndex| only.is_none_or(|only| only == channel);
        let mut delayed = Vec::new();
        self.on_the_way.retain(|_, what| match what {
            OnTheWay::Out(link, channel, payload) if *link == id && concerns(*channel) => {
                delayed.push((*channel, payload.clone()));
                false
            }
            OnTheWay::Out(..) | OnTheWay::In(_) => true,
        });
        for (channel, payload) in delayed {
            self.left(id, channel, payload);
        }
        let is_cut = self.is_cut();
        let channels = self.links.get_mut(&id).map(|link| &mut link.channels);
        for (index, channel) in channels.into_iter().flatten() {
            if !concerns(*index) {
                continue;
            }
            channel.is_open = false;
            for payload in core::mem::take(&mut channel.waiting) {
                if !is_cut && channel.blocked.is_empty() {
                    let _ = self.inner.send(id, *index, payload);
                }
            }
            channel.blocked.clear();
            channel.buffered = 0;
        }
    }
}

impl Link {
    /// Takes the next message that may leave.
    fn next_to_leave(&mut self) -> Option<(ChannelIndex, Payload)> {
        if self.bytes_out >= WINDOW {
            return None;
        }
        let after = self.turn;
        let later = self
            .channels
            .range(ChannelIndex(after.0.saturating_add(1))..);
        let order: Vec<ChannelIndex> = later
            .chain(self.channels.range(..=after))
            .filter(|(_, channel)| !channel.waiting.is_empty())
            .map(|(index, _)| *index)
            .take(1)
            .collect();
        let index = *order.first()?;
        self.turn = index;
        let channel = self.channels.get_mut(&index)?;
        let payload = channel.waiting.pop_front()?;
        channel.buffered = channel.buffered.saturating_sub(size(&payload));
        Some((index, payload))
    }

    /// When a message leaves that could leave at `earliest`: not before those it must follow.
    fn leaves(&mut self, index: ChannelIndex, earliest: Instant) -> Instant {
        let Some(channel) = self.channels.get_mut(&index) else {
            return earliest;
        };
        if !channel.ordered {
            return earliest;
        }
        channel.last_out = channel.last_out.max(earliest);
        channel.last_out
    }
}

//! The opening and closing of channels while a link exists.

use alloc::vec::Vec;

use super::channel::{Channel, ChannelState};
use super::clock::{Action, Control};
use super::key::Key;
use super::world::World;
use crate::{
    BUILT_IN_CHANNELS, ChannelIndex, ChannelSpec, ConnectionState, Duration, LinkEvent, LinkId,
    Reliability,
};

impl World {
    /// Opens every negotiated channel, whether the far side has made it or not (W3C), when the association is complete.
    pub(super) fn open_channels(&mut self, key: Key) {
        let Some(end) = self.live(key).filter(|end| !end.closing) else {
            return;
        };
        let waiting: Vec<u16> = end
            .channels
            .iter()
            .filter(|channel| channel.state == ChannelState::Connecting && !channel.in_band)
            .map(Channel::stream)
            .collect();
        for stream in waiting {
            self.open_channel(key, stream, false);
        }
    }

    fn open_channel(&mut self, key: Key, stream: u16, remote: bool) {
        let Some(end) = self.live_mut(key) else {
            return;
        };
        let link = end.link;
        let Some(channel) = end.stream_mut(stream) else {
            return;
        };
        if channel.state != ChannelState::Connecting {
            return;
        }
        channel.state = ChannelState::Open;
        let event = LinkEvent::ChannelOpened {
            link,
            channel: channel.index,
            remote,
            actual: channel.parameters,
        };
        self.tell(key, event);
    }

    /// Closes a channel after all that it accepted has arrived.
    pub(super) fn close_channel(&mut self, key: Key, index: ChannelIndex) {
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return;
        };
        let Some(channel) = end.channel_mut(index) else {
            return;
        };
        match channel.state {
            ChannelState::Connecting => self.closed_channel(key, index),
            ChannelState::Open => {
                channel.state = ChannelState::Closing;
                self.progress_of_closing(key);
            }
            ChannelState::Closing | ChannelState::Resetting => {}
        }
    }

    fn closed_channel(&mut self, key: Key, index: ChannelIndex) {
        let Some(end) = self.live_mut(key) else {
            return;
        };
        let link = end.link;
        let Some(position) = end
            .channels
            .iter()
            .position(|channel| channel.index == index)
        else {
            return;
        };
        end.channels.remove(position);
        self.tell(
            key,
            LinkEvent::ChannelClosed {
                link,
                channel: index,
            },
        );
    }

    /// Tells the far side that a channel is closed.
    pub(super) fn send_reset(&mut self, key: Key, stream: u16) {
        let Some(end) = self.live_mut(key) else {
            return;
        };
        if let Some(channel) = end.stream_mut(stream) {
            channel.state = ChannelState::Resetting;
        }
        self.post(key, stream, Control::Reset);
    }

    /// Does what a control message says. If the far side does not answer, the message is sent again later.
    pub(super) fn control_arrived(&mut self, key: Key, stream: u16, control: Control) {
        let Some((end, _, far)) = self.pair(key) else {
            return;
        };
        if !self.paths.is_up(end.host, far.host) {
            // A failed end never answers again.
            if end.state != ConnectionState::Failed {
                let due = self.clock.now() + self.paths.path(far.host, end.host).retransmit();
                let to = key;
                self.clock.schedule(
                    due,
                    Action::Control {
                        to,
                        stream,
                        control,
                    },
                );
            }
            return;
        }
        match control {
            Control::Reset => {
                self.post(key, stream, Control::ResetDone);
                self.reset(key, stream);
            }
            Control::ResetDone => self.reset(key, stream),
            Control::Made => self.made_by_far_side(key, stream),
            Control::MadeDone => self.open_channel(key, stream, false),
        }
    }

    fn reset(&mut self, key: Key, stream: u16) {
        let index = self
            .live_mut(key)
            .filter(|end| !end.closing)
            .and_then(|end| end.stream_mut(stream))
            .map(|channel| channel.index);
        if let Some(index) = index {
            self.closed_channel(key, index);
        }
    }

    /// Makes a channel in-band (DCEP, RFC 8832) once the link is up; `false` when it cannot be made.
    pub(super) fn open_in_band(
        &mut self,
        host: u32,
        link: LinkId,
        index: ChannelIndex,
        spec: &ChannelSpec,
    ) -> bool {
        let Some(key) = self
            .host(host)
            .and_then(|host| host.links.get(&link).copied())
        else {
            return false;
        };
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return false;
        };
        let stream = spec.parameters.id;
        let taken = end.channel(index).is_some() || end.stream_mut(stream).is_some();
        if taken || stream == u16::MAX || !end.is_associated() {
            return false;
        }
        end.channels
            .push(Channel::new(index, spec.parameters, spec.limits, true));
        self.post(key, stream, Control::Made);
        true
    }

    /// Opens a channel that the far side made. Its index is above all others, and it has the far side's parameters.
    fn made_by_far_side(&mut self, key: Key, stream: u16) {
        let Some((_, far_key, _)) = self.pair(key) else {
            return;
        };
        let asked = self.live_mut(far_key).and_then(|far| {
            let channel = far.stream_mut(stream)?;
            Some((channel.parameters, channel.limits))
        });
        let Some((parameters, limits)) = asked else {
            return;
        };
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return;
        };
        if end.stream_mut(stream).is_none() {
            let above = end.channels.iter().map(|channel| channel.index.0 + 1).max();
            let index = ChannelIndex(above.unwrap_or(0).max(BUILT_IN_CHANNELS));
            end.channels
                .push(Channel::new(index, parameters, limits, true));
            self.open_channel(key, stream, true);
        }
        self.post(key, stream, Control::MadeDone);
    }

    /// Sends a control message to the far side.
    fn post(&mut self, key: Key, stream: u16, control: Control) {
        let Some((end, to, far)) = self.pair(key) else {
            return;
        };
        let path = *self.paths.path(end.host, far.host);
        let delay = path.transit(&mut self.rng, 1, Reliability::Reliable, Duration::ZERO);
        let due = self.clock.now() + delay.unwrap_or_else(|| path.latency());
        self.clock.schedule(
            due,
            Action::Control {
                to,
                stream,
                control,
            },
        );
    }
}

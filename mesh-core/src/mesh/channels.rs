//! The channels of a peer while it lives: they open, close, and come from the far side.

use alloc::string::String;
use alloc::vec::Vec;

use super::agenda::News;
use super::connection::{CLOSING_GRACE, Channel, Phase};
use super::{LINGER, Mesh};
use crate::platform::TRANSFER_STREAM;
use crate::{
    ChannelIndex, ChannelParameters, ChannelRole, ChannelSpec, ChannelState, Command,
    ConnectFailure, DisconnectReason, Instant, LinkId, PeerId,
};

impl Mesh {
    /// Closes one channel of a peer (Godot: `WebRTCDataChannel.close`). If it is one of the plan, that is a way to leave:
    /// the peer takes nothing more, and is removed here within 100 ms. What the channel has accepted in reliable mode is still
    /// sent, for 5 s at most, and then the far side hears of the end. `false` if there is no such channel, or it is closed already.
    #[doc(alias = "close")]
    pub fn close_channel(&mut self, now: Instant, peer: PeerId, channel: ChannelIndex) -> bool {
        let Some(link) = self.connection(peer) else {
            return false;
        };
        let Some(member) = self.member_mut(link) else {
            return false;
        };
        let Some(entry) = member.channels.get_mut(usize::from(channel.0)) else {
            return false;
        };
        let is_planned = entry.role.is_planned();
        if member.severed && is_planned {
            // It has no channel any more that could be closed first.
            self.end(link, DisconnectReason::Removed, Some(LINGER));
            return true;
        }
        if matches!(entry.state, ChannelState::Closing | ChannelState::Closed) {
            return false;
        }
        entry.state = ChannelState::Closing;
        let rest: Vec<_> = entry.send_rest(link, channel).collect();
        if is_planned && member.is_connected() {
            member.phase = Phase::Closing {
                end: now + CLOSING_GRACE,
                by_us: true,
            };
        }
        let has_been = member.was_connected();
        self.commands.extend(rest);
        self.commands
            .push_back(Command::CloseChannel { link, channel });
        if is_planned && !has_been {
            self.end(link, DisconnectReason::Removed, Some(LINGER));
        }
        true
    }

    pub(super) fn channel_opened(
        &mut self,
        now: Instant,
        link: LinkId,
        index: ChannelIndex,
        actual: ChannelParameters,
    ) {
        let Some(member) = self.links.get_mut(link).and_then(|c| c.member.as_mut()) else {
            return;
        };
        let is_for_transfers = index == member.transfers.index();
        let channel = member.any_channel_mut(index);
        let Some(channel) = channel.filter(|channel| channel.role.is_planned()) else {
            return;
        };
        if actual != channel.spec.parameters {
            let cause = ConnectFailure::Channel(alloc::format!(
                "{} was to be {:?} and is {actual:?}",
                channel.spec.label,
                channel.spec.parameters
            ));
            self.end_now(link, cause);
            return;
        }
        if channel.state == ChannelState::Connecting {
            channel.state = ChannelState::Open;
            channel.opened = true;
            if is_for_transfers {
                // It may have been asked before it was open, of which it does not speak again.
                channel.outbox.try_again();
                self.fill_transfers(now, link);
            } else {
                self.complete(now, link);
            }
        }
    }

    pub(super) fn channel_closed(&mut self, now: Instant, link: LinkId, index: ChannelIndex) {
        let outlives = self.outlives(link);
        let Some(member) = self.links.get_mut(link).and_then(|c| c.member.as_mut()) else {
            return;
        };
        let Some(channel) = member.any_channel_mut(index) else {
            return;
        };
        channel.state = ChannelState::Closed;
        let is_for_transfers = channel.spec.parameters.id == TRANSFER_STREAM;
        // Of a side that takes no transfers it says nothing. Any other leaves: what it still transfers, and takes, would never come.
        if is_for_transfers && !member.transfers.are_agreed() {
            return;
        }
        let Some(channel) = member.any_channel_mut(index) else {
            return;
        };
        if outlives && channel.role.is_planned() {
            self.sever(now, link);
            return;
        }
        channel.outbox.clear();
        if !channel.role.is_planned() {
            return;
        }
        let grace = now + CLOSING_GRACE;
        if member.all_closed() {
            let reason = if member.was_connected() {
                member.closing_reason()
            } else {
                DisconnectReason::ConnectFailed(ConnectFailure::Closed)
            };
            self.end_now(link, reason);
        } else if let Phase::Connecting { deadline } = &mut member.phase {
            *deadline = grace.min(*deadline);
        } else if member.is_connected() {
            member.phase = Phase::Closing {
                end: grace,
                by_us: false,
            };
        }
    }

    /// The far side made a channel in-band. It is no part of the plan: the peer lives with it and without it.
    pub(super) fn channel_received(
        &mut self,
        link: LinkId,
        index: ChannelIndex,
        actual: ChannelParameters,
    ) {
        let limits = self.config.send_limits.of(actual.mode());
        let Some(member) = self.member_mut(link) else {
            return;
        };
        let position = usize::from(index.0);
        let remote = |state| Channel {
            state,
            opened: state == ChannelState::Open,
            ..Channel::planned(
                ChannelRole::Remote,
                ChannelSpec {
                    label: String::new(),
                    parameters: actual,
                    limits: limits.backend,
                    bulk: false,
                },
                actual.mode(),
                limits,
            )
        };
        match member.channels.get_mut(position) {
            Some(former)
                if former.role == ChannelRole::Remote && former.state == ChannelState::Closed =>
            {
                member.inbox.set_channel(index, actual.mode());
                *former = Channel {
                    dropped: former.dropped,
                    ..remote(ChannelState::Open)
                };
            }
            // A position that the seam does not give.
            Some(_) => return,
            None => {
                // One before it may have closed before it opened, of which nothing is reported: its parameters are unknown.
                let gap = member.channels.len()..position;
                let skipped = gap.map(|_| remote(ChannelState::Closed));
                member.channels.extend(skipped);
                member.channels.push(remote(ChannelState::Open));
                member.inbox.set_channel(index, actual.mode());
            }
        }
        self.notice(link, News::ChannelReceived(index));
    }
}

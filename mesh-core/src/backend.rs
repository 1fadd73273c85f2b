//! The seam to a platform's WebRTC.

use core::task::{Context, Poll};

#[cfg(doc)]
use crate::SendLimits;
use crate::{
    Capabilities, ChannelIndex, Command, Instant, LinkEvent, LinkId, LinkStats, Payload, Rejected,
};

/// Makes peer connections on behalf of a mesh. Holds no mesh rule; every method returns at once.
///
/// Object-safe and free of futures, so it is the same on a thread pool and in a browser. The contract, each clause a case
/// of the conformance suite:
///
/// 1. Commands on one link take effect in order, those on different links in any order; a `Description` precedes its
///    `Candidate`s.
/// 2. `execute` never fails: what goes wrong comes back as `Closed` with a reason, at most once a link, nothing after it.
/// 3. After `Close` the only event of interest is `Closed`, given once the close has gone out; the core ignores any other
///    that still comes.
/// 4. Each planned channel opens once; a message keeps its channel, its kind and its boundaries, empty ones too.
/// 5. Order holds within a channel whose spec says ordered; nothing is promised across channels.
/// 6. Reliable channels lose nothing while the link lives; an accepted `send` is not reported as failed later.
/// 7. A channel's `actual` parameters, read back from the platform, equal the spec, and the channel does what they say.
/// 8. `poll_event` is cancel-safe and wakes the last waker given; `set_alarm` wakes it no later than the deadline.
/// 9. `send` gives a message back as `Full` rather than buffering past the high-water mark as [`SendLimits::admits`] says,
///    and `BufferedAmountLow` follows.
/// 10. Dropping the backend closes every link, and the far side notices.
/// 11. A candidate that arrives before the remote description is applied after it. (The core holds it back, so no backend
///     ever sees one early.)
/// 12. Nothing panics on what a peer, a signaling server or a platform sends.
///
/// A far side that closes may say why with `Goodbye` first. Its close is told by `ChannelClosed` of every channel; a `Closed` with `Remote` may follow. A candidate of the
/// far side that cannot be used may be left out, because others may do, or end the link with its cause.
///
/// Commands for a link that is unknown or closed are ignored: the core may not have heard of its end yet.
pub trait Backend {
    /// The time on this backend's clock.
    fn now(&self) -> Instant;

    /// Carries a command out, at once or later; its outcome is an event.
    fn execute(&mut self, command: Command);

    /// Hands a message to a channel. Its bytes are unshared where one peer gets them alone, so that they need no copy.
    ///
    /// # Errors
    ///
    /// [`Rejected`] gives the message back: with [`BackendSendError::Full`](crate::BackendSendError::Full) where
    /// [`SendLimits::admits`] says no, with [`BackendSendError::NotOpen`](crate::BackendSendError::NotOpen) before the
    /// channel's `ChannelOpened` and after its end. The size has been checked by the core.
    fn send(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected>;

    /// Sends the messages that wait to share a packet. A backend that makes none wait has nothing to do.
    fn flush(&mut self) {}

    /// Bytes accepted on a channel and not yet handed to the network; 0 for an unknown one (W3C: `bufferedAmount`).
    fn buffered_amount(&self, link: LinkId, channel: ChannelIndex) -> usize;

    /// The latest figures of a link, which the backend measures about once a second without being asked. Defaults for a link
    /// that is unknown or was never connected, and on a backend that measures nothing.
    fn stats(&self, link: LinkId) -> LinkStats {
        let _ = link;
        LinkStats::default()
    }

    /// The next event, or a wake-up when there is one or the alarm is due.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent>;

    /// Asks to be woken at `deadline`; replaces the former wish.
    fn set_alarm(&mut self, deadline: Option<Instant>);

    /// What this platform can do.
    fn capabilities(&self) -> Capabilities;
}

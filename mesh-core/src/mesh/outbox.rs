//! What a channel has been given to send and its backend has not taken: how much may wait, and what is dropped.
//!
//! [`Mesh::send`](super::Mesh::send) puts messages here, [`Mesh::poll_transmit`](super::Mesh::poll_transmit) takes them out.
//! A message for a channel on which nothing waits goes through the [`Lane`](super::lane::Lane) instead and comes here only if
//! the backend gives it back, so that an idle channel costs no memory and a busy one no time.
//!
//! Here messages are single ones: a backend [joins](crate::platform::batch) small ones after they have left. [Transfers](super::transfers) have a queue of this kind of their own.

#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::platform::inbox::OVERHEAD;
use crate::{ChannelLimits, Instant, Payload, TransferMode};

/// The queue of one channel.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: VecDeque<Waiting>,
    /// Of the payloads that wait.
    bytes: usize,
    /// Whether the backend has said that it is full, and not that there is room again.
    blocked: bool,
    /// Whether there is no backend that takes anything: what comes waits for another link.
    on_hold: bool,
    /// When it said so.
    full_since: Option<Instant>,
    /// How long the backend took the last time to have room again. The next message waits about as long there.
    delay: Duration,
    /// Whether the game is to be told when there is room again.
    owes_low: bool,
    dropped: u64,
    reliable: bool,
    limits: ChannelLimits,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) payload: Payload,
    pub(super) since: Instant,
}

/// A reliable channel takes no more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Outbox {
    pub(super) const fn new(mode: TransferMode, limits: ChannelLimits) -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            blocked: false,
            on_hold: false,
            full_since: None,
            delay: Duration::ZERO,
            owes_low: false,
            dropped: 0,
            reliable: mode.is_reliable(),
            limits,
        }
    }

    /// Whether the next message may go past this queue.
    pub(super) fn is_clear(&self) -> bool {
        !self.is_stopped() && self.waiting.is_empty()
    }

    const fn is_stopped(&self) -> bool {
        self.blocked || self.on_hold
    }

    /// Whether there is something that the backend may take now, or something to tell the game.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_stopped() && (self.owes_low || !self.waiting.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes of the messages that wait.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Messages dropped since the channel was made.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Puts a message behind all others.
    pub(super) fn push(&mut self, now: Instant, payload: Payload) -> Result<(), Full> {
        self.make_room(now, payload.len())?;
        self.append(now, payload);
        Ok(())
    }

    /// Takes a message that went past this queue and was given back, because the backend is full.
    pub(super) fn keep(&mut self, now: Instant, payload: Payload) -> Result<(), Full> {
        // What was measured before the channel was idle says nothing any more.
        self.delay = Duration::ZERO;
        self.block(now);
        self.make_room(now, payload.len())?;
        self.put_first(payload, now);
        Ok(())
    }

    /// Takes a message that left this queue and was given back, because the backend is full. It was accepted, so there is
    /// room for it in any case.
    pub(super) fn put_back(&mut self, now: Instant, waiting: Waiting) {
        self.block(now);
        self.put_first(waiting.payload, waiting.since);
    }

    fn block(&mut self, now: Instant) {
        self.blocked = true;
        self.full_since.get_or_insert(now);
    }

    fn put_first(&mut self, payload: Payload, since: Instant) {
        self.bytes += payload.len();
        self.waiting.push_front(Waiting { payload, since });
    }

    fn make_room(&mut self, now: Instant, bytes: usize) -> Result<(), Full> {
        if !self.reliable {
            self.drop_old(now);
            while !self.has_room(bytes) && self.drop_first() {}
            return Ok(());
        }
        if self.has_room(bytes) {
            return Ok(());
        }
        self.owes_low = true;
        Err(Full)
    }

    /// What a full backend holds is part of the limit. How much one holds that is not full is not known; it will take what
    /// waits here at once.
    fn has_room(&self, bytes: usize) -> bool {
        let held = if self.blocked && !self.on_hold {
            self.limits.backend.high_water
        } else {
            0
        };
        let overhead = (self.waiting.len() + 1).saturating_mul(OVERHEAD);
        let wanted = held
            .saturating_add(self.bytes)
            .saturating_add(bytes)
            .saturating_add(overhead);
        wanted <= self.limits.bytes
    }

    /// Drops what would be too old when the backend has sent it. The newest message goes only if it is too old already.
    fn drop_old(&mut self, now: Instant) {
        while let Some(first) = self.waiting.front() {
            let age = now - first.since;
            let would_be = age.saturating_add(self.delay);
            let is_newest = self.waiting.len() == 1;
            if age <= self.limits.age && (is_newest || would_be <= self.limits.age) {
                break;
            }
            self.drop_first();
        }
    }

    fn drop_first(&mut self) -> bool {
        let Some(first) = self.waiting.pop_front() else {
            return false;
        };
        self.bytes -= first.payload.len();
        self.dropped = self.dropped.saturating_add(1);
        true
    }

    /// Drops and counts what waits, unless it is reliable.
    pub(super) fn drop_unreliable(&mut self) {
        while !self.reliable && self.drop_first() {}
    }

    /// Takes the next message, if the backend may take one.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Waiting> {
        if self.is_stopped() {
            return None;
        }
        if !self.reliable {
            self.drop_old(now);
        }
        let first = self.waiting.pop_front()?;
        self.bytes -= first.payload.len();
        if self.waiting.is_empty() {
            // Seldom needed, and there may be thousands of channels.
            self.waiting = VecDeque::new();
        }
        Some(first)
    }

    /// There is room in the backend again.
    pub(super) fn low(&mut self, now: Instant) {
        self.blocked = false;
        self.owes_low = self.reliable;
        if let Some(since) = self.full_since.take() {
            self.delay = now - since;
        }
    }

    /// The backend takes nothing more: what comes waits for another link.
    pub(super) const fn hold(&mut self) {
        self.on_hold = true;
    }

    /// Another link takes over. `again` is sent first, then what waits here. `surplus` of the first messages that wait are left out.
    pub(super) fn go_on(&mut self, now: Instant, surplus: usize, again: VecDeque<Payload>) {
        self.blocked = false;
        self.on_hold = false;
        self.full_since = None;
        self.delay = Duration::ZERO;
        let surplus = surplus.min(self.waiting.len());
        self.bytes -= self
            .waiting
            .drain(..surplus)
            .map(|first| first.payload.len())
            .sum::<usize>();
        for payload in again.into_iter().rev() {
            self.put_first(payload, now);
        }
    }

    /// Counts what the outbox of the former link has dropped and what is dropped with it.
    pub(super) fn add_dropped(&mut self, former: &Self) {
        let dropped = former.dropped.saturating_add(former.waiting.len() as u64);
        self.dropped = self.dropped.saturating_add(dropped);
    }

    /// Puts a message that was accepted before behind all others.
    pub(super) fn append(&mut self, now: Instant, payload: Payload) {
        self.bytes += payload.len();
        self.waiting.push_back(Waiting {
            payload,
            since: now,
        });
    }

    /// The backend may be asked again, whatever it has said.
    pub(super) const fn try_again(&mut self) {
        self.blocked = false;
    }

    /// Whether the game is to be told now that there is room: nothing waits here any more.
    pub(super) fn take_low(&mut self) -> bool {
        self.is_clear() && core::mem::take(&mut self.owes_low)
    }

    /// What waits and must not be lost, because no more will be taken out in turn.
    pub(super) fn take_rest(&mut self) -> impl Iterator<Item = Payload> {
        let rest = core::mem::take(&mut self.waiting);
        self.bytes = 0;
        let is_wanted = self.reliable;
        rest.into_iter()
            .filter(move |_| is_wanted)
            .map(|waiting| waiting.payload)
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        self.waiting = VecDeque::new();
        self.bytes = 0;
    }
}

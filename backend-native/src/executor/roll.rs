//! Which links there are, which of them are stuck, and how many signaling sockets say goodbye.
//!
//! A link whose driver has been in one poll for seconds cannot end itself. So somebody outside looks at all of them now and then
//! and reports its end. The thread cannot be stopped: it is left alone until it is through, and counted until then.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mesh_core::platform::LinkFault;
use tokio::sync::Notify;

use crate::guard::Pulse;
use crate::inbox::LinkInbox;

/// How often the threads are looked at.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// How often a thread is found in the same poll before it counts as stuck. Looks are counted and not time, which passes as well
/// while the whole process stands still. An honest poll takes a few milliseconds.
const PATIENCE: u32 = 4;

/// How many threads may be stuck. No link is opened beside so many.
const MAX_STUCK: usize = 16;

/// All links of a backend that have a thread.
#[derive(Default)]
pub(crate) struct Roll {
    state: Mutex<State>,
    /// A link has left, or is not waited for any more, or a goodbye is said.
    fewer: Condvar,
    /// The last link has left.
    pub(super) emptied: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    links: BTreeMap<u64, Entry>,
    /// Whether a task looks at them.
    is_watched: bool,
    looked_at: Option<Instant>,
    /// How many sockets say goodbye to a signaling server.
    parting: usize,
}

struct Entry {
    inbox: Arc<LinkInbox>,
    pulse: Pulse,
    /// The poll that the thread was found in, and how often.
    found: Option<(u64, u32)>,
    is_stuck: bool,
}

/// A link is on the roll until this is dropped.
pub(super) struct Membership {
    number: u64,
    roll: Arc<Roll>,
}

/// A socket that says goodbye to its signaling server. It is waited for until this is dropped.
pub(crate) struct Parting(Arc<Roll>);

/// So many threads are stuck that no more are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyStuck;

impl Roll {
    /// Puts a link on the roll. Also returns whether the caller must have it watched, because nobody does yet.
    pub(super) fn join(
        self: &Arc<Self>,
        inbox: Arc<LinkInbox>,
        pulse: Pulse,
    ) -> Result<(Membership, bool), TooManyStuck> {
        let mut state = self.state();
        if state.stuck() >= MAX_STUCK {
            return Err(TooManyStuck);
        }
        let number = state.next;
        state.next += 1;
        let entry = Entry {
            inbox,
            pulse,
            found: None,
            is_stuck: false,
        };
        state.links.insert(number, entry);
        let was_watched = core::mem::replace(&mut state.is_watched, true);
        let roll = Arc::clone(self);
        Ok((Membership { number, roll }, !was_watched))
    }

    /// Looks at every thread, and reports the end of the links whose threads are stuck.
    pub(super) fn look(&self, now: Instant) {
        let mut state = self.state();
        // A runtime whose clock is paused does not sleep.
        let is_too_early = |at| now.saturating_duration_since(at) < LOOK / 2;
        if state.looked_at.is_some_and(is_too_early) {
            return;
        }
        state.looked_at = Some(now);
        for entry in state.links.values_mut() {
            if entry.is_stuck_now() {
                entry.inbox.report_closed(LinkFault::TooCostly.into());
                // What the thread may still put in when it is through.
                entry.inbox.discard();
                self.fewer.notify_all();
            }
        }
    }

    /// Whether there is nothing to look at, so that the task that looks ends.
    pub(super) fn is_done(&self) -> bool {
        let mut state = self.state();
        state.is_watched = !state.links.is_empty();
        !state.is_watched
    }

    /// A socket begins to say goodbye.
    pub(crate) fn part(self: &Arc<Self>) -> Parting {
        self.state().parting += 1;
        Parting(Arc::clone(self))
    }

    /// Waits until every link has left that is not stuck, and every goodbye is said, or for `patience`.
    pub(super) fn wait(&self, patience: Duration) {
        let state = self.state();
        let is_waiting = |state: &mut State| state.links.len() > state.stuck() || state.parting > 0;
        // A timeout is as good: nothing depends on it.
        let _ = self.fewer.wait_timeout_while(state, patience, is_waiting);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stuck(&self) -> usize {
        self.links.values().filter(|entry| entry.is_stuck).count()
    }
}

impl Entry {
    /// Whether the thread has been found in the same poll once too often. Says so once.
    fn is_stuck_now(&mut self) -> bool {
        if self.is_stuck {
            return false;
        }
        self.found = self.pulse.poll_under_way().map(|poll| match self.found {
            Some((before, looks)) if before == poll => (poll, looks + 1),
            Some(_) | None => (poll, 0),
        });
        self.is_stuck = self.found.is_some_and(|(_, looks)| looks >= PATIENCE);
        self.is_stuck
    }
}

impl Drop for Parting {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.parting = state.parting.saturating_sub(1);
        drop(state);
        self.0.fewer.notify_all();
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut state = self.roll.state();
        state.links.remove(&self.number);
        if state.links.is_empty() {
            self.roll.emptied.notify_one();
        }
        drop(state);
        self.roll.fewer.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use mesh_core::{CloseReason, LinkId};
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::inbox::{Events, Incoming};

    fn inbox(slot: u32, events: &Events) -> Arc<LinkInbox> {
        let generation = 0;
        LinkInbox::new(LinkId { slot, generation }, events.clone(), 0)
    }

    /// Looks this often, as late as it should be.
    fn look(roll: &Roll, times: u32) {
        let first = roll.state().looked_at.unwrap_or_else(Instant::now);
        for time in 1..=times {
            roll.look(first + LOOK * time);
        }
    }

    #[test]
    fn a_goodbye_is_waited_for_until_it_is_said() {
        let roll = Arc::new(Roll::default());
        roll.wait(Duration::from_secs(600));
        let partings = [roll.part(), roll.part()];
        let saying = std::thread::spawn(move || drop(partings));
        roll.wait(Duration::from_secs(600));
        assert_eq!(roll.state().parting, 0);
        saying.join().expect("no panic");
        let _parting = roll.part();
        let begun = Instant::now();
        roll.wait(Duration::from_millis(10));
        assert!(begun.elapsed() >= Duration::from_millis(10), "in vain");
    }

    #[test]
    fn a_thread_that_stays_in_one_poll_ends_its_link_alone() {
        let (events, mut incoming) = unbounded_channel();
        let roll = Arc::new(Roll::default());
        let [stuck, busy] = [Pulse::default(), Pulse::default()];
        let (_one, must_watch) = roll.join(inbox(0, &events), stuck.clone()).expect("room");
        assert!(must_watch);
        let (_other, must_watch) = roll.join(inbox(1, &events), busy.clone()).expect("room");
        assert!(!must_watch);
        let _beat = stuck.beat();
        for _ in 0..=PATIENCE {
            assert!(incoming.is_empty(), "too early");
            // Always in a poll, and never in the same one.
            let _beat = busy.beat();
            look(&roll, 1);
        }
        let ended = incoming.blocking_recv();
        assert!(
            matches!(&ended, Some(Incoming::Closed(link, CloseReason::Protocol(_))) if link.slot == 0)
        );
        look(&roll, 2 * PATIENCE);
        assert!(incoming.is_empty(), "once");
    }

    #[test]
    fn looks_that_follow_each_other_at_once_count_as_one() {
        let (events, incoming) = unbounded_channel();
        let roll = Arc::new(Roll::default());
        let pulse = Pulse::default();
        let (_member, _) = roll.join(inbox(0, &events), pulse.clone()).expect("room");
        let _beat = pulse.beat();
        let now = Instant::now();
        for _ in 0..10 * PATIENCE {
            roll.look(now);
        }
        assert!(incoming.is_empty());
    }

    #[test]
    fn no_thread_is_started_beside_too_many_that_are_stuck() {
        let (events, _incoming) = unbounded_channel();
        let roll = Arc::new(Roll::default());
        let pulses: Vec<Pulse> = (0..MAX_STUCK).map(|_| Pulse::default()).collect();
        let _beats: Vec<_> = pulses.iter().map(Pulse::beat).collect();
        let join = |pulse: &Pulse| roll.join(inbox(0, &events), pulse.clone());
        let mut members: Vec<_> = pulses
            .iter()
            .map(|pulse| join(pulse).expect("room"))
            .collect();
        look(&roll, PATIENCE + 1);
        assert!(join(&Pulse::default()).is_err());
        // Nobody waits for them either.
        roll.wait(Duration::from_secs(600));
        members.pop();
        assert!(join(&Pulse::default()).is_ok());
    }
}

//! Holds back what the far side could not use yet: Firefox names a host before it answers for that name.
//!
//! Browsers hide a page's addresses behind names (draft-ietf-mmusic-mdns-ice-candidates). Chromium tells of one when it answers
//! for it, Firefox some milliseconds before that. A far side that is quick to ask is never answered, and does not ask again;
//! if it does not answer Firefox in time either (Chromium answers once a second), the two find no route.

use std::cell::RefCell;
use std::rc::Rc;

use async_channel::Sender;
use mesh_core::{Duration, IceCandidate};

use super::Note;
use crate::timer::Timer;

/// How long after Firefox tells of a name everybody may ask for it: several times what was seen, under load.
const PATIENCE: Duration = Duration::from_millis(100);

/// The candidates of one connection, on their way to its link.
pub(super) struct Names {
    notes: Sender<Note>,
    /// Kept until the connection ends, because a timer must not end itself.
    held: RefCell<Vec<Timer>>,
}

impl Names {
    pub(super) const fn new(notes: Sender<Note>) -> Self {
        Self {
            notes,
            held: RefCell::new(Vec::new()),
        }
    }

    /// A candidate, or none once there are no more.
    pub(super) fn pass(&self, candidate: Option<IceCandidate>) {
        let must_wait = match &candidate {
            Some(candidate) => is_told_early(&candidate.candidate),
            // Comes after all others.
            None => !self.held.borrow().is_empty(),
        };
        let note = candidate.map_or(Note::Gathered, Note::Candidate);
        if !must_wait {
            // Fails once the link has ended.
            let _ = self.notes.try_send(note);
            return;
        }
        let notes = self.notes.clone();
        let note = Rc::new(RefCell::new(Some(note)));
        let timer = Timer::start(PATIENCE, move || {
            if let Some(note) = note.take() {
                let _ = notes.try_send(note);
            }
        });
        self.held.borrow_mut().extend(timer);
    }

    /// Passes nothing on any more.
    pub(super) fn stop(&self) {
        let held = self.held.take();
        drop(held);
    }
}

/// A host's name that is not Chromium's or Safari's: those two write more into a candidate.
fn is_told_early(candidate: &str) -> bool {
    candidate.contains(".local ") && !candidate.contains(" generation ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_of_firefox_waits() {
        let firefox = "candidate:0 1 UDP 2122187007 2530ef58-3232-471f-b7b4-d5ffb7d460c2.local 43874 typ host";
        let chromium = "candidate:1 1 udp 2113937151 a93f33f9-ff51-4fe0-a318-be045c24b1b3.local 56820 typ host \
            generation 0 ufrag ZYMu network-cost 999";
        let address = "candidate:0 1 UDP 2122187007 192.0.2.2 43874 typ host";
        assert!(is_told_early(firefox));
        assert!(!is_told_early(chromium));
        assert!(!is_told_early(address));
    }
}

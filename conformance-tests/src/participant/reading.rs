//! How a case reads a participant's two logs.

use std::collections::VecDeque;
use std::time::Duration;

use super::Participant;
use crate::Outcome;
use crate::observed::{Handshake, Observed, Rumour};
use crate::reply::Reply;
use crate::request::{Log, Request};

/// One look at a remote log lasts so long at most; then the next begins.
const LOOK: Duration = Duration::from_secs(10);

/// A line of the log that a case has fetched and not looked at yet.
pub(super) struct Queue<T> {
    next: u64,
    items: VecDeque<T>,
}

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        Self {
            next: 0,
            items: VecDeque::new(),
        }
    }

    /// Takes an answer in; two looks at once may have brought the same entries.
    fn fill(&mut self, first: u64, items: Vec<T>) {
        let known = usize::try_from(self.next.saturating_sub(first)).unwrap_or(usize::MAX);
        self.next = self.next.max(first);
        for item in items.into_iter().skip(known) {
            self.items.push_back(item);
            self.next += 1;
        }
    }

    /// Forgets what has been fetched.
    pub(super) fn clear(&mut self) {
        self.items.clear();
    }
}

impl Participant {
    /// The next event of any level.
    pub async fn next(&self) -> Outcome<Observed> {
        loop {
            if let Some(event) = self.events.borrow_mut().items.pop_front() {
                self.note(format!("saw {event:?}"));
                return Ok(event);
            }
            let from = self.events.borrow().next;
            match self.look(Log::Events, from).await? {
                Reply::Events { first, items } => self.events.borrow_mut().fill(first, items),
                reply => return Err(self.odd(&reply)),
            }
        }
    }

    /// The next description or candidate.
    pub async fn next_handshake(&self) -> Outcome<Handshake> {
        loop {
            if let Some(handshake) = self.handshakes.borrow_mut().items.pop_front() {
                return Ok(handshake);
            }
            let from = self.handshakes.borrow().next;
            match self.look(Log::Handshakes, from).await? {
                Reply::Handshakes { first, items } => {
                    self.handshakes.borrow_mut().fill(first, items);
                }
                reply => return Err(self.odd(&reply)),
            }
        }
    }

    /// The next thing a signaling client hears that this accepts; what it does not accept is passed over.
    pub async fn rumour<T>(
        &self,
        what: &str,
        mut accept: impl FnMut(&Rumour) -> Option<T>,
    ) -> Outcome<T> {
        self.note(format!("waits {what}"));
        loop {
            match self.next().await? {
                Observed::Signaling(rumour) => {
                    if let Some(found) = accept(&rumour) {
                        return Ok(found);
                    }
                    if let Rumour::Lost(reason) = rumour {
                        return Err(self.fail(format!("waited {what}: {reason}")));
                    }
                }
                event => return Err(self.fail(format!("waited {what}, saw {event:?}"))),
            }
        }
    }

    async fn look(&self, log: Log, from: u64) -> Outcome<Reply> {
        let wait = LOOK;
        self.conduit
            .call(Request::Observe { log, from, wait })
            .await
    }
}

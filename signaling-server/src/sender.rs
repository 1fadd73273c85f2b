//! A member on its way to others: it is slowed, and pays, where what it sent them is not taken.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::door::{Ask, BYTES_PER_TOKEN, Visitor};
use crate::goodbye::Goodbye;
use crate::hall::MemberId;
use crate::relay::{Place, Relay, Relayed};
use crate::wire::SharedMeter;

/// How long a member's socket is not read while a receiver has no room for what it sent.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a text costs that finds no room even then: so many times what it cost to send, as it was in vain and may be a flood.
const VAIN: u64 = 8;

/// Takes a member's texts to where they are to go.
pub(crate) struct Sender<'a> {
    relay: &'a Relay,
    place: &'a Place,
    meter: &'a SharedMeter,
    /// Those that had no room for us in time: they are not waited for again before they have taken something.
    clogged: BTreeSet<MemberId>,
}

impl<'a> Sender<'a> {
    pub(crate) const fn new(relay: &'a Relay, place: &'a Place, meter: &'a SharedMeter) -> Self {
        Self {
            relay,
            place,
            meter,
            clogged: BTreeSet::new(),
        }
    }

    /// Does what a text asks for. An error is why its sender must go.
    pub(crate) async fn handle(
        &mut self,
        visitor: &mut Visitor,
        text: &str,
    ) -> Result<(), Goodbye> {
        match visitor.read(text)? {
            None => {
                self.relay.metrics().unknown();
                Ok(())
            }
            Some(Ask::Join { lobby, topology }) => {
                visitor.joined(self.place.join(&lobby, topology)?);
                Ok(())
            }
            Some(Ask::Relay { to, text }) => self.send(to, &text).await,
            Some(Ask::Seal) => self.place.seal(),
        }
    }

    /// Sends a text to the member of that id, waits for room if need be, and drops the text if there is none in time: one
    /// slow receiver must neither hold up all that we send nor have us sent away.
    async fn send(&mut self, to: u32, text: &Arc<str>) -> Result<(), Goodbye> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (member, outbox, full) = match self.place.relay(to, text)? {
                Relayed::Nobody => return Ok(()),
                Relayed::Taken(member) => {
                    self.clogged.remove(&member);
                    return Ok(());
                }
                Relayed::Full { to, outbox, full } => (to, outbox, full),
            };
            if self.clogged.contains(&member) {
                return self.pay(text);
            }
            if timeout_at(deadline, outbox.emptied(&full)).await.is_err() {
                self.clog(member);
            }
        }
    }

    fn clog(&mut self, member: MemberId) {
        // Most of so many have left meanwhile.
        if self.clogged.len() > self.relay.config().max_lobby_peers {
            self.clogged.clear();
        }
        self.clogged.insert(member);
    }

    fn pay(&self, text: &str) -> Result<(), Goodbye> {
        self.relay.metrics().dropped();
        let tokens = (text.len() as u64).div_ceil(BYTES_PER_TOKEN) * VAIN;
        let now = self.relay.now();
        self.meter
            .lock()
            .charge(now, tokens)
            .map_err(|_| Goodbye::Flooding)
    }
}

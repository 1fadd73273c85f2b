//! A member on its way to others: it is slowed, and pays, where what it sent them is not taken.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::door::{Ask, BYTES_PER_TOKEN, Letter, Visitor};
use crate::goodbye::Goodbye;
use crate::hall::MemberId;
use crate::relay::{Clogged, Destination, Place, Relay, Relayed, Seated};
use crate::wire::SharedMeter;

/// How long a member's socket is not read while a receiver has no room for what it sent.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many times as long as it has waited a member must go on before it is waited with as long again. So several slow receivers
/// together do not keep its pings from being read, by which it knows that the server is there.
const RECOVERY: u32 = 4;

/// What a text costs that finds no room even then: so many times what it cost to send, as it was in vain and may be a flood.
const VAIN: u64 = 8;

/// What a member changes in its lobby is told to the others. It costs as if it had sent one more message for so many of them: they are
/// told no more often than twice a second.
const TOLD_PER_TOKEN: usize = 8;

/// What telling so many costs.
const fn price(told: usize) -> u64 {
    (told / TOLD_PER_TOKEN) as u64
}

/// Takes a member's texts to where they are to go.
pub(crate) struct Sender<'a> {
    relay: &'a Relay,
    place: &'a Place,
    meter: &'a SharedMeter,
    /// Those that had no room for us in time: they are not waited for again before they have taken something.
    clogged: BTreeSet<MemberId>,
    patience: Patience,
}

/// How long is waited for receivers altogether.
#[derive(Debug)]
struct Patience {
    /// When all of it is there again.
    whole_at: Instant,
}

impl Patience {
    /// What is left of it.
    fn left(&self, now: Instant) -> Duration {
        let lacks = self.whole_at.saturating_duration_since(now) / RECOVERY;
        PATIENCE.saturating_sub(lacks)
    }

    /// Takes off what was waited until now.
    fn spend(&mut self, now: Instant, waited: Duration) {
        self.whole_at = self.whole_at.max(now) + waited * RECOVERY;
    }
}

impl<'a> Sender<'a> {
    pub(crate) fn new(relay: &'a Relay, place: &'a Place, meter: &'a SharedMeter) -> Self {
        Self {
            relay,
            place,
            meter,
            clogged: BTreeSet::new(),
            patience: Patience {
                whole_at: Instant::now(),
            },
        }
    }

    /// Does what a text asks for; gives the instance that is to have the text and all that follow, if another one does it. An error
    /// is why its sender must go.
    pub(crate) async fn handle(
        &mut self,
        visitor: &mut Visitor,
        text: &str,
    ) -> Result<Option<Destination>, Goodbye> {
        let done = match visitor.read(text)? {
            None => {
                self.relay.metrics().unknown();
                Ok(())
            }
            Some(Ask::Join {
                lobby,
                topology,
                extension,
                dialect,
            }) => {
                let join = self
                    .place
                    .join(&lobby, topology, extension.as_ref(), dialect);
                match join.await? {
                    Seated::Here(standing) => visitor.joined(standing.id, standing.is_ours),
                    Seated::Elsewhere(destination) => return Ok(Some(destination)),
                }
                Ok(())
            }
            Some(Ask::Relay { to, letter }) => self.send(to, &letter).await,
            Some(Ask::Seal) => self.place.seal(),
            Some(Ask::Ping(id)) => {
                self.place.pong(id);
                Ok(())
            }
            Some(Ask::Control(control)) => {
                self.charge(price(self.place.audience()))?;
                self.place.control(control)
            }
            Some(Ask::Leave) => {
                self.place.leave();
                Ok(())
            }
        };
        done.map(|()| None)
    }

    /// Sends a text to the member of that id, waits for room if need be, and drops the text if there is none in time: one
    /// slow receiver must neither hold up all that we send nor have us sent away. Who numbers its texts is told when there is
    /// room again: the receiver takes none of the next ones before it has had this one.
    async fn send(&mut self, to: u32, letter: &Letter) -> Result<(), Goodbye> {
        let begun = Instant::now();
        let deadline = begun + self.patience.left(begun);
        loop {
            let clogged = match self.place.relay(to, letter)? {
                Relayed::Nobody => return Ok(()),
                Relayed::Taken(member) => {
                    self.clogged.remove(&member);
                    return Ok(());
                }
                Relayed::Full(clogged) => clogged,
            };
            let Clogged { to, outbox, full } = &clogged;
            if self.clogged.contains(to) {
                if letter.is_numbered() {
                    self.place.thwart(&clogged);
                }
                return self.pay(letter);
            }
            let waiting = Instant::now();
            let emptied = timeout_at(deadline, outbox.emptied(full)).await;
            let now = Instant::now();
            self.patience.spend(now, now - waiting);
            if emptied.is_err() {
                self.clog(*to);
            }
        }
    }

    fn clog(&mut self, member: MemberId) {
        // Some of so many have left meanwhile.
        if self.clogged.len() >= self.relay.config().max_lobby_peers {
            self.clogged.clear();
        }
        self.clogged.insert(member);
    }

    fn pay(&self, letter: &Letter) -> Result<(), Goodbye> {
        self.relay.metrics().dropped();
        let tokens = (letter.len() as u64).div_ceil(BYTES_PER_TOKEN) * VAIN;
        self.charge(tokens).map_err(|_| Goodbye::Flooding)
    }

    fn charge(&self, tokens: u64) -> Result<(), Goodbye> {
        let now = self.relay.now();
        self.meter.lock().charge(now, tokens)
    }
}

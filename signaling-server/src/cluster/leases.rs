//! What this instance owns, as far as it knows. No broker, no clock.

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_core::Instant;

use super::key::Key;

/// Leases of one instance.
///
/// Each has a fencing number: the broker gives a higher one whenever something gets another owner. An owner that was away for longer
/// than its lease learns by the number that it is none any more, and who forwards a member to it says which number it has found.
///
/// A lease lasts from the moment at which it was asked for, so it ends here no later than at the broker. One that could not be
/// renewed in time has lapsed: nothing new is made under it. What stands goes on until the broker says that somebody else has it,
/// because a broker that is down gives it to nobody.
///
/// A broker that has forgotten everything gives nothing for one lease, and lengthens none. So who holds a good lease then is not met by
/// a second owner, and has said what it holds when the broker gives again.
#[derive(Debug)]
pub(crate) struct Leases {
    term: Duration,
    /// How long members may come back after their lobby's owner has died.
    keep: Duration,
    held: BTreeMap<Key, Lease>,
    /// What was given up. It is kept until the broker has heard it and no late answer can bring it back.
    given: BTreeMap<Key, Given>,
    /// Whether everything was given up for ever.
    is_closed: bool,
}

/// A lease that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Given {
    fence: u64,
    keeps_seats: bool,
    /// The broker knows nothing of it any more from then on, whether it has heard of it or not.
    until: Instant,
    is_heard: bool,
    /// The answer to a question that was asked before may still come until then, and would be a good lease.
    late_until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lease {
    fence: u64,
    until: Instant,
    /// Whether it was asked for since the last sweep: a join may be on its way.
    is_wanted: bool,
    /// Until when members of an earlier owner may come back; none if there are none, or one has come back.
    inherits: Option<Instant>,
    /// Whether the broker knows that members may come back.
    keeps_seats: bool,
    /// Whether the broker is to hear of it before its time.
    is_early: bool,
}

/// Which leases are to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    All,
    /// Those alone of which the broker is to hear before their time.
    Early,
}

/// What the broker has to be told of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Renewal {
    pub(crate) key: Key,
    pub(crate) fence: u64,
    /// Whether members may come back to it for a while after its owner has died.
    pub(crate) keeps_seats: bool,
}

/// Under which lease something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) key: Key,
    pub(crate) fence: u64,
    /// Until when members of an owner that has died come back here with its tokens. Until one of them has made the lobby again,
    /// nobody else may make it.
    pub(crate) inherits: Option<Instant>,
    /// The name of a lobby that gets one of the server's, under a lease of its own.
    pub(crate) fresh: Option<std::sync::Arc<str>>,
}

/// How things are with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// It is ours, and nobody else can have it.
    Valid {
        fence: u64,
        inherits: Option<Instant>,
    },
    /// It was ours when we last heard of the broker.
    Lapsed {
        fence: u64,
        inherits: Option<Instant>,
    },
    /// It is not ours.
    No,
}

impl Lease {
    /// Until when members of an earlier owner may come back. Later their tokens are no good.
    fn heirs(&self, now: Instant) -> Option<Instant> {
        self.inherits.filter(|until| *until > now)
    }
}

impl Leases {
    pub(crate) const fn new(term: Duration, keep: Duration) -> Self {
        Self {
            term,
            keep,
            held: BTreeMap::new(),
            given: BTreeMap::new(),
            is_closed: false,
        }
    }

    /// The broker has given a lease that was asked for at that time. False only after everything was given up. A late answer changes
    /// nothing: whoever asked finds no lease and asks again.
    pub(crate) fn granted(
        &mut self,
        asked: Instant,
        key: Key,
        fence: u64,
        inherits: bool,
        keeps_seats: bool,
    ) -> bool {
        if self.is_closed {
            return false;
        }
        let lease = Lease {
            fence,
            until: asked + self.term,
            is_wanted: true,
            inherits: inherits.then(|| asked + self.keep),
            keeps_seats,
            is_early: false,
        };
        if let Some(given) = self.given.get(&key) {
            // Another answer brought the number sooner, and it was given up since. A number that was asked for later is a new one, even if
            // the broker's clock was set back.
            if fence <= given.fence && lease.until <= given.late_until {
                return true;
            }
            // Under its new number no earlier word counts.
            self.given.remove(&key);
        }
        let held = self.held.entry(key).or_insert(lease);
        held.is_wanted = true;
        // Answers may overtake each other. Only the latest number counts at the broker.
        if held.fence < fence {
            let (inherits, keeps_seats) = (held.inherits, held.keeps_seats);
            *held = lease;
            held.inherits = held.inherits.max(inherits);
            held.keeps_seats |= keeps_seats;
        }
        true
    }

    /// How things are with a key for which somebody wants to join.
    pub(crate) fn want(&mut self, now: Instant, key: &Key) -> Holding {
        match self.held.get_mut(key) {
            None => Holding::No,
            Some(lease) => {
                lease.is_wanted = true;
                let (fence, inherits) = (lease.fence, lease.heirs(now));
                match lease.until > now {
                    true => Holding::Valid { fence, inherits },
                    false => Holding::Lapsed { fence, inherits },
                }
            }
        }
    }

    /// A member that can come back has got a seat. Whether the broker has to be told that.
    pub(crate) fn seated(&mut self, key: &Key, is_ours: bool) -> bool {
        let Some(lease) = self.held.get_mut(key) else {
            return false;
        };
        // The lobby stands again, and knows itself who may come back.
        lease.inherits = None;
        let is_news = is_ours && !std::mem::replace(&mut lease.keeps_seats, true);
        lease.is_early |= is_news;
        is_news
    }

    /// The number under which a key is held.
    #[cfg(test)]
    pub(crate) fn fence(&self, key: &Key) -> Option<u64> {
        self.held.get(key).map(|lease| lease.fence)
    }

    /// Whether a key is held under that number.
    fn has(&self, key: &Key, fence: u64) -> bool {
        self.held.get(key).is_some_and(|lease| lease.fence == fence)
    }

    /// Whether somebody may be seated in it under that number. `stands` is for a lobby that is there: it goes on without a lease
    /// that is good, and nothing is made under such a one.
    pub(crate) fn may_seat(&self, now: Instant, key: &Key, fence: u64, stands: bool) -> bool {
        let held = self.held.get(key);
        held.is_some_and(|lease| lease.fence == fence && (stands || lease.until > now))
    }

    /// Gives one up before its time, so that another instance can have it. [`gives`](Self::gives) has it then.
    pub(crate) fn hand_over(&mut self, now: Instant, key: &Key) {
        if let Some(lease) = self.held.remove(key) {
            self.given.insert(key.clone(), self.given_up(now, lease));
        }
    }

    fn given_up(&self, now: Instant, lease: Lease) -> Given {
        Given {
            fence: lease.fence,
            // Where nobody has come back yet, somebody may elsewhere.
            keeps_seats: lease.heirs(now).is_some(),
            until: now + self.term + self.keep,
            is_heard: false,
            // A lease lasts from when it was asked for, which was before now.
            late_until: now + self.term,
        }
    }

    /// Gives up what is not used any more, and nobody is about to use. [`gives`](Self::gives) has it then.
    pub(crate) fn sweep(&mut self, now: Instant, is_used: impl Fn(&Key) -> bool) {
        let idle = self.held.extract_if(.., |key, lease| {
            let is_wanted = std::mem::take(&mut lease.is_wanted);
            !is_wanted && !is_used(key)
        });
        for (key, lease) in Vec::from_iter(idle) {
            let given = self.given_up(now, lease);
            self.given.insert(key, given);
        }
    }

    /// What was given up and the broker has not heard yet.
    pub(crate) fn gives(&mut self, now: Instant) -> Vec<Renewal> {
        self.given.retain(|_, given| match given.is_heard {
            true => given.late_until > now,
            false => given.until > now,
        });
        let unheard = self.given.iter().filter(|(_, given)| !given.is_heard);
        let given = unheard.map(|(key, given)| Renewal {
            key: key.clone(),
            fence: given.fence,
            keeps_seats: given.keeps_seats,
        });
        given.collect()
    }

    /// The broker has heard what was given up.
    pub(crate) fn gave(&mut self, heard: &[Renewal]) {
        for Renewal { key, fence, .. } in heard {
            if let Some(given) = self.given.get_mut(key)
                && given.fence == *fence
            {
                given.is_heard = true;
            }
        }
    }

    /// The leases of a round, to be renewed.
    pub(crate) fn renewals(
        &mut self,
        now: Instant,
        round: Round,
        keeps_seats: impl Fn(&Key) -> bool,
    ) -> Vec<Renewal> {
        let held = self.held.iter_mut().filter_map(|(key, lease)| {
            let is_early = std::mem::take(&mut lease.is_early);
            (is_early || round == Round::All).then(|| {
                lease.keeps_seats = lease.heirs(now).is_some() || keeps_seats(key);
                Renewal {
                    key: key.clone(),
                    fence: lease.fence,
                    keeps_seats: lease.keeps_seats,
                }
            })
        });
        held.collect()
    }

    /// The broker has been asked at that time to renew a lease, and says under which number it is ours. One that has forgotten
    /// everything only writes it down, and the lease is not lengthened.
    pub(crate) fn renewed(
        &mut self,
        asked: Instant,
        renewal: &Renewal,
        fence: u64,
        is_lengthened: bool,
    ) {
        let until = asked + self.term;
        let held = self.held.get_mut(&renewal.key);
        if let Some(lease) = held.filter(|lease| lease.fence == renewal.fence) {
            lease.fence = fence;
            if is_lengthened {
                lease.until = lease.until.max(until);
            }
        }
    }

    /// The broker says that somebody else has it. Whether it was ours until now.
    pub(crate) fn lost(&mut self, key: &Key, fence: u64) -> bool {
        let is_ours = self.has(key, fence);
        if is_ours {
            self.held.remove(key);
        }
        is_ours
    }

    /// Whether everything was given up for ever.
    pub(crate) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Gives up everything for ever, and gives what the broker has to hear.
    pub(crate) fn close(
        &mut self,
        now: Instant,
        keeps_seats: impl Fn(&Key) -> bool,
    ) -> Vec<Renewal> {
        let mut all = self.renewals(now, Round::All, keeps_seats);
        all.extend(self.gives(now));
        self.held.clear();
        self.given.clear();
        self.is_closed = true;
        all
    }
}

//! One instance among others: its leases, its broker, and what it says to the others.

#[cfg(test)]
mod tests;

use std::future::ready;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use mesh_core::Instant;
use ring::hmac;
use tokio::sync::Notify;
use tokio::time::{Instant as Clock, timeout, timeout_at};

use super::broker::{Answer, Broker, BrokerError, Kept, Purpose};
use super::config::ClusterConfig;
use super::introduction::Introduction;
use super::key::Key;
use super::leases::{Grant, Holding, Leases, Renewal, Round};
use super::seen::Seen;
use crate::resume::ResumeKey;

/// How long the leases may take that are given up when the server stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// How many leases are renewed or given up with one question.
const BATCH: usize = 128;

/// How many questions about leases are under way at once. A broker that is far away takes a tenth of a second for each.
const AT_ONCE: usize = 8;

/// What this instance knows of the others.
pub(crate) struct Cluster {
    /// Locked last, and never for long.
    leases: Mutex<Leases>,
    broker: Broker,
    secret: hmac::Key,
    /// The introductions of other instances that have been used.
    seen: Mutex<Seen>,
    lease: Duration,
    /// How long members may come back after their lobby's owner has died.
    keep: Duration,
    /// A lease should be renewed before its time.
    early: Notify,
}

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Here, under this lease.
    Here(Grant),
    /// At another instance, which listens there and has it under this number.
    There { address: SocketAddr, fence: u64 },
    /// Its owner has died. For so long only those can come back who were there.
    Orphan { within: Duration },
    /// Nowhere.
    Nobody,
    /// The broker has forgotten everything, or has old data, and gives nothing for so long.
    Wait { within: Duration },
    /// This instance takes nothing any more.
    Closed,
}

impl Cluster {
    /// `address` is what other instances are told; `keep` is how long a token is valid. Must be called on a runtime.
    pub(crate) fn new(
        config: &ClusterConfig,
        address: SocketAddr,
        key: &ResumeKey,
        keep: Duration,
    ) -> Result<Self, BrokerError> {
        let unavailable = |_| BrokerError::Unavailable("the system has no random numbers".into());
        // One that is started again at the same address is another one.
        let id = getrandom::u64().map_err(unavailable)?;
        let owner = format!("{id:016x}@{address}");
        let lease = config.term();
        Ok(Self {
            leases: Mutex::new(Leases::new(lease, keep)),
            broker: Broker::new(&config.redis, owner, lease)?,
            secret: key.for_instances(),
            seen: Mutex::default(),
            lease,
            keep,
            early: Notify::new(),
        })
    }

    /// Where a key is, as far as this instance knows by itself.
    pub(crate) fn holding(&self, now: Instant, key: &Key) -> Holding {
        self.lock().want(now, key)
    }

    /// Whether somebody may be seated in it under that number. `stands` says that the lobby is there.
    pub(crate) fn may_seat(&self, now: Instant, key: &Key, fence: u64, stands: bool) -> bool {
        self.lock().may_seat(now, key, fence, stands)
    }

    /// A member has got a seat.
    pub(crate) fn seated(&self, key: &Key, is_ours: bool) {
        if self.lock().seated(key, is_ours && key.has_seats()) {
            self.early.notify_one();
        }
    }

    /// Lets another instance have a key that is here, soon.
    pub(crate) fn hand_over(&self, now: Instant, key: &Key) {
        self.lock().hand_over(now, key);
        self.early.notify_one();
    }

    /// Asks the broker where a key is. `is_ours` says that somebody may come back to it.
    pub(crate) async fn find(
        &self,
        asked: Instant,
        key: &Key,
        purpose: Purpose,
        is_ours: bool,
    ) -> Result<Found, BrokerError> {
        let keeps_seats = is_ours && key.has_seats();
        let keep = if keeps_seats {
            self.keep
        } else {
            Duration::ZERO
        };
        let (fence, inherits) = match self.broker.take(key, purpose, keep).await? {
            Answer::Made { fence } => (fence, false),
            // Where the earlier answer was lost nobody has come back under it.
            Answer::Again { fence } => (fence, purpose == Purpose::Back),
            Answer::Heir { fence } => (fence, true),
            Answer::Held { fence, owner } => {
                let address = owner.split_once('@').map(|(_, address)| address.parse());
                let Some(Ok(address)) = address else {
                    let why = "it names an owner without an address".to_owned();
                    return Err(BrokerError::Unavailable(why));
                };
                return Ok(Found::There { address, fence });
            }
            Answer::Orphan { within } => return Ok(Found::Orphan { within }),
            Answer::Nobody => return Ok(Found::Nobody),
            Answer::Wait { within } => return Ok(Found::Wait { within }),
        };
        let is_taken = self
            .lock()
            .granted(asked, key.clone(), fence, inherits, keeps_seats);
        if !is_taken {
            // The server has stopped meanwhile, and has told the broker of all others.
            let lease = Renewal {
                key: key.clone(),
                fence,
                keeps_seats: inherits,
            };
            self.broker.give(&[lease], self.keep).await?;
            return Ok(Found::Closed);
        }
        Ok(Found::Here(Grant {
            key: key.clone(),
            fence,
            inherits: inherits.then(|| asked + self.keep),
            fresh: None,
        }))
    }

    /// Waits until leases are to be renewed, and says which: all at that time, some before it.
    pub(crate) async fn due(&self, next: Clock) -> Round {
        // However much is to be said before its time: else leases would end meanwhile.
        if next <= Clock::now() {
            return Round::All;
        }
        match timeout_at(next, self.early.notified()).await {
            Ok(()) => Round::Early,
            Err(_) => Round::All,
        }
    }

    /// When all leases are renewed again after a round that began at that time. One that has failed is followed sooner.
    pub(crate) fn next(&self, begun: Clock, has_failed: bool) -> Clock {
        begun + self.lease / if has_failed { 6 } else { 3 }
    }

    /// When all leases are renewed again after any round. An early round does not change that: it gives `next` back.
    pub(crate) fn after(&self, round: Round, next: Clock, begun: Clock, has_failed: bool) -> Clock {
        match round {
            Round::All => self.next(begun, has_failed),
            Round::Early => next,
        }
    }

    /// Gives up leases that are not used any more.
    pub(crate) fn sweep(&self, now: Instant, is_used: impl Fn(&Key) -> bool) {
        self.lock().sweep(now, is_used);
    }

    /// Leases that are given up and of which the broker has still to be told, some together.
    pub(crate) fn gives(&self, now: Instant) -> Vec<Vec<Renewal>> {
        batches(&self.lock().gives(now))
    }

    /// Tells the broker of leases that are given up.
    pub(crate) async fn give(&self, given: Vec<Renewal>) -> Result<(), BrokerError> {
        self.broker.give(&given, self.keep).await?;
        self.lock().gave(&given);
        Ok(())
    }

    /// The leases of a round, some together.
    pub(crate) fn renewals(
        &self,
        now: Instant,
        round: Round,
        keeps_seats: impl Fn(&Key) -> bool,
    ) -> Vec<Vec<Renewal>> {
        batches(&self.lock().renewals(now, round, keeps_seats))
    }

    /// Renews leases; gives those that somebody else has now. They are to be given up with [`lost`](Self::lost).
    pub(crate) async fn renew(
        &self,
        asked: Instant,
        renewals: Vec<Renewal>,
    ) -> Result<Vec<Renewal>, BrokerError> {
        let Kept {
            is_lengthened,
            fences,
        } = self.broker.keep(&renewals, self.keep).await?;
        let mut leases = self.lock();
        let mut lost = Vec::new();
        for (renewal, fence) in renewals.into_iter().zip(fences) {
            match fence {
                0 => lost.push(renewal),
                fence => leases.renewed(asked, &renewal, fence, is_lengthened),
            }
        }
        Ok(lost)
    }

    /// Somebody else has it. Whether it was ours until now.
    pub(crate) fn lost(&self, renewal: &Renewal) -> bool {
        self.lock().lost(&renewal.key, renewal.fence)
    }

    /// Whether this instance takes nothing any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed()
    }

    /// Gives up everything here. [`free`](Self::free) tells the broker.
    pub(crate) fn close(
        &self,
        now: Instant,
        keeps_seats: impl Fn(&Key) -> bool,
    ) -> Vec<Vec<Renewal>> {
        batches(&self.lock().close(now, keeps_seats))
    }

    /// Tells the broker what was given up, so that members can come back to other instances at once.
    pub(crate) async fn free(&self, held: Vec<Vec<Renewal>>) {
        let giving = at_once(held, |batch| self.give(batch));
        if !matches!(timeout(FAREWELL, giving).await, Ok(Ok(()))) {
            tracing::warn!("the broker was not told in time that the lobbies are free");
        }
    }

    /// What another instance is told of a member that is sent there, signed; none if the system has no random numbers.
    pub(crate) fn introduce(
        &self,
        unix: Duration,
        key: &Key,
        fence: u64,
        address: Option<IpAddr>,
        group_of: Option<u32>,
    ) -> Option<String> {
        let nonce = getrandom::u64().ok()?;
        let introduction = Introduction::new(unix, nonce, key, fence, address, group_of);
        Some(introduction.sign(&self.secret))
    }

    /// Reads what another instance says of a member, once.
    pub(crate) fn read(&self, unix: Duration, text: &str) -> Option<Arc<Introduction>> {
        let introduction = Introduction::read(unix, &self.secret, text)?;
        let (now, valid_from) = Introduction::valid(unix);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = seen.is_first(now, valid_from, introduction.issued, introduction.nonce);
        is_first.then(|| Arc::new(introduction))
    }

    fn lock(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn batches(leases: &[Renewal]) -> Vec<Vec<Renewal>> {
    leases.chunks(BATCH).map(<[_]>::to_vec).collect()
}

/// Asks about batches of leases, a few at once. One that fails stops no other; the first error is given.
pub(crate) async fn at_once<F>(
    batches: Vec<Vec<Renewal>>,
    ask: impl Fn(Vec<Renewal>) -> F,
) -> Result<(), BrokerError>
where
    F: Future<Output = Result<(), BrokerError>>,
{
    let asking = stream::iter(batches).map(ask).buffer_unordered(AT_ONCE);
    asking
        .fold(Ok(()), |all: Result<(), _>, one| ready(all.and(one)))
        .await
}

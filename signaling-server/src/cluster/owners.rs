//! One instance among others: its leases, its broker, and what it says to the others.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mesh_core::Instant;
use ring::hmac;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::broker::{Answer, Broker, BrokerError, Purpose};
use super::config::ClusterConfig;
use super::introduction::Introduction;
use super::key::Key;
use super::leases::{Grant, Holding, Leases, Renewal};
use crate::resume::ResumeKey;

/// How long the leases may take that are given up when the server stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// How many leases are renewed with one question.
const BATCH: usize = 128;

/// What this instance knows of the others.
pub(crate) struct Cluster {
    /// Locked last, and never for long.
    leases: Mutex<Leases>,
    broker: Broker,
    secret: hmac::Key,
    lease: Duration,
    /// How long members may come back after their lobby's owner has died.
    keep: Duration,
    /// A lease should be renewed before its time.
    early: Notify,
    is_closed: AtomicBool,
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
}

impl Cluster {
    /// `address` is where other instances reach this one; `keep` is how long a token is valid. Must be called on a runtime.
    pub(crate) fn new(
        config: &ClusterConfig,
        address: SocketAddr,
        key: &ResumeKey,
        keep: Duration,
    ) -> Result<Self, BrokerError> {
        let unavailable = |_| BrokerError::Unavailable("the system has no random numbers".into());
        // One that is started again at the same address is another one.
        let id = getrandom::u64().map_err(unavailable)?;
        let address = config.advertise.unwrap_or(address);
        let owner = format!("{id:016x}@{address}");
        let lease = config.term();
        Ok(Self {
            leases: Mutex::new(Leases::new(lease)),
            broker: Broker::new(&config.redis, owner, lease)?,
            secret: key.for_instances(),
            lease,
            keep,
            early: Notify::new(),
            is_closed: AtomicBool::new(false),
        })
    }

    /// Where a key is, as far as this instance knows by itself.
    pub(crate) fn holding(&self, now: Instant, key: &Key) -> Holding {
        self.lock().want(now, key)
    }

    /// Whether a key is held under that number.
    pub(crate) fn has(&self, key: &Key, fence: u64) -> bool {
        self.lock().has(key, fence)
    }

    /// A member has got a seat.
    pub(crate) fn seated(&self, key: &Key, is_ours: bool) {
        if self.lock().seated(key, is_ours) {
            self.early.notify_one();
        }
    }

    /// Asks the broker where a key is. `is_ours` says that somebody may come back to it.
    pub(crate) async fn find(
        &self,
        asked: Instant,
        key: &Key,
        purpose: Purpose,
        is_ours: bool,
    ) -> Result<Found, BrokerError> {
        let keep = if is_ours { self.keep } else { Duration::ZERO };
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
        };
        self.lock()
            .granted(asked, key.clone(), fence, inherits, is_ours);
        Ok(Found::Here(Grant {
            key: key.clone(),
            fence,
            inherits,
            fresh: None,
        }))
    }

    /// Waits until the leases are to be renewed.
    pub(crate) async fn due(&self) {
        let _ = timeout(self.lease / 3, self.early.notified()).await;
    }

    /// Leases that are not used any more. They are given up already.
    pub(crate) fn sweep(&self, is_used: impl Fn(&Key) -> bool) -> Vec<Renewal> {
        self.lock().sweep(is_used)
    }

    /// Tells the broker of leases that are given up.
    pub(crate) async fn give(&self, idle: &[Renewal]) -> Result<(), BrokerError> {
        for Renewal {
            key,
            fence,
            keeps_seats,
        } in idle
        {
            let keep = if *keeps_seats {
                self.keep
            } else {
                Duration::ZERO
            };
            self.broker.give(key, *fence, keep).await?;
        }
        Ok(())
    }

    /// All leases, some together.
    pub(crate) fn renewals(&self, keeps_seats: impl Fn(&Key) -> bool) -> Vec<Vec<Renewal>> {
        let renewals = self.lock().renewals(keeps_seats);
        renewals.chunks(BATCH).map(<[_]>::to_vec).collect()
    }

    /// Renews leases; gives those that somebody else has now. They are to be given up with [`lost`](Self::lost).
    pub(crate) async fn renew(
        &self,
        asked: Instant,
        renewals: Vec<Renewal>,
    ) -> Result<Vec<Renewal>, BrokerError> {
        let kept = self.broker.keep(&renewals, self.keep).await?;
        let mut leases = self.lock();
        let mut lost = Vec::new();
        for (renewal, fence) in renewals.into_iter().zip(kept) {
            match fence {
                0 => lost.push(renewal),
                fence => leases.renewed(asked, &renewal, fence),
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
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Gives up everything here. [`free`](Self::free) tells the broker.
    pub(crate) fn close(&self, keeps_seats: impl Fn(&Key) -> bool) -> Vec<Renewal> {
        self.is_closed.store(true, Ordering::Relaxed);
        let mut leases = self.lock();
        let held = leases.renewals(keeps_seats);
        leases.clear();
        held
    }

    /// Tells the broker what was given up, so that members can come back to other instances at once.
    pub(crate) async fn free(&self, held: Vec<Renewal>) {
        if !matches!(timeout(FAREWELL, self.give(&held)).await, Ok(Ok(()))) {
            tracing::warn!("the broker was not told in time that the lobbies are free");
        }
    }

    /// Signs what another instance is told of a member.
    pub(crate) fn sign(&self, introduction: &Introduction) -> String {
        introduction.sign(&self.secret)
    }

    /// Reads what another instance says of a member.
    pub(crate) fn read(&self, unix: Duration, text: &str) -> Option<Arc<Introduction>> {
        Introduction::read(unix, &self.secret, text).map(Arc::new)
    }

    fn lock(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

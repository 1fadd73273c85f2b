//! The hall and the sockets' outboxes behind one lock: what happens to one socket is told to the others in one step.

mod draining;
mod owning;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant as Clock};

use mesh_core::Instant;
use signaling::{Message, Notice, encode};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::sleep_until;

use crate::Config;
use crate::admission::{Entry, Refusal, unix};
use crate::cluster::Cluster;
use crate::door::{Addresses, Network, TooMany, Welcome};
use crate::entropy;
use crate::goodbye::Goodbye;
use crate::hall::{About, Action, Counts, Hall, Listing, MemberId};
use crate::metrics::{Gauges, Metrics};
use crate::outbox::Outbox;
use crate::resume::{ResumeKey, Vault};
use crate::wire::since;

pub(crate) use owning::{Destination, Seated};
pub(crate) use place::{Clogged, Place, Relayed, Visit};

/// A server's state; clones are the same server.
#[derive(Clone)]
pub(crate) struct Relay(Arc<Shared>);

struct Shared {
    config: Config,
    start: Clock,
    /// The other instances, if there are some.
    cluster: Option<Arc<Cluster>>,
    metrics: Metrics,
    /// Never locked together with the state.
    addresses: Mutex<Addresses>,
    state: Mutex<State>,
    /// How many socket tasks live.
    tasks: watch::Sender<usize>,
    /// Set when those that still live must end at once.
    abort: watch::Sender<bool>,
    /// The hall's next moment has become earlier.
    earlier: Arc<Notify>,
}

struct State {
    hall: Hall,
    outboxes: BTreeMap<MemberId, Arc<Outbox>>,
    /// Those whose lobby another instance has, and that speak our extension with it.
    forwarded: BTreeSet<MemberId>,
    next_member: u64,
    /// Whether nobody new is taken any more, but those who come by another instance to a lobby that is here, and those who come back.
    is_draining: bool,
    /// What members are told then.
    drain_notice: Option<Arc<str>>,
    /// Whether nobody at all is taken any more.
    is_closed: bool,
    /// For when the task sleeps that waits for the hall's next moment; none if there is no such task.
    timer: Option<Instant>,
}

/// Why a socket is not even told why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// The server has too many.
    Away,
    /// Its address has too many.
    AwayForItsAddress,
}

impl Relay {
    pub(crate) fn new(config: Config, cluster: Option<Cluster>) -> Self {
        let vault = vault(&config);
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                hall: Hall::new(config.clone(), entropy::system(), vault),
                outboxes: BTreeMap::new(),
                forwarded: BTreeSet::new(),
                next_member: 0,
                is_draining: false,
                drain_notice: None,
                is_closed: false,
                timer: None,
            }),
            start: Clock::now(),
            cluster: cluster.map(Arc::new),
            metrics: Metrics::default(),
            addresses: Mutex::new(Addresses::new(config.address.clone())),
            tasks: watch::Sender::new(0),
            abort: watch::Sender::new(false),
            earlier: Arc::new(Notify::new()),
            config,
        }))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// The zero of the server's time.
    pub(crate) fn start(&self) -> Clock {
        self.0.start
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn gauges(&self) -> Gauges {
        let state = self.lock();
        let Counts {
            members,
            away,
            lobbies,
        } = state.hall.counts();
        let peers = state.outboxes.len();
        Gauges {
            peers,
            members,
            away,
            lobbies,
        }
    }

    /// A part of the public list: lobbies that are older than the one of that number.
    pub(crate) fn listing(&self, before: Option<u64>) -> Listing {
        self.lock().hall.listing(before)
    }

    /// Whether other instances have lobbies, too.
    pub(crate) fn is_one_of_several(&self) -> bool {
        self.0.cluster.is_some()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.lock().is_draining
    }

    /// Whether the address is one of the proxies that are trusted.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let mut trusted = self.0.config.trusted_proxies.iter();
        trusted.any(|network| network.contains(&address))
    }

    /// Lets a socket in, to be served or to be told why not. It is judged only where there is room for it.
    pub(crate) fn enter(
        &self,
        network: Option<Network>,
        judge: impl FnOnce() -> Entry,
    ) -> Result<Visit, Turned> {
        let config = &self.0.config;
        let limit = config.max_peers.saturating_add(config.max_refused);
        let has_room = self.0.tasks.send_if_modified(|tasks| {
            let room = *tasks < limit;
            *tasks += usize::from(room);
            room
        });
        if !has_room {
            return Err(Turned::Away);
        }
        let mut visit = Visit {
            relay: self.clone(),
            network: None,
            account: None,
            refused: None,
            entry: Err(Refusal::new("")),
            group_of: None,
            introduction: None,
        };
        let Some(network) = network else {
            visit.entry = judge();
            return Ok(visit);
        };
        match self.addresses().enter(self.now(), network) {
            Ok(Welcome::Served(account)) => visit.account = Some(account),
            Ok(Welcome::Refused(goodbye, account)) => {
                visit.account = Some(account);
                visit.refused = Some(goodbye);
            }
            Err(TooMany) => return Err(Turned::AwayForItsAddress),
        }
        visit.network = Some(network);
        visit.entry = judge();
        Ok(visit)
    }

    /// A place for a socket, or why there is none.
    pub(crate) fn connect(&self, visit: &Visit) -> Result<Place, Goodbye> {
        if let Some(goodbye) = &visit.refused {
            return Err(goodbye.clone());
        }
        let config = &self.0.config;
        let outbox = Arc::new(Outbox::new(config.max_outgoing, config.max_lobby_peers));
        let mut state = self.lock();
        if state.is_closed {
            return Err(Goodbye::ShuttingDown);
        }
        if state.outboxes.len() >= config.max_peers {
            return Err(Goodbye::TooManyPeers);
        }
        let member = MemberId(state.next_member);
        state.next_member += 1;
        state.outboxes.insert(member, Arc::clone(&outbox));
        drop(state);
        self.0.metrics.socket();
        Ok(Place {
            relay: self.clone(),
            network: visit.network,
            member,
            outbox,
            entry: visit.entry.clone(),
            group_of: visit.group_of,
            introduction: visit.introduction.clone(),
            is_godot3: AtomicBool::new(false),
        })
    }

    /// Waits until everybody has left.
    pub(crate) async fn drained(&self) {
        let mut tasks = self.0.tasks.subscribe();
        // An error would mean that the sender is gone, and we hold it.
        let _ = tasks.wait_for(|tasks| *tasks == 0).await;
    }

    /// Closes every socket with a reason and waits until they are closed, or the deadline has passed.
    pub(crate) async fn shut_down(&self) {
        {
            let mut state = self.lock();
            state.is_draining = true;
            state.is_closed = true;
        }
        self.give_up_leases().await;
        self.start_shut_down();
        let mut tasks = self.0.tasks.subscribe();
        let closed = tasks.wait_for(|tasks| *tasks == 0);
        if tokio::time::timeout(self.0.config.shutdown_deadline, closed)
            .await
            .is_err()
        {
            tracing::warn!("sockets did not close in time and are dropped");
            self.0.abort.send_replace(true);
        }
    }

    /// The first half, for those who cannot wait.
    pub(crate) fn start_shut_down(&self) {
        let mut state = self.lock();
        state.is_draining = true;
        state.is_closed = true;
        state.hall.close_all(&Goodbye::ShuttingDown);
        state.settle(&self.0.metrics);
        // Those who are in no lobby.
        for outbox in std::mem::take(&mut state.outboxes).into_values() {
            self.0.metrics.goodbye(&Goodbye::ShuttingDown);
            outbox.close(Goodbye::ShuttingDown);
        }
    }

    /// Resolves when sockets must end at once.
    pub(crate) async fn aborted(&self) {
        let mut abort = self.0.abort.subscribe();
        // An error would mean that the sender is gone, and we hold it.
        let _ = abort.wait_for(|abort| *abort).await;
    }

    /// The moment on tokio's clock, none if it is too far away for that.
    fn clock(&self, at: Instant) -> Option<tokio::time::Instant> {
        let since = Duration::from_micros(at.as_micros());
        self.0.start.checked_add(since).map(Into::into)
    }

    pub(crate) fn now(&self) -> Instant {
        since(self.0.start)
    }

    /// An address asks for a lobby, or for something that costs as much. One that is not known has no limit.
    pub(crate) fn charge_join(&self, network: Option<Network>) -> Result<(), Goodbye> {
        match network {
            Some(network) => self.addresses().join(self.now(), network),
            None => Ok(()),
        }
    }

    fn addresses(&self) -> MutexGuard<'_, Addresses> {
        let addresses = &self.0.addresses;
        addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step of the hall, and all that follows from it.
    fn with<R>(&self, step: impl FnOnce(&mut Hall, Instant) -> R) -> R {
        let mut state = self.lock();
        // Read under the lock, so that the hall's time never steps back.
        let now = self.now();
        let result = step(&mut state.hall, now);
        self.settle(&mut state);
        result
    }

    /// Does what the hall wants done, and sees to it that the hall is called in time.
    fn settle(&self, state: &mut State) {
        state.settle(&self.0.metrics);
        match (state.timer, state.hall.poll_timeout()) {
            (None, Some(due)) => {
                // A place may be dropped when its runtime has ended already.
                if let Ok(runtime) = Handle::try_current() {
                    state.timer = Some(due);
                    let earlier = Arc::clone(&self.0.earlier);
                    runtime.spawn(keep_time(Arc::downgrade(&self.0), earlier));
                }
            }
            (Some(timer), Some(due)) if due < timer => {
                state.timer = Some(due);
                self.0.earlier.notify_one();
            }
            (None | Some(_), None | Some(_)) => {}
        }
    }
}

/// What members' tokens are made with, if members may come back.
fn vault(config: &Config) -> Option<Vault> {
    let term = config.kept_term();
    if term.is_zero() {
        return None;
    }
    let key = config.resume_key.clone();
    // A system without random numbers has none for ids either: nobody can join.
    let key = key.or_else(|| ResumeKey::generate().ok())?;
    Some(Vault::new(&key, unix(), term))
}

/// Calls the hall when its next moment has come, as long as there is one.
async fn keep_time(shared: Weak<Shared>, earlier: Arc<Notify>) {
    loop {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let relay = Relay(shared);
        let due = {
            let mut state = relay.lock();
            let now = relay.now();
            state.hall.handle_timeout(now);
            state.settle(&relay.0.metrics);
            let due = state.hall.poll_timeout();
            let clock = due.and_then(|due| relay.clock(due));
            state.timer = due.filter(|_| clock.is_some());
            clock
        };
        // A server that is dropped meanwhile is gone before the next moment.
        drop(relay);
        let Some(due) = due else { return };
        tokio::select! {
            () = sleep_until(due) => {}
            () = earlier.notified() => {}
        }
    }
}

impl State {
    /// Tells the senders for whom a receiver has room again. They send again what was dropped, as if it had come back.
    fn relieve(&self, receiver: MemberId, outbox: &Outbox) {
        let Some(id) = self.hall.id(receiver) else {
            return;
        };
        let is_known = true;
        let text: Arc<str> = encode(&Message::from(Notice::PeerResumed(id))).into();
        for sender in outbox.relieved() {
            if let Some(outbox) = self.outboxes.get(&sender) {
                outbox.tell(Arc::clone(&text), About::Came { id, is_known });
            }
        }
    }

    fn settle(&mut self, metrics: &Metrics) {
        while let Some(action) = self.hall.poll_action() {
            match action {
                Action::Tell { to, text, about } => {
                    if let Some(outbox) = self.outboxes.get(&to) {
                        outbox.tell(text, about);
                    }
                }
                Action::Close { member, goodbye } => {
                    tracing::debug!(member = member.0, reason = goodbye.name(), "closing");
                    metrics.goodbye(&goodbye);
                    if let Some(outbox) = self.outboxes.remove(&member) {
                        outbox.close(goodbye);
                    }
                }
            }
        }
    }
}

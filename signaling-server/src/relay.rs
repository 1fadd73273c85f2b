//! The hall and the sockets' outboxes behind one lock: what happens to one socket is told to the others in one step.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant as Clock};

use mesh_core::{Instant, PeerId, Topology};
use tokio::sync::watch;
use tokio::time::sleep_until;

use crate::Config;
use crate::door::{Account, Addresses, Network, TooMany, Welcome};
use crate::entropy;
use crate::goodbye::Goodbye;
use crate::hall::{Action, Counts, Hall, MemberId, Wish};
use crate::metrics::{Gauges, Metrics};
use crate::outbox::{Full, Outbox};
use crate::wire::since;

/// A server's state; clones are the same server.
#[derive(Clone)]
pub(crate) struct Relay(Arc<Shared>);

struct Shared {
    config: Config,
    start: Clock,
    metrics: Metrics,
    /// Never locked together with the state.
    addresses: Mutex<Addresses>,
    state: Mutex<State>,
    /// How many socket tasks live.
    tasks: watch::Sender<usize>,
    /// Set when those that still live must end at once.
    abort: watch::Sender<bool>,
}

struct State {
    hall: Hall,
    outboxes: BTreeMap<MemberId, Arc<Outbox>>,
    next_member: u64,
    /// Whether nobody new is taken any more.
    is_draining: bool,
    /// Whether a task waits for the hall's next moment.
    has_timer: bool,
}

/// A socket's place in the server; dropping it frees the place, whatever ended the socket.
pub(crate) struct Place {
    relay: Relay,
    network: Option<Network>,
    member: MemberId,
    outbox: Arc<Outbox>,
}

/// Counts a socket, whether it is served or refused; dropping it counts it out.
pub(crate) struct Visit {
    relay: Relay,
    network: Option<Network>,
    account: Option<Account>,
    /// Why it will be refused.
    refused: Option<Goodbye>,
}

/// Why a socket is not even told why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// The server has too many.
    Away,
    /// Its address has too many.
    AwayForItsAddress,
}

/// What became of a text for another member.
pub(crate) enum Relayed {
    /// Nobody is to have it.
    Nobody,
    Taken(MemberId),
    /// It was not taken: our share is waiting there.
    Full {
        to: MemberId,
        outbox: Arc<Outbox>,
        full: Full,
    },
}

impl Relay {
    pub(crate) fn new(config: Config) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                hall: Hall::new(config.clone(), entropy::system()),
                outboxes: BTreeMap::new(),
                next_member: 0,
                is_draining: false,
                has_timer: false,
            }),
            start: Clock::now(),
            metrics: Metrics::default(),
            addresses: Mutex::new(Addresses::new(config.address.clone())),
            tasks: watch::Sender::new(0),
            abort: watch::Sender::new(false),
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
        let Counts { members, lobbies } = state.hall.counts();
        let peers = state.outboxes.len();
        Gauges {
            peers,
            members,
            lobbies,
        }
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

    /// Lets a socket in, to be served or to be told why not.
    pub(crate) fn enter(&self, network: Option<Network>) -> Result<Visit, Turned> {
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
        };
        let Some(network) = network else {
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
        if state.is_draining {
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
        })
    }

    /// Takes nobody new, and waits until those who are there have left.
    pub(crate) async fn drain(&self) {
        self.lock().is_draining = true;
        let mut tasks = self.0.tasks.subscribe();
        // An error would mean that the sender is gone, and we hold it.
        let _ = tasks.wait_for(|tasks| *tasks == 0).await;
    }

    /// Closes every socket with a reason and waits until they are closed, or the deadline has passed.
    pub(crate) async fn shut_down(&self) {
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
        state.settle(&self.0.metrics);
        if !state.has_timer && state.hall.poll_timeout().is_some() {
            state.has_timer = true;
            tokio::spawn(keep_time(Arc::downgrade(&self.0)));
        }
        result
    }
}

/// Calls the hall when its next moment has come, as long as there is one. That moment never becomes earlier.
async fn keep_time(shared: Weak<Shared>) {
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
            let due = state.hall.poll_timeout().and_then(|due| relay.clock(due));
            state.has_timer = due.is_some();
            due
        };
        // A server that is dropped meanwhile is gone before the next moment.
        drop(relay);
        let Some(due) = due else { return };
        sleep_until(due).await;
    }
}

impl State {
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

impl Place {
    /// The socket's number, for logs.
    pub(crate) const fn number(&self) -> u64 {
        self.member.0
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(crate) fn join(&self, name: &str, topology: Topology) -> Result<PeerId, Goodbye> {
        if let Some(network) = self.network {
            self.relay.addresses().join(self.relay.now(), network)?;
        }
        let network = self.network;
        let wish = Wish {
            name,
            topology,
            network,
        };
        let id = self.relay.with(|hall, _| hall.join(self.member, wish))?;
        self.relay.0.metrics.join();
        Ok(id)
    }

    pub(crate) fn seal(&self) -> Result<(), Goodbye> {
        self.relay.with(|hall, now| hall.seal(now, self.member))
    }

    /// Gives a text to the member of that id.
    pub(crate) fn relay(&self, to: u32, text: &Arc<str>) -> Result<Relayed, Goodbye> {
        let state = self.relay.lock();
        let Some(to) = state.hall.addressee(self.member, to)? else {
            return Ok(Relayed::Nobody);
        };
        let Some(outbox) = state.outboxes.get(&to) else {
            return Ok(Relayed::Nobody);
        };
        Ok(match outbox.relay(self.member, Arc::clone(text)) {
            Ok(()) => {
                self.relay.0.metrics.relayed(text.len());
                Relayed::Taken(to)
            }
            Err(full) => {
                let outbox = Arc::clone(outbox);
                Relayed::Full { to, outbox, full }
            }
        })
    }

    /// Sends the socket away. Does nothing if it has been sent away already.
    pub(crate) fn refuse(&self, goodbye: Goodbye) {
        let mut state = self.relay.lock();
        let is_first = state.outboxes.remove(&self.member).is_some();
        state.hall.leave(self.member);
        state.settle(&self.relay.0.metrics);
        drop(state);
        if is_first {
            let member = self.member.0;
            tracing::debug!(member, reason = goodbye.name(), "sent away");
            self.relay.0.metrics.goodbye(&goodbye);
            self.outbox.close(goodbye);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.relay.lock();
        state.outboxes.remove(&self.member);
        state.hall.leave(self.member);
        state.settle(&self.relay.0.metrics);
    }
}

impl Visit {
    /// What its address may send, if the address is known.
    pub(crate) fn account(&self) -> Option<Account> {
        self.account.clone()
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(network) = self.network {
            self.relay.addresses().leave(network);
        }
        self.relay.0.tasks.send_modify(|tasks| *tasks -= 1);
    }
}

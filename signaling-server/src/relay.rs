//! The hub and the sockets' outboxes behind one lock: what happens to one socket is told to the others in one step.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Clock};

use mesh_core::Instant;
use tokio::sync::watch;

use crate::Config;
use crate::entropy;
use crate::goodbye::Goodbye;
use crate::hub::{Action, Counts, Hub};
use crate::outbox::Outbox;
use crate::socket_id::SocketId;

/// How many sockets that are being refused may exist besides those that are served.
const MAX_REFUSED: usize = 256;

/// A server's state; clones are the same server.
#[derive(Clone)]
pub(crate) struct Relay(Arc<Shared>);

struct Shared {
    config: Config,
    start: Clock,
    state: Mutex<State>,
    /// How many socket tasks live.
    tasks: watch::Sender<usize>,
    /// Set when those that still live must end at once.
    abort: watch::Sender<bool>,
}

struct State {
    hub: Hub,
    outboxes: BTreeMap<SocketId, Arc<Outbox>>,
}

/// A socket's place in the hub; dropping it frees the place, whatever ended the socket.
pub(crate) struct Place {
    relay: Relay,
    socket: SocketId,
    outbox: Arc<Outbox>,
}

/// Counts a socket's task; dropping it counts it out.
pub(crate) struct Task(Relay);

impl Relay {
    pub(crate) fn new(config: Config) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                hub: Hub::new(config.clone(), entropy::system()),
                outboxes: BTreeMap::new(),
            }),
            start: Clock::now(),
            tasks: watch::Sender::new(0),
            abort: watch::Sender::new(false),
            config,
        }))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn counts(&self) -> Counts {
        self.with(|hub, _| hub.counts())
    }

    /// A task for a socket, or none when there are too many even to say no.
    pub(crate) fn task(&self) -> Option<Task> {
        let limit = self.0.config.max_peers.saturating_add(MAX_REFUSED);
        self.0
            .tasks
            .send_if_modified(|tasks| {
                let room = *tasks < limit;
                *tasks += usize::from(room);
                room
            })
            .then(|| Task(self.clone()))
    }

    /// A place for a socket, or why there is none.
    pub(crate) fn connect(&self) -> Result<Place, Goodbye> {
        let outbox = Arc::new(Outbox::new(self.0.config.max_outgoing));
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let socket = state.hub.connect(now)?;
        state.outboxes.insert(socket, Arc::clone(&outbox));
        drop(state);
        Ok(Place {
            relay: self.clone(),
            socket,
            outbox,
        })
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
        self.with(|hub, _| hub.shut_down());
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

    fn now(&self) -> Instant {
        let micros = self.0.start.elapsed().as_micros();
        Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// One step of the hub, and all that follows from it.
    fn with<R>(&self, step: impl FnOnce(&mut Hub, Instant) -> R) -> R {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that the hub's time never steps back.
        let now = self.now();
        let result = step(&mut state.hub, now);
        state.settle(self.0.config.max_outgoing);
        result
    }
}

impl State {
    fn settle(&mut self, limit: usize) {
        while let Some(action) = self.hub.poll_action() {
            match action {
                Action::Send { to, text } => {
                    let full = self
                        .outboxes
                        .get(&to)
                        .is_some_and(|outbox| outbox.push(text).is_err());
                    if full {
                        self.hub.refuse(to, Goodbye::TooSlow { limit });
                    }
                }
                Action::Close { socket, goodbye } => {
                    tracing::debug!(?socket, %goodbye, "closing");
                    if let Some(outbox) = self.outboxes.remove(&socket) {
                        outbox.close(goodbye);
                    }
                }
            }
        }
    }
}

impl Place {
    pub(crate) fn socket(&self) -> SocketId {
        self.socket
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(crate) fn handle_text(&self, text: &str) {
        self.relay
            .with(|hub, now| hub.handle_text(now, self.socket, text));
    }

    /// A ping or a pong.
    pub(crate) fn handle_control(&self) {
        self.relay
            .with(|hub, now| hub.handle_frame(now, self.socket, 0));
    }

    pub(crate) fn handle_timeout(&self) {
        self.relay
            .with(|hub, now| hub.handle_timeout(now, self.socket));
    }

    pub(crate) fn refuse(&self, goodbye: Goodbye) {
        self.relay.with(|hub, _| hub.refuse(self.socket, goodbye));
    }

    /// When `handle_timeout` is due.
    pub(crate) fn poll_timeout(&self) -> Option<tokio::time::Instant> {
        let due = self.relay.with(|hub, _| hub.poll_timeout(self.socket))?;
        self.relay.clock(due)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self
            .relay
            .0
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.outboxes.remove(&self.socket);
        state.hub.disconnect(self.socket);
        state.settle(self.relay.0.config.max_outgoing);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.0.tasks.send_modify(|tasks| *tasks -= 1);
    }
}

//! A switch in user space between namespaces: paths with bandwidth, delay, loss and reordering, and single datagrams dropped.
//!
//! Each port is a TAP device that its namespace calls `eth0` (or `eth1`); what the kernel sends there comes to a task of ours, which decides
//! what becomes of it. The kernel's own emulator (netem) is not in every kernel, and does not drop the seventh datagram of a
//! handshake.

mod frame;
mod path;
mod port;

use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;
use tun_rs::{AsyncDevice, DeviceBuilder, Layer};

use self::path::{Fate, Weather};
pub(super) use self::path::{Path, Single};
use self::port::{Port, Waiting};
use super::netns::Namespace;
use crate::{Failure, Outcome};

/// Frames on their way at most; more are lost, as in a router whose memory is full.
const UNDER_WAY: usize = 20_000;

/// The largest frame of an Ethernet without jumbo ones.
const FRAME: usize = 1600;

/// A switch; dropping it pulls all cables.
pub(super) struct Switch {
    shared: Arc<Shared>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// A frame that is due earlier than all others has come.
    earlier: Notify,
    ports: Vec<AsyncDevice>,
}

struct State {
    weather: Weather,
    /// Which address is behind which port.
    addresses: Vec<([u8; 6], usize)>,
    under_way: BinaryHeap<Waiting>,
    /// Frames so far, so that equal times keep their order.
    number: u64,
    ports: Vec<Port>,
    /// Who hears nothing.
    deaf: Option<usize>,
}

impl Switch {
    /// One between these namespaces, each of which gets an interface of this name that is not up yet.
    pub(super) fn between(cables: &[(&Namespace, &str)], seed: u64) -> Outcome<Self> {
        let devices: Vec<AsyncDevice> = cables
            .iter()
            .map(|(namespace, name)| plug(namespace, name))
            .collect::<Outcome<_>>()?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                weather: Weather::new(seed),
                addresses: Vec::new(),
                under_way: BinaryHeap::new(),
                number: 0,
                ports: devices.iter().map(|_| Port::default()).collect(),
                deaf: None,
            }),
            earlier: Notify::new(),
            ports: devices,
        });
        let receiving = (0..shared.ports.len()).map(|port| {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { shared.receive(port).await })
        });
        let mut tasks: Vec<_> = receiving.collect();
        let sending = Arc::clone(&shared);
        tasks.push(tokio::spawn(async move { sending.deliver().await }));
        Ok(Self { shared, tasks })
    }

    /// From now on every path through it is like this, in each direction; counts begin again.
    pub(super) fn be(&self, path: Path) {
        self.shared.lock().weather.be(path);
    }

    /// Nothing is handed over to the host at this port from now on; `None`: to all again.
    pub(super) fn deafen(&self, port: Option<usize>) {
        self.shared.lock().deaf = port;
    }

    /// How many datagrams have been looked at for [`Path::single`] since then.
    pub(super) fn counted(&self) -> u32 {
        self.shared.lock().weather.counted()
    }

    /// What the single datagram was that has been dropped, if it has come.
    pub(super) fn dropped(&self) -> Option<String> {
        self.shared.lock().weather.dropped()
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// A TAP device in a namespace.
fn plug(namespace: &Namespace, name: &str) -> Outcome<AsyncDevice> {
    let build = || {
        DeviceBuilder::new()
            .name(name)
            .layer(Layer::L2)
            .enable(false)
            .with(|options| {
                options.packet_information(false);
            })
            .build_async()
    };
    namespace
        .inside(build)?
        .map_err(|error| Failure::new(format!("{}: no TAP device: {error}", namespace.name())))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what one namespace sends.
    async fn receive(&self, port: usize) {
        let Some(device) = self.ports.get(port) else {
            return;
        };
        let mut frame = [0; FRAME];
        while let Ok(len) = device.recv(&mut frame).await {
            let Some(frame) = frame.get(..len) else {
                continue;
            };
            if self.lock().take(port, frame, Instant::now()) {
                self.earlier.notify_one();
            }
        }
    }

    /// Hands over what is due.
    async fn deliver(&self) {
        loop {
            let (due, next) = self.lock().due(Instant::now());
            for waiting in due {
                if let Some(device) = self.ports.get(waiting.port) {
                    // A namespace that is not up, or whose queue is full, loses it.
                    let _ = device.try_send(&waiting.frame);
                }
            }
            match next {
                Some(next) => {
                    let _ = tokio::time::timeout_at(next, self.earlier.notified()).await;
                }
                None => self.earlier.notified().await,
            }
        }
    }
}

impl State {
    /// Decides what becomes of a frame; whether something is due earlier than before.
    fn take(&mut self, from: usize, frame: &[u8], now: Instant) -> bool {
        let Some((to, source)) = frame::addresses(frame) else {
            return false;
        };
        self.learn(source, from);
        let fate = self.weather.fate(from, frame);
        let after = match fate {
            Fate::Lost => return false,
            Fate::Arrives { after } => after,
        };
        let known = self.port_of(to);
        let before = self.under_way.peek().map(|waiting| waiting.due);
        for port in 0..self.ports.len() {
            let is_deaf = self.deaf == Some(port);
            if port == from || is_deaf || known.is_some_and(|known| known != port) {
                continue;
            }
            if self.under_way.len() >= UNDER_WAY {
                break;
            }
            let bandwidth = self.weather.bandwidth();
            let Some(left) = self
                .ports
                .get_mut(port)
                .and_then(|port| port.leave(now, frame.len(), bandwidth))
            else {
                continue;
            };
            self.number += 1;
            self.under_way.push(Waiting {
                due: left + after,
                number: self.number,
                port,
                frame: frame.into(),
            });
        }
        let earliest = self.under_way.peek().map(|waiting| waiting.due);
        earliest != before
    }

    fn learn(&mut self, address: [u8; 6], port: usize) {
        match self
            .addresses
            .iter_mut()
            .find(|(known, _)| *known == address)
        {
            Some((_, of)) => *of = port,
            None => self.addresses.push((address, port)),
        }
    }

    fn port_of(&self, address: [u8; 6]) -> Option<usize> {
        self.addresses
            .iter()
            .find(|(known, _)| *known == address)
            .map(|(_, port)| *port)
    }

    /// What is due, in order, and when the next will be.
    fn due(&mut self, now: Instant) -> (Vec<Waiting>, Option<Instant>) {
        let mut due = Vec::new();
        while self
            .under_way
            .peek()
            .is_some_and(|waiting| waiting.due <= now)
        {
            due.extend(self.under_way.pop());
        }
        (due, self.under_way.peek().map(|waiting| waiting.due))
    }
}

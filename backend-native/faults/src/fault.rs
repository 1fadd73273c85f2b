//! A decorator of any socket that loses, delays, reorders and holds what arrives, and on demand what is sent, by chance or
//! by a rule of the test.

mod outgoing;
#[cfg(test)]
mod tests;

use core::fmt;
use core::pin::Pin;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, TokioRuntime, Transmit};

use self::outgoing::Outgoing;
use crate::chance::Chance;
use crate::{Fate, Judge, SocketSource};

/// How many datagrams may wait for their time; more are lost, as a kernel's full buffer would lose them.
const WAITING: usize = 8192;

/// The largest coalesced read.
const READ: usize = 64 * 1024;

/// Makes sockets with faults. Each socket gets a judge of its own, and one more for what it sends if both ways are faulty.
pub struct Faults {
    inner: Arc<dyn SocketSource>,
    judge: Box<dyn Fn() -> Judge + Send + Sync>,
    both_ways: bool,
}

impl Faults {
    /// Faults by a rule, over the sockets of `inner`, in what arrives.
    #[must_use]
    pub fn by(
        inner: Arc<dyn SocketSource>,
        judge: impl Fn() -> Judge + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            inner,
            judge: Box::new(judge),
            both_ways: false,
        })
    }

    /// Faults by a rule, over the sockets of `inner`, in what arrives and in what is sent: one such socket spoils the whole
    /// path, whatever is at its other end.
    #[must_use]
    pub fn both_ways(
        inner: Arc<dyn SocketSource>,
        judge: impl Fn() -> Judge + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            inner,
            judge: Box::new(judge),
            both_ways: true,
        })
    }

    /// Faults by chance, over tokio's sockets.
    #[must_use]
    pub fn by_chance(chance: Chance) -> Arc<Self> {
        let chance = Mutex::new(chance);
        Self::by(Arc::new(TokioSockets), move || {
            let mut chance = chance.lock().unwrap_or_else(PoisonError::into_inner);
            // Sockets of one seed differ from each other, and the same way each time.
            let mut chance = chance.fork();
            Box::new(move |_: &[u8]| chance.judge())
        })
    }
}

impl SocketSource for Faults {
    fn wrap(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = self.inner.wrap(socket)?;
        Ok(Arc::new(FaultySocket {
            outgoing: self
                .both_ways
                .then(|| Outgoing::new(Arc::clone(&inner), (self.judge)())),
            inner,
            state: Mutex::new(State {
                judge: (self.judge)(),
                buffer: vec![0; READ],
                waiting: BTreeMap::new(),
                held: VecDeque::new(),
                arrived: 0,
                timer: None,
            }),
        }))
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// Sockets as tokio makes them.
#[derive(Debug)]
pub struct TokioSockets;

impl SocketSource for TokioSockets {
    fn wrap(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(socket)
    }
}

#[derive(Debug)]
struct FaultySocket {
    inner: Arc<dyn AsyncUdpSocket>,
    outgoing: Option<Outgoing>,
    state: Mutex<State>,
}

struct State {
    judge: Judge,
    buffer: Vec<u8>,
    /// By the time they are due, then by arrival.
    waiting: BTreeMap<(Instant, u64), Datagram>,
    held: VecDeque<Datagram>,
    arrived: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

struct Datagram {
    bytes: Vec<u8>,
    meta: RecvMeta,
}

impl State {
    /// Judges everything that has arrived.
    fn take_in(&mut self, inner: &dyn AsyncUdpSocket, cx: &mut Context<'_>) -> io::Result<()> {
        let mut meta = [RecvMeta::default()];
        loop {
            let mut buffer = [IoSliceMut::new(&mut self.buffer)];
            match inner.poll_recv(cx, &mut buffer, &mut meta) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Ready(Ok(_)) => {}
            }
            let [meta] = meta;
            let read = self.buffer[..meta.len].to_vec();
            for bytes in read.chunks(meta.stride.max(1)) {
                let (len, stride) = (bytes.len(), bytes.len());
                let mut meta = meta;
                (meta.len, meta.stride) = (len, stride);
                let fate = (self.judge)(bytes);
                self.decide(
                    fate,
                    Datagram {
                        bytes: bytes.to_vec(),
                        meta,
                    },
                );
            }
        }
    }

    fn decide(&mut self, fate: Fate, datagram: Datagram) {
        let now = Instant::now();
        match fate {
            Fate::Deliver => self.schedule(now, datagram),
            Fate::Lose => {}
            Fate::Delay(delay) => self.schedule(now + delay, datagram),
            Fate::Hold if self.held.len() < WAITING => self.held.push_back(datagram),
            Fate::Hold => {}
            Fate::Release => {
                while let Some(held) = self.held.pop_front() {
                    self.schedule(now, held);
                }
                self.schedule(now, datagram);
            }
        }
    }

    fn schedule(&mut self, due: Instant, datagram: Datagram) {
        if self.waiting.len() < WAITING {
            self.arrived += 1;
            self.waiting.insert((due, self.arrived), datagram);
        }
    }

    fn take_due(&mut self) -> Option<Datagram> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= Instant::now()).then(|| first.remove())
    }
}

impl AsyncUdpSocket for FaultySocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        match &self.outgoing {
            Some(outgoing) => outgoing.poll_send(cx, transmit),
            None => self.inner.poll_send(cx, transmit),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(buf), Some(meta)) = (bufs.first_mut(), meta.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        state.take_in(&*self.inner, cx)?;
        loop {
            if let Some(datagram) = state.take_due() {
                let len = datagram.bytes.len().min(buf.len());
                buf[..len].copy_from_slice(&datagram.bytes[..len]);
                *meta = datagram.meta;
                (meta.len, meta.stride) = (len, len.max(1));
                return Poll::Ready(Ok(1));
            }
            let Some((&(due, _), _)) = state.waiting.first_key_value() else {
                return Poll::Pending;
            };
            let timer = state
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            match timer.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => state.timer = None,
            }
        }
    }

    fn max_gso_segments(&self) -> usize {
        // Each datagram has a fate of its own.
        match self.outgoing {
            Some(_) => 1,
            None => self.inner.max_gso_segments(),
        }
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("waiting", &self.waiting.len())
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}

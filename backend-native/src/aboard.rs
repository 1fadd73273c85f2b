//! Tasks that ride on the connection's driver: they are polled in its task, in turns with it, and whenever it looks at a socket.
//!
//! The `webrtc` crate's driver goes round like this: flush, handle events, hand messages to the channels' queues, then wait at
//! the sockets. A task that takes the messages from those queues is run right then, between handing out and reading on. That
//! saves a task switch a message, the queues never fill up, and it is known how many messages a round has brought, which cures
//! a fault of the crate.
//!
//! They must never wait for the connection's lock: see [`off_board`].
//!
//! **The fault.** Of what one round reads, 256 messages are handed out; more stay in SCTP's reassembly queues, acknowledged,
//! and are only looked at when the next datagram arrives. If none does they are late (by up to the next ICE check, 0.5 s), and
//! if it is the far side's ABORT they are lost, reliable or not. docs/upstream.md, "messages put aside".
//!
//! **The cure.** When a round may have brought 256 messages, the next datagram is one of ours: a byte from the port of
//! multicast DNS, which is switched off. The core ignores it and hands out 256 messages more. What the network has must wait.

#[cfg(test)]
mod tests;
mod turns;

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_channel::Sender;
use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use futures_util::task::AtomicWaker;
use mesh_core::platform::LinkFault;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, TokioRuntime, Transmit};

use self::turns::Turns;
use crate::note::Note;
use crate::socket::SocketSource;

pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How many messages the core hands out in a round: `SCTP_PIPELINE_READ_BACKLOG_LIMIT`.
const MESSAGES_A_ROUND: usize = 256;

/// Where the empty datagram says it comes from.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 5353);

/// The tasks aboard one connection. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Aboard(Arc<Shared>);

struct Shared {
    tasks: Mutex<FuturesUnordered<Task>>,
    turns: Turns,
    /// Whether there is a driver.
    is_driven: AtomicBool,
    /// Of the socket that was polled last.
    socket: AtomicWaker,
    /// Messages taken since the last datagram of ours.
    messages: AtomicUsize,
    /// Messages taken altogether, other than pulses.
    taken: AtomicU64,
    /// How many sockets there are.
    sockets: AtomicUsize,
    more_rounds: bool,
    notes: Sender<Note>,
}

impl Aboard {
    /// `more_rounds` is the cure; without it the fault shows.
    pub(crate) fn new(more_rounds: bool, notes: Sender<Note>) -> Self {
        Self(Arc::new(Shared {
            tasks: Mutex::default(),
            turns: Turns::new(),
            is_driven: AtomicBool::new(false),
            socket: AtomicWaker::new(),
            messages: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            sockets: AtomicUsize::new(0),
            more_rounds,
            notes,
        }))
    }

    /// Takes a task aboard.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks().push(Box::pin(task));
        self.0.turns.wake_aboard();
    }

    /// What polls a future of the crate and the tasks in turns. The first future is the driver; others have nothing to do with the tasks.
    pub(crate) fn drive(self, mut driver: Task) -> Task {
        if self.0.is_driven.swap(true, Ordering::Relaxed) {
            return driver;
        }
        Box::pin(poll_fn(move |cx| {
            let aboard = |cx: &mut Context<'_>| {
                self.poll(cx);
                if self.is_round_due() {
                    self.0.socket.wake();
                }
            };
            self.0.turns.poll(cx, aboard, |cx| driver.as_mut().poll(cx))
        }))
    }

    /// A message has been taken from the core.
    pub(crate) fn count_message(&self) {
        self.count_pulse();
        self.0.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// The same for a message of the pulse.
    pub(crate) fn count_pulse(&self) {
        self.0.messages.fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages have been taken from the core, on all channels but that of the pulse.
    pub(crate) fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// The driver is gone: lets the tasks finish with what it left.
    pub(crate) async fn finish(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks());
        while tasks.next().await.is_some() {}
    }

    /// Drops all tasks.
    pub(crate) fn clear(&self) {
        // Outside the lock: a task may hold the last handle of something.
        let tasks = std::mem::take(&mut *self.tasks());
        drop(tasks);
    }

    /// Whether the next datagram must be one of ours; not so until it is due again.
    fn take_round(&self) -> bool {
        let is_due = self.is_round_due();
        if is_due {
            self.0.messages.store(0, Ordering::Relaxed);
        }
        is_due && self.0.more_rounds
    }

    fn is_round_due(&self) -> bool {
        self.0.messages.load(Ordering::Relaxed) >= MESSAGES_A_ROUND
    }

    fn poll(&self, cx: &mut Context<'_>) {
        let mut tasks = self.tasks();
        // Ready with a task that has ended, or with nothing because there is none.
        while let Poll::Ready(Some(())) = Pin::new(&mut *tasks).poll_next(cx) {}
    }

    /// Never contended while packets flow: only the driver's task comes here then.
    fn tasks(&self) -> MutexGuard<'_, FuturesUnordered<Task>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self) {
        self.0.sockets.fetch_add(1, Ordering::AcqRel);
    }

    /// A socket is gone. If it was the last one, so is the driver.
    fn leave(&self) {
        if self.0.sockets.fetch_sub(1, Ordering::AcqRel) == 1 {
            // A panic drops the sockets before anybody can catch it.
            let note = if std::thread::panicking() {
                Note::Fault(LinkFault::Panicked)
            } else {
                Note::Stopped
            };
            let _ = self.0.notes.try_send(note);
        }
    }
}

/// Does something on behalf of a task aboard that may have to wait for the connection's lock. `None`: the runtime is ending.
///
/// Whoever is next at that lock is woken alone. If that were a task aboard while the driver waits for the lock, too, the task
/// would not run until the driver does, and the driver not until the task has: so what cannot be done at once is done by a
/// task of its own.
pub(crate) async fn off_board<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let mut work = Box::pin(work);
    let at_once = poll_fn(|_| {
        let mut cx = Context::from_waker(Waker::noop());
        Poll::Ready(work.as_mut().poll(&mut cx))
    });
    match at_once.await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => tokio::spawn(work).await.ok(),
    }
}

impl fmt::Debug for Aboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aboard").finish_non_exhaustive()
    }
}

/// Makes sockets that give a datagram of ours where a round is due.
#[derive(Debug)]
pub(crate) struct AboardSockets {
    pub(crate) aboard: Aboard,
    /// What makes the sockets underneath; tokio if `None`.
    pub(crate) source: Option<Arc<dyn SocketSource>>,
}

impl SocketSource for AboardSockets {
    fn wrap(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = match &self.source {
            Some(source) => source.wrap(socket)?,
            None => TokioRuntime.wrap_udp_socket(socket)?,
        };
        self.aboard.join();
        Ok(Arc::new(AboardSocket {
            inner,
            aboard: self.aboard.clone(),
            was_ours: AtomicBool::new(false),
        }))
    }
}

#[derive(Debug)]
struct AboardSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    aboard: Aboard,
    /// The last datagram was ours: the driver must go round before it reads on.
    was_ours: AtomicBool,
}

impl AsyncUdpSocket for AboardSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        self.inner.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        // After a datagram the driver tries for more, without a waker, before it goes round.
        let in_burst = cx.waker().will_wake(Waker::noop());
        if self.was_ours.swap(false, Ordering::Relaxed) && in_burst {
            return Poll::Pending;
        }
        if !in_burst {
            self.aboard.0.socket.register(cx.waker());
            // The driver reads on for as long as there is something, and its queues are short.
            self.aboard.0.turns.poll_aboard(|cx| self.aboard.poll(cx));
            if self.aboard.take_round()
                && let (Some(buf), Some(meta)) = (bufs.first_mut(), meta.first_mut())
                && let Some(byte) = buf.first_mut()
            {
                // Neither STUN nor DTLS nor SRTP.
                *byte = 0xff;
                *meta = RecvMeta::default();
                meta.addr = NOWHERE;
                meta.len = 1;
                meta.stride = 1;
                self.was_ours.store(true, Ordering::Relaxed);
                return Poll::Ready(Ok(1));
            }
        }
        self.inner.poll_recv(cx, bufs, meta)
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}

impl Drop for AboardSocket {
    fn drop(&mut self) {
        self.aboard.leave();
    }
}

//! Tasks that ride on the connection's driver: it polls them whenever it looks at a socket.
//!
//! The `webrtc` crate's driver goes round like this: flush, handle events, hand messages to the channels' queues, then wait at
//! the sockets. A task that takes the messages from those queues is run right there, between handing out and reading on. That
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
use mesh_core::platform::LinkFault;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, TokioRuntime, Transmit};

use crate::note::Note;
use crate::socket::SocketSource;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How many messages the core hands out in a round: `SCTP_PIPELINE_READ_BACKLOG_LIMIT`.
const MESSAGES_A_ROUND: usize = 256;

/// Where the empty datagram says it comes from.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 5353);

/// The tasks aboard one connection. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Aboard(Arc<Shared>);

struct Shared {
    crew: Mutex<Crew>,
    /// Messages taken since the last datagram of ours.
    messages: AtomicUsize,
    /// Messages taken altogether, other than pulses.
    taken: AtomicU64,
    /// How many sockets there are.
    sockets: AtomicUsize,
    more_rounds: bool,
    notes: Sender<Note>,
}

#[derive(Default)]
struct Crew {
    tasks: FuturesUnordered<Task>,
    /// Of the socket that was polled last.
    waker: Option<Waker>,
}

impl Aboard {
    /// `more_rounds` is the cure; without it the fault shows.
    pub(crate) fn new(more_rounds: bool, notes: Sender<Note>) -> Self {
        Self(Arc::new(Shared {
            crew: Mutex::default(),
            messages: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            sockets: AtomicUsize::new(0),
            more_rounds,
            notes,
        }))
    }

    /// Takes a task aboard.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut crew = self.crew();
        crew.tasks.push(Box::pin(task));
        // Before the first poll there is none, and that poll finds the task.
        let waker = crew.waker.take();
        drop(crew);
        if let Some(waker) = waker {
            waker.wake();
        }
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
        let mut tasks = std::mem::take(&mut self.crew().tasks);
        while tasks.next().await.is_some() {}
    }

    /// Drops all tasks.
    pub(crate) fn clear(&self) {
        // Outside the lock: a task may hold the last handle of something.
        let tasks = std::mem::take(&mut self.crew().tasks);
        drop(tasks);
    }

    /// Whether the next datagram must be one of ours.
    fn round_due(&self) -> bool {
        let due = self.0.messages.load(Ordering::Relaxed) >= MESSAGES_A_ROUND;
        if due {
            self.0.messages.store(0, Ordering::Relaxed);
        }
        due && self.0.more_rounds
    }

    fn poll(&self, cx: &mut Context<'_>) {
        let mut crew = self.crew();
        match &mut crew.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => crew.waker = Some(cx.waker().clone()),
        }
        // Ready with a task that has ended, or with nothing because there is none.
        while let Poll::Ready(Some(())) = Pin::new(&mut crew.tasks).poll_next(cx) {}
    }

    /// Never contended while packets flow: only the driver comes here then.
    fn crew(&self) -> MutexGuard<'_, Crew> {
        self.0.crew.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Makes sockets whose polls run the tasks.
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
            self.aboard.poll(cx);
            if self.aboard.round_due()
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

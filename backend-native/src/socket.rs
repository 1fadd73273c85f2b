//! The UDP socket that a peer connection's driver polls: it makes the driver read one datagram at a time until the channels
//! are open, and go round once more where it would leave something unsent.

mod control;
mod envelope;
pub(crate) mod fuzz;
mod handshake;
mod pace;
mod path_clock;
mod shared;
#[cfg(test)]
mod tests;
mod unanswered;

use core::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use crate::name_source::NameSource;

use self::control::Phase;
use self::handshake::Told;
use self::unanswered::Unanswered;

pub use control::SocketControl;
pub(crate) use envelope::content;
pub(crate) use shared::SharedSockets;

/// How the sockets of one connection behave.
#[derive(Clone, Debug)]
pub struct SocketOptions {
    /// Kernel buffer for what is sent, in bytes. The kernel may give less.
    pub send_buffer: usize,
    /// Kernel buffer for what is received, in bytes. The kernel may give less.
    pub receive_buffer: usize,
    /// Which faults of the `webrtc` crate are cured.
    pub cures: Cures,
    /// What turns a bound socket into one that can be polled; tokio's if `None`. The seam for tests: loss, delay, a network
    /// in memory.
    pub source: Option<Arc<dyn SocketSource>>,
    /// Who knows the addresses of names; the system if `None`. The seam for tests.
    pub names: Option<Arc<dyn NameSource>>,
    /// Who knows which addresses this machine has got since a connection was made; the system if `None`. The seam for tests.
    pub addresses: Option<Arc<dyn AddressSource>>,
}

impl Default for SocketOptions {
    /// 4 MiB each way, everything cured.
    fn default() -> Self {
        Self {
            send_buffer: 4 * 1024 * 1024,
            receive_buffer: 4 * 1024 * 1024,
            cures: Cures::default(),
            source: None,
            names: None,
            addresses: None,
        }
    }
}

/// Which faults of the `webrtc` crate are cured from outside, by the socket. All, unless a test shows what happens without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cures {
    /// Larger kernel buffers, so that a burst does not overflow them (native.md §2.5).
    pub socket_buffers: bool,
    /// Until the channels are open the driver gets one datagram and must then look at its events (web.md §4). Otherwise it
    /// feeds COOKIE-ACK and the first DATA to the core before the event that dials the negotiated channels, and the core
    /// drops data for a channel that is not dialed. docs/upstream.md, "data before the channel is dialed".
    pub one_at_a_time: bool,
    /// While connecting or relaying, the driver goes round again after what it has read and after a send. It flushes first
    /// and handles events afterwards, so what an event wrote, or what went to the TURN client, waits for the next wake-up:
    /// 200 ms for the SCTP INIT (native.md §2.1), a send interval for a relayed message (native.md §7). docs/upstream.md,
    /// "what an event writes waits for the next wake-up".
    pub second_round: bool,
    /// While relaying, a round after each timer, and every 10 ms: the core's timers write, too (native.md §7).
    pub relay_tick: bool,
    /// After 256 messages the driver gets a datagram of ours, so that the core hands out the messages it has put aside
    /// (module `aboard`). Otherwise they are late, or lost if the far side closes.
    pub messages_put_aside: bool,
    /// Until the channels are open, a datagram that repeats what a DTLS handshake has said does not reach the crate, which
    /// would take it for an answer and never repeat its own flight.
    pub repeated_flights: bool,
    /// Until the channels are open, a datagram that has no answer is sent again after a quarter of a second. The crate waits a
    /// whole one.
    pub quick_repetition: bool,
    /// While nothing is heard of the far side, or it answers no check, the crate's clock stands still, and it leaps when the far
    /// side answers again (module `path_clock`). The crate doubles its waiting time for as long as a path is gone.
    pub outages: bool,
    /// While the link is relayed, a direct path is looked for and preferred, and while its pair of addresses is silent, another
    /// path (module `direct`). The crate stays on the pair that it has selected.
    pub late_paths: bool,
    /// A packet that skips so many numbers that the crate would compute for seconds is refused, and ends the link (module
    /// `guard`).
    pub far_leaps: bool,
}

impl Default for Cures {
    fn default() -> Self {
        Self {
            socket_buffers: true,
            one_at_a_time: true,
            second_round: true,
            relay_tick: true,
            messages_put_aside: true,
            repeated_flights: true,
            quick_repetition: true,
            outages: true,
            late_paths: true,
            far_leaps: true,
        }
    }
}

impl Cures {
    /// The crate as it is.
    pub const NONE: Self = Self {
        socket_buffers: false,
        one_at_a_time: false,
        second_round: false,
        relay_tick: false,
        messages_put_aside: false,
        repeated_flights: false,
        quick_repetition: false,
        outages: false,
        late_paths: false,
        far_leaps: false,
    };
}

/// Knows the addresses that can be bound now.
pub trait AddressSource: Send + Sync + fmt::Debug {
    /// Those that a connection would be bound to.
    fn addresses(&self) -> Vec<SocketAddr>;
}

/// Turns a bound socket into one that can be polled.
pub trait SocketSource: Send + Sync + fmt::Debug {
    /// Takes the socket over.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn wrap(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>>;
}

/// A socket under a peer connection's driver, with the cures.
///
/// The driver polls like this: a future polls until the first datagram, then a probe without a waker polls on until it
/// gets `Pending` (64 datagrams at most), then the driver goes round: it flushes writes, handles events, hands reads out.
/// `ErrorKind::Interrupted` counts as transient and makes it go round at once.
#[derive(Debug)]
pub(crate) struct CuredSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    control: SocketControl,
    /// Our place in the control's list of wakers.
    id: u64,
    /// Whether `state` keeps datagrams; read without the lock on the way of every packet.
    keeps: AtomicBool,
    state: Mutex<State>,
    unanswered: Mutex<Unanswered>,
}

#[derive(Debug, Default)]
struct State {
    /// A datagram was handed over since the last `Pending`.
    read: bool,
    /// The next call is `Pending`, whatever is there: one datagram at a time.
    pause: bool,
    /// How many rounds the driver owes for what it has read.
    rounds_due: u8,
    /// What a coalesced read (GRO) brought besides the datagram that was handed over.
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    bytes: Vec<u8>,
    at: usize,
    meta: RecvMeta,
}

impl CuredSocket {
    pub(crate) fn new(inner: Arc<dyn AsyncUdpSocket>, control: &SocketControl) -> Self {
        Self {
            id: control.join(inner.local_addr().ok()),
            inner,
            control: control.clone(),
            keeps: AtomicBool::new(false),
            state: Mutex::default(),
            unanswered: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is nothing to read.
    fn idle(&self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.control.park(self.id, cx).is_ready() {
            return go_round();
        }
        // The driver's probe; a poll with a waker follows.
        if !cx.waker().will_wake(Waker::noop()) {
            while let Some(check) = self.control.poll_repeat(self.id, cx) {
                self.send_again(check.destination, &check.request);
            }
        }
        Poll::Pending
    }

    /// What is kept, one datagram; the first one is the one the driver has been waiting for longest.
    fn take_kept(
        &self,
        state: &mut State,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Option<usize> {
        let kept = state.kept.as_mut()?;
        let (Some(buf), Some(meta)) = (bufs.first_mut(), meta.first_mut()) else {
            return Some(0);
        };
        let rest = &kept.bytes[kept.at..];
        let len = rest.len().min(kept.meta.stride.max(1)).min(buf.len());
        buf[..len].copy_from_slice(&rest[..len]);
        *meta = kept.meta;
        meta.len = len;
        meta.stride = len.max(1);
        kept.at += len.max(1);
        if kept.at >= kept.bytes.len() {
            state.kept = None;
            self.keeps.store(false, Ordering::Relaxed);
        }
        Some(1)
    }

    /// Cuts a coalesced read after its first datagram and keeps the rest.
    fn cut(&self, state: &mut State, bufs: &[IoSliceMut<'_>], meta: &mut [RecvMeta]) {
        let (Some(buf), Some(meta)) = (bufs.first(), meta.first_mut()) else {
            return;
        };
        if meta.len <= meta.stride.max(1) || meta.stride >= buf.len() {
            return;
        }
        let rest = &buf[meta.stride.max(1)..meta.len.min(buf.len())];
        state.kept = Some(Kept {
            bytes: rest.to_vec(),
            at: 0,
            meta: *meta,
        });
        self.keeps.store(true, Ordering::Relaxed);
        meta.len = meta.stride.max(1);
    }
}

impl AsyncUdpSocket for CuredSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let (destination, contents) = (transmit.destination, transmit.contents);
        // Before that, each check may help a handshake that lacks a datagram. A batch of datagrams is no check.
        if self.control.phase() == Phase::Settled
            && transmit.segment_size.is_none()
            && self.control.leave_out(self.id, destination, contents)
        {
            return Poll::Ready(Ok(contents.len()));
        }
        let sent = self.inner.poll_send(cx, transmit);
        if let Poll::Ready(Ok(length)) = sent {
            self.control.workload().add(length);
        }
        if sent.is_ready() {
            self.control.sent(self.id, destination, contents);
        }
        if sent.is_ready() && self.control.phase() == Phase::Opening {
            self.unanswered().sent(destination, contents);
        }
        sent
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        if self.control.workload().is_overdue() {
            // A probe without a waker is followed by a poll with one.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let is_handshake = self.control.phase() != Phase::Settled;
        if is_handshake {
            self.repeat(cx);
        }
        let polled = self.poll_datagram(cx, bufs, meta);
        if let (Poll::Ready(Ok(1)), Some(buf), Some(meta)) = (&polled, bufs.first(), meta.first()) {
            let datagram = &buf[..meta.len.min(buf.len())];
            self.control.workload().add(datagram.len());
            for datagram in datagram.chunks(meta.stride.max(1)) {
                self.control.heard(meta.addr, datagram);
            }
            let told = self.control.hear(meta.addr, datagram);
            if is_handshake {
                self.unanswered().received(datagram, told);
            }
            if told == Told::RepeatedInVain {
                return go_round();
            }
        }
        polled
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}

impl CuredSocket {
    fn unanswered(&self) -> MutexGuard<'_, Unanswered> {
        self.unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends again what has had no answer for too long.
    fn repeat(&self, cx: &mut Context<'_>) {
        // The driver's probe: a poll with a waker follows.
        if cx.waker().will_wake(Waker::noop()) {
            return;
        }
        for (destination, contents) in self.unanswered().poll_due(cx).unwrap_or_default() {
            self.send_again(destination, &contents);
        }
    }

    /// It may be lost as the first one was.
    fn send_again(&self, destination: SocketAddr, contents: &[u8]) {
        let transmit = Transmit {
            destination,
            ecn: None,
            contents,
            segment_size: None,
            src_ip: None,
        };
        let mut cx = Context::from_waker(Waker::noop());
        let _ = self.inner.poll_send(&mut cx, &transmit);
    }

    fn poll_datagram(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let one_at_a_time = self.control.one_at_a_time();
        let rounds = self.control.rounds_after_reading();
        // The way of every packet of a direct connection that stands.
        if !one_at_a_time && rounds == 0 && !self.keeps.load(Ordering::Relaxed) {
            return match self.inner.poll_recv(cx, bufs, meta) {
                Poll::Pending => self.idle(cx),
                ready => ready,
            };
        }

        let mut state = self.state();
        if state.rounds_due > 0 {
            state.rounds_due -= 1;
            return go_round();
        }
        if state.pause {
            state.pause = false;
            state.read = false;
            state.rounds_due = rounds;
            // The driver's probe has no waker and is followed by a poll that has one; anybody else must come again.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(n) = self.take_kept(&mut state, bufs, meta) {
            state.read = true;
            state.pause = one_at_a_time;
            return Poll::Ready(Ok(n));
        }
        let polled = if one_at_a_time {
            let (bufs, meta) = (bufs.get_mut(..1), meta.get_mut(..1));
            let (bufs, meta) = (bufs.unwrap_or_default(), meta.unwrap_or_default());
            let polled = self.inner.poll_recv(cx, bufs, meta);
            if let Poll::Ready(Ok(1..)) = polled {
                self.cut(&mut state, bufs, meta);
            }
            polled
        } else {
            self.inner.poll_recv(cx, bufs, meta)
        };
        match polled {
            Poll::Ready(Ok(n)) => {
                state.read = true;
                state.pause = one_at_a_time;
                Poll::Ready(Ok(n))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending if state.read && rounds > 0 => {
                state.read = false;
                state.rounds_due = rounds;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Pending => self.idle(cx),
        }
    }
}

impl Drop for CuredSocket {
    fn drop(&mut self) {
        self.control.leave(self.id);
    }
}

/// Makes the driver go round: it takes this for a transient error.
fn go_round() -> Poll<io::Result<usize>> {
    Poll::Ready(Err(io::ErrorKind::Interrupted.into()))
}

//! The bytes below a WebSocket, counted on their way in.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant as Clock;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use mesh_core::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::door::{Account, Meter};

/// A socket's meter, shared by what reads its bytes and what reads its messages: both are in one task.
#[derive(Clone)]
pub(crate) struct SharedMeter(Arc<Mutex<Meter>>);

/// A connection whose client has switched to WebSocket.
pub(crate) struct Wire {
    io: TokioIo<Upgraded>,
    meter: SharedMeter,
    start: Clock,
    /// What its address may send, if the address is known.
    account: Option<Account>,
    /// Until when nothing is read, because the address has sent too much.
    pause: Option<Pin<Box<Sleep>>>,
}

impl SharedMeter {
    pub(crate) fn new(meter: Meter) -> Self {
        Self(Arc::new(Mutex::new(meter)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Meter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire {
    /// `start` is the zero of the meter's time.
    pub(crate) fn new(
        upgraded: Upgraded,
        meter: SharedMeter,
        start: Clock,
        account: Option<Account>,
    ) -> Self {
        Self {
            io: TokioIo::new(upgraded),
            meter,
            start,
            account,
            pause: None,
        }
    }

    /// Reads and drops what still comes, until the other side has closed.
    pub(crate) async fn drain(&mut self) {
        let mut buffer = [0; 512];
        while !self.meter.lock().has_closed() {
            if !matches!(self.read(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
    }
}

/// Micros since `start`, as the core's time.
pub(crate) fn since(start: Clock) -> Instant {
    let micros = start.elapsed().as_micros();
    Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(cx));
            this.pause = None;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        let bytes = buf.filled().get(before..).unwrap_or_default();
        let now = since(this.start);
        if let Some(account) = &this.account {
            let pause = account.spend(now, bytes.len());
            this.pause = (!pause.is_zero()).then(|| Box::pin(sleep(pause)));
        }
        let judged = this.meter.lock().handle_bytes(now, bytes);
        // Whoever reads asks the meter why.
        Poll::Ready(judged.map_err(|goodbye| io::Error::other(goodbye.to_string())))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

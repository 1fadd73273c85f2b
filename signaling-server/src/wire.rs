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
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use axum::body::Body;
    use axum::http::header::{CONNECTION, UPGRADE};
    use axum::http::{Response, StatusCode};
    use hyper::server::conn::http1::Builder;
    use hyper::service::service_fn;
    use tokio::io::{AsyncWriteExt, BufWriter, DuplexStream, duplex};
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;
    use crate::Config;
    use crate::goodbye::Goodbye;

    /// A wire, and the client's end of it. What is written waits until it is flushed, as it may with TLS.
    async fn wire(meter: SharedMeter) -> (Wire, DuplexStream) {
        let (ours, mut theirs) = duplex(1024);
        let (sender, mut upgrades) = mpsc::unbounded_channel();
        let service = service_fn(move |request| {
            let upgrade = sender.send(hyper::upgrade::on(request));
            upgrade.expect("somebody who waits");
            let response = Response::builder()
                .status(StatusCode::SWITCHING_PROTOCOLS)
                .header(CONNECTION, "upgrade")
                .header(UPGRADE, "x")
                .body(Body::empty());
            async { Ok::<_, Infallible>(response.expect("a response")) }
        });
        let io = TokioIo::new(BufWriter::new(ours));
        tokio::spawn(Builder::new().serve_connection(io, service).with_upgrades());
        let request = b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
        theirs.write_all(request).await.expect("a server");
        let upgrade = upgrades.recv().await.expect("an upgrade");
        let upgraded = upgrade.await.expect("a connection");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(theirs.read_u8().await.expect("a response"));
        }
        (Wire::new(upgraded, meter, Clock::now(), None), theirs)
    }

    fn meter() -> SharedMeter {
        SharedMeter::new(Meter::new(Instant::from_micros(0), &Config::default()))
    }

    async fn in_time<T>(what: impl Future<Output = T>) -> T {
        let done = timeout(Duration::from_secs(20), what).await;
        done.expect("in time")
    }

    #[tokio::test]
    async fn what_is_flushed_is_sent_and_a_shutdown_ends_it() {
        in_time(async {
            let (mut wire, mut client) = wire(meter()).await;
            wire.write_all(b"word").await.expect("a client");
            wire.flush().await.expect("a client");
            let mut word = [0; 4];
            client.read_exact(&mut word).await.expect("a server");
            assert_eq!(&word, b"word");
            wire.shutdown().await.expect("a client");
            assert_eq!(client.read(&mut word).await.expect("an end"), 0);
        })
        .await;
    }

    #[tokio::test]
    async fn what_still_comes_is_read_until_the_other_side_has_closed() {
        in_time(async {
            let meter = meter();
            meter.lock().give_up(Goodbye::ShuttingDown);
            let (mut wire, mut client) = wire(meter).await;
            let text = [&[0x82, 0xfe, 0x13, 0x88][..], &[0; 4 + 5000]].concat();
            let close = [0x88, 0x80, 0, 0, 0, 0];
            let draining = async move {
                wire.drain().await;
                // The connection ends. What the client could not send by then it cannot send any more.
                drop(wire);
            };
            let closing = async {
                client.write_all(&text).await?;
                client.write_all(&close).await
            };
            let (sent, ()) = tokio::join!(closing, draining);
            assert!(sent.is_ok(), "{sent:?}");
        })
        .await;
    }
}

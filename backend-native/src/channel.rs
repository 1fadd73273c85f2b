//! The two tasks of a channel: one sends, one receives. Both ride on the connection's driver.

mod receiving;
mod sending;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use async_channel::Sender;
use mesh_core::Duration;
use mesh_core::platform::LINGER;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep};
use webrtc::data_channel::DataChannel;

use self::receiving::{Batch, Receiving};
use self::sending::{Handover, Sending, Valve};
use crate::aboard::{Aboard, off_board};
use crate::carried::Carried;
use crate::connection::Inspector;
use crate::control::Requests;
use crate::inbox::ChannelInbox;
use crate::note::Note;
use crate::outbox::{Outbox, Outgoing};
use crate::pipe::Pipe;
use crate::socket::SocketControl;

/// A channel and the tasks that serve it.
#[derive(Clone)]
pub(crate) struct Channel {
    inner: Arc<dyn DataChannel>,
    inbox: Arc<ChannelInbox>,
    outbox: Arc<Outbox>,
    reliable: bool,
    progress: Arc<Progress>,
}

/// How far sending has come.
#[derive(Default)]
struct Progress {
    /// Everything accepted is with the crate, and nothing more will be accepted.
    all_sent: AtomicBool,
    /// An empty message may not have arrived. The crate counts it as no byte outstanding, though it is one on the wire.
    empty_outstanding: AtomicBool,
    /// Its SCTP stream, once it is known.
    stream: OnceLock<u16>,
    /// How many messages have come, modulo 2³².
    received: AtomicU32,
    /// Nothing comes any more.
    gone: AtomicBool,
}

/// Below it SCTP tells when what is outstanding falls to it; it never gets there.
const SILENT: u32 = u32::MAX;

/// What the tasks of a channel work with.
pub(crate) struct Ends {
    pub(crate) inbox: Arc<ChannelInbox>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) outgoing: UnboundedReceiver<Outgoing>,
    /// Its SCTP stream; that of a channel that the far side made is known when it opens.
    pub(crate) stream: Option<u16>,
    /// Whether the far side made it.
    pub(crate) remote: bool,
    pub(crate) reliable: bool,
    /// Whether it gives way to the others.
    pub(crate) bulk: bool,
    /// How much of it may be with the crate at most.
    pub(crate) send_limit: usize,
    pub(crate) sockets: SocketControl,
    pub(crate) aboard: Aboard,
    pub(crate) carried: Carried,
    pub(crate) requests: Arc<Requests>,
}

impl Channel {
    /// Starts the tasks.
    pub(crate) async fn start(
        inner: Arc<dyn DataChannel>,
        inspector: Inspector,
        notes: Sender<Note>,
        ends: Ends,
    ) -> Self {
        let progress = Arc::new(Progress {
            stream: ends.stream.map_or_else(OnceLock::new, OnceLock::from),
            ..Progress::default()
        });
        let inbox = Arc::clone(&ends.inbox);
        // Otherwise each acknowledgement that leaves nothing outstanding is an event. (Fails if it is closed already.)
        let _ = inner.set_buffered_amount_low_threshold(SILENT).await;
        let sending = Sending {
            handover: Arc::new(Handover {
                channel: Arc::clone(&inner),
                progress: Arc::clone(&progress),
                inbox: Arc::clone(&ends.inbox),
                outbox: Arc::clone(&ends.outbox),
                inspector: inspector.clone(),
                carried: ends.carried.clone(),
                reliable: ends.reliable,
            }),
            pipe: match (ends.reliable, ends.bulk) {
                (false, _) => Some(Pipe::new(ends.send_limit)),
                (true, true) => Some(Pipe::of_bulk(ends.send_limit)),
                (true, false) => None,
            }
            .map(|pipe| Valve { pipe, asked: None }),
            outgoing: ends.outgoing,
            sockets: ends.sockets.clone(),
            notes: notes.clone(),
        };
        let receiving = Receiving {
            channel: Arc::clone(&inner),
            inspector,
            outbox: Arc::clone(&ends.outbox),
            remote: ends.remote,
            aboard: ends.aboard.clone(),
            sockets: ends.sockets,
            carried: ends.carried,
            progress: Arc::clone(&progress),
            notes: notes.clone(),
            requests: ends.requests,
            batch: Batch {
                inbox: ends.inbox,
                notes,
                messages: Vec::new(),
                bytes: 0,
            },
        };
        ends.aboard.spawn(receiving.run());
        ends.aboard.spawn(sending.run());
        Self {
            inner,
            inbox,
            outbox: ends.outbox,
            reliable: ends.reliable,
            progress,
        }
    }

    /// Closes it on both sides once what it has accepted has arrived, or has had [`LINGER`] for that.
    pub(crate) fn finish(&self, aboard: &Aboard) {
        self.stop_accepting();
        let channel = self.clone();
        aboard.spawn(async move {
            channel.drain(Instant::now() + LINGER).await;
            off_board(async move { channel.close().await }).await;
        });
    }

    /// Waits until everything accepted has arrived, or until a deadline.
    pub(crate) async fn drain(&self, deadline: Instant) {
        let mut pause = Duration::from_millis(1);
        let is_late = |pause| Instant::now() + pause > deadline;
        loop {
            let channel = self.clone();
            // The driver may hold the lock that this waits for, and the caller may ride on the driver.
            let drained = off_board(async move { channel.is_drained().await }).await;
            if drained.unwrap_or(true) || is_late(pause) {
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(8));
        }
    }

    /// Closes it on both sides at once. What has not arrived is dropped.
    pub(crate) async fn close(&self) {
        self.outbox.close();
        // An error means that it is closed already.
        let _ = self.inner.close().await;
    }

    /// Takes nothing more to send.
    pub(crate) fn stop_accepting(&self) {
        self.outbox.close();
    }

    /// Its stream, and how many messages have come on it. `None` where nothing comes any more.
    pub(crate) fn received(&self) -> Option<(u16, u32)> {
        let stream = self.progress.stream.get().filter(|_| !self.is_gone())?;
        Some((*stream, self.progress.received.load(Ordering::Acquire)))
    }

    /// How many accepted messages have waited too long to be sent.
    pub(crate) fn given_up(&self) -> u64 {
        self.outbox.given_up()
    }

    /// Whether it is closed, and everything that came was handed over.
    pub(crate) fn is_gone(&self) -> bool {
        self.progress.gone.load(Ordering::Acquire)
    }

    /// Whether it is closed, and everything that came was taken by the application, its end as well.
    pub(crate) fn is_over(&self) -> bool {
        self.is_gone() && self.inbox.has_reported_all()
    }

    /// Whether everything accepted has arrived, where the channel promises that it will.
    async fn is_drained(&self) -> bool {
        if !self.reliable {
            return true;
        }
        // A channel that is gone has nothing left to wait for.
        self.progress.all_sent.load(Ordering::Acquire)
            && !self.progress.empty_outstanding.load(Ordering::Acquire)
            && self.inner.outstanding_bytes().await.unwrap_or(0) == 0
    }
}

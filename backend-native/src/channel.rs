//! The two tasks of a channel: one sends, one receives. Both ride on the connection's driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_channel::Sender;
use mesh_core::{Duration, LinkEvent, Payload};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelMessage};
use webrtc::error::Error;

use crate::aboard::{Aboard, off_board};
use crate::connection::{Inspector, Note};
use crate::inbox::{ChannelInbox, InboxFull, Opened};
use crate::outbox::{Outbox, Outgoing, cost};
use crate::socket::SocketControl;
use crate::translate;

/// How long to wait for messages that the crate has counted and not delivered yet. They are there within microseconds.
const STRAGGLERS: Duration = Duration::from_millis(100);

/// A channel and the tasks that serve it.
pub(crate) struct Channel {
    inner: Arc<dyn DataChannel>,
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
}

/// Below it SCTP tells when what is outstanding falls to it; it never gets there.
const SILENT: u32 = u32::MAX;

/// What the tasks of a channel work with.
pub(crate) struct Ends {
    pub(crate) inbox: Arc<ChannelInbox>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) outgoing: UnboundedReceiver<Outgoing>,
    /// Whether the far side made it.
    pub(crate) remote: bool,
    pub(crate) reliable: bool,
    pub(crate) sockets: SocketControl,
    pub(crate) aboard: Aboard,
}

impl Channel {
    /// Starts the tasks.
    pub(crate) async fn start(
        inner: Arc<dyn DataChannel>,
        inspector: Inspector,
        notes: Sender<Note>,
        ends: Ends,
    ) -> Self {
        let progress = Arc::new(Progress::default());
        // Otherwise each acknowledgement that leaves nothing outstanding is an event. (Fails if it is closed already.)
        let _ = inner.set_buffered_amount_low_threshold(SILENT).await;
        let sending = Sending {
            channel: Arc::clone(&inner),
            inbox: Arc::clone(&ends.inbox),
            outbox: Arc::clone(&ends.outbox),
            outgoing: ends.outgoing,
            sockets: ends.sockets,
            progress: Arc::clone(&progress),
            notes: notes.clone(),
        };
        let receiving = Receiving {
            channel: Arc::clone(&inner),
            inspector,
            inbox: ends.inbox,
            outbox: Arc::clone(&ends.outbox),
            remote: ends.remote,
            aboard: ends.aboard.clone(),
            progress: Arc::clone(&progress),
            notes,
            received: 0,
        };
        ends.aboard.spawn(receiving.run());
        ends.aboard.spawn(sending.run());
        Self {
            inner,
            outbox: ends.outbox,
            reliable: ends.reliable,
            progress,
        }
    }

    /// Closes it on both sides. What was accepted is dropped.
    pub(crate) async fn close(&self) {
        self.outbox.close();
        // An error means that it is closed already.
        let _ = self.inner.close().await;
    }

    /// Takes nothing more to send.
    pub(crate) fn stop_accepting(&self) {
        self.outbox.close();
    }

    /// Whether everything accepted has arrived, where the channel promises that it will.
    pub(crate) async fn is_drained(&self) -> bool {
        if !self.reliable {
            return true;
        }
        // A channel that is gone has nothing left to wait for.
        self.progress.all_sent.load(Ordering::Acquire)
            && !self.progress.empty_outstanding.load(Ordering::Acquire)
            && self.inner.outstanding_bytes().await.unwrap_or(0) == 0
    }
}

struct Sending {
    channel: Arc<dyn DataChannel>,
    inbox: Arc<ChannelInbox>,
    outbox: Arc<Outbox>,
    outgoing: UnboundedReceiver<Outgoing>,
    sockets: SocketControl,
    progress: Arc<Progress>,
    notes: Sender<Note>,
}

impl Sending {
    /// Hands over what the application sends. Nothing is awaited between messages while the crate takes them, so a burst
    /// leaves in one go.
    async fn run(mut self) {
        while let Some(Outgoing::Message(payload)) = self.outgoing.recv().await {
            let cost = cost(&payload);
            if payload.is_empty() {
                // By SCTP's own count it is not yet there while something is outstanding: have that told.
                self.progress
                    .empty_outstanding
                    .store(true, Ordering::Release);
                tell_when_low(&self.channel, 0).await;
            }
            let result = self.send(payload).await;
            if self.outbox.taken(cost) {
                self.inbox.report(LinkEvent::BufferedAmountLow {
                    link: self.inbox.link(),
                    channel: self.inbox.channel(),
                });
            }
            if self.outgoing.is_empty() {
                self.sockets.kick();
            }
            match result {
                Ok(()) => {}
                Err(Error::ErrDataChannelClosed) => break,
                Err(error) => {
                    let _ = self.notes.try_send(Note::SendFailed(error.to_string()));
                    break;
                }
            }
        }
        self.outbox.close();
        self.progress.all_sent.store(true, Ordering::Release);
    }

    async fn send(&self, payload: Payload) -> Result<(), Error> {
        let channel = Arc::clone(&self.channel);
        let sent = off_board(async move {
            match payload {
                Payload::Binary(bytes) => channel.send(translate::outgoing(bytes)).await,
                Payload::Text(bytes) => {
                    // The core lets only UTF-8 through; anything else would be a mistake in it, not of a peer.
                    channel.send_text(&String::from_utf8_lossy(&bytes)).await
                }
            }
        });
        sent.await.unwrap_or(Err(Error::ErrDataChannelClosed))
    }
}

/// Fails if the channel is closed already, and then it does not matter.
async fn tell_when_low(channel: &Arc<dyn DataChannel>, threshold: u32) {
    let channel = Arc::clone(channel);
    let set = async move { channel.set_buffered_amount_low_threshold(threshold).await };
    let _ = off_board(set).await;
}

struct Receiving {
    channel: Arc<dyn DataChannel>,
    inspector: Inspector,
    inbox: Arc<ChannelInbox>,
    outbox: Arc<Outbox>,
    remote: bool,
    aboard: Aboard,
    progress: Arc<Progress>,
    notes: Sender<Note>,
    received: u32,
}

impl Receiving {
    /// Takes what arrives, at once and always: while the crate's own queue is full the peer's window closes, and it does not
    /// hear when it opens again.
    async fn run(mut self) {
        while let Some(event) = self.channel.poll().await {
            match event {
                DataChannelEvent::OnOpen => self.opened().await,
                DataChannelEvent::OnMessage(message) => {
                    if self.message(message).is_err() {
                        return;
                    }
                }
                DataChannelEvent::OnClose => return self.closed().await,
                DataChannelEvent::OnBufferedAmountLow => {
                    self.progress
                        .empty_outstanding
                        .store(false, Ordering::Release);
                    tell_when_low(&self.channel, SILENT).await;
                }
                // A close follows its announcement.
                DataChannelEvent::OnError
                | DataChannelEvent::OnClosing
                | DataChannelEvent::OnBufferedAmountHigh
                | _ => {}
            }
        }
        // No word of a close: the connection is no more, and its link knows.
        self.outbox.close();
    }

    fn message(&mut self, message: RTCDataChannelMessage) -> Result<(), InboxFull> {
        self.received = self.received.wrapping_add(1);
        self.aboard.count_message();
        let pushed = self.inbox.push(translate::received(message));
        if pushed.is_err() {
            let _ = self.notes.try_send(Note::InboxFull);
        }
        pushed
    }

    async fn opened(&self) {
        let (inspector, channel) = (self.inspector.clone(), Arc::clone(&self.channel));
        let actual = off_board(async move { inspector.parameters(&*channel).await }).await;
        let Some(Ok(actual)) = actual else {
            // Gone again already; the close follows.
            self.outbox.close();
            return;
        };
        self.outbox.open();
        self.inbox.push_opened(Opened {
            remote: self.remote,
            actual,
            outbox: Arc::clone(&self.outbox),
        });
        if !self.remote {
            let _ = self.notes.try_send(Note::Opened);
        }
    }

    /// The crate hands over events before messages, so a close overtakes messages that arrived with it. How many there are is
    /// in its figures.
    async fn closed(mut self) {
        self.outbox.close();
        let (inspector, channel) = (self.inspector.clone(), Arc::clone(&self.channel));
        let expected = off_board(async move { inspector.messages_received(&*channel).await }).await;
        let expected = expected.flatten().unwrap_or(self.received);
        while self.received != expected {
            match timeout(STRAGGLERS, self.channel.poll()).await {
                Ok(Some(DataChannelEvent::OnMessage(message))) => {
                    if self.message(message).is_err() {
                        return;
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        self.inbox.push_closed();
    }
}

//! The two tasks of a channel: one sends, one receives. Both ride on the connection's driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_channel::{Receiver, Sender};
use mesh_core::{ChannelParameters, Duration, LinkEvent, Payload};
use tokio::time::timeout;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelMessage};
use webrtc::error::Error;

use crate::aboard::Aboard;
use crate::connection::{Inspector, Note};
use crate::inbox::{ChannelInbox, InboxFull, Opened};
use crate::outbox::{Outbox, cost};
use crate::socket::SocketControl;
use crate::translate;

/// How long to wait for messages that the crate has counted and not delivered yet. They are there within microseconds.
const STRAGGLERS: Duration = Duration::from_millis(100);

/// A channel and the tasks that serve it.
pub(crate) struct Channel {
    inner: Arc<dyn DataChannel>,
    outbox: Arc<Outbox>,
    reliable: bool,
    all_sent: Arc<AtomicBool>,
}

/// What the tasks of a channel work with.
pub(crate) struct Ends {
    pub(crate) inbox: Arc<ChannelInbox>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) outgoing: Receiver<Payload>,
    /// Whether the far side made it.
    pub(crate) remote: bool,
    pub(crate) reliable: bool,
    pub(crate) sockets: SocketControl,
    pub(crate) aboard: Aboard,
}

impl Channel {
    /// Starts the tasks.
    pub(crate) fn start(
        inner: Arc<dyn DataChannel>,
        inspector: Inspector,
        notes: Sender<Note>,
        ends: Ends,
    ) -> Self {
        let all_sent = Arc::new(AtomicBool::new(false));
        let sending = Sending {
            channel: Arc::clone(&inner),
            inbox: Arc::clone(&ends.inbox),
            outbox: Arc::clone(&ends.outbox),
            outgoing: ends.outgoing,
            sockets: ends.sockets,
            all_sent: Arc::clone(&all_sent),
            notes: notes.clone(),
        };
        let receiving = Receiving {
            channel: Arc::clone(&inner),
            inspector,
            inbox: ends.inbox,
            outbox: Arc::clone(&ends.outbox),
            remote: ends.remote,
            aboard: ends.aboard.clone(),
            notes,
            received: 0,
        };
        ends.aboard.spawn(receiving.run());
        ends.aboard.spawn(sending.run());
        Self {
            inner,
            outbox: ends.outbox,
            reliable: ends.reliable,
            all_sent,
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
        self.all_sent.load(Ordering::Acquire)
            && self.inner.outstanding_bytes().await.unwrap_or(0) == 0
    }
}

struct Sending {
    channel: Arc<dyn DataChannel>,
    inbox: Arc<ChannelInbox>,
    outbox: Arc<Outbox>,
    outgoing: Receiver<Payload>,
    sockets: SocketControl,
    all_sent: Arc<AtomicBool>,
    notes: Sender<Note>,
}

impl Sending {
    /// Hands over what the application sends. Nothing is awaited between messages while the crate takes them, so a burst
    /// leaves in one go.
    async fn run(self) {
        while let Ok(payload) = self.outgoing.recv().await {
            let cost = cost(&payload);
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
        self.all_sent.store(true, Ordering::Release);
    }

    async fn send(&self, payload: Payload) -> Result<(), Error> {
        match payload {
            Payload::Binary(bytes) => self.channel.send(translate::outgoing(bytes)).await,
            Payload::Text(bytes) => {
                // The core lets only UTF-8 through; anything else would be a mistake in it, not of a peer.
                let text = String::from_utf8_lossy(&bytes);
                self.channel.send_text(&text).await
            }
        }
    }
}

struct Receiving {
    channel: Arc<dyn DataChannel>,
    inspector: Inspector,
    inbox: Arc<ChannelInbox>,
    outbox: Arc<Outbox>,
    remote: bool,
    aboard: Aboard,
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
                // How much is buffered is counted on our side, and a close follows its announcement.
                DataChannelEvent::OnError
                | DataChannelEvent::OnClosing
                | DataChannelEvent::OnBufferedAmountLow
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
        match self.parameters().await {
            Ok(actual) => {
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
            // Gone again already; the close follows.
            Err(_) => self.outbox.close(),
        }
    }

    async fn parameters(&self) -> Result<ChannelParameters, Error> {
        let channel = &*self.channel;
        let figures = self.inspector.channel(channel).await;
        Ok(ChannelParameters {
            id: figures.ok_or(Error::ErrDataChannelClosed)?.stream_id,
            ordered: channel.ordered().await?,
            reliability: translate::reliability(
                channel.max_packet_life_time().await?,
                channel.max_retransmits().await?,
            ),
        })
    }

    /// The crate hands over events before messages, so a close overtakes messages that arrived with it. How many there are is
    /// in its figures.
    async fn closed(mut self) {
        self.outbox.close();
        let expected = match self.inspector.channel(&*self.channel).await {
            Some(figures) => figures.messages_received,
            None => self.received,
        };
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

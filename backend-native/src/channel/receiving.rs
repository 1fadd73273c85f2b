//! The task that takes what arrives from the `webrtc` crate.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use async_channel::Sender;
use mesh_core::platform::{InboxFull, LinkFault};
use mesh_core::{Duration, Payload};
use tokio::time::timeout;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelMessage};

use super::{Progress, SILENT};
use crate::aboard::{Aboard, off_board};
use crate::carried::Carried;
use crate::connection::Inspector;
use crate::control::Requests;
use crate::inbox::{BATCH_BYTES, BATCH_MESSAGES, ChannelInbox, Opened};
use crate::note::Note;
use crate::outbox::Outbox;
use crate::socket::SocketControl;
use crate::translate;

/// How long to wait for messages that the crate has counted and not delivered yet. They are there within microseconds.
const STRAGGLERS: Duration = Duration::from_millis(100);

pub(super) struct Receiving {
    pub(super) channel: Arc<dyn DataChannel>,
    pub(super) inspector: Inspector,
    pub(super) outbox: Arc<Outbox>,
    pub(super) remote: bool,
    pub(super) aboard: Aboard,
    pub(super) sockets: SocketControl,
    pub(super) carried: Carried,
    pub(super) progress: Arc<Progress>,
    pub(super) notes: Sender<Note>,
    pub(super) requests: Arc<Requests>,
    pub(super) batch: Batch,
}

/// What has been taken from the crate and goes into the inbox in one step, before anything is awaited.
pub(super) struct Batch {
    pub(super) inbox: Arc<ChannelInbox>,
    pub(super) notes: Sender<Note>,
    pub(super) messages: Vec<Payload>,
    pub(super) bytes: usize,
}

impl Batch {
    fn add(&mut self, payload: Payload) -> Result<(), InboxFull> {
        self.bytes += payload.len();
        self.messages.push(payload);
        if self.messages.len() < BATCH_MESSAGES && self.bytes < BATCH_BYTES {
            return Ok(());
        }
        self.hand_over()
    }

    fn hand_over(&mut self) -> Result<(), InboxFull> {
        self.bytes = 0;
        let pushed = self.inbox.push(&mut self.messages);
        if pushed.is_err() {
            let _ = self.notes.try_send(Note::Fault(LinkFault::InboxFull));
        }
        pushed
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.progress.gone.store(true, Ordering::Release);
        self.requests.look_again();
    }
}

impl Receiving {
    /// Takes what arrives, at once and always: while the crate's own queue is full the peer's window closes, and it does not
    /// hear when it opens again.
    pub(super) async fn run(mut self) {
        while let Ok(Some(event)) = self.next().await {
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
                    let channel = Arc::clone(&self.channel);
                    // Fails if the channel is closed already, and then it does not matter.
                    let _ = off_board(async move {
                        channel.set_buffered_amount_low_threshold(SILENT).await
                    })
                    .await;
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

    /// The next event of the crate. Before anything but a further message, what came goes into the inbox.
    async fn next(&mut self) -> Result<Option<DataChannelEvent>, InboxFull> {
        let mut next = self.channel.poll();
        let batch = &mut self.batch;
        poll_fn(|cx| {
            let event = next.as_mut().poll(cx);
            if matches!(event, Poll::Ready(Some(DataChannelEvent::OnMessage(_)))) {
                return event.map(Ok);
            }
            match batch.hand_over() {
                Ok(()) => event.map(Ok),
                Err(full) => Poll::Ready(Err(full)),
            }
        })
        .await
    }

    fn message(&mut self, message: RTCDataChannelMessage) -> Result<(), InboxFull> {
        // Goes round, as the far side's count does.
        self.progress.received.fetch_add(1, Ordering::Release);
        self.aboard.count_message();
        self.sockets.message_came();
        self.carried.received(message.data.len());
        self.batch.add(translate::received(message))?;
        self.requests.look_again();
        Ok(())
    }

    fn received(&self) -> u32 {
        self.progress.received.load(Ordering::Acquire)
    }

    async fn opened(&self) {
        let (inspector, channel) = (self.inspector.clone(), Arc::clone(&self.channel));
        let actual = off_board(async move { inspector.parameters(&*channel).await }).await;
        let Some(Ok(actual)) = actual else {
            // Gone again already; the close follows.
            self.outbox.close();
            return;
        };
        self.progress.stream.get_or_init(|| actual.id);
        self.outbox.open();
        self.batch.inbox.push_opened(Opened {
            remote: self.remote,
            actual,
            sender: Arc::clone(&self.outbox),
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
        let expected = expected.flatten().unwrap_or_else(|| self.received());
        while self.received() != expected {
            match timeout(STRAGGLERS, self.next()).await {
                Ok(Ok(Some(DataChannelEvent::OnMessage(message)))) => {
                    if self.message(message).is_err() {
                        return;
                    }
                }
                Ok(Ok(Some(_))) => {}
                Ok(Err(InboxFull)) => return,
                Ok(Ok(None)) | Err(_) => break,
            }
        }
        if self.batch.hand_over().is_ok() {
            self.batch.inbox.push_closed();
        }
    }
}

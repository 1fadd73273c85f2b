//! The two tasks of a channel: one sends, one receives. Both ride on the connection's driver.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Instant;

use async_channel::Sender;
use mesh_core::platform::{ChannelInbox as _, InboxFull, LinkFault};
use mesh_core::{Duration, LinkEvent, Payload};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelMessage};
use webrtc::error::Error;

use crate::aboard::{Aboard, off_board};
use crate::connection::Inspector;
use crate::inbox::{BATCH_BYTES, BATCH_MESSAGES, ChannelInbox, Opened};
use crate::note::Note;
use crate::outbox::{Outbox, Outgoing, cost};
use crate::pipe::Pipe;
use crate::socket::SocketControl;
use crate::translate;

/// How long to wait for messages that the crate has counted and not delivered yet. They are there within microseconds.
const STRAGGLERS: Duration = Duration::from_millis(100);

/// How many messages are handed over in one step. What it saves a message is spent already at a dozen.
const BURST: usize = 64;

/// How long to wait before asking again whether the path takes more of an unreliable channel: at first, and at most.
const PIPE_PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(4)];

/// How often such a channel asks for the round trip.
const ROUND_TRIP_AGE: Duration = Duration::from_secs(2);

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
    /// Whether the far side made it.
    pub(crate) remote: bool,
    pub(crate) reliable: bool,
    /// How much of it may be with the crate at most.
    pub(crate) send_limit: usize,
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
            }),
            pipe: (!ends.reliable).then(|| Valve {
                pipe: Pipe::new(ends.send_limit),
                asked: None,
            }),
            outgoing: ends.outgoing,
            sockets: ends.sockets,
            notes: notes.clone(),
        };
        let receiving = Receiving {
            channel: Arc::clone(&inner),
            inspector,
            outbox: Arc::clone(&ends.outbox),
            remote: ends.remote,
            aboard: ends.aboard.clone(),
            progress: Arc::clone(&progress),
            notes: notes.clone(),
            received: 0,
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

    /// Closes it on both sides once what it has accepted has arrived.
    pub(crate) fn finish(&self, aboard: &Aboard) {
        self.stop_accepting();
        let channel = self.clone();
        aboard.spawn(async move {
            channel.drain(None).await;
            // The lock that this may wait for can belong to the driver, on which this task rides.
            off_board(async move { channel.close().await }).await;
        });
    }

    /// Waits until everything accepted has arrived, or until a deadline.
    pub(crate) async fn drain(&self, deadline: Option<tokio::time::Instant>) {
        let mut pause = Duration::from_millis(1);
        let is_late = |pause| deadline.is_some_and(|at| tokio::time::Instant::now() + pause > at);
        while !self.is_drained().await && !is_late(pause) {
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

struct Sending {
    handover: Arc<Handover>,
    /// Of an unreliable channel.
    pipe: Option<Valve>,
    outgoing: UnboundedReceiver<Outgoing>,
    sockets: SocketControl,
    notes: Sender<Note>,
}

/// What handing a burst over needs, whoever does it.
struct Handover {
    channel: Arc<dyn DataChannel>,
    progress: Arc<Progress>,
    inbox: Arc<ChannelInbox>,
    outbox: Arc<Outbox>,
    inspector: Inspector,
}

/// What keeps an unreliable channel from filling the crate's queues.
struct Valve {
    pipe: Pipe,
    /// When the round trip was last asked for.
    asked: Option<Instant>,
}

impl Sending {
    /// Hands over what the application sends. Nothing is awaited between messages while the crate takes them, so a burst
    /// leaves in one go.
    async fn run(mut self) {
        let mut burst = Vec::new();
        while self.outgoing.recv_many(&mut burst, BURST).await > 0 {
            let end = burst.iter().position(|one| *one == Outgoing::End);
            burst.truncate(end.unwrap_or(burst.len()));
            let handover = Arc::clone(&self.handover);
            let sockets = self.sockets.clone();
            let mut pipe = self.pipe.take();
            let handed = off_board(async move {
                let result = handover.send_all(&mut burst, pipe.as_mut(), &sockets).await;
                (result, burst, pipe)
            });
            let (result, rest, pipe) =
                handed
                    .await
                    .unwrap_or((Err(Error::ErrDataChannelClosed), Vec::new(), None));
            (burst, self.pipe) = (rest, pipe);
            if self.outgoing.is_empty() {
                self.sockets.kick();
            }
            match result {
                Ok(()) if end.is_none() => {}
                Ok(()) | Err(Error::ErrDataChannelClosed) => break,
                Err(error) => {
                    let fault = LinkFault::SendFailed(error.to_string());
                    let _ = self.notes.try_send(Note::Fault(fault));
                    break;
                }
            }
        }
        self.handover.outbox.close();
        self.handover
            .progress
            .all_sent
            .store(true, Ordering::Release);
    }
}

impl Handover {
    async fn send_all(
        &self,
        burst: &mut Vec<Outgoing>,
        mut valve: Option<&mut Valve>,
        sockets: &SocketControl,
    ) -> Result<(), Error> {
        for outgoing in burst.drain(..) {
            let Outgoing::Message { payload, expires } = outgoing else {
                break;
            };
            if expires.is_some_and(|at| at <= Instant::now()) {
                self.report_if(self.outbox.give_up(cost(&payload)));
                continue;
            }
            if payload.is_empty() && valve.is_none() {
                // By SCTP's own count it is not yet there while something is outstanding: have that told.
                self.progress
                    .empty_outstanding
                    .store(true, Ordering::Release);
                let _ = self.channel.set_buffered_amount_low_threshold(0).await;
            }
            let cost = cost(&payload);
            let result = match payload {
                Payload::Binary(bytes) => self.channel.send(translate::outgoing(bytes)).await,
                Payload::Text(bytes) => {
                    // The core lets only UTF-8 through; anything else would be a mistake in it, not of a peer.
                    let text = String::from_utf8_lossy(&bytes);
                    self.channel.send_text(&text).await
                }
            };
            if let Some(valve) = &mut valve
                && valve.pipe.hand(cost)
            {
                self.wait_for_path(valve, sockets).await;
            }
            self.report_if(self.outbox.taken(cost));
            result?;
        }
        Ok(())
    }

    /// Tells that there is room again, if there is.
    fn report_if(&self, is_low: bool) {
        if is_low {
            self.inbox.report(LinkEvent::BufferedAmountLow {
                link: self.inbox.link(),
                channel: self.inbox.channel(),
            });
        }
    }

    /// Waits until the crate holds no more than the path takes.
    async fn wait_for_path(&self, valve: &mut Valve, sockets: &SocketControl) {
        let mut is_waiting = false;
        let [mut pause, longest] = PIPE_PAUSES;
        // A channel that is gone holds nothing.
        while let Ok(outstanding) = self.channel.outstanding_bytes().await {
            let now = Instant::now();
            if !valve.pipe.observe(now, outstanding, is_waiting) {
                break;
            }
            if !is_waiting {
                sockets.kick();
                is_waiting = true;
            }
            let is_old = |asked| now.saturating_duration_since(asked) >= ROUND_TRIP_AGE;
            if valve.asked.is_none_or(is_old) {
                valve.asked = Some(now);
                if let Some(round_trip) = self.inspector.round_trip().await {
                    valve.pipe.round_trip_took(round_trip);
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }
}

struct Receiving {
    channel: Arc<dyn DataChannel>,
    inspector: Inspector,
    outbox: Arc<Outbox>,
    remote: bool,
    aboard: Aboard,
    progress: Arc<Progress>,
    notes: Sender<Note>,
    received: u32,
    batch: Batch,
}

/// What has been taken from the crate and goes into the inbox in one step, before anything is awaited.
struct Batch {
    inbox: Arc<ChannelInbox>,
    notes: Sender<Note>,
    messages: Vec<Payload>,
    bytes: usize,
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
    }
}

impl Receiving {
    /// Takes what arrives, at once and always: while the crate's own queue is full the peer's window closes, and it does not
    /// hear when it opens again.
    async fn run(mut self) {
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
        self.received = self.received.wrapping_add(1);
        self.aboard.count_message();
        self.batch.add(translate::received(message))
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
        let expected = expected.flatten().unwrap_or(self.received);
        while self.received != expected {
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

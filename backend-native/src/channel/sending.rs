//! The task that hands what the application sends over to the `webrtc` crate.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use async_channel::Sender;
use mesh_core::platform::batch::{Batch, Packed};
use mesh_core::platform::{ChannelInbox as _, LinkFault};
use mesh_core::{Duration, LinkEvent, Payload};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;
use webrtc::data_channel::DataChannel;
use webrtc::error::Error;

use super::Progress;
use crate::aboard::off_board;
use crate::carried::Carried;
use crate::connection::Inspector;
use crate::inbox::ChannelInbox;
use crate::note::Note;
use crate::outbox::{Outbox, Outgoing, cost};
use crate::pipe::Pipe;
use crate::socket::SocketControl;
use crate::translate;

/// How many messages are handed over in one step. What it saves a message is spent already at a dozen.
const BURST: usize = 64;

/// How long to wait before asking again whether the path takes more of an unreliable channel: at first, and at most.
const PIPE_PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(4)];

/// How often such a channel asks for the round trip.
const ROUND_TRIP_AGE: Duration = Duration::from_secs(2);

pub(super) struct Sending {
    pub(super) handover: Arc<Handover>,
    /// Of an unreliable channel, and of one that gives way.
    pub(super) pipe: Option<Valve>,
    pub(super) outgoing: UnboundedReceiver<Outgoing>,
    pub(super) sockets: SocketControl,
    pub(super) notes: Sender<Note>,
}

/// What handing a burst over needs, whoever does it.
pub(super) struct Handover {
    pub(super) channel: Arc<dyn DataChannel>,
    pub(super) progress: Arc<Progress>,
    pub(super) inbox: Arc<ChannelInbox>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) inspector: Inspector,
    pub(super) carried: Carried,
    pub(super) reliable: bool,
}

/// What keeps a channel from filling the crate's queues.
pub(super) struct Valve {
    pub(super) pipe: Pipe,
    /// When the round trip was last asked for.
    pub(super) asked: Option<Instant>,
}

impl Sending {
    /// Hands over what the application sends. Nothing is awaited between messages while the crate takes them, so a burst
    /// leaves in one go.
    pub(super) async fn run(mut self) {
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
                Ok(()) if end.is_none() && !self.handover.outbox.is_abandoned() => {}
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
        let mut batch = Batch::default();
        for outgoing in burst.drain(..) {
            let Outgoing::Message { payload, expires } = outgoing else {
                break;
            };
            if self.outbox.is_abandoned() {
                return Ok(());
            }
            if expires.is_some_and(|at| at <= Instant::now()) {
                self.report_if(self.outbox.give_up(cost(&payload)));
                continue;
            }
            let leaving = if self.outbox.coalesces() {
                batch.join(payload)
            } else {
                let cost = cost(&payload);
                [Some(Packed { payload, cost }), None]
            };
            for packed in leaving.into_iter().flatten() {
                self.send(packed, valve.as_deref_mut(), sockets).await?;
            }
        }
        match batch.take() {
            Some(rest) => self.send(rest, valve, sockets).await,
            None => Ok(()),
        }
    }

    async fn send(
        &self,
        Packed { payload, cost }: Packed,
        valve: Option<&mut Valve>,
        sockets: &SocketControl,
    ) -> Result<(), Error> {
        if payload.is_empty() && self.reliable {
            // By SCTP's own count it is not yet there while something is outstanding: have that told.
            self.progress
                .empty_outstanding
                .store(true, Ordering::Release);
            let _ = self.channel.set_buffered_amount_low_threshold(0).await;
        }
        let bytes = payload.len();
        let result = match payload {
            Payload::Binary(bytes) => self.channel.send(translate::outgoing(bytes)).await,
            Payload::Text(bytes) => {
                // The core lets only UTF-8 through; anything else would be a mistake in it, not of a peer.
                let text = String::from_utf8_lossy(&bytes);
                self.channel.send_text(&text).await
            }
        };
        if result.is_ok() {
            self.carried.sent(bytes);
        }
        if let Some(valve) = valve
            && valve.pipe.hand(cost)
        {
            self.wait_for_path(valve, sockets).await;
        }
        self.report_if(self.outbox.taken(cost));
        result
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

//! Sends a stream at its pace, and notes when the messages of one arrive: beside everything else a host does.

use std::task::{Context, Poll};

use async_channel::Sender;
use futures_util::future::LocalBoxFuture;
use mesh_core::{Backend, Instant, PeerId, Refused, RefusedReason, TransferMode};

use super::Host;
use super::stack::Stack;
use crate::Content;
use crate::observed::{LinkSeen, Observed, Seen};
use crate::platform::Platform;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::stream::{Arrival, Lane, Stream, StreamRequest};

/// Arrivals noted at most; a case's stream has far fewer.
const ARRIVALS: usize = 65_536;

/// A stream on its way.
pub(super) struct Sending {
    stream: Stream,
    begun: Instant,
    timer: LocalBoxFuture<'static, ()>,
    /// When each step was taken.
    sent_at: Vec<u64>,
    answer: Sender<Reply>,
}

/// What has arrived, if somebody listens.
#[derive(Default)]
pub(super) struct Listener(Option<Vec<Arrival>>);

impl Listener {
    pub(super) fn note(&mut self, event: &Observed, now: Instant) {
        let Some(arrivals) = self.0.as_mut().filter(|noted| noted.len() < ARRIVALS) else {
            return;
        };
        let (Observed::Mesh(Seen::Packet { channel, body, .. })
        | Observed::Link(_, LinkSeen::Message { channel, body })) = event
        else {
            return;
        };
        if let Some(number) = body.number() {
            arrivals.push(Arrival {
                channel: *channel,
                number,
                at_micros: now.as_micros(),
            });
        }
    }
}

impl<P: Platform> Host<P> {
    pub(super) fn take_stream(&mut self, request: StreamRequest, answer: Sender<Reply>) {
        let reply = match request {
            StreamRequest::Send(stream) => {
                self.sending = Some(Sending {
                    stream,
                    begun: self.platform.now(),
                    timer: Box::pin(std::future::ready(())),
                    sent_at: Vec::new(),
                    answer,
                });
                return;
            }
            StreamRequest::Listen => {
                self.listener = Listener(Some(Vec::new()));
                Reply::Done
            }
            StreamRequest::Report => Reply::Arrivals(self.listener.0.clone().unwrap_or_default()),
        };
        let _ = answer.try_send(reply);
    }

    /// Takes every step that is due; a late one is made up for, so that the pace holds on the whole.
    pub(super) fn stream(&mut self, cx: &mut Context<'_>) {
        let Some(mut sending) = self.sending.take() else {
            return;
        };
        while sending.timer.as_mut().poll(cx).is_ready() {
            if let Poll::Ready(reply) = self.step(&mut sending) {
                let _ = sending.answer.try_send(reply);
                return;
            }
        }
        self.sending = Some(sending);
    }

    fn step(&mut self, sending: &mut Sending) -> Poll<Reply> {
        let stream = sending.stream;
        let number = sending.sent_at.len() as u64;
        if number == stream.steps {
            return Poll::Ready(Reply::Streamed(std::mem::take(&mut sending.sent_at)));
        }
        let now = self.platform.now();
        let content = Content::numbered(stream.first + number, stream.len);
        for mode in TransferMode::ALL {
            if let Err(why) = self.stack.send_one(stream.lane, mode, &content) {
                return Poll::Ready(Reply::Refused(why));
            }
        }
        sending.sent_at.push(now.as_micros());
        let steps = u32::try_from(sending.sent_at.len()).unwrap_or(u32::MAX);
        let due = sending.begun + stream.pace * steps;
        sending.timer = self.platform.sleep(due - now);
        Poll::Pending
    }
}

impl<P: Platform> Stack<P> {
    /// Sends one message, which has to be taken.
    fn send_one(
        &mut self,
        lane: Lane,
        mode: TransferMode,
        content: &Content,
    ) -> Result<(), Refusal> {
        let payload = content.payload();
        let sent = match (self, lane) {
            (Self::Backend(backend), Lane::Link(link)) => {
                let sent = backend.send(link, mode.channel(), payload);
                return sent.map_err(|rejected| rejected.reason.into());
            }
            (Self::Mesh(mesh), Lane::Peer(peer)) => mesh.send(peer_id(peer)?, mode, payload)?,
            (Self::Session(session), Lane::Peer(peer)) => {
                session.send(peer_id(peer)?, mode, payload)?
            }
            _ => return Err(Refusal::Suite("no such lane from here".to_owned())),
        };
        // What is unreliable may be refused while the path is broken.
        let is_interrupted = |refused: &Refused| refused.reason == RefusedReason::Interrupted;
        if sent.refused.iter().all(is_interrupted) {
            return Ok(());
        }
        Err(Refusal::Suite(format!("not taken: {sent:?}")))
    }
}

fn peer_id(id: u32) -> Result<PeerId, Refusal> {
    crate::refusal::peer_id(id)
}

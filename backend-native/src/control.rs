//! The control channel of a connection: what it says and hears beside the channels of the game.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_channel::Sender;
use bytes::BytesMut;
use mesh_core::platform::control::Word;
use mesh_core::platform::{GOODBYE, LinkFault, control};
use mesh_core::{Duration, GivenReason, Goodbye, PeerId};
use tokio::time::{sleep, timeout};
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::error::Error;

use crate::aboard::Aboard;
use crate::inbox::LinkInbox;
use crate::note::Note;
use crate::socket::SocketControl;

/// The channel, and what the far side has asked on it. Cheap to clone.
///
/// This side asks for nothing but an answer to its goodbye: the `webrtc` crate tells what was acknowledged.
#[derive(Clone)]
pub(crate) struct Control {
    channel: Arc<dyn DataChannel>,
    requests: Arc<Requests>,
}

/// What the far side waits for.
pub(crate) struct Requests {
    asked: Mutex<control::Control>,
    /// Whether there is any, so that each message of the game asks no more than that.
    is_asked: AtomicBool,
    /// Whether the link has a note that it has not looked at.
    is_noted: AtomicBool,
    notes: Sender<Note>,
    inbox: Arc<LinkInbox>,
}

impl Control {
    /// Takes the channel that was made for it, and listens.
    pub(crate) fn start(
        channel: Arc<dyn DataChannel>,
        aboard: &Aboard,
        notes: Sender<Note>,
        inbox: Arc<LinkInbox>,
    ) -> Self {
        let requests = Arc::new(Requests {
            asked: Mutex::default(),
            is_asked: AtomicBool::new(false),
            is_noted: AtomicBool::new(false),
            notes,
            inbox,
        });
        let control = Self { channel, requests };
        aboard.spawn(control.clone().listen(aboard.clone()));
        control
    }

    async fn listen(self, aboard: Aboard) {
        while let Some(event) = self.channel.poll().await {
            if let DataChannelEvent::OnMessage(_) = event {
                aboard.count_message();
            }
            match event {
                // Text is of a kind that this version does not know.
                DataChannelEvent::OnMessage(message) if !message.is_string => {
                    self.requests.take(&message.data);
                }
                // A close overtakes messages that arrived with it, and a goodbye may be among them. The crate ends the events.
                DataChannelEvent::OnClose
                | DataChannelEvent::OnOpen
                | DataChannelEvent::OnMessage(_)
                | DataChannelEvent::OnError
                | DataChannelEvent::OnClosing
                | DataChannelEvent::OnBufferedAmountLow
                | DataChannelEvent::OnBufferedAmountHigh
                | _ => {}
            }
        }
    }

    /// What the far side waits for.
    pub(crate) const fn requests(&self) -> &Arc<Requests> {
        &self.requests
    }

    /// The far side described itself.
    pub(crate) fn described(&self, sdp: &str) {
        self.requests.asked().described(sdp);
    }

    /// The link looks: from now on it has to be noted again.
    pub(crate) fn look(&self) {
        self.requests.is_noted.store(false, Ordering::Release);
    }

    /// Tells the far side that we have kicked another peer, if it listens.
    pub(crate) async fn tell_kick(&self, peer: PeerId, reason: GivenReason) {
        if self.requests.asked().is_announced() {
            let message = control::Control::kick(peer, reason);
            // An error says that the channel is closed, or that the far side has taken nothing for long.
            let _ = self.channel.try_send(message.as_slice().into()).await;
        }
    }

    /// Tells the far side how many messages our core has taken, if it listens.
    pub(crate) async fn tell_taken(&self, counts: Vec<(u16, u64)>) {
        if self.requests.asked().is_announced() {
            let message = control::Control::taken(counts);
            // As above. The far side keeps what it has sent until it is told again.
            let _ = self.channel.try_send(message.as_slice().into()).await;
        }
    }

    /// Tells the far side why the link ends, and waits until it has that. Not for long: a far side that does not answer would
    /// hold the close up.
    pub(crate) async fn say_goodbye(&self, goodbye: &Goodbye, sockets: &SocketControl) {
        if self.requests.asked().is_announced() {
            let _ = timeout(GOODBYE, self.say_and_wait(goodbye, sockets)).await;
        }
    }

    async fn say_and_wait(&self, goodbye: &Goodbye, sockets: &SocketControl) {
        // A lone packet is acknowledged late, after 200 ms, so an answer is asked for.
        let (number, request) = self.requests.asked().confirm();
        for message in [control::Control::goodbye(goodbye), request] {
            let sent = self.channel.try_send(message.as_slice().into()).await;
            if sent.is_err() {
                return;
            }
        }
        sockets.kick();
        let mut pause = Duration::from_millis(1);
        while !self.requests.asked().is_finished(number) {
            // An error says that the channel is closed.
            let outstanding = self.channel.outstanding_bytes().await;
            if outstanding.is_ok_and(|bytes| bytes == 0) {
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(8));
        }
    }

    /// Answers what can be answered. `received` has how many messages have come on each stream. Waits for no room: the link
    /// has other things to do than to serve a far side that asks and takes no answers.
    pub(crate) async fn answer(&self, received: &BTreeMap<u16, u32>) -> Result<(), LinkFault> {
        for answer in self.requests.answers(received) {
            let answer = BytesMut::from(answer.as_slice());
            // Any other error says that the channel is closed, and then nobody waits for the answer.
            if let Err(Error::ErrSendBufferFull) = self.channel.try_send(answer).await {
                return Err(LinkFault::Control("it is asked for and not taken"));
            }
        }
        Ok(())
    }
}

impl Requests {
    /// A message arrived on a channel of the game and is counted, or nothing will come on it any more.
    pub(crate) fn look_again(&self) {
        if self.is_asked.load(Ordering::Relaxed) {
            self.note();
        }
    }

    fn take(&self, message: &[u8]) {
        let mut asked = self.asked();
        let taken = asked.take(message);
        self.is_asked.store(asked.is_asked(), Ordering::Relaxed);
        drop(asked);
        match taken {
            Ok(Some(Word::Taken(counts))) => self.inbox.report_taken(counts),
            // Reported at once: behind the notes of the link it would come after the closing of the channels.
            Ok(Some(word)) => self.inbox.report(word.into_event(self.inbox.link())),
            Ok(None) => self.note(),
            Err(fault) => {
                let _ = self.notes.try_send(Note::Fault(fault));
            }
        }
    }

    fn answers(&self, received: &BTreeMap<u16, u32>) -> Vec<Vec<u8>> {
        let mut asked = self.asked();
        if !asked.is_announced() {
            return Vec::new();
        }
        let answers = asked.answers(received);
        self.is_asked.store(asked.is_asked(), Ordering::Relaxed);
        answers
    }

    /// Has the link look. Once, so that a flood does not fill its queue.
    fn note(&self) {
        if !self.is_noted.swap(true, Ordering::AcqRel) {
            let _ = self.notes.try_send(Note::Control);
        }
    }

    fn asked(&self) -> MutexGuard<'_, control::Control> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

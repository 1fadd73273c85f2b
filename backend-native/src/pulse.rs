//! The pulse of a connection: the channel that asks the far side whether it is there, and answers it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_channel::Sender;
use bytes::BytesMut;
use mesh_core::platform::LinkFault;
use mesh_core::platform::pulse::{self, Checks, Life, Signs};
use mesh_core::{Duration, Instant, LinkStats};
use webrtc::data_channel::{DataChannel, DataChannelEvent};

use crate::aboard::{Aboard, off_board};
use crate::note::Note;
use crate::socket::SocketControl;

/// Bytes of pulses that may lie in the crate. A path that is gone takes none, and what has waited would say nothing of the path
/// that is back.
const MAX_OUTSTANDING: usize = 256;

/// The channel, and what is known of the far side. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pulse {
    channel: Arc<dyn DataChannel>,
    shared: Arc<Shared>,
}

struct Shared {
    pulse: Mutex<pulse::Pulse>,
    start: tokio::time::Instant,
    aboard: Aboard,
    sockets: SocketControl,
    notes: Sender<Note>,
}

impl Pulse {
    /// Takes the channel that was made for it, and listens.
    pub(crate) fn start(
        channel: Arc<dyn DataChannel>,
        aboard: &Aboard,
        sockets: &SocketControl,
        notes: Sender<Note>,
    ) -> Self {
        let shared = Arc::new(Shared {
            pulse: Mutex::default(),
            start: tokio::time::Instant::now(),
            aboard: aboard.clone(),
            sockets: sockets.clone(),
            notes,
        });
        let pulse = Self { channel, shared };
        aboard.spawn(pulse.clone().listen());
        pulse
    }

    async fn listen(self) {
        while let Some(event) = self.channel.poll().await {
            if let DataChannelEvent::OnMessage(_) = event {
                self.shared.aboard.count_pulse();
                self.shared.sockets.message_came();
            }
            match event {
                DataChannelEvent::OnOpen => {
                    self.shared
                        .change(|shared, pulse| pulse.opened(shared.now()));
                }
                // Text is of a kind that this version does not know.
                DataChannelEvent::OnMessage(message) if !message.is_string => {
                    self.take(&message.data).await;
                }
                DataChannelEvent::OnClose => self.shared.change(|_, pulse| pulse.closed()),
                DataChannelEvent::OnMessage(_)
                | DataChannelEvent::OnError
                | DataChannelEvent::OnClosing
                | DataChannelEvent::OnBufferedAmountLow
                | DataChannelEvent::OnBufferedAmountHigh
                | _ => {}
            }
        }
    }

    /// Takes a message, and answers at once: the far side measures how long that takes.
    async fn take(&self, message: &[u8]) {
        let shared = &self.shared;
        let taken = shared.change(|shared, pulse| pulse.take(shared.now(), message));
        match taken {
            Ok(Some(answer)) => {
                let pulse = self.clone();
                off_board(async move { pulse.send(&answer).await }).await;
            }
            Ok(None) => {}
            Err(fault) => shared.fault(fault),
        }
    }

    /// Sends a message, unless too many wait already.
    async fn send(&self, message: &[u8]) {
        // An error says that the channel is closed.
        let outstanding = self.channel.outstanding_bytes().await;
        if outstanding.is_ok_and(|bytes| bytes <= MAX_OUTSTANDING) {
            let _ = self.channel.try_send(BytesMut::from(message)).await;
            self.shared.sockets.kick();
        }
    }

    /// The far side described itself.
    pub(crate) fn described(&self, sdp: &str) {
        let shared = &self.shared;
        shared.change(|shared, pulse| pulse.described(shared.now(), sdp));
    }

    /// The crate says that the path carries something again.
    pub(crate) fn path_is_back(&self) {
        let shared = &self.shared;
        shared.pulse().path_is_back(shared.now());
    }

    /// Whether the far side is there.
    pub(crate) fn life(&self) -> Life {
        self.shared.pulse().life_to_judge()
    }

    /// When [`beat`](Self::beat) is to be called.
    pub(crate) fn poll_timeout(&self) -> Option<tokio::time::Instant> {
        let due = self.shared.pulse().poll_timeout()?;
        let since_start = Duration::from_micros(due.as_micros());
        self.shared.start.checked_add(since_start)
    }

    /// Looks what has come, and asks the far side if it is time.
    pub(crate) async fn beat(&self) {
        let shared = &self.shared;
        let checks = shared.sockets.signs_of_life();
        let checks = checks.map(|signs| signs.map(|at| shared.at(at)));
        let signs = Signs {
            messages: shared.aboard.taken(),
            path: Some(shared.sockets.carried()),
            checks: checks.map(|[heard, answered]| Checks { heard, answered }),
        };
        let ping = {
            let mut pulse = shared.pulse();
            let ping = pulse.poll(shared.now(), signs);
            shared.sockets.be_quiet(pulse.is_quiet());
            ping
        };
        if let Some(ping) = ping {
            self.send(&ping).await;
        }
    }

    /// Adds what was measured to the figures of the link.
    pub(crate) fn measured(&self, stats: &mut LinkStats) {
        self.shared.pulse().measured(stats);
    }
}

impl Shared {
    /// Changes the pulse, and tells the link if that says something else of the far side or is to be asked at another time.
    fn change<T>(&self, change: impl FnOnce(&Self, &mut pulse::Pulse) -> T) -> T {
        let mut pulse = self.pulse();
        let told = |pulse: &pulse::Pulse| (pulse.life(), pulse.poll_timeout());
        let before = told(&pulse);
        let result = change(self, &mut pulse);
        // Under the lock, so that no older word of another thread comes after it.
        self.sockets.be_quiet(pulse.is_quiet());
        if told(&pulse) != before {
            let _ = self.notes.try_send(Note::Pulse);
        }
        result
    }

    /// By tokio's clock, as the timers of the link.
    fn now(&self) -> Instant {
        self.at(tokio::time::Instant::now())
    }

    fn at(&self, at: tokio::time::Instant) -> Instant {
        let since_start = at.saturating_duration_since(self.start).as_micros();
        Instant::from_micros(u64::try_from(since_start).unwrap_or(u64::MAX))
    }

    fn fault(&self, fault: LinkFault) {
        let _ = self.notes.try_send(Note::Fault(fault));
    }

    fn pulse(&self) -> MutexGuard<'_, pulse::Pulse> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

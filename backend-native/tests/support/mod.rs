//! Two backends in one process, driven through the trait: no core, no signaling, real sockets.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

pub(crate) mod member;
pub(crate) mod raw;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{
    Backend, ChannelIndex, ChannelSpec, CloseReason, Command, ConnectionState, IceCandidate,
    LinkConfig, LinkEvent, LinkId, Payload, Reliability, SendLimits, SessionDescription,
    TransferMode,
};

pub(crate) const RELIABLE: ChannelIndex = ChannelIndex(0);
pub(crate) const ORDERED: ChannelIndex = ChannelIndex(1);
pub(crate) const UNRELIABLE: ChannelIndex = ChannelIndex(2);

/// No wait in these tests takes longer, unless something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const INBOX: usize = 16 * 1024 * 1024;

pub(crate) const fn link(generation: u32) -> LinkId {
    LinkId {
        slot: 0,
        generation,
    }
}

pub(crate) fn specs() -> Vec<ChannelSpec> {
    specs_with(SendLimits::default())
}

pub(crate) fn specs_with(limits: SendLimits) -> Vec<ChannelSpec> {
    TransferMode::ALL
        .into_iter()
        .map(|mode| ChannelSpec::built_in(mode, Reliability::Retransmits(0), limits))
        .collect()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A waker that ends this thread's [`thread::park`].
pub(crate) fn unpark_me() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}

/// One side.
pub(crate) struct Peer {
    pub(crate) backend: PlatformBackend,
    pub(crate) link: LinkId,
    /// Everything it reported, in order; tests take from it.
    pub(crate) log: VecDeque<LinkEvent>,
    pub(crate) opened: Vec<ChannelIndex>,
    pub(crate) state: ConnectionState,
    pub(crate) closed: Option<CloseReason>,
    pub(crate) descriptions: Vec<SessionDescription>,
    pub(crate) candidates: Vec<IceCandidate>,
    /// It takes the far side for one of another make, to which nothing is said beside the messages of the game.
    pub(crate) is_among_strangers: bool,
    remote_is_set: bool,
    held_back: Vec<IceCandidate>,
}

impl Peer {
    pub(crate) fn new(backend: PlatformBackend) -> Self {
        Self {
            backend,
            link: link(0),
            log: VecDeque::new(),
            opened: Vec::new(),
            state: ConnectionState::New,
            closed: None,
            descriptions: Vec::new(),
            candidates: Vec::new(),
            is_among_strangers: false,
            remote_is_set: false,
            held_back: Vec::new(),
        }
    }

    pub(crate) fn loopback() -> Self {
        Self::of(PlatformConfig::loopback())
    }

    pub(crate) fn of(config: PlatformConfig) -> Self {
        Self::new(PlatformBackend::new(config).expect("threads"))
    }

    /// Opens a new link with these channels; the former one is forgotten.
    pub(crate) fn open(
        &mut self,
        link: LinkId,
        config: LinkConfig,
        inbox_bytes: usize,
        specs: &[ChannelSpec],
    ) {
        self.link = link;
        self.log.clear();
        self.opened.clear();
        self.state = ConnectionState::New;
        self.closed = None;
        self.descriptions.clear();
        self.candidates.clear();
        self.remote_is_set = false;
        self.held_back.clear();
        self.backend.execute(Command::Open {
            link,
            config,
            inbox_bytes,
        });
        for (index, spec) in (0..).zip(specs) {
            self.backend.execute(Command::CreateChannel {
                link,
                channel: ChannelIndex(index),
                spec: spec.clone(),
            });
        }
    }

    pub(crate) fn offer(&mut self) {
        let link = self.link;
        self.backend.execute(Command::CreateOffer { link });
    }

    pub(crate) fn set_remote(&mut self, mut description: SessionDescription) {
        let link = self.link;
        if self.is_among_strangers {
            let lines = description.sdp.split_inclusive('\n');
            let of_ours = |line: &&str| line.starts_with("a=webrtc-multiplayer:");
            description.sdp = lines.filter(|line| !of_ours(line)).collect();
        }
        self.backend
            .execute(Command::SetRemote { link, description });
        self.remote_is_set = true;
        for candidate in std::mem::take(&mut self.held_back) {
            self.add_candidate(candidate);
        }
    }

    /// As the core does: never before the description.
    pub(crate) fn add_candidate(&mut self, candidate: IceCandidate) {
        if !self.remote_is_set {
            self.held_back.push(candidate);
            return;
        }
        let link = self.link;
        self.backend
            .execute(Command::AddCandidate { link, candidate });
    }

    /// Sends until the queue is full, or this often.
    pub(crate) fn fill(&mut self, channel: ChannelIndex, message: &Payload, times: usize) -> usize {
        let link = self.link;
        (0..times)
            .take_while(|_| self.backend.send(link, channel, message.clone()).is_ok())
            .count()
    }

    pub(crate) fn close(&mut self, linger: Duration) {
        let link = self.link;
        self.backend.execute(Command::Close { link, linger });
    }

    pub(crate) fn send(&mut self, channel: ChannelIndex, payload: impl Into<Payload>) {
        let link = self.link;
        self.backend
            .send(link, channel, payload.into())
            .expect("accepted");
    }

    /// Takes everything that is ready. What the other side must hear is returned.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Vec<Heard> {
        let mut heard = Vec::new();
        while let Poll::Ready(event) = self.backend.poll_event(cx) {
            if event.link() != self.link {
                continue;
            }
            assert_eq!(self.closed, None, "{event:?} after the link had closed");
            match &event {
                LinkEvent::State { state, .. } => self.state = *state,
                LinkEvent::Description { description, .. } => {
                    self.descriptions.push(description.clone());
                    heard.push(Heard::Description(description.clone()));
                }
                LinkEvent::Candidate { candidate, .. } => {
                    assert!(
                        !self.descriptions.is_empty(),
                        "a candidate before its description"
                    );
                    self.candidates.push(candidate.clone());
                    heard.push(Heard::Candidate(candidate.clone()));
                }
                LinkEvent::ChannelOpened { channel, .. } => {
                    let is_open = self.opened.contains(channel) && !self.was_closed(*channel);
                    assert!(!is_open, "{channel:?} opened twice");
                    self.opened.push(*channel);
                }
                LinkEvent::Message { channel, .. } => {
                    assert!(
                        self.opened.contains(channel),
                        "a message before {channel:?} opened"
                    );
                }
                LinkEvent::Closed { reason, .. } => self.closed = Some(reason.clone()),
                _ => {}
            }
            self.log.push_back(event);
        }
        heard
    }

    /// Takes the messages of a channel out of the log.
    pub(crate) fn take_messages(&mut self, channel: ChannelIndex) -> Vec<Payload> {
        let mut taken = Vec::new();
        self.log.retain(|event| match event {
            LinkEvent::Message {
                channel: at,
                payload,
                ..
            } if *at == channel => {
                taken.push(payload.clone());
                false
            }
            _ => true,
        });
        taken
    }

    pub(crate) fn messages(&self, channel: ChannelIndex) -> usize {
        self.log
            .iter()
            .filter(
                |event| matches!(event, LinkEvent::Message { channel: at, .. } if *at == channel),
            )
            .count()
    }

    /// Whether the last that was told of an open channel is its end.
    fn was_closed(&self, channel: ChannelIndex) -> bool {
        let last = self.log.iter().rev().find(|event| {
            matches!(event, LinkEvent::ChannelOpened { channel: at, .. }
                | LinkEvent::ChannelClosed { channel: at, .. } if *at == channel)
        });
        matches!(last, Some(LinkEvent::ChannelClosed { .. }))
    }

    pub(crate) fn has_closed_channel(&self, channel: ChannelIndex) -> bool {
        self.log.iter().any(
            |event| matches!(event, LinkEvent::ChannelClosed { channel: at, .. } if *at == channel),
        )
    }

    pub(crate) fn has_low(&self, channel: ChannelIndex) -> bool {
        self.log.iter().any(
            |event| matches!(event, LinkEvent::BufferedAmountLow { channel: at, .. } if *at == channel),
        )
    }

    /// Polls this side alone until `done`.
    pub(crate) fn wait(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let waker = unpark_me();
        let mut cx = Context::from_waker(&waker);
        wait_until(what, || {
            self.poll(&mut cx);
            done(self)
        });
    }
}

/// What one side has for the other.
pub(crate) enum Heard {
    Description(SessionDescription),
    Candidate(IceCandidate),
}

/// Two sides whose signals reach each other.
pub(crate) struct Pair {
    pub(crate) a: Peer,
    pub(crate) b: Peer,
}

impl Pair {
    pub(crate) fn loopback() -> Self {
        Self::of(&PlatformConfig::loopback())
    }

    /// Two backends with these settings.
    pub(crate) fn of(config: &PlatformConfig) -> Self {
        Self {
            a: Peer::of(config.clone()),
            b: Peer::of(config.clone()),
        }
    }

    /// Two backends with three channels each, all open.
    pub(crate) fn connected() -> Self {
        let mut pair = Self::loopback();
        pair.open(&specs());
        pair.connect();
        pair
    }

    pub(crate) fn open(&mut self, specs: &[ChannelSpec]) {
        self.open_with(INBOX, specs);
    }

    pub(crate) fn open_with(&mut self, inbox_bytes: usize, specs: &[ChannelSpec]) {
        for peer in [&mut self.a, &mut self.b] {
            peer.open(link(0), LinkConfig::default(), inbox_bytes, specs);
        }
    }

    /// Offers and waits until three channels are open on both sides.
    pub(crate) fn connect(&mut self) {
        self.a.offer();
        self.wait("both connected", |pair| pair.is_connected());
    }

    pub(crate) fn is_connected(&self) -> bool {
        [&self.a, &self.b]
            .iter()
            .all(|peer| peer.opened.len() >= 3 && peer.state == ConnectionState::Connected)
    }

    pub(crate) fn pump(&mut self, cx: &mut Context<'_>) {
        for heard in self.a.poll(cx) {
            tell(&mut self.b, heard);
        }
        for heard in self.b.poll(cx) {
            tell(&mut self.a, heard);
        }
    }

    /// As `connect`, for a test that is a task.
    pub(crate) async fn connect_async(&mut self) {
        self.a.offer();
        self.wait_async("both connected", |pair| pair.is_connected())
            .await;
    }

    /// As `wait`, for a test that is a task.
    pub(crate) async fn wait_async(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let wait = std::future::poll_fn(|cx| {
            self.pump(cx);
            if done(self) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        assert!(waited.is_ok(), "still waiting: {what}");
    }

    /// Carries signals and takes events until `done`.
    pub(crate) fn wait(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let waker = unpark_me();
        let mut cx = Context::from_waker(&waker);
        wait_until(what, || {
            self.pump(&mut cx);
            done(self)
        });
    }
}

fn tell(peer: &mut Peer, heard: Heard) {
    match heard {
        Heard::Description(description) => peer.set_remote(description),
        Heard::Candidate(candidate) => peer.add_candidate(candidate),
    }
}

/// Tries whenever this thread is unparked, and fails after [`PATIENCE`].
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "still waiting: {what}");
        thread::park_timeout(left);
    }
}

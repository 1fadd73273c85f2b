//! Two backends that talk to each other, and what each has seen.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use backend_web::{PlatformBackend, PlatformConfig};
use js_sys::{Function, Promise};
use mesh_core::{
    Backend, ChannelIndex, ChannelSpec, CloseReason, Command, LinkConfig, LinkEvent, LinkId,
    Payload, Reliability, SendLimits, TransferMode,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// How long a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const RELIABLE: ChannelIndex = ChannelIndex(0);
pub(crate) const UNRELIABLE: ChannelIndex = ChannelIndex(2);

pub(crate) const LINK: LinkId = LinkId {
    slot: 0,
    generation: 0,
};

pub(crate) fn backend() -> PlatformBackend {
    PlatformBackend::new(PlatformConfig::default()).expect("a browser with WebRTC")
}

pub(crate) fn limits(high_water: usize, low_water: usize) -> SendLimits {
    SendLimits {
        high_water,
        low_water,
        ..SendLimits::default()
    }
}

/// The specs of the three built-in channels.
pub(crate) fn specs(limits: SendLimits) -> [ChannelSpec; 3] {
    TransferMode::ALL.map(|mode| ChannelSpec::built_in(mode, Reliability::Retransmits(0), limits))
}

/// Ends when everything that was about to happen has.
pub(crate) async fn next_turn() {
    let turn = Function::new_no_args("return new Promise(done => setTimeout(done))");
    let turn: Promise = turn
        .call0(&JsValue::UNDEFINED)
        .expect("it runs")
        .unchecked_into();
    JsFuture::from(turn).await.expect("it only resolves");
}

/// One backend, its link, and what it has seen that was no signal.
pub(crate) struct Peer {
    /// `None` once it was dropped.
    pub(crate) backend: Option<PlatformBackend>,
    pub(crate) link: LinkId,
    pub(crate) seen: VecDeque<LinkEvent>,
    /// Whether its events are taken.
    pub(crate) listens: bool,
    /// Whether its link was opened.
    pub(crate) is_open: bool,
    has_described: bool,
    /// Signals for the other one.
    signals: VecDeque<LinkEvent>,
}

impl Peer {
    pub(crate) fn new() -> Self {
        Self {
            backend: Some(backend()),
            link: LINK,
            seen: VecDeque::new(),
            listens: true,
            is_open: false,
            has_described: false,
            signals: VecDeque::new(),
        }
    }

    pub(crate) fn backend(&mut self) -> &mut PlatformBackend {
        self.backend.as_mut().expect("not dropped")
    }

    pub(crate) fn execute(&mut self, command: Command) {
        self.backend().execute(command);
    }

    /// Opens a link with the three built-in channels.
    pub(crate) fn open(&mut self, limits: SendLimits, inbox_bytes: usize) {
        self.open_link(LinkConfig::default(), inbox_bytes);
        let link = self.link;
        for (channel, spec) in (0..).map(ChannelIndex).zip(specs(limits)) {
            self.execute(Command::CreateChannel {
                link,
                channel,
                spec,
            });
        }
    }

    /// Opens a link without channels.
    pub(crate) fn open_link(&mut self, config: LinkConfig, inbox_bytes: usize) {
        let link = self.link;
        self.is_open = true;
        self.execute(Command::Open {
            link,
            config,
            inbox_bytes,
        });
    }

    /// Forgets the link, which is closed. The next one takes its place.
    pub(crate) fn renew(&mut self) {
        self.is_open = false;
        self.has_described = false;
        self.listens = true;
        self.seen.clear();
        self.signals.clear();
        self.link.generation += 1;
    }

    /// Whether it has offered or answered.
    pub(crate) const fn has_described(&self) -> bool {
        self.has_described
    }

    /// Whether it has told all its candidates.
    pub(crate) fn has_gathered(&self) -> bool {
        self.count(|event| matches!(event, LinkEvent::Gathered { .. })) > 0
    }

    pub(crate) fn offer(&mut self) {
        let link = self.link;
        self.execute(Command::CreateOffer { link });
    }

    pub(crate) fn send(&mut self, payload: impl Into<Payload>) {
        let link = self.link;
        self.backend()
            .send(link, RELIABLE, payload.into())
            .expect("the channel takes it");
    }

    pub(crate) fn close(&mut self, linger: Duration) {
        let link = self.link;
        self.execute(Command::Close { link, linger });
    }

    pub(crate) fn opened(&self) -> usize {
        self.count(|event| matches!(event, LinkEvent::ChannelOpened { .. }))
    }

    pub(crate) fn channels_closed(&self) -> usize {
        self.count(|event| matches!(event, LinkEvent::ChannelClosed { .. }))
    }

    pub(crate) fn closed(&self) -> Option<&CloseReason> {
        self.seen.iter().find_map(|event| match event {
            LinkEvent::Closed { reason, .. } => Some(reason),
            _ => None,
        })
    }

    /// Payloads of the reliable channel, in the order they came.
    pub(crate) fn messages(&self) -> Vec<Payload> {
        self.seen
            .iter()
            .filter_map(|event| match event {
                LinkEvent::Message {
                    channel: RELIABLE,
                    payload,
                    ..
                } => Some(payload.clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn count(&self, which: impl Fn(&LinkEvent) -> bool) -> usize {
        self.seen.iter().filter(|event| which(event)).count()
    }

    fn take(&mut self, cx: &mut std::task::Context<'_>) {
        let Some(backend) = self.backend.as_mut().filter(|_| self.listens) else {
            return;
        };
        while let Poll::Ready(event) = backend.poll_event(cx) {
            match event {
                LinkEvent::Description { .. } | LinkEvent::Candidate { .. } => {
                    self.has_described = true;
                    self.signals.push_back(event);
                }
                event => self.seen.push_back(event),
            }
        }
    }

    fn hear(&mut self, signals: &mut VecDeque<LinkEvent>, tamper: fn(&str) -> String) {
        let link = self.link;
        let Some(backend) = &mut self.backend else {
            return;
        };
        for signal in signals.drain(..) {
            backend.execute(match signal {
                LinkEvent::Description {
                    mut description, ..
                } => {
                    description.sdp = tamper(&description.sdp);
                    Command::SetRemote { link, description }
                }
                LinkEvent::Candidate { candidate, .. } => Command::AddCandidate { link, candidate },
                other => panic!("no signal: {other:?}"),
            });
        }
    }
}

/// Two peers in one page.
pub(crate) struct Pair {
    pub(crate) a: Peer,
    pub(crate) b: Peer,
    /// What the signaling makes of a description.
    pub(crate) tamper: fn(&str) -> String,
    clock: PlatformBackend,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self {
            a: Peer::new(),
            b: Peer::new(),
            tamper: str::to_owned,
            clock: backend(),
        }
    }

    /// Two whose channels are open.
    pub(crate) async fn connected() -> Self {
        Self::connected_with(SendLimits::default(), 64 << 20).await
    }

    pub(crate) async fn connected_with(limits: SendLimits, inbox_bytes: usize) -> Self {
        let mut pair = Self::new();
        pair.a.open(limits, inbox_bytes);
        pair.b.open(limits, inbox_bytes);
        pair.a.offer();
        pair.until("three channels", |a, b| a.opened() == 3 && b.opened() == 3)
            .await;
        pair
    }

    /// Polls both and carries their signals, until something has been seen.
    pub(crate) async fn until(&mut self, what: &str, mut seen: impl FnMut(&Peer, &Peer) -> bool) {
        let deadline = self.clock.now() + PATIENCE;
        self.clock.set_alarm(Some(deadline));
        poll_fn(|cx| {
            // Nothing comes of it but the wake-up at the deadline.
            let _ = self.clock.poll_event(cx);
            let Self {
                a,
                b,
                tamper,
                clock,
            } = self;
            a.take(cx);
            b.take(cx);
            b.hear(&mut a.signals, *tamper);
            a.hear(&mut b.signals, *tamper);
            if seen(a, b) {
                return Poll::Ready(());
            }
            assert!(
                clock.now() < deadline,
                "waited for {what}\na saw {}\nb saw {}",
                told(a),
                told(b)
            );
            Poll::Pending
        })
        .await;
    }

    /// The same for `a` alone, whose signals go to somebody else.
    pub(crate) async fn until_signalled(
        &mut self,
        what: &str,
        mut signal: impl FnMut(&LinkEvent),
        mut seen: impl FnMut(&Peer) -> bool,
    ) {
        let deadline = self.clock.now() + PATIENCE;
        self.clock.set_alarm(Some(deadline));
        poll_fn(|cx| {
            let _ = self.clock.poll_event(cx);
            self.a.take(cx);
            for event in self.a.signals.drain(..) {
                signal(&event);
            }
            if seen(&self.a) {
                return Poll::Ready(());
            }
            let late = self.clock.now() >= deadline;
            assert!(!late, "waited for {what}\na saw {}", told(&self.a));
            Poll::Pending
        })
        .await;
    }

    /// Lets so much time pass, polling both.
    pub(crate) async fn pass(&mut self, span: Duration) {
        let end = self.clock.now() + span;
        let mut alarm = backend();
        alarm.set_alarm(Some(end));
        poll_fn(|cx| {
            let _ = alarm.poll_event(cx);
            self.a.take(cx);
            self.b.take(cx);
            if self.clock.now() >= end {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// What a peer saw, without the bytes.
fn told(peer: &Peer) -> String {
    let words = peer.seen.iter().map(|event| match event {
        LinkEvent::Message {
            channel, payload, ..
        } => format!("{} bytes on {channel:?}", payload.len()),
        event => format!("{event:?}"),
    });
    words.collect::<Vec<_>>().join("\n      ")
}

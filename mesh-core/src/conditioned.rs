//! A bad connection in front of any backend: delay, loss and cuts, drawn from a seed.

use alloc::collections::{BTreeMap, VecDeque};
use core::task::{Context, Poll};
use core::time::Duration;

use self::messages::{Link, Travel};
use crate::rng::Rng;
use crate::{
    Backend, Capabilities, ChannelIndex, Command, ConnectionState, Instant, LinkEvent, LinkId,
    LinkStats, Payload, Rejected,
};

mod messages;
#[cfg(test)]
mod tests;

/// How long a cut lasts before connected links are reported as "disconnected".
const NOTICED_AFTER: Duration = Duration::from_secs(2);

/// Events taken from the backend inside in one call of `poll_event`.
const EVENTS_PER_POLL: u32 = 1024;

/// How a [`Conditioned`] backend treats messages. The default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Disturbance {
    /// How much longer each message takes, in each direction.
    pub latency: Duration,
    /// Up to how much longer than that it takes, evenly spread. Messages of an ordered channel do not overtake each other.
    pub jitter: Duration,
    /// How likely a message is lost on its way, in each direction, from 0.0 to 1.0.
    ///
    /// A message of a reliable channel is sent again after 200 ms, until it arrives; each further loss doubles that time, up
    /// to sixteenfold. One of an unreliable channel is sent again only as far as the channel's
    /// [`Reliability`](crate::Reliability) allows.
    pub loss: f64,
}

/// A [`Backend`] that behaves as if its player had a bad connection.
///
/// It works on messages, not on datagrams, and over any backend: native, in the browser or the mock. Messages are delayed
/// and lost in both directions as the [`Disturbance`] says; on a reliable channel they are delayed and never lost, and
/// channels keep their order. What is lost depends on the seed alone, given the same messages. If both sides of a
/// connection are conditioned, the delays add up.
///
/// A [`cut`](Self::cut) interrupts the player's messages in both directions until it is healed. Unreliable messages are
/// lost. Reliable ones are buffered, up to the limits of their channel, and arrive afterwards. After 2 s each connected
/// link is reported as [`Disconnected`](crate::ConnectionState::Disconnected), and after the cut as
/// [`Connected`](crate::ConnectionState::Connected) again. A link that is set up during a cut connects afterwards.
///
/// What is not simulated: the backend inside keeps its connection. During a cut the far side's backend therefore notices
/// nothing but silence, unless it is cut too, and a link that is closed says goodbye to it. Signals between peers that are
/// not connected yet do not go through a backend and are not affected.
///
/// A received message is delayed from the moment at which it is polled. Those that are delayed or cut off count towards the
/// link's inbox: above its limit an unreliable message is dropped, and a reliable one ends the link with
/// [`CloseReason::InboxFull`](crate::CloseReason::InboxFull).
///
/// ```
/// # #[cfg(feature = "mock")] {
/// use mesh_core::mock::Network;
/// use mesh_core::{Conditioned, Disturbance, Duration, Session, SessionConfig};
///
/// # let network = Network::new(1);
/// # let (backend, signaling) = (network.backend(), network.signaling("demo"));
/// // `backend` and `signaling` are those of the platform.
/// let mut backend = Conditioned::new(backend, 42);
/// backend.set_disturbance(Disturbance {
///     latency: Duration::from_millis(80),
///     jitter: Duration::from_millis(30),
///     loss: 0.05,
/// });
/// let mut session = Session::new(backend, signaling, SessionConfig::default());
///
/// // Later, at the press of a key: the player's connection is gone for five seconds.
/// session.multiplayer_mut().backend_mut().cut_for(Duration::from_secs(5));
/// # let _ = session.poll();
/// # }
/// ```
#[derive(Debug)]
pub struct Conditioned<B> {
    inner: B,
    rng: Rng,
    disturbance: Disturbance,
    cut: Option<Cut>,
    links: BTreeMap<LinkId, Link>,
    /// What is on its way, by the moment it is due and the order in which it came. A cut holds it up.
    travelling: BTreeMap<(Instant, u64), Travel>,
    order: u64,
    /// What [`Backend::poll_event`] gives next.
    ready: VecDeque<LinkEvent>,
    /// The caller's alarm.
    alarm: Option<Instant>,
}

/// An interruption.
#[derive(Clone, Copy, Debug)]
struct Cut {
    until: Option<Instant>,
    /// When the links are reported as "disconnected"; `None` once they are.
    noticed_at: Option<Instant>,
}

impl<B: Backend> Conditioned<B> {
    /// Puts a connection in front of a backend that disturbs nothing yet. Losses and delays are drawn from `seed`.
    #[must_use]
    pub fn new(backend: B, seed: u64) -> Self {
        Self {
            inner: backend,
            rng: Rng::new(seed),
            disturbance: Disturbance::default(),
            cut: None,
            links: BTreeMap::new(),
            travelling: BTreeMap::new(),
            order: 0,
            ready: VecDeque::new(),
            alarm: None,
        }
    }

    /// Treats messages like this from now on. What is delayed already arrives as it would have.
    pub const fn set_disturbance(&mut self, disturbance: Disturbance) {
        self.disturbance = disturbance;
    }

    /// Interrupts all links until [`heal`](Self::heal).
    pub fn cut(&mut self) {
        self.interrupt(None);
    }

    /// Interrupts all links for a span, or until [`heal`](Self::heal). A new span replaces that of a cut under way.
    pub fn cut_for(&mut self, span: Duration) {
        self.interrupt(Some(self.inner.now() + span));
    }

    fn interrupt(&mut self, until: Option<Instant>) {
        self.pass_time();
        let noticed_at = Some(self.inner.now() + NOTICED_AFTER);
        let cut = self.cut.get_or_insert(Cut { until, noticed_at });
        cut.until = until;
        self.arm();
    }

    /// Whether a cut is under way.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// Ends a cut: what waited on this side goes out, and what waited on the other comes in.
    pub fn heal(&mut self) {
        self.pass_time();
        self.end_cut();
        self.arm();
    }

    fn end_cut(&mut self) {
        if self.cut.take().is_some() {
            self.show_states();
            self.release(true);
        }
    }

    /// The backend inside.
    #[must_use]
    pub const fn inner(&self) -> &B {
        &self.inner
    }

    /// The backend inside. Events that are taken from it directly are not seen here.
    pub const fn inner_mut(&mut self) -> &mut B {
        &mut self.inner
    }

    /// Does what is due by now.
    fn pass_time(&mut self) {
        let now = self.inner.now();
        self.alarm = self.alarm.filter(|alarm| *alarm > now);
        match &mut self.cut {
            None => self.release(false),
            Some(cut) if cut.until.is_some_and(|until| until <= now) => self.end_cut(),
            Some(cut) => {
                if cut.noticed_at.take_if(|at| *at <= now).is_some() {
                    self.show_states();
                }
            }
        }
    }

    /// Lets arrive what is due by now, which may have been during a cut.
    fn release(&mut self, in_cut: bool) {
        let now = self.inner.now();
        while let Some(entry) = self.travelling.first_entry()
            && entry.key().0 <= now
        {
            match entry.remove() {
                Travel::In(event) => self.arrived(event, in_cut),
                Travel::Out(link, channel, payload) => {
                    self.hand_over(link, channel, payload, in_cut)
                }
            }
        }
    }

    /// Asks the backend inside to wake whoever polls when the next thing is due.
    fn arm(&mut self) {
        let ready = (!self.ready.is_empty()).then(|| self.inner.now());
        let next = match self.cut {
            Some(cut) => [cut.until, cut.noticed_at],
            None => [self.travelling.keys().next().map(|(due, _)| *due), None],
        };
        let wishes = next.into_iter().chain([ready, self.alarm]);
        self.inner.set_alarm(wishes.flatten().min());
    }

    /// Reports the states of links that look different now, because of the backend inside or because of a cut.
    fn show_states(&mut self) {
        for (id, link) in &mut self.links {
            let state = match (self.cut, link.state) {
                (Some(cut), ConnectionState::Connected)
                    if cut.noticed_at.is_none() && link.shown == ConnectionState::Connected =>
                {
                    ConnectionState::Disconnected
                }
                // A link that is not connected yet connects after the cut.
                (Some(_), ConnectionState::Connected) => link.shown,
                (_, state) => state,
            };
            if core::mem::replace(&mut link.shown, state) != state {
                self.ready.push_back(LinkEvent::State { link: *id, state });
            }
        }
    }
}

impl<B: Backend> Backend for Conditioned<B> {
    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn execute(&mut self, command: Command) {
        let id = command.link();
        match &command {
            Command::Open { inbox_bytes, .. } => {
                let link = self.links.entry(id).or_default();
                link.inbox_bytes = *inbox_bytes;
            }
            Command::CreateChannel { channel, spec, .. } => {
                if let Some(link) = self.links.get_mut(&id) {
                    link.add(*channel, spec.parameters, spec.limits);
                }
            }
            Command::SendLast { channel, .. } | Command::CloseChannel { channel, .. } => {
                self.hand_over_all(id, Some(*channel));
            }
            Command::Abandon { channel, .. } => self.abandon(id, *channel),
            Command::Close { .. } => self.hand_over_all(id, None),
            Command::CreateOffer { .. }
            | Command::SetRemote { .. }
            | Command::AddCandidate { .. }
            | Command::RequestStats { .. }
            | Command::Coalesce { .. }
            | Command::TellKick { .. }
            | Command::TellTaken { .. }
            | Command::Goodbye { .. } => {}
        }
        self.inner.execute(command);
    }

    fn send(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        self.pass_time();
        let sent = self.send_disturbed(link, channel, payload);
        self.arm();
        sent
    }

    fn flush(&mut self) {
        self.inner.flush();
    }

    fn buffered_amount(&self, link: LinkId, channel: ChannelIndex) -> usize {
        let link_here = self.links.get(&link);
        let here = link_here.map_or(0, |link| link.buffered(channel));
        self.inner.buffered_amount(link, channel) + here
    }

    fn stats(&self, link: LinkId) -> LinkStats {
        self.inner.stats(link)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        for _ in 0..EVENTS_PER_POLL {
            self.pass_time();
            if let Some(event) = self.ready.pop_front() {
                return Poll::Ready(event);
            }
            let Poll::Ready(event) = self.inner.poll_event(cx) else {
                self.arm();
                return Poll::Pending;
            };
            self.receive(event);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        self.alarm = deadline;
        self.arm();
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}

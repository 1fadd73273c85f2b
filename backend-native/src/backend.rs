//! The backend: takes commands, hands out events.

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_channel::Sender;
use mesh_core::platform::{CommandGate, LinkEnd, Links};
use mesh_core::{
    Backend, BackendSendError, Capabilities, ChannelIndex, ChannelSpec, Command, Instant,
    LinkConfig, LinkEvent, LinkId, LinkStats, Payload, Rejected,
};
use signaling::{TransportError, TransportOptions};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::unconstrained;

use crate::clock::{Alarm, Clock};
use crate::config::PlatformConfig;
use crate::executor::{Executor, StartError};
use crate::inbox::{ChannelInbox, Events, Incoming, LinkInbox};
use crate::link::{End, Figures, Order, Start};
use crate::outbox::Outbox;
use crate::relay::Resolver;
use crate::socket::SocketOptions;
use crate::websocket::WebSocketTransport;

/// Peer connections on the `webrtc` crate.
///
/// Works without any async runtime (it brings its own threads) and inside one ([`with_handle`](Self::with_handle)). Dropping it
/// closes every link.
///
/// A member whose packets make this machine compute for long does not stop the others: one thread is kept free for them, and
/// the link to that member ends with [`CloseReason::Protocol`](mesh_core::CloseReason::Protocol).
#[doc(alias = "set_default_extension")]
pub struct PlatformBackend {
    // In this order: the links end because their queues do, then the executor waits for them.
    links: Links<LinkHandle, Arc<ChannelInbox>>,
    alarm: Alarm,
    incoming: UnboundedReceiver<Incoming>,
    events: Events,
    clock: Clock,
    config: Arc<PlatformConfig>,
    sockets: SocketOptions,
    resolver: Arc<Resolver>,
    executor: Executor,
}

/// The backend's end of a link.
struct LinkHandle {
    orders: Sender<Order>,
    inbox: Arc<LinkInbox>,
    outboxes: Vec<Option<Arc<Outbox>>>,
    /// Whether the far side takes batches.
    coalesces: bool,
    figures: Figures,
    gate: CommandGate,
}

impl PlatformBackend {
    /// A backend with threads of its own: as many as there are processors, and one that is kept free.
    ///
    /// Dropping it waits until the goodbyes have gone out, 250 ms at most; so long, too, where the signaling server does not answer one.
    ///
    /// # Errors
    ///
    /// [`StartError`] where the operating system gives no threads.
    pub fn new(config: PlatformConfig) -> Result<Self, StartError> {
        Ok(Self::on(Executor::start()?, config))
    }

    /// A backend on the runtime that `handle` belongs to; it must have I/O and time enabled.
    ///
    /// Where that runtime has several threads the links run there, and once all but one of them are in polls that take long the
    /// last one is kept free ([`block_in_place`](tokio::task::block_in_place)). A poll takes long when it has computed for 10 ms, on a busy
    /// machine up to 100 ms by the clock. That does not help where as many hostile members as there are threads begin within that
    /// time, nor where the program itself holds a thread; [`new`](Self::new) has neither weakness. Where it has one thread alone,
    /// which any hostile member could hold, the links run on threads of the backend's own, which end with that
    /// runtime; names of servers, timers and the WebSocket stay on it.
    ///
    /// Dropping it does not wait, because that could block the very runtime that is to send the goodbyes. If the runtime ends
    /// right after, the far side may not hear of it: close the session and await that (`leave().await`) before.
    #[must_use]
    pub fn with_handle(handle: Handle, config: PlatformConfig) -> Self {
        Self::on(Executor::given(handle), config)
    }

    /// As [`with_handle`](Self::with_handle), but the links run on that runtime, too, so that its clock is theirs and one of
    /// them can stop the others. For tests: see [`testing`](crate::testing).
    #[doc(hidden)]
    #[must_use]
    pub fn on_one_runtime(handle: Handle, config: PlatformConfig) -> Self {
        Self::on(Executor::shared(handle), config)
    }

    fn on(executor: Executor, config: PlatformConfig) -> Self {
        // Bounded by what goes in: a token a channel, and events of control that somebody here caused.
        let (events, incoming) = unbounded_channel();
        Self {
            links: Links::default(),
            alarm: Alarm::new(),
            incoming,
            events,
            clock: Clock::new(),
            sockets: SocketOptions {
                send_buffer: config.socket_send_buffer,
                receive_buffer: config.socket_receive_buffer,
                ..SocketOptions::default()
            },
            config: Arc::new(config),
            resolver: Arc::new(Resolver::new(executor.handle().clone(), None)),
            executor,
        }
    }

    /// The runtime that its tasks run on; of a runtime with one thread, those that are no link's.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        self.executor.handle()
    }

    /// Puts other sockets under the links opened from now on. For tests: see [`testing`](crate::testing).
    #[doc(hidden)]
    pub fn use_sockets(&mut self, sockets: SocketOptions) {
        self.resolver = Arc::new(Resolver::new(self.handle().clone(), sockets.names.clone()));
        self.sockets = sockets;
    }

    /// Makes a channel in-band, as a peer that is not ours may do (DCEP): at this position on our side, on a stream that the connection
    /// chooses. Before the offer or the answer. For tests: see [`testing`](crate::testing).
    #[doc(hidden)]
    pub fn create_in_band_channel(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        spec: ChannelSpec,
    ) {
        if let Some(handle) = self.links.get_mut(link) {
            let order = handle.create_channel(channel, spec, true);
            let _ = handle.orders.try_send(order);
        }
    }

    /// A WebSocket to a signaling server, on the same runtime. It trusts the [root
    /// certificates](PlatformConfig::root_certificates) of the configuration, too. See [`WebSocketTransport::connect`]. If the
    /// backend has threads of its own and is dropped after the transport, its drop waits, for 250 ms at most, until the transport has said goodbye.
    ///
    /// # Errors
    ///
    /// [`TransportError::InvalidUrl`] when that cannot be connected to at all.
    pub fn websocket(&self, url: &str) -> Result<WebSocketTransport, TransportError> {
        let roots = self.config.root_certificates.clone();
        let roll = Some(Arc::clone(self.executor.roll()));
        WebSocketTransport::begin(self.handle(), url, TransportOptions::default(), roots, roll)
    }

    fn open(&mut self, link: LinkId, config: LinkConfig, inbox_bytes: usize) {
        let (orders, received) = async_channel::unbounded();
        let inbox = LinkInbox::new(link, self.events.clone(), inbox_bytes);
        let figures = Figures::default();
        self.executor.spawn_link(Start {
            config,
            platform: Arc::clone(&self.config),
            sockets: self.sockets.clone(),
            resolver: Arc::clone(&self.resolver),
            inbox: Arc::clone(&inbox),
            orders: received,
            figures: figures.clone(),
            oversight: self.executor.oversight(),
            end: End::new(&inbox),
        });
        let handle = LinkHandle {
            orders,
            inbox,
            outboxes: Vec::new(),
            coalesces: false,
            figures,
            gate: CommandGate::default(),
        };
        self.links.insert(link, handle);
    }

    /// Not within tokio's budget, which would stop now and then to let other tasks run: a game's frame is no task. And not
    /// `try_recv`, which parks the thread where a send is in its middle, and so takes the wake-up of the `block_on` around it.
    fn take(incoming: &mut UnboundedReceiver<Incoming>, cx: &mut Context<'_>) -> Option<Incoming> {
        let next = poll_fn(|cx| incoming.poll_recv(cx));
        match pin!(unconstrained(next)).poll(cx) {
            Poll::Ready(incoming) => incoming,
            Poll::Pending => None,
        }
    }
}

impl LinkEnd for LinkHandle {
    type Sender = Arc<Outbox>;

    fn has_reported_all(&self) -> bool {
        self.inbox.is_empty()
    }

    fn taken(&mut self) -> Option<Vec<(u16, u64)>> {
        self.inbox.taken()
    }

    fn opened(&mut self, channel: ChannelIndex, outbox: Arc<Outbox>) {
        self.keep(channel, outbox);
    }
}

impl LinkHandle {
    fn keep(&mut self, channel: ChannelIndex, outbox: Arc<Outbox>) {
        let index = usize::from(channel.0);
        if self.outboxes.len() <= index {
            self.outboxes.resize_with(index + 1, || None);
        }
        if self.coalesces {
            outbox.coalesce();
        }
        self.outboxes[index] = Some(outbox);
    }

    fn outbox(&self, channel: ChannelIndex) -> Option<&Outbox> {
        self.outboxes.get(usize::from(channel.0))?.as_deref()
    }

    fn create_channel(&mut self, channel: ChannelIndex, spec: ChannelSpec, in_band: bool) -> Order {
        let (outbox, outgoing) = Outbox::new(spec.limits, spec.parameters.reliability);
        self.keep(channel, Arc::clone(&outbox));
        Order::CreateChannel {
            channel,
            spec,
            in_band,
            outbox,
            outgoing,
        }
    }

    fn execute(&mut self, command: Command) {
        if !self.gate.admits(&command) {
            return;
        }
        let order = match command {
            Command::CreateChannel { channel, spec, .. } => {
                self.create_channel(channel, spec, false)
            }
            Command::SendLast {
                channel, payload, ..
            } => {
                if let Some(outbox) = self.outbox(channel) {
                    outbox.send_last(payload);
                }
                return;
            }
            Command::Abandon { channel, .. } => {
                if let Some(outbox) = self.outbox(channel) {
                    outbox.abandon();
                }
                return;
            }
            Command::CloseChannel { channel, .. } => {
                if let Some(outbox) = self.outbox(channel) {
                    outbox.close();
                }
                Order::Command(command)
            }
            Command::Close { .. } => {
                for outbox in self.outboxes.iter().flatten() {
                    outbox.close();
                }
                self.inbox.discard();
                Order::Command(command)
            }
            Command::Coalesce { .. } => {
                self.coalesces = true;
                for outbox in self.outboxes.iter().flatten() {
                    outbox.coalesce();
                }
                return;
            }
            Command::Open { .. }
            | Command::CreateOffer { .. }
            | Command::SetRemote { .. }
            | Command::AddCandidate { .. }
            | Command::RequestStats { .. }
            | Command::TellKick { .. }
            | Command::TellTaken { .. }
            | Command::Goodbye { .. } => Order::Command(command),
        };
        // Fails once the link has ended, and its `Closed` is on the way.
        let _ = self.orders.try_send(order);
    }
}

impl Backend for PlatformBackend {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn execute(&mut self, command: Command) {
        if let Command::Open {
            link,
            config,
            inbox_bytes,
        } = command
        {
            self.open(link, config, inbox_bytes);
            return;
        }
        if let Some(handle) = self.links.get_mut(command.link()) {
            handle.execute(command);
        }
    }

    fn send(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        let handle = self.links.get(link);
        match handle.and_then(|handle| handle.outbox(channel)) {
            Some(outbox) => outbox.send(payload),
            None => Err(Rejected {
                payload,
                reason: BackendSendError::NotOpen,
            }),
        }
    }

    fn buffered_amount(&self, link: LinkId, channel: ChannelIndex) -> usize {
        self.links
            .get(link)
            .and_then(|handle| handle.outbox(channel))
            .map_or(0, Outbox::buffered)
    }

    fn stats(&self, link: LinkId) -> LinkStats {
        let handle = self.links.get(link);
        handle.map_or_else(LinkStats::default, |handle| handle.figures.latest())
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        let (incoming, events) = (&mut self.incoming, &self.events);
        let event = self.links.next_event(
            || Self::take(incoming, cx),
            |entry| {
                // Both ends of the queue are ours.
                let _ = events.send(entry);
            },
        );
        if let Some(event) = event {
            return Poll::Ready(event);
        }
        self.alarm.wait(cx);
        Poll::Pending
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        self.alarm
            .set(self.executor.handle(), &self.clock, deadline);
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_message_size: self.config.largest_message(),
            configurable_timeouts: true,
            coalesces: true,
        }
    }
}

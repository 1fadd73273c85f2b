//! The backend: takes commands, hands out events.

use std::rc::Rc;
use std::task::{Context, Poll};

use async_channel::Sender;
use mesh_core::platform::{CommandGate, LinkEnd, Links, MAX_MESSAGE_SIZE};
use mesh_core::{
    Backend, BackendSendError, Capabilities, ChannelIndex, ChannelSpec, CloseReason, Command,
    Duration, Instant, LinkConfig, LinkEvent, LinkId, LinkStats, Payload, Rejected,
};
use signaling::TransportError;
use wasm_bindgen_futures::spawn_local;

use crate::clock::{Alarm, Clock};
use crate::config::PlatformConfig;
use crate::connection::Connection;
use crate::inbox::{ChannelInbox, Events, LinkInbox};
use crate::link::{self, Start};
use crate::page::Page;
use crate::relay::Relay;
use crate::start::{self, StartError};
use crate::websocket::WebSocketTransport;

/// Peer connections of the browser.
///
/// Belongs to the page's main thread, and works without being polled: callbacks put in what arrives. Dropping it closes every
/// link; so does leaving the page.
#[doc(alias = "set_default_extension")]
pub struct PlatformBackend {
    links: Links<LinkHandle, Rc<ChannelInbox>>,
    events: Rc<Events>,
    alarm: Alarm,
    clock: Clock,
    page: Rc<Page>,
    config: PlatformConfig,
}

/// The backend's end of a link.
struct LinkHandle {
    orders: Sender<Command>,
    inbox: Rc<LinkInbox>,
    connection: Rc<Connection>,
    gate: CommandGate,
}

impl PlatformBackend {
    /// A backend of this page.
    ///
    /// # Errors
    ///
    /// [`StartError`] where there is no WebRTC: in a worker, in an old browser, or where its settings forbid it.
    pub fn new(config: PlatformConfig) -> Result<Self, StartError> {
        start::check()?;
        let clock = Clock::new().ok_or(StartError::Unsupported {
            missing: "performance",
        })?;
        let events = Events::new();
        Ok(Self {
            links: Links::default(),
            alarm: Alarm::new(clock.clone(), Rc::clone(&events)),
            events,
            clock,
            page: Rc::new(Page::new()),
            config,
        })
    }

    /// Makes a channel in-band, as a peer that is not ours may do (DCEP): at this position on our side, on a stream that the browser
    /// chooses. Before the offer or the answer. For tests: see [`testing`](crate::testing). One that cannot be made never opens.
    #[doc(hidden)]
    pub fn create_in_band_channel(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        spec: &ChannelSpec,
    ) {
        if let Some(handle) = self.links.get(link) {
            let _ = handle.connection.create_channel(channel, spec, true);
        }
    }

    /// A WebSocket to a signaling server. See [`WebSocketTransport::connect`].
    ///
    /// # Errors
    ///
    /// [`TransportError::InvalidUrl`] when that cannot be connected to at all.
    pub fn websocket(&self, url: &str) -> Result<WebSocketTransport, TransportError> {
        WebSocketTransport::connect(url)
    }

    fn open(&mut self, link: LinkId, config: &LinkConfig, inbox_bytes: usize) {
        let inbox = LinkInbox::new(link, Rc::clone(&self.events), inbox_bytes);
        let (notes, noted) = async_channel::unbounded();
        let connection = match Connection::open(config, &self.config, &inbox, notes.clone()) {
            Ok(connection) => connection,
            Err(failure) => return inbox.report_closed(CloseReason::Failed(failure)),
        };
        self.page.watch(&connection);
        let (orders, received) = async_channel::unbounded();
        spawn_local(link::run(Start {
            connection: Rc::clone(&connection),
            inbox: Rc::clone(&inbox),
            orders: received,
            notes,
            noted,
            relay: Relay::new(config),
            page: Rc::clone(&self.page),
        }));
        let handle = LinkHandle {
            orders,
            inbox,
            connection,
            gate: CommandGate::default(),
        };
        self.links.insert(link, handle);
    }
}

impl LinkEnd for LinkHandle {
    type Sender = ();

    fn has_reported_all(&self) -> bool {
        self.inbox.is_empty()
    }

    fn taken(&mut self) -> Option<Vec<(u16, u64)>> {
        self.inbox.taken()
    }

    fn opened(&mut self, _: ChannelIndex, (): ()) {}
}

impl LinkHandle {
    fn execute(&mut self, command: Command) {
        if !self.gate.admits(&command) {
            return;
        }
        match command {
            Command::SendLast {
                channel, payload, ..
            } => {
                if let Some(channel) = self.connection.channel(channel) {
                    channel.send_last(&payload);
                }
                return;
            }
            Command::Abandon { channel, .. } => {
                if let Some(channel) = self.connection.channel(channel) {
                    channel.abandon();
                }
                return;
            }
            Command::CloseChannel { channel, .. } => {
                if let Some(channel) = self.connection.channel(channel) {
                    channel.stop_accepting();
                }
            }
            Command::Coalesce { .. } => return self.connection.channels().coalesce(),
            // Reported at once: a close that comes next is not behind the others.
            Command::TellKick { peer, reason, .. } => {
                return self.connection.channels().tell_kick(peer, reason);
            }
            Command::TellTaken { counts, .. } => {
                return self.connection.channels().tell_taken(counts);
            }
            Command::Goodbye { goodbye, .. } => return self.connection.set_parting(goodbye),
            // Not behind the others: one of them may be waiting for the network, and none matters any more.
            Command::Close { linger, .. } => return self.close(linger),
            Command::Open { .. }
            | Command::CreateChannel { .. }
            | Command::CreateOffer { .. }
            | Command::SetRemote { .. }
            | Command::AddCandidate { .. }
            | Command::RequestStats { .. } => {}
        }
        // Fails once the link has ended, and its `Closed` is on the way.
        let _ = self.orders.try_send(command);
    }

    fn close(&self, linger: Duration) {
        self.connection.stop_accepting();
        self.inbox.discard();
        self.connection.ending().end(CloseReason::Local, linger);
    }
}

impl Drop for LinkHandle {
    /// At once, because the page may be about to go. Only a link that drains goes on until that is done.
    fn drop(&mut self) {
        if !self.gate.is_closing() {
            self.close(Duration::ZERO);
            self.connection.close();
        }
    }
}

impl Drop for PlatformBackend {
    fn drop(&mut self) {
        self.events.close();
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
            self.open(link, &config, inbox_bytes);
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
        let sent = match handle.and_then(|handle| handle.connection.channel(channel)) {
            Some(channel) => channel.send(&payload),
            None => Err(BackendSendError::NotOpen),
        };
        sent.map_err(|reason| Rejected { payload, reason })
    }

    fn flush(&mut self) {
        for handle in self.links.values() {
            handle.connection.channels().flush();
        }
    }

    fn buffered_amount(&self, link: LinkId, channel: ChannelIndex) -> usize {
        self.links
            .get(link)
            .and_then(|handle| handle.connection.channel(channel))
            .map_or(0, |channel| channel.buffered())
    }

    fn stats(&self, link: LinkId) -> LinkStats {
        let handle = self.links.get(link);
        handle.map_or_else(LinkStats::default, |handle| handle.connection.figures())
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        let events = &self.events;
        let event = self
            .links
            .next_event(|| events.pop(), |entry| events.push(entry));
        if let Some(event) = event {
            return Poll::Ready(event);
        }
        self.events.wait(cx);
        self.alarm.check();
        Poll::Pending
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        self.alarm.set(deadline);
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_message_size: MAX_MESSAGE_SIZE,
            configurable_timeouts: false,
            coalesces: true,
        }
    }
}

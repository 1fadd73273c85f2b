//! The backend: takes commands, hands out events.

use std::rc::Rc;
use std::task::{Context, Poll};

use async_channel::Sender;
use mesh_core::{
    Backend, BackendSendError, Capabilities, ChannelIndex, CloseReason, Command, ConnectionState,
    Duration, Instant, LinkConfig, LinkEvent, LinkId, Payload,
};
use signaling::TransportError;
use wasm_bindgen_futures::spawn_local;

use crate::clock::{Alarm, Clock};
use crate::config::{MAX_MESSAGE_SIZE, PlatformConfig};
use crate::connection::Connection;
use crate::events::{Events, Incoming};
use crate::inbox::{ChannelInbox, Item, LinkInbox};
use crate::link::{self, Start};
use crate::page::Page;
use crate::relay::Relay;
use crate::start::{self, StartError};
use crate::websocket::WebSocketTransport;

/// How many messages of one channel come in a row before the next channel has its turn.
const TURN: u32 = 64;

/// How many candidates of the far side a link takes. Each makes pairs with all of ours.
const MAX_REMOTE_CANDIDATES: u32 = 128;

/// Peer connections of the browser.
///
/// Belongs to the page's main thread, and works without being polled: callbacks put in what arrives. Dropping it closes every
/// link; so does leaving the page.
#[doc(alias = "set_default_extension")]
pub struct PlatformBackend {
    links: Vec<Option<LinkHandle>>,
    turn: Option<(Rc<ChannelInbox>, u32)>,
    events: Rc<Events>,
    alarm: Alarm,
    clock: Clock,
    page: Rc<Page>,
    config: PlatformConfig,
}

/// The backend's end of a link.
struct LinkHandle {
    id: LinkId,
    orders: Sender<Command>,
    inbox: Rc<LinkInbox>,
    connection: Rc<Connection>,
    remote_candidates: u32,
    closing: bool,
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
            links: Vec::new(),
            turn: None,
            alarm: Alarm::new(clock.clone(), Rc::clone(&events)),
            events,
            clock,
            page: Rc::new(Page::new()),
            config,
        })
    }

    /// A WebSocket to a signaling server. See [`WebSocketTransport::connect`].
    ///
    /// # Errors
    ///
    /// As there.
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
        let slot = slot(link);
        if self.links.len() <= slot {
            self.links.resize_with(slot + 1, || None);
        }
        self.links[slot] = Some(LinkHandle {
            id: link,
            orders,
            inbox,
            connection,
            remote_candidates: 0,
            closing: false,
        });
    }

    fn link(&self, link: LinkId) -> Option<&LinkHandle> {
        let handle = self.links.get(slot(link))?.as_ref()?;
        (handle.id == link).then_some(handle)
    }

    fn link_mut(&mut self, link: LinkId) -> Option<&mut LinkHandle> {
        let handle = self.links.get_mut(slot(link))?.as_mut()?;
        (handle.id == link).then_some(handle)
    }

    /// The next thing of the channel whose turn it is.
    fn next_of_turn(&mut self) -> Option<LinkEvent> {
        let (channel, left) = self.turn.take()?;
        let item = channel.pop()?;
        let event = report(&channel, item);
        if left > 1 {
            self.turn = Some((channel, left - 1));
        } else {
            // It may have more; the others first.
            self.events.push(Incoming::Readable(channel));
        }
        Some(event)
    }

    /// What an entry of the queue has to report, if it is time for it.
    fn take(&mut self, incoming: Incoming) -> Option<LinkEvent> {
        match incoming {
            Incoming::Readable(channel) => {
                self.turn = Some((channel, TURN));
                None
            }
            Incoming::Event(event) => {
                if self.must_wait(&event) {
                    self.events.push(Incoming::Event(event));
                    return None;
                }
                Some(event)
            }
            Incoming::Closed(inbox, reason) => {
                if !inbox.is_empty() {
                    self.events.push(Incoming::Closed(inbox, reason));
                    return None;
                }
                let link = inbox.link();
                if self.link(link).is_some() {
                    self.links[slot(link)] = None;
                }
                Some(LinkEvent::Closed { link, reason })
            }
        }
    }

    /// A failed connection is the peer's end to whoever hears of it, so what the peer sent before comes first.
    fn must_wait(&self, event: &LinkEvent) -> bool {
        let LinkEvent::State {
            link,
            state: ConnectionState::Failed,
        } = event
        else {
            return false;
        };
        self.link(*link)
            .is_some_and(|handle| !handle.inbox.is_empty())
    }
}

fn report(inbox: &ChannelInbox, item: Item) -> LinkEvent {
    let (link, channel) = (inbox.link(), inbox.channel());
    match item {
        Item::Opened(opened) => LinkEvent::ChannelOpened {
            link,
            channel,
            remote: opened.remote,
            actual: opened.actual,
        },
        Item::Dropped(messages) => LinkEvent::InboxDropped {
            link,
            channel,
            messages,
        },
        Item::Message(payload) => LinkEvent::Message {
            link,
            channel,
            payload,
        },
        Item::Closed => LinkEvent::ChannelClosed { link, channel },
    }
}

impl LinkHandle {
    fn execute(&mut self, command: Command) {
        if self.closing {
            return;
        }
        match command {
            Command::AddCandidate { .. } if self.remote_candidates >= MAX_REMOTE_CANDIDATES => {
                return;
            }
            Command::AddCandidate { .. } => self.remote_candidates += 1,
            Command::CloseChannel { channel, .. } => {
                if let Some(channel) = self.connection.channel(channel) {
                    channel.stop_accepting();
                }
            }
            // Not behind the others: one of them may be waiting for the network, and none matters any more.
            Command::Close { linger, .. } => return self.close(linger),
            Command::Open { .. }
            | Command::CreateChannel { .. }
            | Command::CreateOffer { .. }
            | Command::SetRemote { .. }
            | Command::RequestStats { .. } => {}
        }
        // Fails once the link has ended, and its `Closed` is on the way.
        let _ = self.orders.try_send(command);
    }

    fn close(&mut self, linger: Duration) {
        self.closing = true;
        self.connection.stop_accepting();
        self.inbox.discard();
        self.connection.ending().end(CloseReason::Local, linger);
    }
}

impl Drop for LinkHandle {
    /// At once, because the page may be about to go. Only a link that drains goes on until that is done.
    fn drop(&mut self) {
        if !self.closing {
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
        if let Some(handle) = self.link_mut(command.link()) {
            handle.execute(command);
        }
    }

    fn send(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), BackendSendError> {
        self.link(link)
            .and_then(|handle| handle.connection.channel(channel))
            .ok_or(BackendSendError::NotOpen)?
            .send(&payload)
    }

    fn buffered_amount(&self, link: LinkId, channel: ChannelIndex) -> usize {
        self.link(link)
            .and_then(|handle| handle.connection.channel(channel))
            .map_or(0, |channel| channel.buffered())
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        loop {
            if let Some(event) = self.next_of_turn() {
                return Poll::Ready(event);
            }
            let Some(incoming) = self.events.pop() else {
                break;
            };
            if let Some(event) = self.take(incoming) {
                return Poll::Ready(event);
            }
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
            ice_restart: true,
            configurable_timeouts: false,
        }
    }
}

fn slot(link: LinkId) -> usize {
    usize::try_from(link.slot).unwrap_or(usize::MAX)
}

//! One connection: a task that awaits its commands in order and reports what happens.

mod candidates;
mod end;
mod timers;

use std::net::Ipv4Addr;
use std::sync::Arc;

use async_channel::{Receiver, Sender};
use mesh_core::{
    ChannelIndex, ChannelSpec, CloseReason, Command, ConnectFailure, ConnectionState, Duration,
    LinkConfig, LinkEvent, LinkId, Reliability, SendLimits, SessionDescription,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use webrtc::data_channel::DataChannel;

use self::timers::{Due, Timers};
use crate::channel::{Channel, Ends};
use crate::config::PlatformConfig;
use crate::connection::{Connection, Note};
use crate::inbox::LinkInbox;
use crate::outbox::{Outbox, Outgoing};
use crate::relay::{Relay, Resolver};
use crate::socket::SocketOptions;

/// How many channels of the far side may be there at a time.
const MAX_REMOTE_CHANNELS: usize = 16;

/// How often a link that could be relayed is asked whether it is: its route may change.
const RELAY_CHECK: Duration = Duration::from_secs(2);

/// How long gathering can take: the last request to a TURN server that does not answer is given up after 7.8 s. The crate then
/// waits on (it mistakes the request for another), so somebody else must say that no more candidates come.
const GATHERING: Duration = Duration::from_secs(8);

/// How long the tasks of a dead connection may take to hand over what is left.
const PATIENCE: Duration = Duration::from_millis(100);

/// What the backend tells a link.
pub(crate) enum Order {
    /// [`Command::CreateChannel`], with the queue the application already sends to.
    CreateChannel {
        channel: ChannelIndex,
        spec: ChannelSpec,
        outbox: Arc<Outbox>,
        outgoing: UnboundedReceiver<Outgoing>,
    },
    /// Any other command.
    Command(Command),
}

/// One connection.
pub(crate) struct Link {
    id: LinkId,
    inbox: Arc<LinkInbox>,
    channels: Vec<(ChannelIndex, Channel)>,
    planned_channels: u16,
    /// How many there have been.
    remote_channels: u16,
    opened_channels: usize,
    relay: Relay,
    has_connected: bool,
    platform: Arc<PlatformConfig>,
    timers: Timers,
    notes: Sender<Note>,
    /// The IPv4 interfaces we are bound to.
    interfaces: Vec<Ipv4Addr>,
    /// Asks for the names of candidates; ends with the link.
    revealing: JoinSet<()>,
}

/// What a link needs to begin.
pub(crate) struct Start {
    pub(crate) config: LinkConfig,
    pub(crate) platform: Arc<PlatformConfig>,
    pub(crate) sockets: SocketOptions,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) inbox: Arc<LinkInbox>,
    pub(crate) orders: Receiver<Order>,
}

/// Serves a link from its opening to its end.
pub(crate) async fn run(start: Start) {
    let (notes, noted) = async_channel::unbounded();
    let mut relay = match Relay::new(&start.config) {
        Ok(relay) => relay,
        Err(failure) => return start.inbox.report_closed(CloseReason::Failed(failure)),
    };
    relay.resolve(&start.resolver);
    let addresses = start.platform.bind_addresses();
    if start.platform.is_offline(&addresses) {
        relay.offline();
    }
    let mut link = Link {
        id: start.inbox.link(),
        inbox: start.inbox,
        channels: Vec::new(),
        planned_channels: 0,
        remote_channels: 0,
        opened_channels: 0,
        relay,
        has_connected: false,
        platform: Arc::clone(&start.platform),
        timers: Timers::default(),
        notes: notes.clone(),
        interfaces: candidates::interfaces(&addresses),
        revealing: JoinSet::new(),
    };
    let sockets = SocketOptions {
        source: link
            .relay
            .sockets(start.sockets.source, &start.platform.root_certificates),
        ..start.sockets
    };
    // The crate refuses such a configuration with less helpful words.
    let opened = match link.relay.failure().filter(|_| !link.relay.is_possible()) {
        Some(failure) => Err(failure),
        None => Connection::open(&link.relay, &start.platform, addresses, sockets, notes).await,
    };
    let reason = match opened {
        Ok(mut connection) => {
            let reason = link.serve(&mut connection, &start.orders, &noted).await;
            link.end(&connection).await;
            reason
        }
        Err(failure) => CloseReason::Failed(failure),
    };
    // A channel that waits here would keep the connection, which keeps the sender of this queue.
    noted.close();
    while noted.try_recv().is_ok() {}
    link.inbox.report_closed(reason);
}

impl Link {
    async fn serve(
        &mut self,
        connection: &mut Connection,
        orders: &Receiver<Order>,
        notes: &Receiver<Note>,
    ) -> CloseReason {
        connection.sockets().relaying(self.relay.is_possible());
        loop {
            let outcome = tokio::select! {
                order = orders.recv() => match order {
                    Ok(Order::Command(Command::Close { linger, .. })) => {
                        self.drain(linger).await;
                        return CloseReason::Local;
                    }
                    Ok(order) => self.carry_out(connection, order).await.map_err(CloseReason::Failed),
                    // The backend is gone.
                    Err(_) => return CloseReason::Local,
                },
                note = notes.recv() => match note {
                    Ok(note) => self.take_note(connection, note).await,
                    Err(_) => return CloseReason::Local,
                },
                due = self.timers.due() => match due {
                    Due::Gathering => self.gathered(),
                    Due::Failing => {
                        self.report_state(ConnectionState::Failed);
                        Ok(())
                    }
                    Due::RelayCheck => {
                        self.check_relay(connection).await;
                        Ok(())
                    }
                },
            };
            if let Err(reason) = outcome {
                return reason;
            }
        }
    }

    async fn carry_out(
        &mut self,
        connection: &mut Connection,
        order: Order,
    ) -> Result<(), ConnectFailure> {
        let command = match order {
            Order::Command(command) => command,
            Order::CreateChannel {
                channel,
                spec,
                outbox,
                outgoing,
            } => {
                let inner = connection.create_channel(&spec).await?;
                self.planned_channels = self.planned_channels.max(channel.0.saturating_add(1));
                let reliability = spec.parameters.reliability;
                let ends = Ends {
                    inbox: self.inbox.channel(channel, reliability),
                    outbox,
                    outgoing,
                    remote: false,
                    reliable: reliability == Reliability::Reliable,
                    sockets: connection.sockets().clone(),
                    aboard: connection.aboard().clone(),
                };
                self.start_channel(connection, channel, inner, ends).await;
                return Ok(());
            }
        };
        match command {
            Command::CloseChannel { channel, .. } => {
                if let Some((_, channel)) = self.channels.iter().find(|(at, _)| *at == channel) {
                    channel.close().await;
                }
            }
            Command::CreateOffer { restart, .. } => {
                connection.sockets().check_often();
                let description = connection.offer(restart).await?;
                self.described(description);
            }
            Command::SetRemote { description, .. } => {
                connection.sockets().check_often();
                if let Some(description) = connection.accept(description).await? {
                    self.described(description);
                }
            }
            Command::AddCandidate { candidate, .. } => {
                self.add_candidate(connection, candidate).await;
            }
            Command::RequestStats { .. } => {
                let stats = connection.stats().await;
                self.report(LinkEvent::Stats {
                    link: self.id,
                    stats,
                });
            }
            // Not sent to a link, or seen to before.
            Command::Open { .. } | Command::CreateChannel { .. } | Command::Close { .. } => {}
        }
        connection.sockets().kick();
        Ok(())
    }

    async fn take_note(&mut self, connection: &Connection, note: Note) -> Result<(), CloseReason> {
        match note {
            Note::State(state) => {
                if state == ConnectionState::Connected {
                    self.has_connected = true;
                    connection.sockets().connected();
                    if self.relay.is_possible() {
                        self.check_relay(connection).await;
                    }
                }
                self.watch(state);
                self.report_state(state);
            }
            Note::Candidate(candidate, is_relay) => {
                if is_relay {
                    self.relay.found();
                }
                self.report(LinkEvent::Candidate {
                    link: self.id,
                    candidate: connection.local_candidate(candidate),
                });
            }
            Note::Revealed(candidate) => {
                self.add_candidate(connection, candidate).await;
                connection.sockets().kick();
            }
            Note::Gathered if self.timers.gathering.is_some() => return self.gathered(),
            // Was said already.
            Note::Gathered => {}
            Note::Opened => {
                self.opened_channels += 1;
                if self.opened_channels >= usize::from(self.planned_channels) {
                    connection.sockets().channels_open();
                }
            }
            Note::RemoteChannel(channel) => self.add_remote_channel(connection, channel).await,
            Note::TooManyChannels => {
                let why = String::from("it opened more channels than anybody needs");
                return Err(CloseReason::Protocol(why));
            }
            Note::InboxFull => return Err(CloseReason::InboxFull),
            Note::SendFailed(why) => {
                return Err(CloseReason::Failed(ConnectFailure::Channel(why)));
            }
            Note::Stopped => {
                let _ = timeout(PATIENCE, connection.aboard().finish()).await;
                let why = String::from("the connection stopped by itself");
                return Err(CloseReason::Failed(ConnectFailure::Platform(why)));
            }
        }
        Ok(())
    }

    /// A connection that was made and is not there any more has failed after a while. The crate must not judge that: it would
    /// give up connecting after the same time.
    fn watch(&mut self, state: ConnectionState) {
        let platform = &self.platform;
        let patience = match state {
            ConnectionState::Disconnected => platform.failed_timeout,
            // ICE was restarted.
            ConnectionState::Connecting if self.has_connected => {
                platform.disconnected_timeout + platform.failed_timeout
            }
            ConnectionState::New | ConnectionState::Connecting => return,
            ConnectionState::Connected | ConnectionState::Failed | ConnectionState::Closed => {
                self.timers.failing = None;
                return;
            }
        };
        self.timers.failing.get_or_insert(Instant::now() + patience);
    }

    async fn check_relay(&mut self, connection: &Connection) {
        connection.sockets().relaying(connection.is_relayed().await);
        self.timers.relay_check = Some(Instant::now() + RELAY_CHECK);
    }

    /// Takes a channel that the far side made. One too many is closed again.
    async fn add_remote_channel(&mut self, connection: &Connection, inner: Arc<dyn DataChannel>) {
        let planned = self.planned_channels;
        self.channels
            .retain(|(index, channel)| index.0 < planned || !channel.is_gone());
        let remote = self.channels.iter().filter(|(index, _)| index.0 >= planned);
        // An index is never given twice: the application may still hold the old one.
        let index = planned.checked_add(self.remote_channels);
        let (true, Some(index)) = (remote.count() < MAX_REMOTE_CHANNELS, index) else {
            let _ = inner.close().await;
            return;
        };
        let index = ChannelIndex(index);
        self.remote_channels += 1;
        let (outbox, outgoing) = Outbox::new(SendLimits::default());
        let ends = Ends {
            // The crate does not say how hard the far side tries; losing nothing is right in any case.
            inbox: self.inbox.channel(index, Reliability::Reliable),
            outbox,
            outgoing,
            remote: true,
            reliable: true,
            sockets: connection.sockets().clone(),
            aboard: connection.aboard().clone(),
        };
        self.start_channel(connection, index, inner, ends).await;
    }

    async fn start_channel(
        &mut self,
        connection: &Connection,
        index: ChannelIndex,
        inner: Arc<dyn DataChannel>,
        ends: Ends,
    ) {
        let channel = Channel::start(inner, connection.inspector(), self.notes.clone(), ends).await;
        self.channels.push((index, channel));
    }

    /// A local description is applied, which begins the search for candidates. Their notes wait until this is reported.
    fn described(&mut self, description: SessionDescription) {
        self.timers.gathering = Some(Instant::now() + GATHERING);
        self.report(LinkEvent::Description {
            link: self.id,
            description,
        });
    }

    fn gathered(&mut self) -> Result<(), CloseReason> {
        self.timers.gathering = None;
        self.report(LinkEvent::Gathered {
            link: self.id,
            trouble: self.relay.trouble(),
        });
        match self.relay.failure() {
            Some(failure) => Err(CloseReason::Failed(failure)),
            None => Ok(()),
        }
    }

    fn report_state(&self, state: ConnectionState) {
        self.report(LinkEvent::State {
            link: self.id,
            state,
        });
    }

    fn report(&self, event: LinkEvent) {
        self.inbox.report(event);
    }
}

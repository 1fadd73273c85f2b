//! One connection: a task that awaits its commands in order and reports what happens.

mod candidates;
mod end;
mod figures;
mod hurry;
mod route;
#[cfg(test)]
mod tests;
mod timers;

use std::net::Ipv4Addr;
use std::sync::Arc;

use async_channel::{Receiver, Sender};
use mesh_core::platform::{LinkFault, RemoteChannels, control, pulse};
use mesh_core::{
    ChannelIndex, ChannelSpec, CloseReason, Command, ConnectFailure, ConnectionState, Duration,
    Goodbye, LinkConfig, LinkEvent, LinkId, Reliability, SendLimits, SessionDescription,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use webrtc::data_channel::DataChannel;

pub(crate) use self::figures::Figures;
use self::timers::{Due, Timers};
use crate::channel::{Channel, Ends};
use crate::config::PlatformConfig;
use crate::connection::Connection;
use crate::guard::{Oversight, Panicked, contain};
use crate::inbox::LinkInbox;
use crate::note::{Note, Notes, notes};
use crate::outbox::{Outbox, Outgoing};
use crate::preference::Preferences;
use crate::relay::{Relay, Resolver};
use crate::socket::{AddressSource, SharedSockets, SocketOptions};

/// How long gathering can take: the last request to a TURN server that does not answer is given up after 7.8 s. The crate then
/// waits on (it mistakes the request for another), so somebody else must say that no more candidates come. docs/upstream.md, "a
/// failed first Allocate never ends gathering".
const GATHERING: Duration = Duration::from_secs(8);

/// How long the tasks of a dead connection may take to hand over what is left.
const PATIENCE: Duration = Duration::from_millis(100);

/// What the backend tells a link.
pub(crate) enum Order {
    /// [`Command::CreateChannel`], with the queue the application already sends to.
    CreateChannel {
        channel: ChannelIndex,
        spec: ChannelSpec,
        /// Whether the far side is told of it, and does not make it, too.
        in_band: bool,
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
    remote_channels: RemoteChannels,
    opened_channels: usize,
    relay: Relay,
    send_limit: usize,
    has_connected: bool,
    /// What the far side is told at the end.
    parting: Option<Goodbye>,
    /// The crate's pair goes through a TURN server.
    is_relayed: bool,
    /// What the crate last said of the connection, and what was last reported.
    agent_says: ConnectionState,
    reported: ConnectionState,
    /// How often the handshake of SCTP was hurried.
    hurried: u32,
    platform: Arc<PlatformConfig>,
    timers: Timers,
    figures: Figures,
    notes: Sender<Note>,
    /// The IPv4 interfaces we are bound to.
    interfaces: Vec<Ipv4Addr>,
    preferences: Preferences,
    address_source: Option<Arc<dyn AddressSource>>,
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
    pub(crate) figures: Figures,
    pub(crate) oversight: Oversight,
    /// Reports that it is over, also where it never began.
    pub(crate) end: End,
}

impl Start {
    /// The link ends before it has begun.
    pub(crate) fn fail(self, failure: ConnectFailure) {
        self.end.report(CloseReason::Failed(failure));
    }
}

/// Serves a link from its opening to its end.
pub(crate) async fn run(start: Start) {
    let end = start.end;
    let (notes, noted) = notes();
    let mut relay = match Relay::new(&start.config) {
        Ok(relay) => relay,
        Err(failure) => return end.report(CloseReason::Failed(failure)),
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
        remote_channels: RemoteChannels::default(),
        opened_channels: 0,
        relay,
        send_limit: start.platform.sctp_send_limit,
        has_connected: false,
        parting: None,
        is_relayed: false,
        agent_says: ConnectionState::New,
        reported: ConnectionState::New,
        hurried: 0,
        platform: Arc::clone(&start.platform),
        timers: Timers::default(),
        figures: start.figures,
        notes: notes.clone(),
        interfaces: candidates::interfaces(&addresses),
        preferences: Preferences::new(&addresses),
        address_source: start.sockets.addresses.clone(),
        revealing: JoinSet::new(),
    };
    let shared = Arc::new(SharedSockets {
        source: start.sockets.source,
    });
    let sockets = SocketOptions {
        source: Some(
            link.relay
                .sockets(shared, &start.platform.root_certificates),
        ),
        ..start.sockets
    };
    // The crate refuses such a configuration with less helpful words.
    let opened = match link.relay.failure().filter(|_| !link.relay.is_possible()) {
        Some(failure) => Err(failure),
        // Boxed, because what it needs once would be a part of this task for the life of the link: 37 KB.
        None => {
            Box::pin(Connection::open(
                &link.relay,
                &start.platform,
                addresses,
                sockets,
                Arc::clone(&link.inbox),
                notes,
                start.oversight,
            ))
            .await
        }
    };
    let reason = match opened {
        Ok(mut connection) => {
            // It hands descriptions and candidates of the far side to the crate.
            let served = contain(link.serve(&mut connection, &start.orders, &noted)).await;
            // A connection that has panicked may do so again. Dropping it frees what there is.
            let ended = contain(link.end(&connection, served.as_ref().ok())).await;
            match (served, ended) {
                (Ok(reason), _) => reason,
                (Err(Panicked), _) => LinkFault::Panicked.into(),
            }
        }
        Err(failure) => CloseReason::Failed(failure),
    };
    drop(noted);
    end.report(reason);
}

/// Reports the end of a link, whatever becomes of its task.
pub(crate) struct End(Option<Arc<LinkInbox>>);

impl End {
    pub(crate) fn new(inbox: &Arc<LinkInbox>) -> Self {
        Self(Some(Arc::clone(inbox)))
    }

    fn report(mut self, reason: CloseReason) {
        if let Some(inbox) = self.0.take() {
            inbox.report_closed(reason);
        }
    }
}

impl Drop for End {
    /// The task did not come to its end: something in it panicked, or its runtime has ended.
    fn drop(&mut self) {
        if let Some(inbox) = self.0.take() {
            let why = if std::thread::panicking() {
                "the connection panicked"
            } else {
                "the runtime of the connection has ended"
            };
            inbox.report_closed(CloseReason::Failed(ConnectFailure::Platform(why.into())));
        }
    }
}

impl Link {
    async fn serve(
        &mut self,
        connection: &mut Connection,
        orders: &Receiver<Order>,
        notes: &Notes,
    ) -> CloseReason {
        connection.sockets().relaying(self.relay.is_possible());
        let direct = connection.direct().clone();
        let sockets = connection.sockets().clone();
        loop {
            self.timers.direct = direct.poll_timeout();
            self.timers.pulse = connection.pulse().poll_timeout();
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
                note = notes.next() => match note {
                    Some(note) => self.take_note(connection, note).await,
                    None => return CloseReason::Local,
                },
                due = self.timers.due() => match due {
                    Due::Gathering => self.gathered(),
                    Due::RelayCheck => {
                        self.check_route(connection).await;
                        Ok(())
                    }
                    Due::Hurry => {
                        self.hurry(connection);
                        Ok(())
                    }
                    Due::Direct => {
                        direct.handle_timeout();
                        self.judge(connection);
                        Ok(())
                    }
                    Due::Addresses => {
                        self.look_for_addresses(connection);
                        Ok(())
                    }
                    Due::Figures => {
                        self.keep_measuring(connection).await;
                        Ok(())
                    }
                    Due::Pulse => {
                        connection.pulse().beat().await;
                        self.judge(connection);
                        self.measure_early(connection).await;
                        Ok(())
                    }
                },
                () = direct.changed() => {
                    self.judge(connection);
                    Ok(())
                }
                () = sockets.silence_changed() => {
                    self.seek_route(connection);
                    Ok(())
                }
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
                in_band,
                outbox,
                outgoing,
            } => {
                let inner = connection.create_channel(&spec, in_band).await?;
                self.remote_channels.plan(channel, spec.parameters.id);
                let reliability = spec.parameters.reliability;
                let ends = Ends {
                    inbox: self.inbox.channel(channel, reliability),
                    outbox,
                    outgoing,
                    stream: (!in_band).then_some(spec.parameters.id),
                    remote: false,
                    reliable: reliability == Reliability::Reliable,
                    bulk: spec.bulk,
                    send_limit: self.send_limit,
                    sockets: connection.sockets().clone(),
                    aboard: connection.aboard().clone(),
                    carried: self.figures.carried().clone(),
                    requests: Arc::clone(connection.control().requests()),
                };
                self.start_channel(connection, channel, inner, ends).await;
                return Ok(());
            }
        };
        match command {
            Command::CloseChannel { channel, .. } => {
                if let Some((_, channel)) = self.channels.iter().find(|(at, _)| *at == channel) {
                    channel.finish(connection.aboard());
                }
            }
            Command::CreateOffer { .. } => {
                connection.sockets().check_often();
                let description = connection.offer().await?;
                self.described(description);
            }
            Command::SetRemote { description, .. } => {
                connection.sockets().check_often();
                if self.has_connected {
                    connection.sockets().restarted();
                }
                if let Some(description) = connection.accept(description).await? {
                    self.described(description);
                }
            }
            Command::AddCandidate { candidate, .. } => {
                self.add_candidate(connection, candidate).await;
            }
            Command::RequestStats { .. } => {
                let stats = self.measure(connection).await;
                self.report(LinkEvent::Stats {
                    link: self.id,
                    stats,
                });
            }
            Command::TellKick { peer, reason, .. } => {
                connection.control().tell_kick(peer, reason).await;
            }
            Command::TellTaken { counts, .. } => connection.control().tell_taken(counts).await,
            Command::Goodbye { goodbye, .. } => self.parting = Some(goodbye),
            // Not sent to a link, or seen to before.
            Command::Open { .. }
            | Command::CreateChannel { .. }
            | Command::Coalesce { .. }
            | Command::SendLast { .. }
            | Command::Abandon { .. }
            | Command::Close { .. } => {}
        }
        connection.sockets().kick();
        Ok(())
    }

    async fn take_note(&mut self, connection: &Connection, note: Note) -> Result<(), CloseReason> {
        match note {
            Note::State(state) => {
                if state == ConnectionState::Connected {
                    self.begin_hurrying();
                    self.has_connected = true;
                    let platform = &self.platform;
                    let sockets = connection.sockets();
                    sockets.connected(platform.patience(), platform.keepalive_interval);
                    connection.pulse().path_is_back();
                    self.check_route(connection).await;
                    self.keep_measuring(connection).await;
                }
                self.agent_says = state;
                self.judge(connection);
            }
            Note::Candidate(candidate, is_relay) => {
                if is_relay {
                    self.relay.found();
                }
                connection.direct().add_local(&candidate);
                let candidate = self.relay.as_told(self.preferences.apply(candidate));
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
                self.end_hurrying(connection);
                if self.are_channels_open() {
                    connection.sockets().channels_open();
                    self.check_route(connection).await;
                }
            }
            Note::RemoteChannel(channel) => {
                connection.remote_channel_taken();
                self.add_remote_channel(connection, channel).await?;
            }
            Note::Control => {
                connection.control().look();
                let channels = self.channels.iter();
                let received = channels.filter_map(|(_, channel)| channel.received());
                connection.control().answer(&received.collect()).await?;
                connection.sockets().kick();
            }
            Note::Pulse => self.judge(connection),
            Note::Fault(fault) => return Err(fault.into()),
            Note::Stopped => {
                let _ = timeout(PATIENCE, connection.aboard().finish()).await;
                let why = String::from("the connection stopped by itself");
                return Err(CloseReason::Failed(ConnectFailure::Platform(why)));
            }
        }
        Ok(())
    }

    /// Takes a channel that the far side made. One too many is closed again.
    async fn add_remote_channel(
        &mut self,
        connection: &Connection,
        inner: Arc<dyn DataChannel>,
    ) -> Result<(), CloseReason> {
        let planned = self.remote_channels.planned();
        self.channels
            .retain(|(index, channel)| index.0 < planned || !channel.is_over());
        let is_taken = |position| self.channels.iter().any(|(index, _)| *index == position);
        let Some(index) = self.remote_channels.admit(is_taken)? else {
            let _ = inner.close().await;
            return Ok(());
        };
        let (outbox, outgoing) = Outbox::new(SendLimits::default(), Reliability::Reliable);
        let ends = Ends {
            // The crate does not say how hard the far side tries; losing nothing is right in any case.
            inbox: self.inbox.channel(index, Reliability::Reliable),
            outbox,
            outgoing,
            stream: None,
            remote: true,
            reliable: true,
            bulk: false,
            send_limit: self.send_limit,
            sockets: connection.sockets().clone(),
            aboard: connection.aboard().clone(),
            carried: self.figures.carried().clone(),
            requests: Arc::clone(connection.control().requests()),
        };
        self.start_channel(connection, index, inner, ends).await;
        Ok(())
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
    fn described(&mut self, mut description: SessionDescription) {
        description.sdp = pulse::announce(&control::announce(&description.sdp));
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

    fn report_state(&mut self, state: ConnectionState) {
        self.reported = state;
        self.report(LinkEvent::State {
            link: self.id,
            state,
        });
    }

    fn report(&self, event: LinkEvent) {
        self.inbox.report(event);
    }
}

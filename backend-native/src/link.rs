//! One connection: a task that awaits its commands in order and reports what happens.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_channel::{Receiver, Sender};
use mesh_core::platform::{LinkInbox as _, RemoteChannels};
use mesh_core::{
    ChannelIndex, ChannelSpec, CloseReason, Command, ConnectFailure, ConnectionState, Duration,
    LinkConfig, LinkEvent, LinkId, Reliability, SendLimits, SessionDescription,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use webrtc::data_channel::DataChannel;

use crate::channel::{Channel, Ends};
use crate::config::PlatformConfig;
use crate::connection::Connection;
use crate::inbox::LinkInbox;
use crate::note::{Note, Notes, notes};
use crate::outbox::{Outbox, Outgoing};
use crate::relay::Relay;
use crate::socket::SocketOptions;

/// How often a link that could be relayed is asked whether it is: its route may change.
const RELAY_CHECK: Duration = Duration::from_secs(2);

/// How long gathering can take: the last request to a TURN server that does not answer is given up after 7.8 s. The crate then
/// waits on (it mistakes the request for another), so somebody else must say that no more candidates come.
const GATHERING: Duration = Duration::from_secs(8);

/// How long the driver of a relayed connection may take to send that the channels are closed: a few rounds.
const GOODBYE: Duration = Duration::from_millis(20);

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
    remote_channels: RemoteChannels,
    opened_channels: usize,
    relay: Relay,
    send_limit: usize,
    has_connected: bool,
    /// While candidates may still be found: until when.
    gathering: Option<Instant>,
    notes: Sender<Note>,
}

/// What a link needs to begin.
pub(crate) struct Start {
    pub(crate) config: LinkConfig,
    pub(crate) platform: Arc<PlatformConfig>,
    pub(crate) sockets: SocketOptions,
    pub(crate) inbox: Arc<LinkInbox>,
    pub(crate) orders: Receiver<Order>,
}

/// Serves a link from its opening to its end.
pub(crate) async fn run(start: Start) {
    let end = End::new(&start.inbox);
    let (notes, noted) = notes();
    let mut link = Link {
        id: start.inbox.link(),
        inbox: start.inbox,
        channels: Vec::new(),
        remote_channels: RemoteChannels::default(),
        opened_channels: 0,
        relay: Relay::new(&start.config),
        send_limit: start.platform.sctp_send_limit,
        has_connected: false,
        gathering: None,
        notes: notes.clone(),
    };
    let sockets = SocketOptions {
        source: link.relay.listen(start.sockets.source),
        ..start.sockets
    };
    // The crate refuses such a configuration with less helpful words.
    let opened = match link.relay.failure().filter(|_| !link.relay.is_possible()) {
        Some(failure) => Err(failure),
        // Boxed, because what it needs once would be a part of this task for the life of the link: 37 KB.
        None => {
            Box::pin(Connection::open(
                &start.config,
                &start.platform,
                sockets,
                notes,
            ))
            .await
        }
    };
    let reason = match opened {
        Ok(mut connection) => {
            let reason = link.serve(&mut connection, &start.orders, &noted).await;
            link.end(&connection).await;
            reason
        }
        Err(failure) => CloseReason::Failed(failure),
    };
    drop(noted);
    end.report(reason);
}

/// Reports the end of a link, once, whatever becomes of its task.
struct End(Option<Arc<LinkInbox>>);

impl End {
    fn new(inbox: &Arc<LinkInbox>) -> Self {
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
                note = notes.next() => match note {
                    Some(note) => self.take_note(connection, note).await,
                    None => return CloseReason::Local,
                },
                () = sleep_until(self.gathering.unwrap_or_else(Instant::now)), if self.gathering.is_some() => {
                    self.gathered()
                }
                () = sleep(RELAY_CHECK), if self.relay.is_possible() && self.has_connected => {
                    connection.sockets().relaying(connection.is_relayed().await);
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
                outbox,
                outgoing,
            } => {
                let inner = connection.create_channel(&spec).await?;
                self.remote_channels.plan(channel);
                let reliability = spec.parameters.reliability;
                let ends = Ends {
                    inbox: self.inbox.channel(channel, reliability),
                    outbox,
                    outgoing,
                    remote: false,
                    reliable: reliability == Reliability::Reliable,
                    send_limit: self.send_limit,
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
                let description = connection.offer(restart).await?;
                self.described(description);
            }
            Command::SetRemote { description, .. } => {
                if let Some(description) = connection.accept(description).await? {
                    self.described(description);
                }
            }
            Command::AddCandidate { candidate, .. } => {
                // One that cannot be used is left out: others may do, and if none does, the deadline tells.
                let _ = connection.add_candidate(candidate).await;
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
                    if self.relay.is_possible() {
                        connection.sockets().relaying(connection.is_relayed().await);
                    }
                }
                self.report(LinkEvent::State {
                    link: self.id,
                    state,
                });
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
            Note::Gathered if self.gathering.is_some() => return self.gathered(),
            // Was said already.
            Note::Gathered => {}
            Note::Opened => {
                self.opened_channels += 1;
                if self.opened_channels >= usize::from(self.remote_channels.planned()) {
                    connection.sockets().channels_open();
                }
            }
            Note::RemoteChannel(channel) => {
                self.add_remote_channel(connection, channel).await?;
            }
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
        let planned = usize::from(self.remote_channels.planned());
        // Also those that are closed: the crate keeps them.
        let taken = self.channels.len().saturating_sub(planned);
        let Some(index) = self.remote_channels.admit(taken)? else {
            let _ = inner.close().await;
            return Ok(());
        };
        let (outbox, outgoing) = Outbox::new(SendLimits::default());
        let ends = Ends {
            // The crate does not say how hard the far side tries; losing nothing is right in any case.
            inbox: self.inbox.channel(index, Reliability::Reliable),
            outbox,
            outgoing,
            remote: true,
            reliable: true,
            send_limit: self.send_limit,
            sockets: connection.sockets().clone(),
            aboard: connection.aboard().clone(),
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

    /// Takes nothing more and waits until the reliable channels have delivered what they accepted.
    async fn drain(&self, linger: Duration) {
        for (_, channel) in &self.channels {
            channel.stop_accepting();
        }
        let deadline = Instant::now() + linger;
        let mut pause = Duration::from_millis(1);
        while !self.is_drained().await && Instant::now() + pause <= deadline {
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(8));
        }
    }

    async fn is_drained(&self) -> bool {
        for (_, channel) in &self.channels {
            if !channel.is_drained().await {
                return false;
            }
        }
        true
    }

    /// Closes it and leaves no task behind.
    async fn end(&mut self, connection: &Connection) {
        for (_, channel) in &self.channels {
            channel.stop_accepting();
        }
        if connection.is_relayed().await {
            self.say_goodbye(connection).await;
        }
        connection.close().await;
        connection.aboard().clear();
        self.channels.clear();
    }

    /// The crate gives up its TURN allocations before it sends what a close has to say, which is then dropped. So the channels
    /// are closed one by one, which the far side hears as well.
    async fn say_goodbye(&self, connection: &Connection) {
        for (_, channel) in &self.channels {
            channel.close().await;
        }
        connection.sockets().kick();
        sleep(GOODBYE).await;
    }

    /// A local description is applied, which begins the search for candidates. Their notes wait until this is reported.
    fn described(&mut self, description: SessionDescription) {
        self.gathering = Some(Instant::now() + GATHERING);
        self.report(LinkEvent::Description {
            link: self.id,
            description,
        });
    }

    fn gathered(&mut self) -> Result<(), CloseReason> {
        self.gathering = None;
        self.report(LinkEvent::Gathered { link: self.id });
        match self.relay.failure() {
            Some(failure) => Err(CloseReason::Failed(failure)),
            None => Ok(()),
        }
    }

    fn report(&self, event: LinkEvent) {
        self.inbox.report(event);
    }
}

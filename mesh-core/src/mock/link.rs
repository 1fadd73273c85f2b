//! One side of a peer connection: what it is told to do, and how it ends.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::channel::{Channel, ChannelState};
use super::clock::Action;
use super::inbox::Inbox;
use super::sdp;
use super::slab::Key;
use super::world::World;
use crate::{
    CandidateType, ChannelIndex, ChannelSpec, CloseReason, Command, ConnectFailure,
    ConnectionState, Instant, LinkConfig, LinkEvent, LinkId, LinkStats, Reliability, SdpType,
    SessionDescription,
};

/// How far the exchange of descriptions is (W3C: `RTCSignalingState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Negotiation {
    New,
    Offered,
    Done,
}

/// How far the transport is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// A description is missing.
    Idle,
    /// Looking for a route.
    Checking,
    /// A route was found and is being secured.
    Securing,
    /// DTLS stands (W3C: "connected").
    Secured,
    /// SCTP stands, too: channels are open.
    Associated,
}

/// One side of a peer connection.
#[derive(Debug)]
pub(super) struct End {
    pub(super) host: u32,
    pub(super) link: LinkId,
    pub(super) config: LinkConfig,
    pub(super) negotiation: Negotiation,
    /// Whom the far side's description names.
    pub(super) far: Option<Key>,
    pub(super) offerer: bool,
    /// Local candidates found so far.
    pub(super) found: Vec<(CandidateType, String)>,
    /// Local candidates still to be found.
    pub(super) to_find: Vec<CandidateType>,
    /// The far side's candidates that are really its own.
    pub(super) heard: Vec<CandidateType>,
    pub(super) state: ConnectionState,
    pub(super) progress: Progress,
    /// Counts changes of the route's life; a late step of an earlier one is void.
    pub(super) epoch: u32,
    /// Whether the far side answers.
    pub(super) reachable: bool,
    pub(super) associated_at: Instant,
    /// A step of the handshake was due while the route did not answer.
    pub(super) step_waits: bool,
    pub(super) channels: Vec<Channel>,
    /// The channel to be served next.
    pub(super) turn: usize,
    pub(super) transmit_scheduled: bool,
    pub(super) wire_free_at: Instant,
    /// Bytes of reliable messages on their way.
    pub(super) in_flight: usize,
    /// Streams on which messages came before there was a channel, with the last number.
    pub(super) unclaimed: BTreeMap<u16, u64>,
    /// Reliable messages that wait for the route to answer again.
    pub(super) held: Vec<Key>,
    pub(super) inbox: Inbox,
    pub(super) is_ready: bool,
    pub(super) closing: bool,
    pub(super) gone: bool,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
}

impl End {
    fn new(host: u32, link: LinkId, config: LinkConfig, inbox_bytes: usize, now: Instant) -> Self {
        Self {
            host,
            link,
            config,
            negotiation: Negotiation::New,
            far: None,
            offerer: false,
            found: Vec::new(),
            to_find: Vec::new(),
            heard: Vec::new(),
            state: ConnectionState::New,
            progress: Progress::Idle,
            epoch: 0,
            reachable: false,
            associated_at: now,
            step_waits: false,
            channels: Vec::new(),
            turn: 0,
            transmit_scheduled: false,
            wire_free_at: now,
            in_flight: 0,
            unclaimed: BTreeMap::new(),
            held: Vec::new(),
            inbox: Inbox::new(inbox_bytes),
            is_ready: false,
            closing: false,
            gone: false,
            bytes_sent: 0,
            bytes_received: 0,
        }
    }

    pub(super) const fn is_gone(&self) -> bool {
        self.gone
    }

    pub(super) fn is_secured(&self) -> bool {
        self.progress >= Progress::Secured
    }

    pub(super) fn is_associated(&self) -> bool {
        self.progress == Progress::Associated
    }

    pub(super) fn channel(&self, index: ChannelIndex) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.index == index)
    }

    pub(super) fn channel_mut(&mut self, index: ChannelIndex) -> Option<&mut Channel> {
        self.channels
            .iter_mut()
            .find(|channel| channel.index == index)
    }

    pub(super) fn stream_mut(&mut self, stream: u16) -> Option<&mut Channel> {
        self.channels
            .iter_mut()
            .find(|channel| channel.stream() == stream)
    }
}

impl World {
    pub(super) fn execute(&mut self, host: u32, command: Command) {
        let Some(owner) = self.host(host).filter(|host| host.alive) else {
            return;
        };
        let known = owner.links.get(&command.link()).copied();
        if let Command::Open {
            link,
            config,
            inbox_bytes,
        } = command
        {
            if known.is_none() {
                self.open(host, link, config, inbox_bytes);
            }
            return;
        }
        let Some(key) = known else {
            return;
        };
        match command {
            Command::Open { .. } => {}
            Command::CreateChannel { channel, spec, .. } => {
                self.create_channel(key, channel, spec);
            }
            Command::CloseChannel { channel, .. } => self.close_channel(key, channel),
            Command::CreateOffer { .. } => self.create_offer(key),
            Command::SetRemote { description, .. } => self.set_remote(key, &description),
            Command::AddCandidate { candidate, .. } => self.add_candidate(key, &candidate),
            Command::RequestStats { .. } => self.report_stats(key),
            Command::Close { linger, .. } => self.close(key, linger),
        }
    }

    fn open(&mut self, host: u32, link: LinkId, config: LinkConfig, inbox_bytes: usize) {
        let problem = check_config(&config);
        let end = End::new(host, link, config, inbox_bytes, self.clock.now());
        let key = self.ends.insert(end);
        if let Some(owner) = self.host_mut(host) {
            owner.links.insert(link, key);
        }
        if let Err(problem) = problem {
            self.fail(key, ConnectFailure::Config(problem));
        }
    }

    fn create_channel(&mut self, key: Key, index: ChannelIndex, spec: ChannelSpec) {
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return;
        };
        let stream = spec.parameters.id;
        // Two channels on one stream, or the stream id that SCTP reserves (W3C: createDataChannel).
        if stream == u16::MAX || end.channel(index).is_some() || end.stream_mut(stream).is_some() {
            let problem = format!("stream {stream} cannot be used, or is used already");
            self.fail(key, ConnectFailure::Channel(problem));
            return;
        }
        let mut channel = Channel::new(index, spec.parameters, spec.limits, false);
        channel.delivered = end.unclaimed.remove(&stream).unwrap_or(0);
        end.channels.push(channel);
        if end.is_associated() {
            self.open_channels(key);
        }
    }

    fn create_offer(&mut self, key: Key) {
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return;
        };
        if end.negotiation != Negotiation::New {
            let problem = "the mock makes one offer a link".to_string();
            self.fail(key, ConnectFailure::Unsupported(problem));
            return;
        }
        if end.channels.is_empty() {
            let problem = "an offer without channels has nothing to offer".to_string();
            self.fail(key, ConnectFailure::Config(problem));
            return;
        }
        end.negotiation = Negotiation::Offered;
        end.offerer = true;
        self.describe(key, SdpType::Offer);
    }

    fn set_remote(&mut self, key: Key, description: &SessionDescription) {
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return;
        };
        let described = match (description.sdp_type, end.negotiation) {
            (SdpType::Offer, Negotiation::New) | (SdpType::Answer, Negotiation::Offered) => {
                sdp::read(&description.sdp)
            }
            (SdpType::Offer, _) => Err("an offer after an offer".to_string()),
            (SdpType::Answer, _) => Err("an answer to no offer".to_string()),
        };
        let described = match described {
            Ok(described) if described.link == Some(key) => Err("it is our own".to_string()),
            other => other,
        };
        let described = match described {
            Ok(described) => described,
            Err(problem) => {
                self.fail(key, ConnectFailure::Description(problem));
                return;
            }
        };
        end.negotiation = Negotiation::Done;
        end.far = described.link;
        if description.sdp_type == SdpType::Offer {
            self.describe(key, SdpType::Answer);
        }
        self.begin_checks(key);
    }

    /// Makes, applies and reports a local description, and begins to look for candidates.
    fn describe(&mut self, key: Key, sdp_type: SdpType) {
        let Some(end) = self.live(key) else {
            return;
        };
        let size = self
            .host(end.host)
            .filter(|host| host.config.announce_max_message_size)
            .map(|host| host.config.max_message_size);
        let event = LinkEvent::Description {
            link: end.link,
            description: SessionDescription {
                sdp_type,
                sdp: sdp::describe(key, sdp_type == SdpType::Answer, size),
            },
        };
        self.tell(key, event);
        self.begin_gathering(key);
    }

    fn report_stats(&mut self, key: Key) {
        let Some(end) = self.live(key).filter(|end| !end.closing) else {
            return;
        };
        let far = end.far.and_then(|far| self.live(far));
        let pair = far
            .filter(|_| end.is_secured())
            .map(|far| (self.selected(end, far), self.selected(far, end)));
        let round_trip = far
            .filter(|_| end.is_secured())
            .map(|far| self.paths.round_trip(end.host, far.host));
        let event = LinkEvent::Stats {
            link: end.link,
            stats: LinkStats {
                round_trip,
                bytes_sent: end.bytes_sent,
                bytes_received: end.bytes_received,
                local: pair.map(|(local, _)| local),
                remote: pair.map(|(_, remote)| remote),
            },
        };
        self.tell(key, event);
    }

    fn close(&mut self, key: Key, linger: Duration) {
        let now = self.clock.now();
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return;
        };
        end.closing = true;
        // Nobody wants to know what else happens on this link.
        end.inbox.clear();
        for channel in &mut end.channels {
            if channel.is_open() {
                channel.state = ChannelState::Closing;
            }
        }
        if linger.is_zero() || !end.is_associated() {
            self.close_now(key);
            return;
        }
        self.clock
            .schedule(now + linger, Action::LingerOver { end: key });
        self.progress_of_closing(key);
    }

    /// Ends a close whose data has gone out, and channels whose data has.
    pub(super) fn progress_of_closing(&mut self, key: Key) {
        let Some(end) = self.live(key) else {
            return;
        };
        if end.closing {
            if end.channels.iter().all(Channel::is_drained) {
                self.close_now(key);
            }
            return;
        }
        let drained: Vec<u16> = end
            .channels
            .iter()
            .filter(|channel| channel.state == ChannelState::Closing && channel.is_drained())
            .map(Channel::stream)
            .collect();
        for stream in drained {
            self.send_reset(key, stream);
        }
    }

    pub(super) fn close_now(&mut self, key: Key) {
        self.finish(key, CloseReason::Local, true);
    }

    pub(super) fn fail(&mut self, key: Key, failure: ConnectFailure) {
        self.finish(key, CloseReason::Failed(failure), true);
    }

    /// The far side's goodbye arrived.
    pub(super) fn aborted(&mut self, key: Key, from: u32) {
        let arrives = self
            .live(key)
            .is_some_and(|end| self.paths.is_up(from, end.host));
        if arrives {
            self.finish(key, CloseReason::Remote, false);
        }
    }

    /// Ends a link: its last events are queued, what it held is freed, and the far side is told if it can be.
    pub(super) fn finish(&mut self, key: Key, reason: CloseReason, say_goodbye: bool) {
        let now = self.clock.now();
        let Some(end) = self.live_mut(key) else {
            return;
        };
        end.gone = true;
        let (host, link, far) = (end.host, end.link, end.far);
        let goodbye = say_goodbye && end.is_secured() && end.reachable;
        let quiet = end.closing;
        let channels = core::mem::take(&mut end.channels);
        let held = core::mem::take(&mut end.held);
        for flight in held {
            self.flights.remove(flight);
        }
        if !quiet {
            for channel in channels.iter().filter(|channel| channel.is_receiving()) {
                let channel = channel.index;
                self.tell(key, LinkEvent::ChannelClosed { link, channel });
            }
        }
        self.tell(key, LinkEvent::Closed { link, reason });
        if let Some(owner) = self.host_mut(host) {
            owner.links.remove(&link);
        }
        let Some(far) = far else {
            return;
        };
        if goodbye && let Some(delay) = self.goodbye_delay(host, far) {
            self.clock.schedule(
                now + delay,
                Action::Abort {
                    to: far,
                    from: host,
                },
            );
        }
        self.refresh(far);
    }

    /// How long the goodbye takes: an ABORT and a DTLS alert, sent once each. `None` when both are lost.
    fn goodbye_delay(&mut self, host: u32, far: Key) -> Option<Duration> {
        let to = self.live(far)?.host;
        let path = *self.paths.path(host, to);
        let rng = &mut self.rng;
        let mut once = || path.transit(rng, 1, Reliability::Retransmits(0), Duration::ZERO);
        once().or_else(once).map(|transit| transit.delay)
    }

    /// A process that is gone without a word.
    pub(super) fn kill(&mut self, host: u32) {
        for key in self.forget_host(host) {
            let far = self.ends.get(key).and_then(|end| end.far);
            self.remove_end(key);
            if let Some(far) = far {
                self.refresh(far);
            }
        }
    }

    /// A backend that was dropped: it says goodbye on every link.
    pub(super) fn drop_host(&mut self, host: u32) {
        for key in self.forget_host(host) {
            self.close_now(key);
            self.remove_end(key);
        }
    }

    fn forget_host(&mut self, index: u32) -> Vec<Key> {
        self.set_alarm(index, None);
        if let Some(host) = self.host_mut(index) {
            host.alive = false;
            host.links.clear();
            host.ready.clear();
        }
        let ends = self.ends.iter();
        ends.filter(|(_, end)| end.host == index)
            .map(|(key, _)| key)
            .collect()
    }

    fn remove_end(&mut self, key: Key) {
        let Some(end) = self.ends.remove(key) else {
            return;
        };
        for flight in end.held {
            self.flights.remove(flight);
        }
    }
}

/// What a browser would refuse when the connection is made (W3C: `RTCPeerConnection` constructor).
fn check_config(config: &LinkConfig) -> Result<(), String> {
    for server in &config.ice_servers {
        if server.urls.is_empty() {
            return Err("an ICE server without a URL".to_string());
        }
        for url in &server.urls {
            let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
            let turn = matches!(scheme, "turn" | "turns");
            if rest.is_empty() || !(turn || matches!(scheme, "stun" | "stuns")) {
                return Err(format!("no ICE server URL: {}", url.escape_default()));
            }
            if turn && (server.username.is_empty() || server.credential.is_empty()) {
                return Err(format!(
                    "{} needs a user name and a credential",
                    url.escape_default()
                ));
            }
        }
    }
    Ok(())
}

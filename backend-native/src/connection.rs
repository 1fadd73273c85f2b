//! One peer connection of the `webrtc` crate, behind our words.

mod inspector;
mod pair;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use async_channel::Sender;
use async_trait::async_trait;
use mesh_core::platform::{
    MAX_REFUSED_CHANNELS, MAX_REMOTE_CHANNELS, check_description, control, pulse,
};
use mesh_core::{
    CandidateType, ChannelSpec, ConnectFailure, Duration, IceCandidate, IceTransportPolicy,
    LinkStats, SdpType, SessionDescription,
};
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use tokio::runtime::Handle;
use webrtc::data_channel::DataChannel;
use webrtc::error::Error;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceCandidateType, RTCIceGatheringState, RTCPeerConnectionIceEvent, RTCPeerConnectionState,
    RTCSessionDescription, SettingEngine, SettingEngineBuilder,
};

use crate::aboard::{Aboard, AboardSockets};
use crate::config::PlatformConfig;
use crate::control::Control;
use crate::direct::{Direct, DirectSockets};
use crate::guard::{Guard, Inspected, Oversight};
use crate::inbox::LinkInbox;
use crate::note::Note;
use crate::pulse::Pulse;
use crate::relay::Relay;
use crate::runtime::LinkRuntime;
use crate::socket::{SocketControl, SocketOptions};
use crate::translate;

pub(crate) use self::inspector::Inspector;
use self::inspector::Streams;

/// How long one relay waits for a better one.
const RELAY_ONLY_WAIT: Duration = Duration::from_millis(200);

/// How many checks the crate sends to a pair of candidates before the pair is dead for good: as many as it can count, which
/// are 21 minutes at 20 ms. One less than the largest number, because the crate counts on to one more.
const CHECK_ATTEMPTS: u16 = u16::MAX - 1;

/// How many channels of the far side may wait for the link, which ends itself when it gets to the last of these.
const MAX_WAITING_CHANNELS: u16 = MAX_REMOTE_CHANNELS + MAX_REFUSED_CHANNELS + 1;

/// Receives the callbacks of the `webrtc` crate and passes them on.
///
/// They are awaited by the task that drives the connection, so nothing here may wait. It must not hold the connection either,
/// nor a channel: the connection holds it, and the three would never be freed. docs/upstream.md, "a handler that
/// holds a channel".
struct Handler {
    notes: Sender<Note>,
    waiting_channels: Arc<AtomicU16>,
}

impl Handler {
    fn note(&self, note: Note) {
        // Fails once the link has ended.
        let _ = self.notes.try_send(note);
    }
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let is_relay = event.candidate.typ == RTCIceCandidateType::Relay;
        // The empty candidate would mean "no more come", which is told otherwise.
        if let Ok(candidate) = event.candidate.to_json()
            && !candidate.candidate.is_empty()
        {
            self.note(Note::Candidate(candidate.candidate, is_relay));
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.note(Note::Gathered);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if let Some(state) = translate::state(state) {
            self.note(Note::State(state));
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        // A burst of them must not fill the queue.
        if self.waiting_channels.load(Ordering::Relaxed) < MAX_WAITING_CHANNELS {
            self.waiting_channels.fetch_add(1, Ordering::Relaxed);
            self.note(Note::RemoteChannel(channel));
        }
    }
}

/// A peer connection.
pub(crate) struct Connection {
    inner: Arc<dyn PeerConnection>,
    sockets: SocketControl,
    aboard: Aboard,
    direct: Direct,
    control: Control,
    pulse: Pulse,
    waiting_channels: Arc<AtomicU16>,
    streams: Streams,
    media_id: String,
    closed: AtomicBool,
}

impl Connection {
    /// Makes it and binds its sockets at these addresses. They must know the servers.
    pub(crate) async fn open(
        relay: &Relay,
        platform: &PlatformConfig,
        addresses: Vec<SocketAddr>,
        sockets: SocketOptions,
        inbox: Arc<LinkInbox>,
        notes: Sender<Note>,
        oversight: Oversight,
    ) -> Result<Self, ConnectFailure> {
        let servers = relay.servers().iter().map(translate::ice_server);
        let configuration = RTCConfigurationBuilder::default()
            .with_ice_servers(servers.collect())
            .with_ice_transport_policy(translate::policy(relay.policy()))
            .build();
        let aboard = Aboard::new(sockets.cures.messages_put_aside, notes.clone());
        let is_direct_allowed = relay.policy() == IceTransportPolicy::All;
        let direct = Direct::new(
            is_direct_allowed && sockets.cures.late_paths,
            platform.relay_wait,
            Box::new(relay.is_server()),
        );
        let inspected = match sockets.cures.far_leaps {
            true => Inspected::new(notes.clone()),
            false => None,
        };
        let sockets = SocketOptions {
            source: Some(Arc::new(AboardSockets {
                aboard: aboard.clone(),
                source: Some(Arc::new(DirectSockets {
                    direct: direct.clone(),
                    source: sockets.source,
                })),
            })),
            ..sockets
        };
        let waiting_channels = Arc::new(AtomicU16::new(0));
        let guard = Guard {
            notes: notes.clone(),
            oversight,
        };
        let handler = Handler {
            notes: notes.clone(),
            waiting_channels: Arc::clone(&waiting_channels),
        };
        let (runtime, sockets) =
            LinkRuntime::guarded(Handle::current(), sockets, guard, aboard.clone());
        let connection = PeerConnectionBuilder::new()
            .with_configuration(configuration)
            .with_setting_engine(settings(platform, relay.policy(), inspected))
            .with_runtime(runtime)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(addresses.clone())
            .with_data_channel_send_buffer_limit(platform.sctp_send_limit)
            .build()
            .await
            .map_err(|error| cannot_bind(&addresses).unwrap_or_else(|| platform_failure(error)))?;
        let inner: Arc<dyn PeerConnection> = Arc::new(connection);
        let channel = create_channel(&*inner, &control::spec(), false).await?;
        let pulse_channel = create_channel(&*inner, &pulse::spec(), false).await?;
        let pulse = Pulse::start(pulse_channel, &aboard, &sockets, notes.clone());
        Ok(Self {
            inner,
            sockets,
            control: Control::start(channel, &aboard, notes, inbox),
            pulse,
            aboard,
            direct,
            waiting_channels,
            streams: Streams::default(),
            media_id: String::new(),
            closed: AtomicBool::new(false),
        })
    }

    /// Makes a negotiated channel.
    pub(crate) async fn create_channel(
        &self,
        spec: &ChannelSpec,
        in_band: bool,
    ) -> Result<Arc<dyn DataChannel>, ConnectFailure> {
        create_channel(&*self.inner, spec, in_band).await
    }

    /// Makes an offer and applies it.
    pub(crate) async fn offer(&mut self) -> Result<SessionDescription, ConnectFailure> {
        let offer = self
            .inner
            .create_offer(None)
            .await
            .map_err(platform_failure)?;
        let description = translate::local_description(SdpType::Offer, &offer);
        self.apply_local(offer, &description).await?;
        Ok(description)
    }

    /// Applies the far side's description. An offer is answered.
    pub(crate) async fn accept(
        &mut self,
        description: SessionDescription,
    ) -> Result<Option<SessionDescription>, ConnectFailure> {
        let unusable = |error: Error| ConnectFailure::Description(error.to_string());
        check_description(&description)?;
        let sdp_type = description.sdp_type;
        let sdp = description.sdp.clone();
        let remote = translate::remote_description(description).map_err(unusable)?;
        self.inner
            .set_remote_description(remote)
            .await
            .map_err(unusable)?;
        self.direct.set_remote(&sdp);
        self.control.described(&sdp);
        self.pulse.described(&sdp);
        if sdp_type == SdpType::Answer {
            return Ok(None);
        }
        let answer = self.inner.create_answer(None).await.map_err(unusable)?;
        let description = translate::local_description(SdpType::Answer, &answer);
        self.apply_local(answer, &description).await?;
        Ok(Some(description))
    }

    async fn apply_local(
        &mut self,
        local: RTCSessionDescription,
        description: &SessionDescription,
    ) -> Result<(), ConnectFailure> {
        self.media_id = translate::media_id(&description.sdp);
        self.direct.set_local(description);
        self.inner
            .set_local_description(local)
            .await
            .map_err(platform_failure)
    }

    /// Applies the far side's candidate; the words of the `webrtc` crate if it cannot be used.
    pub(crate) async fn add_candidate(&self, candidate: IceCandidate) -> Result<(), String> {
        self.direct.add_remote(&candidate.candidate);
        self.inner
            .add_ice_candidate(translate::remote_candidate(candidate))
            .await
            .map_err(|error| error.to_string())
    }

    /// A local candidate as the far side is told.
    pub(crate) fn local_candidate(&self, candidate: String) -> IceCandidate {
        IceCandidate {
            sdp_mid: self.media_id.clone(),
            sdp_m_line_index: 0,
            candidate,
        }
    }

    /// What to ask about a channel.
    pub(crate) fn inspector(&self) -> Inspector {
        Inspector {
            inner: Arc::clone(&self.inner),
            direct: self.direct.clone(),
            sockets: self.sockets.clone(),
            streams: self.streams.clone(),
        }
    }

    /// What steers its sockets.
    pub(crate) const fn sockets(&self) -> &SocketControl {
        &self.sockets
    }

    /// The tasks its driver runs.
    pub(crate) const fn aboard(&self) -> &Aboard {
        &self.aboard
    }

    /// Its control channel.
    pub(crate) const fn control(&self) -> &Control {
        &self.control
    }

    /// Its pulse.
    pub(crate) const fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// A [`Note::RemoteChannel`] does not wait any more.
    pub(crate) fn remote_channel_taken(&self) {
        self.waiting_channels.fetch_sub(1, Ordering::Relaxed);
    }

    /// The search for a direct path.
    pub(crate) const fn direct(&self) -> &Direct {
        &self.direct
    }

    /// Whether the crate sends through a TURN server of ours.
    pub(crate) async fn is_relayed(&self) -> bool {
        let pair = self.selected_pair().await;
        pair.is_some_and(|pair| pair.local == Some(CandidateType::Relay))
    }

    /// What is measured, without the pair of addresses and what was carried.
    pub(crate) async fn stats(&self) -> LinkStats {
        let mut stats = LinkStats::default();
        self.pulse.measured(&mut stats);
        // The crate makes a whole report for it.
        if stats.round_trip.is_none() {
            stats.round_trip = self.inspector().round_trip().await;
        }
        stats
    }

    /// Sends what is queued and says goodbye.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        // An error means that it was closed before.
        let _ = self.inner.close().await;
        self.direct.unbind();
    }
}

impl Drop for Connection {
    /// The tasks aboard hold the connection, and its sockets hold the tasks. However a link ends, this ends the circle: also
    /// where its task is dropped in the middle, because its runtime ends or because something in it panicked.
    fn drop(&mut self) {
        self.aboard.clear();
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        // A runtime that is still there has a driver that would go on.
        if let Ok(runtime) = Handle::try_current() {
            let inner = Arc::clone(&self.inner);
            runtime.spawn(async move { inner.close().await });
        }
    }
}

async fn create_channel(
    connection: &dyn PeerConnection,
    spec: &ChannelSpec,
    in_band: bool,
) -> Result<Arc<dyn DataChannel>, ConnectFailure> {
    let mut init = translate::channel_init(spec.parameters);
    if in_band {
        init.negotiated = None;
    }
    let created = connection
        .create_data_channel(&spec.label, Some(init))
        .await;
    created.map_err(|error| {
        let id = spec.parameters.id;
        ConnectFailure::Channel(format!("channel {id} \"{}\": {error}", spec.label))
    })
}

fn settings(
    platform: &PlatformConfig,
    policy: IceTransportPolicy,
    inspected: Option<Arc<Inspected>>,
) -> SettingEngine {
    let relay_wait = match policy {
        IceTransportPolicy::All => platform.relay_wait,
        // Nothing better comes; the rest is for the relay that answers first not to be the worst.
        IceTransportPolicy::Relay => platform.relay_wait.min(RELAY_ONLY_WAIT),
    };
    let max_message_size = u32::try_from(platform.largest_message()).unwrap_or(u32::MAX);
    let settings = SettingEngineBuilder::new()
        // One multicast socket a connection less; the link asks for the names in a browser's candidates.
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_timeouts(
            Some(platform.disconnected_timeout),
            // Never: it would give up connecting after the same time, and it is for the core to say when a peer is lost.
            // docs/upstream.md, "one failed timeout for two things".
            Some(Duration::ZERO),
            Some(platform.keepalive_interval),
        )
        // Checks are sent on this tick alone, and it is 200 ms where nothing is set.
        .with_ice_connection_attempts(Some(platform.check_interval), Some(CHECK_ATTEMPTS))
        // A check may be here before the candidate it belongs to; the pair is as good, but would wait 1 s.
        .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_srflx_acceptance_min_wait(Some(platform.srflx_wait))
        .with_relay_acceptance_min_wait(Some(relay_wait))
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(max_message_size))
        // The window is not announced again after it was closed, so it must not close. docs/upstream.md, "the window is
        // not announced again".
        .with_sctp_max_receive_buffer_size(platform.sctp_receive_buffer);
    match inspected {
        Some(provider) => settings.with_crypto_provider(provider).build(),
        None => settings.build(),
    }
}

/// Why none of these can be bound, which the crate keeps to itself: too many open files, or an address that is not there.
/// docs/upstream.md, "which address could not be bound".
fn cannot_bind(addresses: &[SocketAddr]) -> Option<ConnectFailure> {
    let mut errors = addresses.iter().map(|address| {
        let error = UdpSocket::bind(address).err()?;
        let why = format!("no socket could be opened at {address}: {error}");
        Some(ConnectFailure::Platform(why))
    });
    errors.next()?
}

fn platform_failure(error: Error) -> ConnectFailure {
    ConnectFailure::Platform(error.to_string())
}

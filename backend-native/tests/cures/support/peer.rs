//! A bare connection of the `webrtc` crate with three negotiated channels, and how two of them are connected.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backend_native::testing::{LinkRuntime, SocketControl, SocketOptions};
use rtc::ice::mdns::MulticastDnsMode;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceCandidateInit, RTCPeerConnectionIceEvent, RTCPeerConnectionState, SettingEngineBuilder,
};

use super::within;

/// Settings of the crate that cure something, as the backend chooses them or as the crate has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// How often ICE checks; 200 ms in the crate.
    pub(crate) check_interval: Option<Duration>,
    /// How long a peer-reflexive pair waits for a better one; 1 s in the crate.
    pub(crate) prflx_wait: Option<Duration>,
    /// What a peer may send before it must wait; 1 MiB in the crate.
    pub(crate) window: Option<u32>,
    /// Bytes a channel takes before a send waits; no limit in the crate.
    pub(crate) send_limit: Option<usize>,
}

impl Settings {
    /// The crate's.
    pub(crate) const NONE: Self = Self {
        check_interval: None,
        prflx_wait: None,
        window: None,
        send_limit: None,
    };

    /// The backend's.
    pub(crate) const ALL: Self = Self {
        check_interval: Some(Duration::from_millis(20)),
        prflx_wait: Some(Duration::ZERO),
        window: Some(16 * 1024 * 1024),
        send_limit: Some(256 * 1024),
    };

    pub(crate) fn engine(self) -> SettingEngineBuilder {
        let mut engine = SettingEngineBuilder::new()
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_prflx_acceptance_min_wait(self.prflx_wait);
        if self.check_interval.is_some() {
            engine = engine.with_ice_connection_attempts(self.check_interval, Some(50));
        }
        if let Some(window) = self.window {
            engine = engine.with_sctp_max_receive_buffer_size(window);
        }
        engine
    }
}

/// One side.
pub(crate) struct Peer {
    pub(crate) connection: Arc<dyn PeerConnection>,
    /// `reliable` 1, `ordered` 2, `unreliable` 3.
    pub(crate) channels: Vec<Arc<dyn DataChannel>>,
    pub(crate) control: SocketControl,
    candidates: Option<mpsc::UnboundedReceiver<RTCIceCandidateInit>>,
    pub(crate) states: mpsc::UnboundedReceiver<RTCPeerConnectionState>,
}

struct Handler {
    candidates: mpsc::UnboundedSender<RTCIceCandidateInit>,
    states: mpsc::UnboundedSender<RTCPeerConnectionState>,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let candidate = event.candidate.to_json().unwrap();
        let _ = self.candidates.send(candidate);
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let _ = self.states.send(state);
    }
}

impl Peer {
    pub(crate) async fn new(settings: Settings, options: SocketOptions) -> Self {
        Self::with_engine(settings, |engine| engine, options).await
    }

    /// With more settings of the crate.
    pub(crate) async fn with_engine(
        settings: Settings,
        engine: impl FnOnce(SettingEngineBuilder) -> SettingEngineBuilder,
        options: SocketOptions,
    ) -> Self {
        let (runtime, control) = LinkRuntime::new(Handle::current(), options);
        let (candidates, candidates_here) = mpsc::unbounded_channel();
        let (states, states_here) = mpsc::unbounded_channel();
        let mut builder = PeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_setting_engine(engine(settings.engine()).build())
            .with_handler(Arc::new(Handler { candidates, states }))
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .with_runtime(runtime);
        if let Some(limit) = settings.send_limit {
            builder = builder.with_data_channel_send_buffer_limit(limit);
        }
        let connection: Arc<dyn PeerConnection> = Arc::new(builder.build().await.unwrap());
        let mut channels = Vec::new();
        for (label, ordered, max_retransmits, id) in [
            ("reliable", true, None, 1),
            ("ordered", true, Some(0), 2),
            ("unreliable", false, Some(0), 3),
        ] {
            let init = RTCDataChannelInit {
                ordered,
                max_retransmits,
                negotiated: Some(id),
                ..Default::default()
            };
            channels.push(
                connection
                    .create_data_channel(label, Some(init))
                    .await
                    .unwrap(),
            );
        }
        Self {
            connection,
            channels,
            control,
            candidates: Some(candidates_here),
            states: states_here,
        }
    }

    pub(crate) fn reliable(&self) -> &Arc<dyn DataChannel> {
        &self.channels[0]
    }

    /// Makes an offer; the candidates that come with it.
    pub(crate) async fn gather(&mut self) -> Vec<String> {
        let offer = self.connection.create_offer(None).await.unwrap();
        self.connection.set_local_description(offer).await.unwrap();
        let mut all = self.candidates.take().unwrap();
        let mut found = Vec::new();
        // Nothing gathers for a second without a server to ask.
        while let Ok(Some(candidate)) = timeout(Duration::from_secs(1), all.recv()).await {
            found.push(candidate.candidate);
        }
        found.retain(|candidate| !candidate.is_empty());
        found
    }

    /// Until all channels are open.
    pub(crate) async fn opened(&self) {
        for channel in &self.channels {
            let event = channel.poll().await;
            assert!(matches!(event, Some(DataChannelEvent::OnOpen)), "{event:?}");
        }
        self.control.channels_open();
    }
}

/// Offer, answer and candidates; `a` offers.
pub(crate) async fn negotiate(a: &mut Peer, b: &mut Peer) {
    let offer = a.connection.create_offer(None).await.unwrap();
    a.connection
        .set_local_description(offer.clone())
        .await
        .unwrap();
    b.connection.set_remote_description(offer).await.unwrap();
    let answer = b.connection.create_answer(None).await.unwrap();
    b.connection
        .set_local_description(answer.clone())
        .await
        .unwrap();
    a.connection.set_remote_description(answer).await.unwrap();
    a.control.kick();
    b.control.kick();
    carry(a, b);
    carry(b, a);
}

/// Takes the candidates of one peer to the other as they come, as long as both are there.
fn carry(from: &mut Peer, to: &Peer) {
    let Some(mut candidates) = from.candidates.take() else {
        return;
    };
    let (connection, control) = (Arc::downgrade(&to.connection), to.control.clone());
    tokio::spawn(async move {
        while let Some(candidate) = candidates.recv().await {
            let Some(connection) = connection.upgrade() else {
                return;
            };
            // The empty one means that there are no more.
            if !candidate.candidate.is_empty() {
                connection.add_ice_candidate(candidate).await.unwrap();
                control.kick();
            }
        }
    });
}

/// Two connected peers and the time it took until all six ends of channels were open.
pub(crate) async fn connect(mut a: Peer, mut b: Peer) -> (Peer, Peer, Duration) {
    let start = tokio::time::Instant::now();
    negotiate(&mut a, &mut b).await;
    within(Duration::from_secs(30), async {
        tokio::join!(a.opened(), b.opened());
    })
    .await;
    (a, b, start.elapsed())
}

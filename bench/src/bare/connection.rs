//! One connection of the bare crate, with its three negotiated channels.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use bytes::BytesMut;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use tokio::sync::mpsc::UnboundedSender;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceCandidateInit, RTCIceServer, RTCIceTransportPolicy, RTCPeerConnectionIceEvent,
    RTCPeerConnectionState, RTCSessionDescription, SettingEngine, SettingEngineBuilder,
};

use crate::bare::runtime::LargeBuffers;
use crate::node::{Channel, Message};
use crate::settings::Settings;

/// Who takes what a node hears.
#[derive(Clone)]
pub(crate) enum Ear {
    /// A task a channel, which hands everything over to the application.
    Queue(UnboundedSender<Message>),
    /// Whoever polls the channels once they are open.
    Owner,
}

/// What a connection tells whoever connects it.
pub(crate) enum Note {
    Candidate(RTCIceCandidateInit),
    Connected,
    Failed,
    Open,
}

/// The crate awaits these on the task that drives the connection, so they only pass on.
struct Handler {
    notes: UnboundedSender<Note>,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        if let Ok(candidate) = event.candidate.to_json()
            && !candidate.candidate.is_empty()
        {
            let _ = self.notes.send(Note::Candidate(candidate));
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if state == RTCPeerConnectionState::Connected {
            let _ = self.notes.send(Note::Connected);
        } else if state == RTCPeerConnectionState::Failed {
            let _ = self.notes.send(Note::Failed);
        }
    }
}

/// A connection and its channels.
pub(crate) struct Connection {
    inner: Arc<dyn PeerConnection>,
    channels: [Arc<dyn DataChannel>; 3],
}

impl Connection {
    /// Binds a socket, makes the channels and starts the task of each; `to` is whom it connects to.
    pub(crate) async fn open(
        settings: &Settings,
        to: usize,
        ear: Ear,
        notes: UnboundedSender<Note>,
    ) -> Result<Self> {
        let mut configuration = RTCConfigurationBuilder::default();
        if let Some(relay) = &settings.relay {
            configuration = configuration
                .with_ice_servers(vec![RTCIceServer {
                    urls: vec![relay.url.clone()],
                    username: relay.username.clone(),
                    credential: relay.credential.clone(),
                }])
                .with_ice_transport_policy(RTCIceTransportPolicy::Relay);
        }
        let connection = PeerConnectionBuilder::new()
            .with_configuration(configuration.build())
            .with_setting_engine(engine(settings))
            .with_runtime(Arc::new(LargeBuffers {
                bytes: settings.socket_buffer,
            }))
            .with_handler(Arc::new(Handler {
                notes: notes.clone(),
            }))
            .with_udp_addrs(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))])
            .with_data_channel_send_buffer_limit(settings.sctp_send_limit)
            .build()
            .await?;
        let inner: Arc<dyn PeerConnection> = Arc::new(connection);
        let [reliable, ordered, unreliable] = Channel::ALL;
        let channels = [
            channel(&*inner, reliable).await?,
            channel(&*inner, ordered).await?,
            channel(&*inner, unreliable).await?,
        ];
        for channel in &channels {
            let channel = Arc::clone(channel);
            tokio::spawn(poll(channel, to, ear.clone(), notes.clone()));
        }
        Ok(Self { inner, channels })
    }

    pub(crate) async fn offer(&self) -> Result<RTCSessionDescription> {
        let offer = self.inner.create_offer(None).await?;
        self.inner.set_local_description(offer.clone()).await?;
        Ok(offer)
    }

    pub(crate) async fn answer(
        &self,
        offer: RTCSessionDescription,
    ) -> Result<RTCSessionDescription> {
        self.inner.set_remote_description(offer).await?;
        let answer = self.inner.create_answer(None).await?;
        self.inner.set_local_description(answer.clone()).await?;
        Ok(answer)
    }

    pub(crate) async fn accept(&self, answer: RTCSessionDescription) -> Result<()> {
        Ok(self.inner.set_remote_description(answer).await?)
    }

    pub(crate) async fn add_candidate(&self, candidate: RTCIceCandidateInit) -> Result<()> {
        Ok(self.inner.add_ice_candidate(candidate).await?)
    }

    /// Wakes the task that drives the connection, so that SCTP's first packet leaves now and not in 200 ms (native.md §2.1).
    pub(crate) async fn kick(&self) -> Result<()> {
        let [reliable, ..] = &self.channels;
        Ok(reliable.set_buffered_amount_low_threshold(0).await?)
    }

    pub(crate) async fn send(&self, channel: Channel, message: BytesMut) -> Result<()> {
        Ok(self.channel(channel).send(message).await?)
    }

    pub(crate) fn channel(&self, channel: Channel) -> &Arc<dyn DataChannel> {
        let [reliable, ordered, unreliable] = &self.channels;
        match channel {
            Channel::Reliable => reliable,
            Channel::Ordered => ordered,
            Channel::Unreliable => unreliable,
        }
    }

    pub(crate) async fn close(&self) {
        // An error means that it is closed already.
        let _ = self.inner.close().await;
    }
}

/// Takes what arrives, at once and always: a receiver that is late closes the window, and the crate does not say when it opens
/// again (native.md §2.4).
async fn poll(channel: Arc<dyn DataChannel>, from: usize, ear: Ear, notes: UnboundedSender<Note>) {
    while let Some(event) = channel.poll().await {
        if let DataChannelEvent::OnMessage(message) = event {
            let message = Message {
                from,
                bytes: message.data.freeze(),
            };
            // Before it is open nothing comes, so the owner misses nothing.
            if let Ear::Queue(queue) = &ear
                && queue.send(message).is_err()
            {
                return;
            }
        } else if matches!(event, DataChannelEvent::OnOpen) {
            let _ = notes.send(Note::Open);
            if matches!(ear, Ear::Owner) {
                return;
            }
        } else if matches!(event, DataChannelEvent::OnClose) {
            return;
        }
    }
}

async fn channel(connection: &dyn PeerConnection, which: Channel) -> Result<Arc<dyn DataChannel>> {
    let (label, id, ordered, max_retransmits) = match which {
        Channel::Reliable => ("reliable", 1, true, None),
        Channel::Ordered => ("ordered", 2, true, Some(0)),
        Channel::Unreliable => ("unreliable", 3, false, Some(0)),
    };
    let init = RTCDataChannelInit {
        ordered,
        max_packet_life_time: None,
        max_retransmits,
        protocol: String::new(),
        negotiated: Some(id),
    };
    connection
        .create_data_channel(label, Some(init))
        .await
        .with_context(|| format!("channel {label}"))
}

fn engine(settings: &Settings) -> SettingEngine {
    SettingEngineBuilder::new()
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_timeouts(
            Some(settings.disconnected_timeout),
            Some(settings.failed_timeout),
            Some(settings.keepalive_interval),
        )
        .with_ice_connection_attempts(Some(settings.check_interval), Some(settings.check_attempts))
        .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_srflx_acceptance_min_wait(Some(settings.srflx_wait))
        .with_relay_acceptance_min_wait(Some(settings.relay_wait))
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(settings.max_message_size))
        .with_sctp_max_receive_buffer_size(settings.sctp_receive_buffer)
        .build()
}

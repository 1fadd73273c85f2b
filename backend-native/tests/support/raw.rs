//! A peer that is no mesh: the `webrtc` crate as it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Context;

use async_trait::async_trait;
use bytes::BytesMut;
use mesh_core::{IceCandidate, SdpType, SessionDescription};
use tokio::runtime::{Builder, Runtime};
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceCandidateInit,
    RTCPeerConnectionIceEvent, RTCSessionDescription,
};
use webrtc::runtime::TokioRuntime;

use super::{Heard, Peer, RELIABLE, wait_until};

struct Handler {
    candidates: Sender<String>,
    in_band: Arc<AtomicUsize>,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let candidate = event.candidate.to_json().expect("a candidate");
        let _ = self.candidates.send(candidate.candidate);
    }

    async fn on_data_channel(&self, _: Arc<dyn DataChannel>) {
        self.in_band.fetch_add(1, Ordering::Relaxed);
    }
}

/// A side of ours that talks to a raw peer.
pub(crate) trait Ours {
    fn poll(&mut self, cx: &mut Context<'_>) -> Vec<Heard>;
    fn set_remote(&mut self, description: SessionDescription);
    fn add_candidate(&mut self, candidate: IceCandidate);
    /// Whether its first channel is open.
    fn is_open(&self) -> bool;
}

impl Ours for Peer {
    fn poll(&mut self, cx: &mut Context<'_>) -> Vec<Heard> {
        Self::poll(self, cx)
    }

    fn set_remote(&mut self, description: SessionDescription) {
        Self::set_remote(self, description);
    }

    fn add_candidate(&mut self, candidate: IceCandidate) {
        Self::add_candidate(self, candidate);
    }

    fn is_open(&self) -> bool {
        self.opened.contains(&RELIABLE)
    }
}

/// What a channel of a raw peer reported.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RawEvent {
    Opened,
    Message(Vec<u8>),
    Closed,
}

pub(crate) struct RawChannel {
    pub(crate) inner: Arc<dyn DataChannel>,
    events: Receiver<RawEvent>,
    pub(crate) seen: Vec<RawEvent>,
}

impl RawChannel {
    pub(crate) fn saw(&mut self, event: &RawEvent) -> bool {
        self.seen.extend(self.events.try_iter());
        self.seen.contains(event)
    }
}

/// The raw peer, on threads of its own.
pub(crate) struct Raw {
    pub(crate) runtime: Runtime,
    pub(crate) connection: Arc<dyn PeerConnection>,
    candidates: Receiver<String>,
    in_band: Arc<AtomicUsize>,
}

impl Raw {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads");
        let (sender, candidates) = channel();
        let in_band = Arc::default();
        let handler = Handler {
            candidates: sender,
            in_band: Arc::clone(&in_band),
        };
        let connection = runtime.block_on(async {
            let connection = PeerConnectionBuilder::new()
                .with_runtime(Arc::new(TokioRuntime))
                .with_handler(Arc::new(handler))
                .with_udp_addrs(vec!["127.0.0.1:0"])
                .build()
                .await
                .expect("a connection");
            Arc::new(connection) as Arc<dyn PeerConnection>
        });
        Self {
            runtime,
            connection,
            candidates,
            in_band,
        }
    }

    /// Makes a channel that is ordered and reliable: negotiated if it is given an id.
    pub(crate) fn channel(&self, label: &str, negotiated: Option<u16>) -> RawChannel {
        let init = RTCDataChannelInit {
            negotiated,
            ..RTCDataChannelInit::default()
        };
        self.channel_of(label, init)
    }

    /// Makes the three channels that every peer has, as Godot makes them.
    pub(crate) fn built_in(&self) -> [RawChannel; 3] {
        let sent_once = |ordered, id| RTCDataChannelInit {
            ordered,
            max_retransmits: Some(0),
            negotiated: Some(id),
            ..RTCDataChannelInit::default()
        };
        [
            self.channel("reliable", Some(1)),
            self.channel_of("ordered", sent_once(true, 2)),
            self.channel_of("unreliable", sent_once(false, 3)),
        ]
    }

    /// How many channels the far side has made in-band.
    pub(crate) fn in_band(&self) -> usize {
        self.in_band.load(Ordering::Relaxed)
    }

    /// Makes a channel.
    pub(crate) fn channel_of(&self, label: &str, init: RTCDataChannelInit) -> RawChannel {
        let inner = self
            .runtime
            .block_on(self.connection.create_data_channel(label, Some(init)))
            .expect("a channel");
        let (sender, events) = channel();
        let polled = Arc::clone(&inner);
        self.runtime.spawn(async move {
            while let Some(event) = polled.poll().await {
                let event = match event {
                    DataChannelEvent::OnOpen => RawEvent::Opened,
                    DataChannelEvent::OnMessage(message) => {
                        RawEvent::Message(message.data.to_vec())
                    }
                    DataChannelEvent::OnClose => RawEvent::Closed,
                    _ => continue,
                };
                let _ = sender.send(event);
            }
        });
        RawChannel {
            inner,
            events,
            seen: Vec::new(),
        }
    }

    pub(crate) fn send(&self, channel: &RawChannel, bytes: &[u8]) {
        self.runtime
            .block_on(channel.inner.send(BytesMut::from(bytes)))
            .expect("sent");
    }

    pub(crate) fn send_text(&self, channel: &RawChannel, text: &str) {
        self.runtime
            .block_on(channel.inner.send_text(text))
            .expect("sent");
    }

    /// Offers to `peer` and pumps until its first channel is open.
    pub(crate) fn connect(&self, peer: &mut impl Ours) {
        self.connect_saying("", peer);
    }

    /// The same, with more lines in the session part of its offer.
    pub(crate) fn connect_saying(&self, lines: &str, peer: &mut impl Ours) {
        let offer = self.runtime.block_on(async {
            let offer = self.connection.create_offer(None).await.expect("an offer");
            let applied = self.connection.set_local_description(offer.clone()).await;
            applied.expect("applied");
            offer
        });
        peer.set_remote(SessionDescription {
            sdp_type: SdpType::Offer,
            sdp: offer.sdp.replacen("m=", &format!("{lines}m="), 1),
        });
        self.wait(peer, "connected", |peer| peer.is_open());
    }

    /// Carries signals until `done`.
    pub(crate) fn wait<P: Ours>(
        &self,
        peer: &mut P,
        what: &str,
        mut done: impl FnMut(&mut P) -> bool,
    ) {
        let waker = super::unpark_me();
        let mut cx = Context::from_waker(&waker);
        wait_until(what, || {
            for heard in peer.poll(&mut cx) {
                self.tell(heard);
            }
            for candidate in self.candidates.try_iter() {
                peer.add_candidate(IceCandidate {
                    sdp_mid: String::from("0"),
                    sdp_m_line_index: 0,
                    candidate,
                });
            }
            done(peer) || {
                // What this peer does wakes nobody here.
                std::thread::park_timeout(std::time::Duration::from_millis(5));
                waker.wake_by_ref();
                false
            }
        });
    }

    fn tell(&self, heard: Heard) {
        self.runtime.block_on(async {
            match heard {
                Heard::Description(description) => {
                    let answer = RTCSessionDescription::answer(description.sdp).expect("an answer");
                    let applied = self.connection.set_remote_description(answer).await;
                    applied.expect("applied");
                }
                Heard::Candidate(candidate) => {
                    let candidate = RTCIceCandidateInit {
                        candidate: candidate.candidate,
                        sdp_mid: Some(candidate.sdp_mid),
                        sdp_mline_index: Some(candidate.sdp_m_line_index),
                        username_fragment: None,
                        url: None,
                    };
                    let applied = self.connection.add_ice_candidate(candidate).await;
                    applied.expect("applied");
                }
            }
        });
    }
}

//! A peer that is no mesh: the `webrtc` crate as it is.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

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

struct Handler(Sender<String>);

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let candidate = event.candidate.to_json().expect("a candidate");
        let _ = self.0.send(candidate.candidate);
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
}

impl Raw {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads");
        let (sender, candidates) = channel();
        let connection = runtime.block_on(async {
            let connection = PeerConnectionBuilder::new()
                .with_runtime(Arc::new(TokioRuntime))
                .with_handler(Arc::new(Handler(sender)))
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
        }
    }

    /// Makes a channel: negotiated if it is given an id.
    pub(crate) fn channel(&self, label: &str, negotiated: Option<u16>) -> RawChannel {
        let init = RTCDataChannelInit {
            negotiated,
            ..RTCDataChannelInit::default()
        };
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

    /// Offers to `peer` and pumps until its first channel is open.
    pub(crate) fn connect(&self, peer: &mut Peer) {
        let offer = self.runtime.block_on(async {
            let offer = self.connection.create_offer(None).await.expect("an offer");
            let applied = self.connection.set_local_description(offer.clone()).await;
            applied.expect("applied");
            offer
        });
        peer.set_remote(SessionDescription {
            sdp_type: SdpType::Offer,
            sdp: offer.sdp,
        });
        self.wait(peer, "connected", |peer| peer.opened.contains(&RELIABLE));
    }

    /// Carries signals until `done`.
    pub(crate) fn wait(
        &self,
        peer: &mut Peer,
        what: &str,
        mut done: impl FnMut(&mut Peer) -> bool,
    ) {
        let waker = super::unpark_me();
        let mut cx = std::task::Context::from_waker(&waker);
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

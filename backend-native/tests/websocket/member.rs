//! A member of a lobby: a client on a real connection, by the machine's clock.

use std::future::poll_fn;
use std::time::Duration;

use backend_native::WebSocketTransport;
use mesh_core::{IceCandidate, Instant, LobbyEvent, PeerId, Signal, Signaling, SignalingEvent};
use signaling::{Client, JoinRequest};
use signaling_server::{AddressLimits, Config, ResumeKey, Server};

use crate::support::{connect, within};

pub(crate) struct Member {
    client: Client<WebSocketTransport>,
    start: std::time::Instant,
}

impl Member {
    /// Joins `demo`; it has its seat, and has been told of everybody.
    pub(crate) async fn join(url: &str) -> Self {
        let mut member = Self {
            client: Client::new(connect(url), JoinRequest::mesh("demo")),
            start: std::time::Instant::now(),
        };
        let complete = SignalingEvent::Lobby(LobbyEvent::Complete);
        while member.next().await != complete {}
        member
    }

    pub(crate) fn id(&self) -> PeerId {
        self.client.id().expect("it is in")
    }

    fn now(&self) -> Instant {
        let micros = self.start.elapsed().as_micros();
        Instant::from_micros(u64::try_from(micros).expect("a short test"))
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> SignalingEvent {
        within(async {
            loop {
                let due = self.client.poll_timeout();
                let until_due = due.map_or(Duration::MAX, |due| due - self.now());
                let polled = poll_fn(|cx| {
                    let now = self.now();
                    self.client.poll_event(now, cx)
                });
                if let Ok(event) = tokio::time::timeout(until_due, polled).await {
                    return event;
                }
            }
        })
        .await
    }

    /// The next event but those of members that come and go.
    pub(crate) async fn next_of_its_own(&mut self) -> SignalingEvent {
        loop {
            match self.next().await {
                SignalingEvent::PeerJoined(_) | SignalingEvent::PeerLeft(_) => {}
                event @ (SignalingEvent::Joined { .. }
                | SignalingEvent::Signal { .. }
                | SignalingEvent::Sealed
                | SignalingEvent::Lobby(_)
                | SignalingEvent::Interrupted { .. }
                | SignalingEvent::Resumed
                | SignalingEvent::Lost { .. }
                | _) => return event,
            }
        }
    }

    /// Tells another member something, which is as good as a candidate.
    pub(crate) fn tell(&mut self, to: PeerId, words: &str) {
        let (now, signal) = (self.now(), signal(words));
        self.client.send(now, to, signal).expect("it is in");
    }

    /// Waits until it hears this of another member.
    pub(crate) async fn hears(&mut self, from: PeerId, words: &str) {
        let signal = signal(words);
        assert_eq!(
            self.next_of_its_own().await,
            SignalingEvent::Signal { from, signal }
        );
    }

    /// Goes on, whatever comes, for as long as this takes.
    pub(crate) async fn goes_on(&mut self, meanwhile: impl Future<Output = ()>) {
        let going_on = async {
            loop {
                self.next().await;
            }
        };
        tokio::select! {
            () = meanwhile => {}
            () = going_on => {}
        }
    }
}

fn signal(words: &str) -> Signal {
    Signal::Candidate(IceCandidate {
        sdp_mid: "0".to_owned(),
        sdp_m_line_index: 0,
        candidate: words.to_owned(),
    })
}

/// A server whose members find their seats at each server with the same key.
pub(crate) async fn server(key: &ResumeKey, drain_to: Option<String>) -> Server {
    server_at(([127, 0, 0, 1], 0).into(), key, drain_to).await
}

pub(crate) async fn server_at(
    address: std::net::SocketAddr,
    key: &ResumeKey,
    drain_to: Option<String>,
) -> Server {
    let config = Config {
        address: AddressLimits::unlimited(),
        resume_key: Some(key.clone()),
        close_deadline: Duration::from_millis(200),
        drain_to,
        ..Config::default()
    };
    Server::bind(address, config).await.expect("a free port")
}

pub(crate) fn url(server: &Server) -> String {
    format!("ws://{}", server.local_addr())
}

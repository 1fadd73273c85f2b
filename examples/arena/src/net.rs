//! All of the game's networking: how it joins, what it hears and what it says. The rest of the game sees no connection.
//!
//! It is the same natively and in the browser. Call [`Net::poll`] once a frame until it gives `None`, and [`Net::send`] whenever
//! there is something to say. The session connects everybody to everybody by itself, and comes back by itself.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use webrtc_multiplayer::mesh_core::{Backend, PeerStats, Session, Signaling};
use webrtc_multiplayer::signaling::{Client, JoinRequest};
use webrtc_multiplayer::{
    Conditioned, DisconnectReason, Disturbance, Duration, Event, IceServer, JoinError, LobbyEvent,
    LostReason, PeerId, PlatformBackend, PlatformConfig, SessionConfig, Target, WebSocketTransport,
};

use crate::message::Message;
use crate::plug::Plug;

/// What the public list says of a lobby of this game, so that servers can have those of others, too.
pub(crate) const LOBBY_DATA: &str = r#"{"game":"arena"}"#;
/// How many play in one lobby at most.
const PLAYERS: u32 = 8;
/// How long somebody who does not answer may come back. The library's own 25 s are long for rounds of 30 s.
const RESUME: Duration = Duration::from_secs(15);

/// The networking of a game that is played for real: on this platform, over a WebSocket.
pub(crate) type LiveNet = Net<PlatformBackend, Client<Plug<WebSocketTransport>>>;

/// Where to play.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The signaling server.
    pub(crate) url: String,
    /// The lobby; whoever comes first makes it. Empty: the server names a new one.
    pub(crate) lobby: String,
    /// Whether a lobby that is made is on the server's public list.
    pub(crate) is_public: bool,
    /// STUN servers, for players in different networks.
    pub(crate) stun: Vec<String>,
}

/// What has happened, as far as the game is concerned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    /// The server has taken us in.
    Joined { id: PeerId, lobby: String },
    /// We are connected with somebody.
    Came(PeerId),
    /// Somebody is gone.
    Gone(PeerId, String),
    /// Somebody does not answer for now (`true`), or does again (`false`).
    Interrupted(PeerId, bool),
    /// Somebody is in the lobby, and no connection with it could be made.
    Unconnectable(PeerId, String),
    /// Somebody says something.
    Heard(PeerId, Message),
    /// Who leads the lobby has changed.
    Host(PeerId),
    /// The server cannot be reached for now (`true`), or can again (`false`). The game goes on.
    ServerAway(bool),
    /// The server is gone for good. The game goes on, and nobody new can join.
    ServerLost(LostReason),
}

/// The players of a lobby, and what is said between them.
pub(crate) struct Net<B, S> {
    session: Session<Conditioned<B>, S>,
    disturbance: Disturbance,
    /// Whether our server is to be out of reach.
    unplugged: Option<Arc<AtomicBool>>,
}

impl LiveNet {
    /// Begins to join. [`News::Joined`] or [`News::ServerLost`] follows.
    pub(crate) fn join(place: &Place) -> Result<Self, JoinError> {
        let backend = PlatformBackend::new(PlatformConfig::default())?;
        let (transport, unplugged) = Plug::new(backend.websocket(&place.url)?);
        let request = JoinRequest {
            max_players: Some(PLAYERS),
            is_listed: place.is_public,
            // The round survives anybody's leaving, and so does the lobby.
            host_migration: true,
            ..JoinRequest::mesh(place.lobby.trim())
        };
        let servers = place.stun.iter().map(IceServer::stun).collect();
        let mut net = Self::new(backend, Client::new(transport, request), servers);
        net.unplugged = Some(unplugged);
        Ok(net)
    }
}

impl<B: Backend, S: Signaling> Net<B, S> {
    /// Over any backend and any signaling: the tests bring a network in memory.
    pub(crate) fn new(backend: B, signaling: S, ice_servers: Vec<IceServer>) -> Self {
        let mut config = SessionConfig::default();
        config.link.ice_servers = ice_servers;
        config.mesh.resume_window = RESUME;
        config.max_peers = PLAYERS as usize;
        // Here one can try a bad connection. A game that does without takes `Lobby::join`, which is shorter.
        let backend = Conditioned::new(backend, 1);
        Self {
            session: Session::new(backend, signaling, config),
            disturbance: Disturbance::default(),
            unplugged: None,
        }
    }

    /// What has happened since the last frame, one by one.
    pub(crate) fn poll(&mut self) -> Option<News> {
        // What is of no interest to the game is passed over.
        loop {
            let news = news(self.session.poll()?);
            if matches!(
                news,
                Some(News::Joined {
                    id: PeerId::SERVER,
                    ..
                })
            ) {
                // Who has made the lobby says what it is. A server that knows no such thing does without.
                let _ = self.session.set_lobby_data(LOBBY_DATA);
            }
            if news.is_some() {
                return news;
            }
        }
    }

    /// Says something to everybody, or to one. Somebody who is too slow for it, or interrupted, does without: the next place
    /// comes soon, and what is reliable is kept.
    pub(crate) fn send(&mut self, to: impl Into<Target>, message: &Message) {
        let _ = self.session.send(to, message.mode(), message.write());
    }

    /// Says to everybody what is no message.
    #[cfg(test)]
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        let mode = webrtc_multiplayer::TransferMode::Reliable;
        let _ = self.session.send(Target::All, mode, bytes.to_vec());
    }

    /// Leaves, and tells the others so. Keep polling for a moment.
    pub(crate) fn leave(&mut self) {
        let _told = self.session.leave_with_reason("has left the game");
    }

    /// Our own id, once we are in the lobby.
    pub(crate) fn own(&self) -> Option<PeerId> {
        self.session.unique_id()
    }

    /// Who is connected.
    pub(crate) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.session.connected_peers()
    }

    /// The figures of a connection.
    pub(crate) fn stats(&self, peer: PeerId) -> Option<PeerStats> {
        self.session.stats(peer)
    }

    /// How bad our connection is made.
    pub(crate) const fn disturbance(&self) -> Disturbance {
        self.disturbance
    }

    /// Makes our connection bad, or good again.
    pub(crate) fn set_disturbance(&mut self, disturbance: Disturbance) {
        self.disturbance = disturbance;
        let backend = self.session.multiplayer_mut().backend_mut();
        backend.set_disturbance(disturbance);
    }

    /// Cuts our network for a while.
    pub(crate) fn cut_for(&mut self, span: Duration) {
        let backend = self.session.multiplayer_mut().backend_mut();
        backend.cut_for(span);
    }

    /// Whether our network is cut.
    pub(crate) fn is_cut(&self) -> bool {
        self.session.multiplayer().backend().is_cut()
    }

    /// What unplugs our way to the server, where there is such a thing.
    pub(crate) const fn plug(&self) -> Option<&Arc<AtomicBool>> {
        self.unplugged.as_ref()
    }
}

/// What an event of the session means to the game.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest is of no interest to this game"
)]
fn news(event: Event) -> Option<News> {
    Some(match event {
        Event::Joined { id, lobby, .. } => News::Joined { id, lobby },
        Event::PeerConnected(peer) => News::Came(peer),
        Event::PeerDisconnected { peer, reason } => News::Gone(peer, words(&reason)),
        Event::PeerFailed { peer, reason } => News::Unconnectable(peer, words(&reason)),
        Event::PeerInterrupted(peer) => News::Interrupted(peer, true),
        Event::PeerResumed(peer) => News::Interrupted(peer, false),
        // A peer can send anything; what is no message of this game is dropped.
        Event::Packet(packet) => {
            let message = Message::read(packet.payload.bytes())?;
            News::Heard(packet.from, message)
        }
        Event::Lobby(LobbyEvent::Host(peer)) => News::Host(peer),
        Event::SignalingInterrupted(_) => News::ServerAway(true),
        Event::SignalingResumed => News::ServerAway(false),
        Event::SignalingLost(reason) => News::ServerLost(reason),
        _ => return None,
    })
}

/// Why somebody is gone, for the one who reads it in the arena.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's own words for the rest are good enough"
)]
fn words(reason: &DisconnectReason) -> String {
    match reason {
        DisconnectReason::Closed | DisconnectReason::PageLeft => "left".to_owned(),
        DisconnectReason::Left(why) => why.text().to_owned(),
        DisconnectReason::Lost => "does not answer any more".to_owned(),
        other => other.to_string(),
    }
}

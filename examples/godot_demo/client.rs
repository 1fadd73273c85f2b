//! The demo's client: its WebSocket messages on one side, the multiplayer class on the other.

use std::error::Error;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use webrtc_multiplayer::signaling::{
    MAX_NOTICE_SIZE, Message, Notice, Request, Transport, TransportEvent, decode, encode,
    signal_data, signal_from_data,
};
use webrtc_multiplayer::{
    ConnectionId, Event, LinkConfig, LostReason, MeshConfig, Multiplayer, PeerId, PlatformBackend,
    PlatformConfig, Signal, Topology, WebSocketTransport,
};

/// How long accepted messages may hold a leave up.
const LINGER: Duration = Duration::from_millis(200);

/// A WebSocket to the demo's server, and the mesh it makes.
pub(crate) struct Client {
    mesh: Multiplayer,
    socket: WebSocketTransport,
    lobby: String,
}

/// What a game hears.
pub(crate) enum News {
    /// We are in the lobby.
    Joined { id: PeerId, lobby: String },
    /// Nobody else is taken.
    Sealed,
    /// The server is gone; who is connected stays so.
    SignalingLost(LostReason),
    /// Anything of the mesh but descriptions and candidates.
    Mesh(Event),
}

impl Client {
    pub(crate) fn new(url: &str, lobby: &str) -> Result<Self, Box<dyn Error>> {
        let backend = PlatformBackend::new(PlatformConfig::default())?;
        let socket = backend.websocket(url)?;
        Ok(Self {
            mesh: Multiplayer::new(backend, MeshConfig::default()),
            socket,
            lobby: lobby.to_owned(),
        })
    }

    pub(crate) fn mesh(&mut self) -> &mut Multiplayer {
        &mut self.mesh
    }

    /// Until it gives `None`, once a frame: first what the server says, then what the mesh does.
    pub(crate) fn poll(&mut self) -> Result<Option<News>, Box<dyn Error>> {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(event) = self.socket.poll_event(&mut cx) {
            match event {
                TransportEvent::Opened => {
                    let lobby = self.lobby.clone();
                    let topology = Topology::Mesh;
                    self.ask(Request::Join {
                        lobby,
                        topology,
                        extension: None,
                    })?;
                }
                TransportEvent::Text(text) => {
                    let message = decode(&text, MAX_NOTICE_SIZE)?;
                    if let Some(news) = self.heed(Notice::try_from(message)?)? {
                        return Ok(Some(news));
                    }
                }
                TransportEvent::Closed { reason } => {
                    if self.mesh.unique_id().is_none() {
                        return Err(reason.to_string().into());
                    }
                    return Ok(Some(News::SignalingLost(reason)));
                }
                _ => {}
            }
        }
        while let Some(event) = self.mesh.poll() {
            if let Some(news) = self.pass_on(event)? {
                return Ok(Some(news));
            }
        }
        Ok(None)
    }

    /// One message of the server: the demo's seven signals.
    fn heed(&mut self, notice: Notice) -> Result<Option<News>, Box<dyn Error>> {
        match notice {
            Notice::Id { id, topology } => self.set_up(id, topology)?,
            Notice::Joined { lobby } => {
                let id = self.mesh.unique_id().ok_or("a lobby, and no id before")?;
                return Ok(Some(News::Joined { id, lobby }));
            }
            Notice::PeerConnect { peer, .. } => self.meet(peer)?,
            Notice::PeerDisconnect(peer) => self.part(peer),
            Notice::Relayed {
                kind, from, data, ..
            } => {
                if let (Some(peer), Ok(signal)) =
                    (self.mesh.peer(from), signal_from_data(kind, data))
                {
                    self.apply(peer.connection, signal);
                }
            }
            Notice::Sealed => return Ok(Some(News::Sealed)),
            // Of our extension, or of a later protocol.
            Notice::Welcome { .. } | Notice::PeerResumed(_) | Notice::Pong | _ => {}
        }
        Ok(None)
    }

    /// A member has left the lobby. One that is connected says goodbye itself, after its last messages.
    fn part(&mut self, peer: PeerId) {
        if !self.mesh.mesh().is_connected(peer) {
            self.mesh.remove_peer(peer);
        }
    }

    /// As the lobby is: its first member chose.
    fn set_up(&mut self, id: PeerId, topology: Topology) -> Result<(), Box<dyn Error>> {
        match topology {
            Topology::Mesh => self.mesh.create_mesh(id, &[])?,
            Topology::ClientServer if id.is_server() => self.mesh.create_server(&[])?,
            Topology::ClientServer => self.mesh.create_client(id, &[])?,
        }
        Ok(())
    }

    /// A connection for a new member; of two, the one with the higher id offers.
    fn meet(&mut self, peer: PeerId) -> Result<(), Box<dyn Error>> {
        let connection = self.mesh.create_connection(LinkConfig::default());
        if self.mesh.add_peer(connection, peer, None).is_err() {
            // In a star, some servers tell a client of the other clients, too.
            self.mesh.close_connection(connection);
            return Ok(());
        }
        if self.mesh.unique_id() > Some(peer) {
            self.mesh.create_offer(connection)?;
        }
        Ok(())
    }

    /// What another member sent. An offer is answered without being asked.
    fn apply(&mut self, connection: ConnectionId, signal: Signal) {
        // The fault of the member who wrote it: it will not connect, and that is all.
        let _ = match signal {
            Signal::Description(description) => {
                self.mesh.set_remote_description(connection, description)
            }
            Signal::Candidate(candidate) => self.mesh.add_ice_candidate(connection, candidate),
        };
    }

    /// Descriptions and candidates go to the server, everything else to the game.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is no signal is the game's, also what is new"
    )]
    fn pass_on(&mut self, event: Event) -> Result<Option<News>, Box<dyn Error>> {
        let (connection, signal) = match event {
            Event::Description {
                connection,
                description,
            } => (connection, Signal::Description(description)),
            Event::Candidate {
                connection,
                candidate,
            } => (connection, Signal::Candidate(candidate)),
            event => return Ok(Some(News::Mesh(event))),
        };
        if let Some(peer) = self.mesh.mesh().peer_of(connection) {
            let (kind, data) = signal_data(&signal)?;
            let to = peer.get();
            // Fails where the server is gone: then nobody new can join, and the game goes on.
            let _ = self.ask(Request::Relay {
                kind,
                to,
                data,
                number: None,
            });
        }
        Ok(None)
    }

    fn ask(&mut self, request: Request) -> Result<(), Box<dyn Error>> {
        Ok(self.socket.send(encode(&Message::from(request)))?)
    }

    pub(crate) fn leave(&mut self) {
        self.mesh.close_lingering(LINGER);
        self.socket.close();
    }
}

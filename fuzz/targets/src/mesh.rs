//! A mesh with one peer, whose descriptions and messages are those of the input.

use std::iter::from_fn;

use mesh_core::{
    Capabilities, ChannelIndex, Command, ConnectionState, DisconnectReason, Event, Instant,
    LinkConfig, LinkEvent, LinkId, Mesh, MeshConfig, Payload, PeerId, SdpType, SessionDescription,
    Signal,
};

/// The stream of transfers.
const TRANSFERS: u16 = 1002;

/// What a description of a peer of ours needs, and what it says besides in its session part.
fn description(sdp_type: SdpType, lines: &str) -> SessionDescription {
    let sdp = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\na=webrtc-multiplayer:2\r\n{lines}\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\na=max-message-size:262144\r\n"
    );
    SessionDescription { sdp_type, sdp }
}

pub(crate) struct Duo {
    pub(crate) mesh: Mesh,
    pub(crate) peer: PeerId,
    link: LinkId,
    now: Instant,
    transfers: Option<ChannelIndex>,
    /// Why the peer is gone, if it is.
    pub(crate) end: Option<DisconnectReason>,
    /// What our own description says.
    pub(crate) said: String,
}

impl Duo {
    /// A peer whose offer has these lines in its session part. It need not have become connected.
    pub(crate) fn new(lines: &str) -> Option<Self> {
        let config = MeshConfig {
            max_transfer: 1 << 20,
            inbox_bytes: 1 << 20,
            ..MeshConfig::default()
        };
        let capabilities = Capabilities {
            coalesces: true,
            ..Capabilities::default()
        };
        let mut mesh = Mesh::new(config, capabilities);
        mesh.set_replacements(true);
        let (own, peer) = (PeerId::new(2).ok()?, PeerId::new(3).ok()?);
        mesh.create_mesh(own, &[]).ok()?;
        let link = mesh.create_connection(LinkConfig::default());
        let now = Instant::from_micros(1);
        mesh.add_peer(now, link, peer, None).ok()?;
        let mut duo = Self {
            mesh,
            peer,
            link,
            now,
            transfers: None,
            end: None,
            said: String::new(),
        };
        let offer = description(SdpType::Offer, lines);
        duo.mesh.set_remote_description(link, offer).ok()?;
        let description = description(SdpType::Answer, "");
        duo.happens(LinkEvent::Description { link, description });
        while let Some((_, signal)) = duo.mesh.poll_signal() {
            if let Signal::Description(description) = signal {
                duo.said = description.sdp;
            }
        }
        let state = ConnectionState::Connected;
        duo.happens(LinkEvent::State { link, state });
        let commands: Vec<_> = from_fn(|| duo.mesh.poll_command()).collect();
        for command in commands {
            if let Command::CreateChannel { channel, spec, .. } = command {
                let actual = spec.parameters;
                if actual.id == TRANSFERS {
                    duo.transfers = Some(channel);
                }
                duo.happens(LinkEvent::ChannelOpened {
                    link,
                    channel,
                    remote: false,
                    actual,
                });
            }
        }
        Some(duo)
    }

    /// The same of lines that are as they should be: the peer is connected.
    pub(crate) fn connected(lines: &str) -> Option<Self> {
        let mut duo = Self::new(lines)?;
        let connected = Event::PeerConnected(duo.peer);
        assert_eq!(duo.told(), [connected]);
        Some(duo)
    }

    fn happens(&mut self, event: LinkEvent) {
        self.mesh.handle_event(self.now, event);
    }

    /// The peer's next message on a channel.
    pub(crate) fn says(&mut self, channel: ChannelIndex, payload: Payload) {
        let link = self.link;
        self.happens(LinkEvent::Message {
            link,
            channel,
            payload,
        });
    }

    /// The same on that of transfers.
    pub(crate) fn transfers(&mut self, payload: Payload) {
        if let Some(channel) = self.transfers {
            self.says(channel, payload);
        }
    }

    /// Carries out nothing of what the mesh wants, and gives what it tells the game.
    pub(crate) fn told(&mut self) -> Vec<Event> {
        while self.mesh.poll_command().is_some() {}
        while self.mesh.poll_transmit(self.now).is_some() {}
        let told: Vec<_> = from_fn(|| self.mesh.poll_event()).collect();
        for event in &told {
            if let Event::PeerDisconnected { reason, .. } | Event::PeerFailed { reason, .. } = event
            {
                self.end = Some(reason.clone());
            }
        }
        told
    }

    /// Whether the peer is gone, and has broken a rule if it is.
    pub(crate) fn is_over(&self) -> bool {
        let is_its_fault = |reason: &DisconnectReason| {
            matches!(
                reason,
                DisconnectReason::Protocol(_) | DisconnectReason::InboxFull
            )
        };
        assert!(self.end.as_ref().is_none_or(is_its_fault), "{:?}", self.end);
        self.end.is_some()
    }
}

/// The lines of a peer's offer in which it says what its mesh has, and which our mesh reads; and a message on each channel after it.
pub(crate) fn lines(input: &[u8]) {
    let Ok(lines) = str::from_utf8(input) else {
        return;
    };
    let Some(mut duo) = Duo::new(lines) else {
        return;
    };
    // What we say ourselves depends on nothing but this, and on the life that is named.
    assert!(duo.said.is_empty() || duo.said.contains("a=webrtc-multiplayer-batches:"));
    for channel in (0..3).map(ChannelIndex) {
        duo.says(channel, Payload::from("hello"));
    }
    duo.transfers(Payload::from("begin 1 3 x"));
    duo.transfers(Payload::from(b"abc".as_slice()));
    let _ = duo.mesh.offers_replacement(duo.peer, lines);
    let _ = duo
        .mesh
        .send_transfer(duo.now, duo.peer, "ours", vec![0; 100_000]);
    let told = duo.told();
    let packets = told
        .iter()
        .filter(|event| matches!(event, Event::Packet(_)));
    assert!(packets.count() <= 3);
}

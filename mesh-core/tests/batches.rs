//! What a mesh says of batches, and what it makes of those that come.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

use mesh_core::{
    Capabilities, ChannelIndex, Command, ConnectionId, ConnectionState, DisconnectReason, Event,
    Instant, LinkConfig, LinkEvent, Mesh, MeshConfig, Payload, PeerId, SdpType, SendError,
    SessionDescription, Signal, Target,
};

/// One of one message that begins with the mark, and the message.
const WRAPPED: &[u8] = b"\xf8BAT\0\xf8BATman";
const MARKED: &[u8] = b"\xf8BATman";

const RELIABLE: ChannelIndex = ChannelIndex(0);

fn at(millis: u64) -> Instant {
    Instant::from_micros(1 + millis * 1000)
}

fn description(sdp_type: SdpType, far: Option<&str>) -> SessionDescription {
    let line = far.map(|word| format!("a=webrtc-multiplayer-batches:{word}\r\n"));
    let line = line.unwrap_or_default();
    let sdp = format!(
        "v=0\r\na=webrtc-multiplayer:2\r\n{line}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\na=max-message-size:2000\r\n"
    );
    SessionDescription { sdp_type, sdp }
}

/// A mesh with a peer whose description says this of batches.
struct Duo {
    mesh: Mesh,
    link: ConnectionId,
    commands: Vec<Command>,
    /// What our side says.
    said: String,
}

fn peer() -> PeerId {
    PeerId::new(3).unwrap()
}

impl Duo {
    fn new(coalesces: bool, coalesce: bool, far: Option<&str>) -> Self {
        let config = MeshConfig {
            coalesce,
            ..MeshConfig::default()
        };
        let capabilities = Capabilities {
            coalesces,
            ..Capabilities::default()
        };
        let mut mesh = Mesh::new(config, capabilities);
        mesh.create_mesh(PeerId::new(2).unwrap(), &[]).unwrap();
        let link = mesh.create_connection(LinkConfig::default());
        mesh.add_peer(at(0), link, peer(), None).unwrap();
        mesh.set_remote_description(link, description(SdpType::Offer, far))
            .unwrap();
        let description = description(SdpType::Answer, None);
        mesh.handle_event(at(10), LinkEvent::Description { link, description });
        let said = match mesh.poll_signal() {
            Some((_, Signal::Description(said))) => said.sdp,
            other => unreachable!("{other:?}"),
        };
        let state = ConnectionState::Connected;
        mesh.handle_event(at(20), LinkEvent::State { link, state });
        let commands: Vec<_> = std::iter::from_fn(|| mesh.poll_command()).collect();
        for command in &commands {
            if let Command::CreateChannel { channel, spec, .. } = command {
                let opened = LinkEvent::ChannelOpened {
                    link,
                    channel: *channel,
                    remote: false,
                    actual: spec.parameters,
                };
                mesh.handle_event(at(30), opened);
            }
        }
        assert_eq!(mesh.poll_event(), Some(Event::PeerConnected(peer())));
        Self {
            mesh,
            link,
            commands,
            said,
        }
    }

    fn may_coalesce(&self) -> bool {
        let command = Command::Coalesce { link: self.link };
        self.commands.contains(&command)
    }

    fn comes(&mut self, bytes: &[u8]) {
        let message = LinkEvent::Message {
            link: self.link,
            channel: RELIABLE,
            payload: Payload::from(bytes),
        };
        self.mesh.handle_event(at(40), message);
    }

    /// What the game hears.
    fn heard(&mut self) -> Vec<Vec<u8>> {
        let events = std::iter::from_fn(|| self.mesh.poll_event());
        let packets = events.map(|event| match event {
            Event::Packet(packet) => packet.payload.bytes().to_vec(),
            other => unreachable!("{other:?}"),
        });
        packets.collect()
    }

    fn send(&mut self, length: usize) -> Result<usize, SendError> {
        let mut bytes = MARKED.to_vec();
        bytes.resize(length, 0);
        let target = Target::One(peer());
        let sent = self.mesh.send(at(50), target, RELIABLE, bytes.into());
        sent.map(|sent| sent.accepted)
    }
}

#[test]
fn a_backend_may_coalesce_where_everybody_agrees() {
    for far in ["sendrecv", "recvonly"] {
        assert!(Duo::new(true, true, Some(far)).may_coalesce(), "{far}");
    }
    for other in [None, Some("inactive")] {
        assert!(!Duo::new(true, true, other).may_coalesce(), "{other:?}");
    }
    assert!(!Duo::new(false, true, Some("sendrecv")).may_coalesce());
    assert!(!Duo::new(true, false, Some("sendrecv")).may_coalesce());
}

#[test]
fn the_description_says_it() {
    for (coalesces, word) in [(true, "sendrecv"), (false, "recvonly")] {
        let duo = Duo::new(coalesces, true, None);
        let line = format!("a=webrtc-multiplayer-batches:{word}\r\n");
        assert!(duo.said.contains(&line), "{}", duo.said);
    }
}

#[test]
fn a_batch_of_a_side_that_sends_them_comes_apart() {
    let mut duo = Duo::new(false, true, Some("sendrecv"));
    duo.comes(b"\xf8BAT\x01\0\x02ab\0\0\0\x01c");
    duo.comes(WRAPPED);
    duo.comes(b"plain");
    let heard = duo.heard();
    assert_eq!(heard, [&b"ab"[..], b"", b"c", MARKED, b"plain"]);
}

#[test]
fn the_messages_of_a_batch_are_counted_one_by_one() {
    let mut duo = Duo::new(false, true, Some("sendrecv"));
    let batch = [&b"\xf8BAT\x01"[..], &[2, 0], &[7; 512], &[0, 0], &[0, 1, 7]].concat();
    let told = (1..=100).find_map(|batches| {
        duo.comes(&batch);
        match duo.mesh.poll_command()? {
            Command::TellTaken { counts, .. } => Some((batches, counts)),
            other => unreachable!("{other:?}"),
        }
    });
    let (batches, counts) = told.unwrap();
    // It may be told in the middle of one.
    let of_the_last = |count: u64| (batches * 3 - 2..=batches * 3).contains(&count);
    let (_, count) = counts.iter().find(|(stream, _)| *stream == 1).unwrap();
    assert!(of_the_last(*count), "{batches}: {counts:?}");
}

#[test]
fn what_looks_like_a_batch_is_none_of_a_side_that_sends_none() {
    for far in [None, Some("recvonly")] {
        let mut duo = Duo::new(true, true, far);
        duo.comes(WRAPPED);
        assert_eq!(duo.heard(), [WRAPPED], "{far:?}");
    }
}

#[test]
fn a_broken_batch_ends_the_peer_with_the_reason() {
    let mut duo = Duo::new(false, true, Some("sendrecv"));
    duo.comes(b"\xf8BAT\x01\0\x05ab");
    let why = "a batch ends within a message".into();
    let reason = DisconnectReason::Protocol(why);
    let expected = Event::PeerDisconnected {
        peer: peer(),
        reason,
    };
    assert_eq!(duo.mesh.poll_event(), Some(expected));
}

#[test]
fn a_message_that_must_be_wrapped_has_room_for_it() {
    let mut duo = Duo::new(true, true, Some("recvonly"));
    assert_eq!(duo.send(1995), Ok(1));
    let (size, limit) = (1996, 1995);
    assert_eq!(duo.send(1996), Err(SendError::TooLarge { size, limit }));
    let mut duo = Duo::new(true, true, None);
    assert_eq!(duo.send(2000), Ok(1));
}

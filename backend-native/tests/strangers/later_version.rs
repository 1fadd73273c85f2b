//! A peer of a later version of our wire, which knows more than we do and says so.

use std::time::{Duration, Instant};

use mesh_core::{CloseReason, Command, ConnectionState, GivenReason, Goodbye, LinkEvent};
use webrtc::data_channel::RTCDataChannelInit;

use crate::opened_peer;
use crate::support::raw::{Raw, RawChannel, RawEvent};
use crate::support::{Peer, RELIABLE};

/// As `docs/wire.md` has it, but for the number.
const ANNOUNCEMENT: &str = "a=webrtc-multiplayer:3\r\n";

/// What a later version may have to say: kinds that are not known, and a string.
const UNKNOWN: [&[u8]; 3] = [&[0], &[6, 1, 2, 3], &[255]];

const PING: u8 = 1;
const PONG: u8 = 2;
const BYE: u8 = 3;

/// The raw peer with its channels, and ours.
struct Later {
    raw: Raw,
    peer: Peer,
    built_in: [RawChannel; 3],
    pulse: RawChannel,
    control: RawChannel,
}

impl Later {
    /// Both are connected, and it has said all that we do not understand.
    fn connected() -> Self {
        let raw = Raw::new();
        let built_in = raw.built_in();
        let pulse = RTCDataChannelInit {
            ordered: false,
            max_retransmits: Some(0),
            negotiated: Some(1000),
            ..RTCDataChannelInit::default()
        };
        let mut later = Self {
            peer: opened_peer(),
            built_in,
            pulse: raw.channel_of("pulse", pulse),
            control: raw.channel("control", Some(1001)),
            raw,
        };
        later.raw.connect_saying(ANNOUNCEMENT, &mut later.peer);
        later.wait("its channels", |later| {
            let all = later.built_in.iter_mut();
            let mut all = all.chain([&mut later.pulse, &mut later.control]);
            all.all(|channel| channel.saw(&RawEvent::Opened))
        });
        // A side that does not know yet that it is connected says no goodbye.
        later.wait("ours", |later| {
            later.peer.opened.len() == 3 && later.peer.state == ConnectionState::Connected
        });
        for channel in [&later.pulse, &later.control] {
            for message in UNKNOWN {
                later.raw.send(channel, message);
            }
            later.raw.send_text(channel, "of a later version");
        }
        later
    }

    fn wait(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + crate::support::PATIENCE;
        while !done(self) {
            let is_late = Instant::now() >= deadline;
            assert!(!is_late, "still waiting: {what}; {:?}", self.control.seen);
            let mut looks = 0;
            self.raw.wait(&mut self.peer, what, |_| {
                looks += 1;
                looks > 1
            });
        }
    }

    /// What has come on a channel of kind `kind`, first to last.
    fn heard(channel: &mut RawChannel, kind: u8) -> Vec<Vec<u8>> {
        let _ = channel.saw(&RawEvent::Closed);
        let messages = channel.seen.iter().filter_map(|event| match event {
            RawEvent::Message(bytes) if bytes.first() == Some(&kind) => Some(bytes.clone()),
            _ => None,
        });
        messages.collect()
    }

    /// Figures of ours.
    fn round_trip(&self) -> Option<Duration> {
        mesh_core::Backend::stats(&self.peer.backend, self.peer.link).round_trip
    }
}

#[test]
fn we_announce_our_own_version_to_it() {
    let later = Later::connected();
    let answer = &later.peer.descriptions[0].sdp;
    assert!(answer.contains("a=webrtc-multiplayer:2\r\n"), "{answer}");
}

#[test]
fn pulses_go_both_ways_with_it() {
    let mut later = Later::connected();
    // A longer ping than ours: what comes after the bytes that we know is ignored.
    let ping = [PING, 0x12, 0x34, 0, 0, 0, 1, 255, 77, 77];
    later.raw.send(&later.pulse, &ping);
    later.wait("the answer", |later| {
        later.pulse.saw(&RawEvent::Message(vec![PONG, 0x12, 0x34]))
    });
    let mut answered = 0;
    later.wait("pings, and figures made of them", |later| {
        let pings = Later::heard(&mut later.pulse, PING);
        for ping in &pings[answered..] {
            assert_eq!(ping.len(), 8, "{ping:?}");
            let pong = [PONG, ping[1], ping[2], 77];
            later.raw.send(&later.pulse, &pong);
        }
        answered = pings.len();
        answered >= 3 && later.round_trip().is_some()
    });
    assert_eq!(later.peer.closed, None);
}

#[test]
fn finish_is_answered_to_it() {
    let mut later = Later::connected();
    // Asks before the messages are there.
    let finish = [1, 0, 7, 0, 1, 0, 0, 0, 2];
    later.raw.send(&later.control, &finish);
    for word in ["one", "two"] {
        later.raw.send(&later.built_in[0], word.as_bytes());
    }
    later.wait("the answer", |later| {
        later.control.saw(&RawEvent::Message(vec![2, 0, 7]))
    });
    later.wait("the messages", |later| later.peer.messages(RELIABLE) == 2);
    assert_eq!(later.peer.closed, None);
}

#[test]
fn its_goodbye_is_heard() {
    let mut later = Later::connected();
    let bye = [BYE, 0, 0, 7, b'b', b'y', b'e'];
    later.raw.send(&later.control, &bye);
    later.wait("the goodbye", |later| {
        let goodbye = Goodbye::Left(GivenReason::new(7, "bye"));
        later.peer.log.iter().any(|event| match event {
            LinkEvent::Goodbye { goodbye: heard, .. } => *heard == goodbye,
            _ => false,
        })
    });
}

#[test]
fn it_hears_our_goodbye() {
    let mut later = Later::connected();
    let link = later.peer.link;
    let goodbye = Goodbye::Left(GivenReason::new(7, "bye"));
    let tell = Command::Goodbye { link, goodbye };
    mesh_core::Backend::execute(&mut later.peer.backend, tell);
    later.peer.close(Duration::from_secs(5));
    later.wait("the end of both", |later| {
        let is_closed = later.control.saw(&RawEvent::Closed);
        is_closed && later.peer.closed.is_some()
    });
    assert_eq!(later.peer.closed, Some(CloseReason::Local));
    let bye = vec![BYE, 0, 0, 7, b'b', b'y', b'e'];
    assert!(later.control.saw(&RawEvent::Message(bye)));
}

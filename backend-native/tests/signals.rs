//! Descriptions, candidates and what is wrong with them.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod support;

use std::time::Duration;

use mesh_core::{
    Backend, CandidateType, ChannelIndex, ChannelParameters, ChannelSpec, CloseReason, Command,
    ConnectFailure, ConnectionState, IceCandidate, IceServer, IceTransportPolicy, LinkConfig,
    LinkEvent, LinkStats, Reliability, SdpType, SendLimits, SessionDescription,
};
use support::{INBOX, Pair, Peer, RELIABLE, link, specs};

/// Opens a link that must end by itself, and takes why.
fn failure_of(config: LinkConfig, act: impl FnOnce(&mut Peer)) -> ConnectFailure {
    let mut peer = Peer::loopback();
    peer.open(link(0), config, INBOX, &specs());
    act(&mut peer);
    peer.wait("the end", |peer| peer.closed.is_some());
    match peer.closed.take() {
        Some(CloseReason::Failed(failure)) => failure,
        other => panic!("closed because of {other:?}"),
    }
}

fn with_server(server: IceServer) -> LinkConfig {
    LinkConfig {
        ice_servers: vec![server],
        ..LinkConfig::default()
    }
}

#[test]
fn a_description_says_what_godot_and_browsers_need() {
    let mut pair = Pair::loopback();
    pair.open(&specs());
    pair.connect();
    pair.wait("both gathered", |pair| {
        [&pair.a, &pair.b].iter().all(|peer| {
            peer.log
                .iter()
                .any(|event| matches!(event, LinkEvent::Gathered { .. }))
        })
    });
    for (peer, sdp_type) in [(&pair.a, SdpType::Offer), (&pair.b, SdpType::Answer)] {
        let [description] = peer.descriptions.as_slice() else {
            panic!("one description");
        };
        assert_eq!(description.sdp_type, sdp_type);
        for line in ["a=max-message-size:65536", "a=sctp-port:5000"] {
            assert!(
                description.sdp.contains(line),
                "{line} in {}",
                description.sdp
            );
        }
        let mid = description
            .sdp
            .lines()
            .find_map(|line| line.strip_prefix("a=mid:"))
            .expect("a mid");
        assert!(!peer.candidates.is_empty());
        for candidate in &peer.candidates {
            assert_eq!(candidate.sdp_mid, mid);
            assert!(
                candidate.candidate.starts_with("candidate:"),
                "{candidate:?}"
            );
            assert!(candidate.candidate.contains("127.0.0.1"), "{candidate:?}");
        }
    }
}

#[test]
fn channels_are_what_was_asked_for() {
    let parameters = [
        (1, true, Reliability::Reliable),
        (2, true, Reliability::Retransmits(0)),
        (3, false, Reliability::Retransmits(3)),
        (4, false, Reliability::Lifetime(250)),
        (900, false, Reliability::Reliable),
    ];
    let specs: Vec<ChannelSpec> = parameters
        .iter()
        .map(|(id, ordered, reliability)| ChannelSpec {
            label: format!("channel {id}"),
            parameters: ChannelParameters {
                id: *id,
                ordered: *ordered,
                reliability: *reliability,
            },
            limits: SendLimits::default(),
            bulk: false,
        })
        .collect();
    let mut pair = Pair::loopback();
    pair.open(&specs);
    pair.a.offer();
    pair.wait("all open", |pair| {
        pair.a.opened.len() == specs.len() && pair.b.opened.len() == specs.len()
    });
    for peer in [&pair.a, &pair.b] {
        for (index, spec) in (0..).zip(&specs) {
            let actual = peer.log.iter().find_map(|event| match event {
                LinkEvent::ChannelOpened {
                    channel,
                    remote: false,
                    actual,
                    ..
                } if *channel == ChannelIndex(index) => Some(*actual),
                _ => None,
            });
            assert_eq!(actual, Some(spec.parameters));
        }
    }
}

#[test]
fn figures_of_a_link() {
    let mut pair = Pair::connected();
    pair.a.send(RELIABLE, vec![0; 1000]);
    pair.wait("the message", |pair| pair.b.messages(RELIABLE) == 1);
    let mut ask = |what: &str, enough: fn(&LinkStats) -> bool, from_a: bool| {
        let mut found = None;
        let peer = if from_a { &mut pair.a } else { &mut pair.b };
        let link = peer.link;
        peer.backend.execute(Command::RequestStats { link });
        peer.wait(what, |peer| {
            let stats = peer.log.iter().find_map(|event| match event {
                LinkEvent::Stats { stats, .. } => Some(*stats),
                _ => None,
            });
            if let Some(stats) = stats {
                peer.log
                    .retain(|event| !matches!(event, LinkEvent::Stats { .. }));
                if enough(&stats) {
                    found = Some(stats);
                    return true;
                }
                // The round trip comes with the first check of the standing pair.
                peer.backend.execute(Command::RequestStats { link });
            }
            false
        });
        found.expect("figures")
    };
    let stats = ask(
        "the sender's figures",
        |stats| stats.round_trip.is_some(),
        true,
    );
    assert_eq!(stats.bytes_sent, 1000);
    assert_eq!(stats.local, Some(CandidateType::Host));
    assert!(
        matches!(
            stats.remote,
            Some(CandidateType::Host | CandidateType::PeerReflexive)
        ),
        "{stats:?}"
    );
    assert!(
        stats
            .round_trip
            .is_some_and(|trip| trip < Duration::from_secs(1))
    );
    let stats = ask("the receiver's figures", |_| true, false);
    assert_eq!(stats.bytes_received, 1000);
}

#[test]
fn a_description_that_is_none_ends_the_link() {
    let garbage = [
        String::new(),
        String::from("v=0"),
        String::from("\u{0}\u{1}\u{fffd} m=application"),
        String::from("v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"),
        String::from(
            "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n",
        ),
        "m=application ".repeat(100_000),
    ];
    for sdp in garbage {
        for sdp_type in [SdpType::Offer, SdpType::Answer] {
            let failure = failure_of(LinkConfig::default(), |peer| {
                peer.set_remote(SessionDescription {
                    sdp_type,
                    sdp: sdp.clone(),
                });
            });
            assert!(
                matches!(failure, ConnectFailure::Description(_)),
                "{failure:?} for {:.60}",
                sdp
            );
        }
    }
}

#[test]
fn candidates_that_cannot_be_used_are_left_out() {
    let mut pair = Pair::loopback();
    pair.open(&specs());
    for bad in [
        "",
        "candidate:",
        "nonsense",
        "candidate:1 1 udp 2130706431 256.1.1.1 9 typ host",
        "candidate:1 1 udp 2130706431 127.0.0.1 99999 typ host",
        "candidate:1 1 tcp 2130706431 127.0.0.1 9 typ host tcptype active",
        "candidate:1 1 udp 2130706431 0aa3f1c8-1c6b-4b6e-9f6e-000000000000.local 9 typ host",
        "\u{0}\u{fffd}",
    ] {
        for peer in [&mut pair.a, &mut pair.b] {
            peer.add_candidate(IceCandidate {
                sdp_mid: String::from("0"),
                sdp_m_line_index: 0,
                candidate: bad.to_owned(),
            });
        }
    }
    pair.connect();
}

#[test]
fn a_flood_of_candidates_is_not_kept() {
    let mut pair = Pair::loopback();
    pair.open(&specs());
    pair.a.offer();
    pair.wait("an offer and an answer", |pair| {
        !pair.b.descriptions.is_empty()
    });
    for number in 0..20_000 {
        pair.b.add_candidate(IceCandidate {
            sdp_mid: String::from("0"),
            sdp_m_line_index: 0,
            candidate: format!(
                "candidate:{number} 1 udp 1 127.0.0.1 {} typ host",
                1 + number % 65535
            ),
        });
    }
    // It ends as soon as it is told to: nothing of the flood is worked off first.
    pair.b.close(Duration::ZERO);
    pair.wait("closed", |pair| pair.b.closed.is_some());
    assert_eq!(pair.b.closed, Some(CloseReason::Local));
}

#[test]
fn an_ice_server_that_cannot_be_one_ends_the_link() {
    let bad = [
        (IceServer::stun("http://example.org"), "http://example.org"),
        (IceServer::stun("nonsense"), "nonsense"),
        (IceServer::stun("turn:127.0.0.1:3478"), "credentials"),
    ];
    for (server, word) in bad {
        let failure = failure_of(with_server(server), |_| {});
        let ConnectFailure::Config(why) = &failure else {
            panic!("{failure:?}");
        };
        assert!(why.contains(word), "{why}");
    }
}

#[test]
fn relays_only_without_a_relay_fails_with_the_cause() {
    let relay_only = LinkConfig {
        ice_transport_policy: IceTransportPolicy::Relay,
        ..LinkConfig::default()
    };
    let failure = failure_of(relay_only, Peer::offer);
    let ConnectFailure::NoRelay { cause } = &failure else {
        panic!("{failure:?}");
    };
    assert!(cause.contains("no TURN server is set"), "{cause}");
}

#[test]
fn commands_for_a_link_that_is_not_there_are_ignored() {
    let mut peer = Peer::loopback();
    for command in [
        Command::CreateOffer { link: link(7) },
        Command::RequestStats { link: link(7) },
        Command::Close {
            link: link(7),
            linger: Duration::ZERO,
        },
    ] {
        peer.backend.execute(command);
    }
    peer.open(link(8), LinkConfig::default(), INBOX, &specs());
    peer.close(Duration::ZERO);
    peer.wait("the end of the real one", |peer| peer.closed.is_some());
    assert_eq!(peer.closed, Some(CloseReason::Local));
    assert_eq!(peer.state, ConnectionState::New);
}

//! What the browser refuses, as causes.

use mesh_core::{
    ChannelIndex, ChannelParameters, ChannelSpec, CloseReason, Command, ConnectFailure,
    IceCandidate, IceServer, IceTransportPolicy, LinkConfig, LinkEvent, Reliability, SdpType,
    SendLimits, SessionDescription,
};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{LINK, Pair, specs};

/// Why the link of `a` ended, which must be all that was heard of its end.
async fn reason(pair: &mut Pair) -> ConnectFailure {
    pair.until("the end", |a, _| a.closed().is_some()).await;
    match pair.a.closed() {
        Some(CloseReason::Failed(failure)) => failure.clone(),
        other => panic!("{other:?}"),
    }
}

/// Why the link of `a` ended, once it had a channel and an offer.
async fn offered(pair: &mut Pair) -> ConnectFailure {
    let [spec, ..] = specs(SendLimits::default());
    pair.a.execute(Command::CreateChannel {
        link: LINK,
        channel: ChannelIndex(0),
        spec,
    });
    pair.a.offer();
    reason(pair).await
}

fn open(pair: &mut Pair, config: LinkConfig) {
    pair.a.execute(Command::Open {
        link: LINK,
        config,
        inbox_bytes: 1 << 20,
    });
}

#[wasm_bindgen_test]
async fn an_unusable_server_is_a_configuration_error() {
    for server in [
        IceServer::stun("http://not-a-stun-server"),
        IceServer::stun(""),
        IceServer::stun("turn:example.org:3478"),
    ] {
        let mut pair = Pair::new();
        open(
            &mut pair,
            LinkConfig {
                ice_servers: vec![server.clone()],
                ..LinkConfig::default()
            },
        );
        pair.a.offer();
        let failure = reason(&mut pair).await;
        assert!(
            matches!(&failure, ConnectFailure::Config(why) if why.contains(&server.urls[0])),
            "{server:?}: {failure:?}"
        );
    }
}

#[wasm_bindgen_test]
async fn relays_alone_need_a_turn_server() {
    let mut pair = Pair::new();
    open(
        &mut pair,
        LinkConfig {
            ice_transport_policy: IceTransportPolicy::Relay,
            ..LinkConfig::default()
        },
    );
    let failure = offered(&mut pair).await;
    assert!(
        matches!(failure, ConnectFailure::NoRelay { .. }),
        "{failure:?}"
    );
}

#[wasm_bindgen_test]
async fn a_turn_server_that_is_not_there_is_named() {
    let url = "turn:127.0.0.1:47113?transport=tcp";
    let mut pair = Pair::new();
    open(
        &mut pair,
        LinkConfig {
            ice_servers: vec![IceServer::turn(url, "user", "secret")],
            ice_transport_policy: IceTransportPolicy::Relay,
        },
    );
    let failure = offered(&mut pair).await;
    assert!(
        matches!(&failure, ConnectFailure::NoRelay { cause } if cause.contains("127.0.0.1:47113")),
        "{failure:?}"
    );
}

#[wasm_bindgen_test]
async fn a_description_that_is_none_ends_the_link_with_that_reason() {
    let half = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=application 9 nonsense\r\n";
    for sdp in ["this is no description", "", half, "m=application"] {
        for sdp_type in [SdpType::Offer, SdpType::Answer] {
            let mut pair = Pair::new();
            pair.a.open(SendLimits::default(), 1 << 20);
            if sdp_type == SdpType::Answer {
                pair.a.offer();
            }
            pair.a.execute(Command::SetRemote {
                link: LINK,
                description: SessionDescription {
                    sdp_type,
                    sdp: sdp.into(),
                },
            });
            let failure = reason(&mut pair).await;
            assert!(
                matches!(failure, ConnectFailure::Description(_)),
                "{sdp:?} as {sdp_type:?}: {failure:?}"
            );
        }
    }
}

#[wasm_bindgen_test]
async fn a_channel_that_cannot_be_ends_the_link() {
    let mut pair = Pair::new();
    open(&mut pair, LinkConfig::default());
    pair.a.execute(Command::CreateChannel {
        link: LINK,
        channel: ChannelIndex(0),
        spec: ChannelSpec {
            label: String::from("impossible"),
            parameters: ChannelParameters {
                id: 65535,
                ordered: true,
                reliability: Reliability::Reliable,
            },
            limits: SendLimits::default(),
            bulk: false,
        },
    });
    let failure = reason(&mut pair).await;
    assert!(matches!(failure, ConnectFailure::Channel(_)), "{failure:?}");
    pair.a.offer();
    let ends = pair
        .a
        .count(|event| matches!(event, LinkEvent::Closed { .. }));
    assert_eq!(ends, 1);
}

#[wasm_bindgen_test]
async fn a_channel_whose_place_or_id_is_taken_ends_the_link() {
    // The place of the first channel with an id of its own, and a place of its own with the id of the first.
    for (channel, id) in [(0, 9), (9, 1)] {
        let mut pair = Pair::new();
        pair.a.open(SendLimits::default(), 1 << 20);
        let [mut spec, ..] = specs(SendLimits::default());
        spec.parameters.id = id;
        pair.a.execute(Command::CreateChannel {
            link: LINK,
            channel: ChannelIndex(channel),
            spec,
        });
        let failure = reason(&mut pair).await;
        assert!(
            matches!(failure, ConnectFailure::Channel(_)),
            "{channel}, {id}: {failure:?}"
        );
    }
}

#[wasm_bindgen_test]
async fn candidates_that_are_none_do_no_harm() {
    let mut pair = Pair::connected().await;
    for candidate in ["", "candidate:", "candidate:1 1 udp x", "\0\u{1F980}"] {
        for mid in ["0", "", "nowhere"] {
            pair.a.execute(Command::AddCandidate {
                link: LINK,
                candidate: IceCandidate {
                    sdp_mid: mid.into(),
                    sdp_m_line_index: 9,
                    candidate: candidate.into(),
                },
            });
        }
    }
    pair.a.execute(Command::RequestStats { link: LINK });
    pair.until("what comes after them", |a, _| {
        a.count(|event| matches!(event, LinkEvent::Stats { .. })) == 1
    })
    .await;
    assert_eq!(pair.a.closed(), None);
}

#[wasm_bindgen_test]
async fn keys_that_do_not_match_are_named() {
    let mut pair = Pair::new();
    pair.a.open(SendLimits::default(), 1 << 20);
    pair.b.open(SendLimits::default(), 1 << 20);
    pair.tamper = |sdp| {
        let other = "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
            00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
        let lines = sdp.lines().map(|line| match line.split_once(':') {
            Some(("a=fingerprint", _)) => format!("a=fingerprint:{other}\r\n"),
            _ => format!("{line}\r\n"),
        });
        lines.collect()
    };
    pair.a.offer();
    let failure = reason(&mut pair).await;
    assert!(
        matches!(failure, ConnectFailure::Platform(_)),
        "{failure:?}"
    );
}

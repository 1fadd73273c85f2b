//! From nothing to open channels, and what can be asked of them.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use mesh_core::{
    Backend, CandidateType, ChannelIndex, ChannelParameters, ChannelSpec, Command, ConnectionState,
    LinkConfig, LinkEvent, Reliability, SendLimits,
};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{LINK, Pair, Peer, specs};

#[wasm_bindgen_test]
async fn the_channels_are_what_was_asked_for() {
    let pair = Pair::connected().await;
    for peer in [&pair.a, &pair.b] {
        for (index, spec) in (0..).zip(specs(SendLimits::default())) {
            let expected = LinkEvent::ChannelOpened {
                link: LINK,
                channel: ChannelIndex(index),
                remote: false,
                actual: spec.parameters,
            };
            assert!(peer.seen.contains(&expected), "{expected:?}");
        }
        assert_eq!(peer.opened(), 3, "each opens once");
    }
}

#[wasm_bindgen_test]
async fn a_lifetime_and_an_unordered_channel_are_read_back() {
    let mut pair = Pair::new();
    let spec = |id, ordered, reliability| ChannelSpec {
        label: format!("channel {id}"),
        parameters: ChannelParameters {
            id,
            ordered,
            reliability,
        },
        limits: SendLimits::default(),
        bulk: false,
    };
    let specs = [
        spec(4, false, Reliability::Reliable),
        spec(5, true, Reliability::Lifetime(65535)),
        spec(7, false, Reliability::Retransmits(3)),
        spec(999, false, Reliability::Lifetime(0)),
    ];
    for peer in [&mut pair.a, &mut pair.b] {
        peer.execute(Command::Open {
            link: LINK,
            config: LinkConfig::default(),
            inbox_bytes: 1 << 20,
        });
        for (channel, spec) in (0..).map(ChannelIndex).zip(specs.clone()) {
            peer.execute(Command::CreateChannel {
                link: LINK,
                channel,
                spec,
            });
        }
    }
    pair.a.offer();
    pair.until("four channels", |a, b| a.opened() == 4 && b.opened() == 4)
        .await;
    for peer in [&pair.a, &pair.b] {
        let actual: Vec<_> = (0..4)
            .map(|index| {
                peer.seen.iter().find_map(|event| match event {
                    LinkEvent::ChannelOpened {
                        channel, actual, ..
                    } if channel.0 == index => Some(*actual),
                    _ => None,
                })
            })
            .collect();
        let expected: Vec<_> = specs.iter().map(|spec| Some(spec.parameters)).collect();
        assert_eq!(actual, expected);
    }
}

/// The offerer's own signals, as they come, until it has gathered.
async fn signals_of(peer: &mut Peer) -> Vec<LinkEvent> {
    let mut signals = Vec::new();
    poll_fn(|cx| {
        while let Poll::Ready(event) = peer.backend().poll_event(cx) {
            let is_last = matches!(event, LinkEvent::Gathered { .. });
            signals.push(event);
            if is_last {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    })
    .await;
    signals
}

#[wasm_bindgen_test]
async fn an_answer_lets_whoever_offers_begin() {
    let mut pair = Pair::new();
    pair.a.open(SendLimits::default(), 1 << 20);
    pair.b.open(SendLimits::default(), 1 << 20);
    pair.tamper = |sdp| {
        let role = |role| sdp.contains(&format!("a=setup:{role}"));
        assert!(role("actpass") || role("passive"), "{sdp}");
        sdp.to_owned()
    };
    pair.a.offer();
    pair.until("three channels", |a, b| a.opened() == 3 && b.opened() == 3)
        .await;
}

#[wasm_bindgen_test]
async fn a_description_comes_first_and_candidates_trickle() {
    let mut peer = Peer::new();
    peer.open(SendLimits::default(), 1 << 20);
    peer.offer();
    let signals = signals_of(&mut peer).await;
    let Some(LinkEvent::Description { description, .. }) = signals.first() else {
        panic!("first came {:?}", signals.first());
    };
    assert!(
        !description.sdp.contains("a=candidate"),
        "it was not waited for candidates"
    );
    let mut candidates = 0;
    for signal in &signals[1..] {
        match signal {
            LinkEvent::Candidate { candidate, .. } => {
                candidates += 1;
                assert!(candidate.candidate.contains("candidate:"), "{candidate:?}");
            }
            LinkEvent::Gathered { .. } | LinkEvent::State { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(candidates > 0);
}

#[wasm_bindgen_test]
async fn the_figures_name_the_pair_in_use() {
    let mut pair = Pair::connected().await;
    pair.a.send(vec![0; 1000]);
    pair.until("the message", |_, b| b.messages().len() == 1)
        .await;
    let mut figures = None;
    // The round trip is measured now and then.
    for _ in 0..100 {
        pair.a.seen.clear();
        pair.a.execute(Command::RequestStats { link: LINK });
        pair.until("figures", |a, _| {
            figures = a.seen.iter().find_map(|event| match event {
                LinkEvent::Stats { stats, .. } => Some(*stats),
                _ => None,
            });
            figures.is_some()
        })
        .await;
        // Nor is what was sent there at once: a browser may give a report again that is 50 ms old.
        if figures.is_some_and(|figures| figures.round_trip.is_some() && figures.bytes_sent > 0) {
            break;
        }
        pair.pass(Duration::from_millis(100)).await;
    }
    let figures = figures.expect("figures");
    assert!(figures.bytes_sent >= 1000, "{figures:?}");
    let near = [CandidateType::Host, CandidateType::PeerReflexive];
    for candidate in [figures.local, figures.remote] {
        assert!(
            candidate.is_some_and(|kind| near.contains(&kind)),
            "{figures:?}"
        );
    }
    let limit = Duration::from_secs(2);
    assert!(
        figures.round_trip.is_some_and(|span| span < limit),
        "{figures:?}"
    );
}

#[wasm_bindgen_test]
async fn the_state_becomes_connected() {
    let mut pair = Pair::connected().await;
    let connected = |peer: &Peer| {
        peer.count(|event| {
            matches!(
                event,
                LinkEvent::State {
                    state: ConnectionState::Connected,
                    ..
                }
            )
        })
    };
    pair.until("both to be connected", |a, b| {
        connected(a) == 1 && connected(b) == 1
    })
    .await;
}

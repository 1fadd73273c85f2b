//! Messages: kind, boundaries, order, and the first one.

use std::time::Duration;

use mesh_core::platform::TRANSFER_STREAM;
use mesh_core::{
    ChannelIndex, ChannelSpec, Command, LinkConfig, LinkEvent, Payload, Reliability, SendLimits,
    TransferMode,
};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stranger::Stranger;
use crate::support::{LINK, PATIENCE, Pair, Peer};

#[wasm_bindgen_test]
async fn kind_and_boundaries_are_kept() {
    let mut pair = Pair::connected().await;
    let sent: Vec<Payload> = vec![
        Payload::from(Vec::new()),
        Payload::from(""),
        Payload::from(&[0, 255, 254]),
        Payload::from("ä\u{1F980}\0"),
        Payload::from(vec![7; 262_144]),
        Payload::from("x".repeat(65_536)),
        Payload::from(Vec::new()),
    ];
    for payload in &sent {
        pair.a.send(payload.clone());
        pair.b.send(payload.clone());
    }
    pair.until("all messages", |a, b| {
        a.messages().len() == sent.len() && b.messages().len() == sent.len()
    })
    .await;
    assert_eq!(pair.a.messages(), sent);
    assert_eq!(pair.b.messages(), sent);
}

#[wasm_bindgen_test]
async fn a_text_that_is_none_does_not_panic() {
    let mut pair = Pair::connected().await;
    pair.a
        .send(Payload::Text(bytes::Bytes::from_static(b"\xff\xfe")));
    pair.until("something", |_, b| b.messages().len() == 1)
        .await;
}

#[wasm_bindgen_test]
async fn what_is_sent_in_the_first_moment_follows_the_opening() {
    for _ in 0..10 {
        let mut pair = Pair::new();
        pair.a.open(SendLimits::default(), 1 << 20);
        pair.b.open(SendLimits::default(), 1 << 20);
        pair.a.offer();
        // One of them speaks as soon as it can, whatever the other's state.
        for first in [true, false] {
            pair.until("one's reliable channel", |a, b| {
                is_open(if first { a } else { b })
            })
            .await;
            let speaker = if first { &mut pair.a } else { &mut pair.b };
            for number in 0..20_u8 {
                speaker.send(vec![number]);
            }
        }
        pair.until("all of both", |a, b| {
            a.messages().len() == 20 && b.messages().len() == 20
        })
        .await;
        for peer in [&pair.a, &pair.b] {
            let expected: Vec<_> = (0..20_u8)
                .map(|number| Payload::from(vec![number]))
                .collect();
            assert_eq!(peer.messages(), expected);
            let of_reliable = peer.seen.iter().find(|event| match event {
                LinkEvent::Message { channel, .. } | LinkEvent::ChannelOpened { channel, .. } => {
                    *channel == ChannelIndex(0)
                }
                _ => false,
            });
            assert!(matches!(of_reliable, Some(LinkEvent::ChannelOpened { .. })));
        }
    }
}

fn is_open(peer: &Peer) -> bool {
    peer.seen.iter().any(|event| {
        matches!(
            event,
            LinkEvent::ChannelOpened {
                channel: ChannelIndex(0),
                ..
            }
        )
    })
}

/// Makes a channel in-band, and speaks in its `onopen`.
const SPEAK: &str = "pc => {
    const channel = pc.createDataChannel('in-band', { ordered: false, maxRetransmits: 2 });
    channel.onopen = () => { for (const word of ['one', 'two', 'three']) channel.send(word); };
}";

#[wasm_bindgen_test]
async fn an_in_band_channel_is_reported_with_its_first_messages() {
    let mut pair = Pair::new();
    pair.a.open(SendLimits::default(), 1 << 20);
    let far_side = Stranger::offer_to(&mut pair.a, SPEAK).await;
    let index = ChannelIndex(3);
    let mut heard = Vec::new();
    // The other peer of the pair has no link: what is meant for it goes to the far side in JavaScript.
    pair.b.backend = None;
    pair.until_signalled(
        "its messages",
        |signal| far_side.hear(signal),
        |a| {
            heard = a
                .seen
                .iter()
                .filter_map(|event| match event {
                    LinkEvent::ChannelOpened {
                        channel,
                        remote: true,
                        actual,
                        ..
                    } if *channel == index => Some(format!("{:?}", actual.reliability)),
                    LinkEvent::Message {
                        channel, payload, ..
                    } if *channel == index => payload.text().map(str::to_owned),
                    _ => None,
                })
                .collect();
            heard.len() >= 4
        },
    )
    .await;
    assert_eq!(heard[0], "Retransmits(2)", "the opening comes first");
    heard[1..].sort_unstable();
    assert_eq!(heard[1..], ["one", "three", "two"]);
    // We can answer on it.
    let sent = mesh_core::Backend::send(pair.a.backend(), LINK, index, Payload::from("hello"));
    assert_eq!(sent, Ok(()));
    far_side.close();
    pair.until_signalled("it to close", |_| {}, |a| a.channels_closed() >= 1)
        .await;
}

/// Sends everything back as it came, and says how many messages each channel has brought, after the number of channels that were made
/// in-band.
const ECHO: &str = "(pc, _, planned) => {
    const counts = [0, 0, 0, 0];
    pc.ondatachannel = () => counts[0]++;
    planned.forEach((channel, n) => {
        channel.binaryType = 'arraybuffer';
        channel.onmessage = e => { counts[n + 1]++; channel.send(e.data); };
    });
    return () => counts.join();
}";

/// What the mesh makes besides, for transfers.
fn of_transfers() -> (ChannelIndex, ChannelSpec) {
    let (mode, once) = (TransferMode::Reliable, Reliability::Retransmits(0));
    let spec = ChannelSpec::custom(TRANSFER_STREAM, mode, once, SendLimits::default());
    (ChannelIndex(3), spec)
}

/// How many messages go there and back on each channel.
const ECHOES: u8 = 20;

#[wasm_bindgen_test]
async fn a_peer_with_three_channels_exchanges_every_mode_and_hears_nothing_else() {
    let mut pair = Pair::new();
    pair.a.open(SendLimits::default(), 1 << 20);
    let (channel, spec) = of_transfers();
    pair.a.execute(Command::CreateChannel {
        link: LINK,
        channel,
        spec,
    });
    let far_side = Stranger::with_three_channels(&mut pair.a, ECHO).await;
    // The other peer of the pair has no link: what is meant for it goes to the far side in JavaScript.
    pair.b.backend = None;
    let hear = |signal: &LinkEvent| far_side.hear(signal);
    pair.until_signalled("four channels", hear, |a| a.opened() == 4)
        .await;
    for channel in TransferMode::ALL.map(TransferMode::channel) {
        for number in 0..ECHOES {
            let payload = Payload::from(vec![number; 30]);
            let sent = mesh_core::Backend::send(pair.a.backend(), LINK, channel, payload);
            sent.expect("the channel takes it");
        }
    }
    let echoes = |a: &Peer, channel| {
        let messages = a.seen.iter().filter_map(|event| match event {
            LinkEvent::Message {
                channel: on,
                payload,
                ..
            } if *on == channel => Some(payload.clone()),
            _ => None,
        });
        messages.collect::<Vec<_>>()
    };
    let mut all = 0;
    // In that time three pulses would have come, with a peer of ours.
    let begun = mesh_core::Backend::now(pair.a.backend());
    while all < 3 * usize::from(ECHOES)
        || mesh_core::Backend::now(pair.a.backend()) - begun < Duration::from_millis(1700)
    {
        pair.pass(Duration::from_millis(100)).await;
        all = TransferMode::ALL
            .map(|mode| echoes(&pair.a, mode.channel()).len())
            .iter()
            .sum();
        let waited = mesh_core::Backend::now(pair.a.backend()) - begun;
        assert!(waited < PATIENCE, "{all} came, and {}", far_side.seen());
    }
    let sent: Vec<_> = (0..ECHOES)
        .map(|number| Payload::from(vec![number; 30]))
        .collect();
    for mode in TransferMode::ALL {
        let mut heard = echoes(&pair.a, mode.channel());
        if mode == TransferMode::Unreliable {
            heard.sort_by_key(|payload| payload.bytes().to_vec());
        }
        assert_eq!(heard, sent, "{mode:?}");
    }
    assert_eq!(far_side.seen(), "0,20,20,20", "in-band channels, messages");
    assert_eq!(pair.a.closed(), None);
    far_side.close();
    pair.until_signalled("it to close", |_| {}, |a| a.channels_closed() >= 1)
        .await;
}

#[wasm_bindgen_test]
fn an_unknown_link_takes_nothing() {
    let mut peer = Peer::new();
    peer.execute(Command::CreateOffer { link: LINK });
    let sent = mesh_core::Backend::send(peer.backend(), LINK, ChannelIndex(0), Payload::from("x"));
    let reason = sent.map_err(|rejected| rejected.reason);
    assert_eq!(reason, Err(mesh_core::BackendSendError::NotOpen));
    let amount = mesh_core::Backend::buffered_amount(peer.backend(), LINK, ChannelIndex(0));
    assert_eq!(amount, 0);
    peer.execute(Command::Open {
        link: LINK,
        config: LinkConfig::default(),
        inbox_bytes: 0,
    });
    let sent = mesh_core::Backend::send(peer.backend(), LINK, ChannelIndex(0), Payload::from("x"));
    let reason = sent.map_err(|rejected| rejected.reason);
    assert_eq!(reason, Err(mesh_core::BackendSendError::NotOpen));
}

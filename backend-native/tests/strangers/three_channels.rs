//! A peer that has the three channels of Godot and nothing else.

use std::time::{Duration, Instant};

use mesh_core::{Event, TransferError, TransferMode};
use webrtc::data_channel::RTCDataChannelInit;
use webrtc::peer_connection::StatsSelector;

use crate::game::Game;
use crate::support::raw::{Raw, RawChannel, RawEvent};

/// How many messages go each way on each channel.
const COUNT: usize = 20;

/// Longer than three pulses take, which must not come.
const PULSES: Duration = Duration::from_millis(1700);

fn words(from: &str, mode: TransferMode) -> Vec<Vec<u8>> {
    let word = |number| format!("{from} on {mode:?}: {number}").into_bytes();
    (0..COUNT).map(word).collect()
}

/// What a channel has brought, after its opening.
fn messages(channel: &RawChannel) -> Vec<Vec<u8>> {
    let events = channel.seen.iter();
    let messages = events.map(|event| match event {
        RawEvent::Opened => None,
        RawEvent::Message(bytes) => Some(bytes.clone()),
        RawEvent::Closed => panic!("closed"),
    });
    messages.flatten().collect()
}

/// Every mode goes both ways, as it was sent: one by one, and without anything that was not.
fn exchange_every_mode(game: &mut Game, raw: &Raw, channels: &mut [RawChannel; 3]) {
    raw.wait(game, "the channels of the raw peer", |_| {
        channels
            .iter_mut()
            .all(|channel| channel.saw(&RawEvent::Opened))
    });
    for (mode, channel) in TransferMode::ALL.into_iter().zip(&*channels) {
        for word in words("theirs", mode) {
            raw.send(channel, &word);
        }
    }
    raw.wait(game, "all of theirs", |game| {
        game.packets.len() == 3 * COUNT
    });
    for mode in TransferMode::ALL {
        let packets = game.packets.iter().filter(|packet| packet.mode == mode);
        let mut heard: Vec<_> = packets
            .map(|packet| packet.payload.bytes().to_vec())
            .collect();
        let mut sent = words("theirs", mode);
        if mode == TransferMode::Unreliable {
            heard.sort();
            sent.sort();
        }
        assert_eq!(heard, sent);
    }
    // In one go: a peer of ours would get them in one packet.
    for mode in TransferMode::ALL {
        for word in words("ours", mode) {
            let sent = game.mesh.send(game.peer, mode, word).expect("sent");
            assert_eq!(sent.accepted, 1);
        }
    }
    let begun = Instant::now();
    raw.wait(game, "all of ours, and some time", |_| {
        let is_there = |channel: &mut RawChannel| {
            let last = words("ours", TransferMode::Reliable).pop().expect("a word");
            let _ = channel.saw(&RawEvent::Message(last));
            messages(channel).len() >= COUNT
        };
        channels.iter_mut().all(is_there) && begun.elapsed() >= PULSES
    });
    for (mode, channel) in TransferMode::ALL.into_iter().zip(&*channels) {
        let (mut heard, mut sent) = (messages(channel), words("ours", mode));
        if mode == TransferMode::Unreliable {
            heard.sort();
            sent.sort();
        }
        assert_eq!(heard, sent);
    }
    assert_eq!(raw.in_band(), 0);
    assert_eq!(game.told, [Event::PeerConnected(game.peer)]);
    let refused = game.mesh.send_transfer(game.peer, "level", "a level");
    let peer = game.peer;
    assert_eq!(refused, Err(TransferError::Unsupported { peer }));
    // What the library says of the link is what the game has said.
    let stats = game.mesh.stats(game.peer).expect("figures").link;
    let bytes = |from| {
        let words = TransferMode::ALL
            .into_iter()
            .flat_map(|mode| words(from, mode));
        words.map(|word| word.len() as u64).sum::<u64>()
    };
    let carried = (stats.bytes_sent, stats.bytes_received);
    assert_eq!(carried, (bytes("ours"), bytes("theirs")));
}

#[test]
fn a_peer_with_three_channels_exchanges_every_mode() {
    let mut game = Game::new();
    let raw = Raw::new();
    let mut channels = raw.built_in();
    raw.connect(&mut game);
    exchange_every_mode(&mut game, &raw, &mut channels);
    let report = raw
        .connection
        .get_stats(Instant::now(), StatsSelector::None);
    let report = raw.runtime.block_on(report);
    let mut received: Vec<_> = report
        .data_channels()
        .map(|channel| (channel.data_channel_identifier, channel.messages_received))
        .collect();
    received.sort_unstable();
    let count = u32::try_from(COUNT).expect("a small number");
    assert_eq!(received, [(1, count), (2, count), (3, count)]);
}

/// The same, by a peer that looks at our channels, though it has not announced them: nothing comes on them.
#[test]
fn nothing_is_said_on_our_channels_to_a_peer_that_does_not_announce_them() {
    let mut game = Game::new();
    let raw = Raw::new();
    let mut channels = raw.built_in();
    let pulse = RTCDataChannelInit {
        ordered: false,
        max_retransmits: Some(0),
        negotiated: Some(1000),
        ..RTCDataChannelInit::default()
    };
    let mut ours = [
        raw.channel_of("pulse", pulse),
        raw.channel("control", Some(1001)),
        raw.channel("transfers", Some(1002)),
    ];
    raw.connect(&mut game);
    exchange_every_mode(&mut game, &raw, &mut channels);
    for channel in &mut ours {
        assert!(channel.saw(&RawEvent::Opened), "it could have heard");
        assert_eq!(messages(channel), [] as [Vec<u8>; 0]);
    }
}

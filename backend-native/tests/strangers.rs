//! A far side that is not ours, or that is of a later version: what it does beyond the three channels has bounds, and what we say
//! to it, too.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

#[path = "strangers/game.rs"]
mod game;
#[path = "strangers/later_version.rs"]
mod later_version;
mod support;
#[path = "strangers/three_channels.rs"]
mod three_channels;

use mesh_core::{ChannelIndex, CloseReason, LinkConfig, LinkEvent, Payload};
use support::raw::{Raw, RawEvent};
use support::{INBOX, Peer, RELIABLE, link, specs};

fn opened_peer() -> Peer {
    let mut peer = Peer::loopback();
    peer.open(link(0), LinkConfig::default(), INBOX, &specs());
    peer
}

#[test]
fn channels_made_in_band_are_reported_up_to_a_number() {
    let mut peer = opened_peer();
    let raw = Raw::new();
    let _planned = raw.built_in();
    let mut extra: Vec<_> = (0..20)
        .map(|number| raw.channel(&format!("extra {number}"), None))
        .collect();
    raw.connect(&mut peer);
    raw.wait(&mut peer, "sixteen channels, and four closed", |peer| {
        peer.opened.len() == 19
            && extra
                .iter_mut()
                .filter_map(|channel| channel.saw(&RawEvent::Closed).then_some(()))
                .count()
                == 4
    });
    for event in &peer.log {
        if let LinkEvent::ChannelOpened {
            channel,
            remote,
            actual,
            ..
        } = event
        {
            assert_eq!(*remote, channel.0 >= 3, "{event:?}");
            assert_eq!(*remote, !(1..=3).contains(&actual.id), "{event:?}");
        }
    }

    // Messages go both ways on what is left.
    for channel in extra
        .iter_mut()
        .filter(|channel| !channel.seen.contains(&RawEvent::Closed))
    {
        raw.send(channel, b"from outside");
    }
    let remote: Vec<_> = (3..19).map(ChannelIndex).collect();
    raw.wait(&mut peer, "a message on each", |peer| {
        remote.iter().all(|channel| peer.messages(*channel) == 1)
    });
    for channel in remote {
        assert_eq!(
            peer.take_messages(channel),
            [Payload::from(b"from outside")]
        );
        peer.send(channel, b"from inside");
    }
    raw.wait(&mut peer, "an answer on each", |_| {
        let answered = RawEvent::Message(b"from inside".to_vec());
        extra
            .iter_mut()
            .filter_map(|channel| channel.saw(&answered).then_some(()))
            .count()
            == 16
    });
    assert_eq!(peer.closed, None);
}

#[test]
fn a_channel_that_is_closed_makes_room_for_another() {
    let mut peer = opened_peer();
    let raw = Raw::new();
    let mut planned = raw.built_in();
    raw.connect(&mut peer);
    // More than a far side may make without closing any, several times over.
    for number in 0..100 {
        let mut channel = raw.channel("for a while", None);
        raw.wait(&mut peer, "the channel", |peer| {
            channel.saw(&RawEvent::Opened) && peer.opened.len() == 4 + number
        });
        raw.runtime.block_on(channel.inner.close()).expect("closed");
        raw.wait(&mut peer, "its end on both sides", |peer| {
            let closed = |event: &&LinkEvent| matches!(event, LinkEvent::ChannelClosed { .. });
            let count = peer.log.iter().filter(closed).count();
            count == number + 1 && channel.saw(&RawEvent::Closed)
        });
        // The crate gives the id to the next channel before the end of this one is settled.
        let ping = format!("ping {number}").into_bytes();
        peer.send(RELIABLE, ping.clone());
        raw.wait(&mut peer, "a ping", |_| {
            planned[0].saw(&RawEvent::Message(ping.clone()))
        });
    }
    assert_eq!(peer.closed, None);
}

#[test]
fn opening_channels_without_end_ends_the_link() {
    let mut peer = opened_peer();
    let raw = Raw::new();
    let _planned = raw.built_in();
    raw.connect(&mut peer);
    let mut flood = Vec::new();
    raw.wait(&mut peer, "enough is enough", |peer| {
        if flood.len() < 400 {
            flood.push(raw.channel("flood", None));
        }
        peer.closed.is_some()
    });
    assert!(
        matches!(&peer.closed, Some(CloseReason::Protocol(why)) if why.contains("channels")),
        "{:?}",
        peer.closed
    );
    assert!(peer.opened.len() <= 19, "{:?}", peer.opened);
}

#[test]
fn messages_sent_right_before_a_close_arrive_before_it() {
    let mut peer = opened_peer();
    let raw = Raw::new();
    let mut planned = raw.built_in();
    raw.connect(&mut peer);
    raw.wait(&mut peer, "its side is open, too", |_| {
        planned[0].saw(&RawEvent::Opened)
    });
    // Data, acknowledgement and abort in one go: the crate tells of the close first.
    raw.runtime.block_on(async {
        for _ in 0..10 {
            let message = bytes::BytesMut::from(&b"the last words"[..]);
            planned[0].inner.send(message).await.expect("sent");
        }
        raw.connection.close().await.expect("closed");
    });
    raw.wait(&mut peer, "the close", |peer| {
        peer.has_closed_channel(RELIABLE)
    });
    assert_eq!(peer.messages(RELIABLE), 10);
}

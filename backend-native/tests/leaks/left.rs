//! Ends by command, at every point of a link's life.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use mesh_core::platform::LINGER;
use mesh_core::{Backend, Command, IceCandidate, IceServer, LinkConfig, LinkEvent};

use crate::stage::{Stage, close, close_one, open_one};
use crate::support::{ORDERED, RELIABLE};

/// A leave: what was accepted arrives first.
pub(crate) fn with_last_words(stage: &mut Stage, number: u32) {
    let pair = stage.connect(number);
    pair.a.send(RELIABLE, vec![0; 10_000]);
    pair.b.send(RELIABLE, "on the way when the link ends");
    pair.a.close(LINGER);
    pair.wait("the last words", |pair| {
        pair.b.messages(RELIABLE) == 1 && pair.b.has_closed_channel(RELIABLE)
    });
    close(pair);
}

/// By turns the one that has offered, and the other.
pub(crate) fn by_the_far_side(stage: &mut Stage, number: u32) {
    let pair = stage.connect(number);
    let (closes, hears) = if number.is_multiple_of(2) {
        (&mut pair.a, &mut pair.b)
    } else {
        (&mut pair.b, &mut pair.a)
    };
    closes.close(Duration::ZERO);
    hears.wait("the close", |peer| peer.has_closed_channel(RELIABLE));
    close(pair);
}

pub(crate) fn by_both_at_once(stage: &mut Stage, number: u32) {
    close(stage.connect(number));
}

/// Channels of both sides close while the link lives, and statistics are asked for.
pub(crate) fn channel_by_channel(stage: &mut Stage, number: u32) {
    let pair = stage.connect(number);
    let link = pair.a.link;
    pair.a.backend.execute(Command::RequestStats { link });
    pair.wait("statistics", |pair| {
        let is_stats = |event: &LinkEvent| matches!(event, LinkEvent::Stats { .. });
        pair.a.log.iter().any(is_stats)
    });
    for (peer, channel) in [(&mut pair.a, RELIABLE), (&mut pair.b, ORDERED)] {
        peer.backend
            .execute(Command::CloseChannel { link, channel });
    }
    pair.wait("both to hear", |pair| {
        [&pair.a, &pair.b]
            .iter()
            .all(|peer| peer.has_closed_channel(RELIABLE) && peer.has_closed_channel(ORDERED))
    });
    close(pair);
}

pub(crate) fn before_it_began(stage: &mut Stage, number: u32) {
    let pair = stage.open(number);
    pair.a.offer();
    close(pair);
}

/// Servers that answer nobody, over UDP and over TCP.
pub(crate) fn while_gathering(stage: &mut Stage, number: u32) {
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let streams = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let udp = datagrams.local_addr().expect("an address");
    let tcp = streams.local_addr().expect("an address");
    let config = LinkConfig {
        ice_servers: vec![
            IceServer::stun(format!("stun:{udp}")),
            IceServer::turn(format!("turn:{udp}"), "me", "secret"),
            IceServer::turn(format!("turn:{tcp}?transport=tcp"), "me", "secret"),
            IceServer::turn(format!("turns:{tcp}?transport=tcp"), "me", "secret"),
        ],
        ..LinkConfig::default()
    };
    let peer = &mut stage.pair().a;
    open_one(peer, number, config);
    peer.offer();
    peer.wait("a first candidate", |peer| !peer.candidates.is_empty());
    close_one(peer, Duration::ZERO);
}

/// One side refuses when it has answered, while names are asked for and routes looked for.
pub(crate) fn while_connecting(stage: &mut Stage, number: u32) {
    // Nothing arrives, so it goes on connecting.
    let path = stage.path();
    path.cut();
    let pair = stage.open(number);
    pair.a.offer();
    pair.wait("an answer", |pair| !pair.b.descriptions.is_empty());
    pair.a.add_candidate(IceCandidate {
        sdp_mid: String::from("0"),
        sdp_m_line_index: 0,
        candidate: String::from("candidate:1 1 udp 2113937151 nobody.local 54321 typ host"),
    });
    pair.wait("candidates", |pair| {
        !pair.a.candidates.is_empty() && !pair.b.candidates.is_empty()
    });
    close(pair);
    path.mend();
}

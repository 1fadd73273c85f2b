//! Early messages are lost (web.md §4): when COOKIE-ACK and the first DATA arrive in one burst, the driver feeds both to the
//! core before it handles the event that dials the negotiated channels. The core drops data for a channel that is not
//! dialed, although it has acknowledged it: a reliable channel that loses.

use std::sync::Arc;

use backend_native::testing::{Cures, SocketOptions};
use mesh_core::Payload;
use socket_faults::{Fate, Faults, Judge};

use crate::backends::RELIABLE;
use crate::support::{backends, in_memory};

/// The content type of a DTLS record with application data; SCTP is inside, encrypted.
const APPLICATION_DATA: u8 = 23;

/// Holds what the server of SCTP says second, COOKIE-ACK (first was INIT-ACK), and hands it over together with what it says
/// third: the first DATA.
fn one_burst() -> Judge {
    let mut said = 0;
    Box::new(move |datagram| {
        if datagram.first() != Some(&APPLICATION_DATA) {
            return Fate::Deliver;
        }
        said += 1;
        match said {
            2 => Fate::Hold,
            3 => Fate::Release,
            _ => Fate::Deliver,
        }
    })
}

/// What the answering side gets of two messages on the reliable channel: one sent as soon as it is open at the offering side,
/// the other when both sides are connected.
async fn received(cures: Cures) -> Vec<Payload> {
    let (network, options) = in_memory(cures);
    // The answering side is the client of DTLS, so of SCTP.
    let answering = SocketOptions {
        source: Some(Faults::by(Arc::new(network), one_burst)),
        ..options.clone()
    };
    let mut pair = backends(options, answering);
    pair.a.offer();
    pair.wait_async("the offering side is open", |pair| {
        pair.a.opened.contains(&RELIABLE)
    })
    .await;
    assert!(pair.b.opened.is_empty(), "COOKIE-ACK was not held");
    pair.a.send(RELIABLE, "early");
    pair.wait_async("both connected", |pair| pair.is_connected())
        .await;
    pair.a.send(RELIABLE, "later");
    let later = Payload::from("later");
    let mut received = Vec::new();
    pair.wait_async("the later one", |pair| {
        received.extend(pair.b.take_messages(RELIABLE));
        received.contains(&later)
    })
    .await;
    received
}

#[tokio::test(start_paused = true)]
async fn without_the_cure_the_first_message_is_lost() {
    let cures = Cures {
        one_at_a_time: false,
        ..Cures::default()
    };
    assert_eq!(received(cures).await, [Payload::from("later")]);
}

#[tokio::test(start_paused = true)]
async fn with_it_nothing_is() {
    let both = [Payload::from("early"), Payload::from("later")];
    assert_eq!(received(Cures::default()).await, both);
}

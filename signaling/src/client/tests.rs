//! The client against a transport that plays a script.

mod draining;
mod ending;
mod joining;
mod lobby;
mod pulse;
mod resuming;
mod sending_again;
mod signals;

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use mesh_core::{
    Instant, LobbyEvent, LostReason, PeerId, SdpType, SessionDescription, Signal, Signaling,
    SignalingEvent, Topology,
};
use proptest::prelude::*;

use super::{Client, JoinRequest, MAX_MEMBERS, TEXTS_PER_POLL};
use crate::{Transport, TransportError, TransportEvent};

const START: Instant = Instant::from_micros(77);

#[derive(Default)]
struct Script {
    incoming: VecDeque<TransportEvent>,
    sent: Vec<String>,
    full: bool,
    open: bool,
    closed: bool,
    /// How often it was opened again; none if it cannot be.
    reopened: Option<u32>,
    /// The address that it was made for, if it can connect to others.
    url: Option<&'static str>,
    /// The other address that it was opened at last.
    elsewhere: Option<String>,
    /// What it was to say on a connection of its own.
    farewell: Vec<String>,
}

impl Transport for Script {
    fn send(&mut self, text: String) -> Result<(), TransportError> {
        if self.full {
            return Err(TransportError::Full);
        }
        if !self.open || self.closed {
            return Err(TransportError::NotOpen);
        }
        self.sent.push(text);
        Ok(())
    }

    fn poll_event(&mut self, _cx: &mut Context<'_>) -> Poll<TransportEvent> {
        if self.closed {
            return Poll::Pending;
        }
        let Some(event) = self.incoming.pop_front() else {
            return Poll::Pending;
        };
        self.open |= event == TransportEvent::Opened;
        Poll::Ready(event)
    }

    fn close(&mut self) {
        self.closed = true;
    }

    fn reopen(&mut self) -> Result<(), TransportError> {
        let reopened = self.reopened.as_mut().ok_or(TransportError::NotOpen)?;
        *reopened += 1;
        self.elsewhere = None;
        self.incoming.clear();
        self.sent.clear();
        self.open = false;
        Ok(())
    }

    fn reopen_at(&mut self, url: &str) -> Result<(), TransportError> {
        // A page that came over TLS must not.
        if url.contains("forbidden") {
            return Err(TransportError::NotOpen);
        }
        self.reopen()?;
        self.elsewhere = Some(url.to_owned());
        Ok(())
    }

    fn url(&self) -> Option<&str> {
        self.url
    }

    fn farewell(&mut self, texts: Vec<String>) {
        self.farewell = texts;
        self.close();
    }
}

fn client(incoming: impl IntoIterator<Item = TransportEvent>) -> Client<Script> {
    let script = Script {
        incoming: incoming.into_iter().collect(),
        ..Script::default()
    };
    Client::new(script, JoinRequest::mesh("demo"))
}

fn text(text: &str) -> TransportEvent {
    TransportEvent::Text(text.to_owned())
}

/// A client that is in as `id`, with those members.
fn joined(id: u32, members: &[u32]) -> Client<Script> {
    let mut script = vec![
        TransportEvent::Opened,
        text(&format!(r#"{{"type":1,"id":{id},"data":"true"}}"#)),
    ];
    script.extend(members.iter().map(|member| peer_connect(*member)));
    script.push(text(JOIN));
    let mut client = client(script);
    let events = drain(&mut client);
    assert_eq!(events.len(), 1 + members.len());
    client.transport.sent.clear();
    client
}

fn peer_connect(id: u32) -> TransportEvent {
    text(&format!(r#"{{"type":2,"id":{id},"data":""}}"#))
}

fn give(client: &mut Client<Script>, event: TransportEvent) -> Vec<SignalingEvent> {
    client.transport.incoming.push_back(event);
    drain(client)
}

fn drain(client: &mut Client<Script>) -> Vec<SignalingEvent> {
    drain_at(client, START)
}

/// All events but that everybody has been told, which comes with every join.
fn drain_at(client: &mut Client<Script>, now: Instant) -> Vec<SignalingEvent> {
    let mut events = drain_all(client, now);
    events.retain(|event| *event != COMPLETE);
    events
}

fn drain_all(client: &mut Client<Script>, now: Instant) -> Vec<SignalingEvent> {
    let mut events = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(event) = client.poll_event(now, &mut cx) {
        events.push(event);
    }
    events
}

fn peer(id: u32) -> PeerId {
    PeerId::new(id).expect("an id")
}

fn offer() -> Signal {
    Signal::Description(SessionDescription {
        sdp_type: SdpType::Offer,
        sdp: "v=0".to_owned(),
    })
}

fn joined_event(id: u32) -> SignalingEvent {
    SignalingEvent::Joined {
        id: peer(id),
        topology: Topology::Mesh,
        lobby: "demo".to_owned(),
    }
}

fn lost(reason: LostReason) -> Vec<SignalingEvent> {
    vec![SignalingEvent::Lost { reason }]
}

fn refused(code: u16, reason: &str) -> LostReason {
    LostReason::Refused {
        code,
        reason: reason.to_owned(),
    }
}

const COMPLETE: SignalingEvent = SignalingEvent::Lobby(LobbyEvent::Complete);

const ID: &str = r#"{"type":1,"id":7,"data":"true"}"#;
const JOIN: &str = r#"{"type":0,"id":0,"data":"demo"}"#;
const CONNECT_1: &str = r#"{"type":2,"id":1,"data":""}"#;
const CONNECT_9: &str = r#"{"type":2,"id":9.0,"data":""}"#;
const OFFER_9: &str = r#"{"type":4,"id":9,"data":"v=0"}"#;
const SEAL: &str = r#"{"type":7,"id":0,"data":""}"#;

fn any_type() -> impl Strategy<Value = u8> {
    prop_oneof![4 => 0..9_u8, 1 => 32..45_u8]
}

fn any_extra() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(r#","v":1"#.to_owned()),
        Just(r#","why":1"#.to_owned()),
        (any::<u32>(), 0..9_u32).prop_map(|(seq, prev)| format!(r#","seq":{seq},"prev":{prev}"#)),
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        (
            any_type(),
            0..12_u32,
            "(demo|true|v=0|ws://b|\\{\\}|\\\\n0\\\\n0\\\\nc|)",
            any_extra()
        )
            .prop_map(|(kind, id, data, extra)| format!(
                r#"{{"type":{kind},"id":{id},"data":"{data}"{extra}}}"#
            )),
    ]
}

proptest! {
    /// Whatever a server sends, the contract of `Signaling` holds.
    #[test]
    fn no_server_breaks_the_contract(texts in proptest::collection::vec(any_text(), 0..60)) {
        let mut client = client([TransportEvent::Opened]);
        client.transport.incoming.extend(texts.into_iter().map(TransportEvent::Text));
        let mut own = None;
        let mut members = std::collections::BTreeSet::new();
        let mut over = false;
        for event in drain(&mut client) {
            prop_assert!(!over, "an event after Lost");
            let first = matches!(event, SignalingEvent::Joined { .. } | SignalingEvent::Lost { .. });
            prop_assert!(own.is_some() || first);
            match event {
                SignalingEvent::Joined { id, .. } => prop_assert_eq!(own.replace(id), None),
                SignalingEvent::PeerJoined(id) => {
                    prop_assert_ne!(Some(id), own);
                    prop_assert!(members.insert(id));
                }
                SignalingEvent::PeerLeft(id) => prop_assert!(members.remove(&id)),
                SignalingEvent::Signal { from, .. } => prop_assert!(members.contains(&from)),
                SignalingEvent::Lost { .. } => over = true,
                // The transport never breaks.
                SignalingEvent::Interrupted { .. } | SignalingEvent::Resumed => {
                    return Err(TestCaseError::fail("interrupted"));
                }
                SignalingEvent::Sealed | _ => {}
            }
        }
    }
}

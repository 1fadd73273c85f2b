//! The hub's rules, one by one, with plain values.

mod clients;
mod limits;
mod lobbies;
mod strict;

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const START: Instant = Instant::from_micros(99);

const JOIN: &str = r#"{"type":0,"id":0,"data":"demo"}"#;
const JOIN_AS_CLIENT: &str = r#"{"type":0,"id":1,"data":"demo"}"#;
const SEAL: &str = r#"{"type":7,"id":0,"data":""}"#;

/// Ids are 10, 11, 12 …, so that a test can name them.
fn counting() -> Entropy {
    let mut next = 8;
    Box::new(move || {
        let entropy = next;
        next += 1;
        Some(entropy)
    })
}

fn hub(config: Config) -> Hub {
    Hub::new(config, counting())
}

fn connect(hub: &mut Hub) -> SocketId {
    hub.connect(START).expect("a place")
}

/// Gives the hub a text; what it does about it.
fn give(hub: &mut Hub, socket: SocketId, text: &str) -> Vec<(SocketId, String)> {
    hub.handle_text(START, socket, text);
    actions(hub)
}

/// Texts as they are, closes as `code words`.
fn actions(hub: &mut Hub) -> Vec<(SocketId, String)> {
    std::iter::from_fn(|| hub.poll_action())
        .map(|action| match action {
            Action::Send { to, text } => (to, text.to_string()),
            Action::Close { socket, goodbye } => {
                (socket, format!("{} {}", goodbye.code(), goodbye.reason()))
            }
        })
        .collect()
}

/// A hub with a lobby of so many, host first.
fn lobby_of(config: Config, size: usize, join: &str) -> (Hub, Vec<SocketId>) {
    let mut hub = Hub::new(config, counting());
    let sockets: Vec<_> = (0..size).map(|_| connect(&mut hub)).collect();
    for socket in &sockets {
        give(&mut hub, *socket, join);
    }
    (hub, sockets)
}

fn notice(kind: u8, id: u32, data: &str) -> String {
    format!(r#"{{"type":{kind},"id":{id},"data":"{data}"}}"#)
}

proptest! {
    /// Whatever a socket sends, it gets an answer or is sent away; the others are not touched.
    #[test]
    fn no_text_panics(texts in proptest::collection::vec(any_text(), 0..40), strict: bool) {
        let (mut hub, sockets) = lobby_of(Config { strict: false, ..Config::default() }, 2, JOIN);
        hub.config.strict = strict;
        let guest = connect(&mut hub);
        for text in texts {
            for (socket, said) in give(&mut hub, guest, &text) {
                prop_assert!(socket == guest || !said.starts_with('4'), "{said}");
            }
        }
        for socket in sockets {
            prop_assert!(hub.peers.contains_key(&socket));
        }
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        r#"\{"type":[-0-9.e]{0,4},"id":[-0-9.e]{0,12},"data":("[a-z]{0,9}"|null|\[|\{)\}?"#,
        (0..9_u8, 0..14_u32, "(demo|x|)").prop_map(|(kind, id, data)| notice(kind, id, &data)),
    ]
}

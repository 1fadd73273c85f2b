//! The rules of the lobbies, one by one, with plain values.

mod clients;
mod control;
mod data;
mod godot3;
mod groups;
mod healing;
mod instances;
mod limits;
mod listing;
mod lobbies;
mod migration;
mod restart;
mod resume;
mod shared;
mod strict;

use std::time::Duration;

use proptest::prelude::*;

use super::house::House;
use super::*;

const START: Instant = Instant::from_micros(99);

const JOIN: &str = r#"{"type":0,"id":0,"data":"demo"}"#;
const JOIN_AS_CLIENT: &str = r#"{"type":0,"id":1,"data":"demo"}"#;
const SEAL: &str = r#"{"type":7,"id":0,"data":""}"#;

/// Ids are 10, 11, 12 …, so that a test can name them.
pub(super) fn counting() -> Entropy {
    let mut next = 8;
    Box::new(move || {
        let entropy = next;
        next += 1;
        Some(entropy)
    })
}

fn house(config: Config) -> House {
    House::new(config, counting())
}

fn connect(house: &mut House) -> MemberId {
    house.connect()
}

/// Gives the server a text; what it does about it.
fn give(house: &mut House, socket: MemberId, text: &str) -> Vec<(MemberId, String)> {
    house.handle_text(START, socket, text);
    actions(house)
}

/// Texts as they are, closes as `code words`.
fn actions(house: &mut House) -> Vec<(MemberId, String)> {
    std::iter::from_fn(|| house.poll_action())
        .map(|action| match action {
            Action::Tell { to, text, .. } => (to, text.to_string()),
            Action::Close { member, goodbye } => {
                (member, format!("{} {}", goodbye.code(), goodbye.reason()))
            }
        })
        .collect()
}

/// A server with a lobby of so many, host first.
fn lobby_of(config: Config, size: usize, join: &str) -> (House, Vec<MemberId>) {
    let mut house = House::new(config, counting());
    let sockets: Vec<_> = (0..size).map(|_| connect(&mut house)).collect();
    for socket in &sockets {
        give(&mut house, *socket, join);
    }
    (house, sockets)
}

fn notice(kind: u8, id: u32, data: &str) -> String {
    format!(r#"{{"type":{kind},"id":{id},"data":"{data}"}}"#)
}

proptest! {
    /// Whatever a socket sends, it gets an answer or is sent away; the others are not touched.
    #[test]
    fn no_text_panics(texts in proptest::collection::vec(any_text(), 0..40), strict: bool) {
        let (mut house, sockets) = lobby_of(Config::default(), 2, JOIN);
        house.hall.config.strict = strict;
        let guest = connect(&mut house);
        for text in texts {
            for (socket, said) in give(&mut house, guest, &text) {
                prop_assert!(socket == guest || !said.starts_with('4'), "{said}");
            }
        }
        for socket in sockets {
            prop_assert!(house.visitors.contains_key(&socket));
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

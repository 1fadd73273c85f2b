//! What a member or a stranger may try against a lobby. After each try the others are there as before, and somebody new can join.

use std::time::Duration;

use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::peer::*;
use crate::resume::{Entry, OURS, enter_at, url, with_token};

/// Who tries it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// A member of the lobby that speaks the extension.
    Member,
    /// One that speaks Godot's protocol.
    Godot,
    /// Somebody who has not joined.
    Stranger,
}

/// Something that is tried.
struct Try {
    name: &'static str,
    who: Who,
    texts: Vec<String>,
    /// How the words begin with which it is sent away; nothing where it may stay.
    end: &'static str,
}

fn attempt(name: &'static str, who: Who, texts: &[&str], end: &'static str) -> Try {
    let texts = texts.iter().map(|&text| text.to_owned()).collect();
    Try {
        name,
        who,
        texts,
        end,
    }
}

/// `HOST`, `GUEST` and `OWN` in a text are ids, `TOKEN` is the member's own token.
fn tries() -> Vec<Try> {
    use Who::{Godot, Member, Stranger};
    let say = |kind: u32, id: &str, data: &str| {
        let data = data.replace('"', "\\\"");
        format!(r#"{{"type":{kind},"id":{id},"data":"{data}"}}"#)
    };
    let only_host = "4000 Only the host can do that";
    let invalid = "4000 Invalid command";
    let deep = format!(
        r#"{{"type":0,"id":0,"data":"x","y":{}{}}}"#,
        "[".repeat(9000),
        "]".repeat(9000)
    );
    vec![
        attempt("seal", Member, &[SEAL], "4000 Only host can seal"),
        attempt(
            "seal, in Godot's protocol",
            Godot,
            &[SEAL],
            "4000 Only host can seal",
        ),
        attempt(
            "kick the host",
            Member,
            &[&say(37, "HOST", "out")],
            only_host,
        ),
        attempt("ban a guest", Member, &[&say(38, "GUEST", "")], only_host),
        attempt("lock", Member, &[&say(39, "0", "true")], only_host),
        attempt(
            "set the lobby's data",
            Member,
            &[&say(40, "0", "{}")],
            only_host,
        ),
        attempt(
            "list the lobby",
            Member,
            &[&say(42, "0", "true")],
            only_host,
        ),
        attempt(
            "kick in Godot's protocol",
            Godot,
            &[&say(37, "HOST", "")],
            "",
        ),
        attempt(
            "say that the host has left",
            Member,
            &[&say(3, "HOST", "")],
            invalid,
        ),
        attempt(
            "say that somebody new is there",
            Member,
            &[&say(2, "77", "")],
            invalid,
        ),
        attempt("give out ids", Member, &[&say(1, "HOST", "true")], invalid),
        attempt(
            "say who is the host",
            Member,
            &[&say(43, "OWN", "")],
            invalid,
        ),
        attempt(
            "say that the host is back",
            Member,
            &[&say(35, "HOST", "")],
            invalid,
        ),
        attempt(
            "give out tokens",
            Member,
            &[&say(34, "60", "token")],
            invalid,
        ),
        attempt("join twice", Member, &[OURS], "4000 Already in a lobby"),
        attempt("signal oneself", Member, &[&say(4, "OWN", "v=0")], ""),
        attempt(
            "signal nobody",
            Member,
            &[&say(4, "77", "v=0"), &say(5, "0", "")],
            "",
        ),
        attempt(
            "number signals at random",
            Member,
            &[
                r#"{"type":4,"id":77,"data":"","seq":4294967295,"prev":4294967295}"#,
                r#"{"type":4,"id":77,"data":"","seq":0,"prev":7}"#,
                r#"{"type":4,"id":77,"data":"","seq":1}"#,
            ],
            "",
        ),
        attempt(
            "data that are no object",
            Member,
            &[&say(41, "0", "[1]")],
            "4000 Not allowed",
        ),
        attempt(
            "data that are too long",
            Member,
            &[&say(41, "0", &format!(r#"{{"a":"{}"}}"#, "x".repeat(300)))],
            "4000 Not allowed",
        ),
        attempt(
            "data of somebody else",
            Member,
            &[&say(41, "HOST", r#"{"me":"host"}"#)],
            "",
        ),
        attempt(
            "speak after leaving",
            Member,
            &[
                &say(36, "0", ""),
                &say(4, "HOST", "ghost"),
                &say(41, "0", "{}"),
            ],
            "4000 Invalid message when not in a lobby",
        ),
        attempt("an unknown type", Member, &[&say(99, "0", "")], ""),
        attempt(
            "a field twice",
            Member,
            &[r#"{"type":4,"type":7,"id":1,"data":""}"#],
            "4000 Invalid message format",
        ),
        attempt(
            "an id that is none",
            Member,
            &[&say(4, "4294967296", "")],
            "4000 Invalid destination",
        ),
        attempt("no JSON", Member, &["hello"], "4000 Invalid message format"),
        attempt(
            "signal without a lobby",
            Stranger,
            &[&say(4, "HOST", "v=0")],
            "4000 Invalid message when not in a lobby",
        ),
        attempt(
            "kick without a lobby",
            Stranger,
            &[&say(37, "HOST", "")],
            "",
        ),
        attempt("a JSON that is deep", Stranger, &[&deep], ""),
        attempt(
            "a forged token",
            Stranger,
            &[&with_token("AgAAAAAAAAAA")],
            "4001 No seat",
        ),
        attempt(
            "an empty token",
            Stranger,
            &[&with_token("")],
            "4001 No seat",
        ),
        attempt(
            "a token that is long",
            Stranger,
            &[&with_token(&"A".repeat(20_000))],
            "4001 No seat",
        ),
        attempt(
            "a group of everybody",
            Stranger,
            &[r#"{"type":0,"id":0,"data":"demo","v":1,"next":4294967295}"#],
            "4000 Group is too large",
        ),
        attempt(
            "a name that is long",
            Stranger,
            &[&say(0, "0", &"😀".repeat(65))],
            "4000 Lobby name is too long",
        ),
        attempt(
            "the other protocol",
            Stranger,
            &["J: demo\n"],
            "4000 Lobby is not for clients of Godot 3",
        ),
    ]
}

/// The lobby that is to stay as it is.
struct Lobby {
    server: signaling_server::Server,
    host: Peer,
    guest: Peer,
    guest_id: u32,
}

impl Lobby {
    async fn new() -> Self {
        let server = server(quick()).await;
        let (mut host, _) = enter_at(&url(&server), OURS).await;
        let (guest, Entry { id: guest_id, .. }) = enter_at(&url(&server), OURS).await;
        assert_eq!(ids(&host.text().await), (2, guest_id));
        Self {
            server,
            host,
            guest,
            guest_id,
        }
    }

    /// Somebody with bad intentions; its id and its token, if it is in the lobby.
    async fn attacker(&self, who: Who) -> (Peer, u32, String) {
        match who {
            Who::Member => {
                let (peer, Entry { id, token, .. }) = enter_at(&url(&self.server), OURS).await;
                (peer, id, token)
            }
            Who::Godot => {
                let (peer, id, _) = Peer::join(&self.server).await;
                (peer, id, String::new())
            }
            Who::Stranger => (Peer::connect(&self.server).await, 0, String::new()),
        }
    }

    /// Everybody is there and hears the others, and somebody new joins.
    async fn is_whole(&mut self, name: &str) {
        let (offer, answer) = (notice(4, self.guest_id, name), notice(5, 1, name));
        self.host.send(&offer).await;
        until(&mut self.guest, &notice(4, 1, name), name).await;
        self.guest.send(&answer).await;
        until(&mut self.host, &notice(5, self.guest_id, name), name).await;
        let (new, entry) = enter_at(&url(&self.server), OURS).await;
        assert!(
            entry.others.contains(&1) && entry.others.contains(&self.guest_id),
            "{name}: {:?}",
            entry.others
        );
        new.leave().await;
    }
}

/// Reads up to a text; a close before it is a failure.
async fn until(peer: &mut Peer, text: &str, name: &str) {
    let reading = async { while peer.text().await != text {} };
    let read = timeout(DEADLINE, reading).await;
    assert!(read.is_ok(), "{name}: nobody said {text}");
}

#[tokio::test]
async fn nobody_ends_anothers_membership_or_keeps_players_out() {
    for Try {
        name,
        who,
        texts,
        end,
    } in tries()
    {
        let mut lobby = Lobby::new().await;
        let (mut attacker, own, token) = lobby.attacker(who).await;
        for text in texts {
            let text = text
                .replace("HOST", "1")
                .replace("GUEST", &lobby.guest_id.to_string());
            let text = text
                .replace("OWN", &own.to_string())
                .replace("TOKEN", &token);
            attacker.send_anyway(&text).await;
        }
        if end.is_empty() {
            // It may stay; what it has said has been read when its ping has.
            if who == Who::Member {
                attacker.send(&notice(32, 0, "")).await;
                until(&mut attacker, &notice(33, 0, ""), name).await;
            }
        } else {
            let close = timeout(DEADLINE, attacker.close()).await;
            let close = close.unwrap_or_else(|_| "it may stay".to_owned());
            assert!(close.starts_with(end), "{name}: {close}");
        }
        lobby.is_whole(name).await;
        drop(attacker);
    }
}

#[tokio::test]
async fn a_frame_that_is_no_text_ends_its_sender_alone() {
    let mut lobby = Lobby::new().await;
    let (mut attacker, ..) = lobby.attacker(Who::Member).await;
    attacker.frame(Message::binary(vec![0; 9])).await;
    assert_eq!(
        attacker.close().await,
        "4000 Invalid transfer mode, must be text"
    );
    lobby.is_whole("binary").await;
}

#[tokio::test]
async fn coming_and_going_in_a_loop_ends_nobodys_membership() {
    let mut lobby = Lobby::new().await;
    for round in 0..100 {
        let who = if round % 2 == 0 {
            Who::Member
        } else {
            Who::Godot
        };
        let (attacker, ..) = lobby.attacker(who).await;
        if round % 3 == 0 {
            attacker.leave().await;
        }
    }
    lobby.is_whole("churn").await;
}

#[tokio::test]
async fn a_token_of_anothers_seat_cannot_be_made_from_ones_own() {
    let mut lobby = Lobby::new().await;
    let (attacker, _, token) = lobby.attacker(Who::Member).await;
    drop(attacker);
    // One letter after the other is another one.
    for at in 0..token.len() {
        let mut forged = token.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).expect("letters");
        let mut peer = Peer::connect(&lobby.server).await;
        peer.send(&with_token(&forged)).await;
        let close = peer.close().await;
        assert!(close.starts_with("4001 No seat"), "{at}: {close}");
    }
    lobby.is_whole("forged").await;
}

#[tokio::test]
async fn many_lobbies_of_one_letter_each_leave_room_for_others() {
    let limited = signaling_server::Config {
        address: signaling_server::AddressLimits {
            lobbies: 3,
            ..signaling_server::AddressLimits::unlimited()
        },
        trusted_proxies: vec!["127.0.0.1/32".parse().expect("a network")],
        ..quick()
    };
    let server = server(limited).await;
    let from = |address| [("x-forwarded-for", address)];
    let mut kept = Vec::new();
    for number in 0..5 {
        let mut peer = Peer::request(&url(&server), &from("203.0.113.1"))
            .await
            .expect("a socket");
        peer.send(&notice(0, 0, &format!("squat {number}"))).await;
        let answer = peer.answer().await;
        assert_eq!(answer.starts_with('{'), number < 3, "{answer}");
        kept.push(peer);
    }
    let mut player = Peer::request(&url(&server), &from("203.0.113.2"))
        .await
        .expect("a socket");
    player.send(JOIN).await;
    assert_eq!(player.text().await, notice(1, 1, "true"));
    let joined = timeout(Duration::from_secs(20), player.text()).await;
    assert_eq!(joined.expect("in time"), notice(0, 0, "demo"));
}

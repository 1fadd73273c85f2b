//! What a member or a stranger may try against a lobby. After each try the others are there as before, and somebody new can join.

use std::time::Duration;

use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::peer::*;
use crate::resume::{Entry, OURS, enter_at, url, with_token};
use crate::tries::{Try, Who, tries};

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
            Who::Stranger | Who::Newcomer => (Peer::connect(&self.server).await, 0, String::new()),
        }
    }

    /// Everybody is there and hears the others, and somebody new joins. Gives what host and guest have been told meanwhile.
    async fn is_whole(&mut self, name: &str) -> Vec<String> {
        let (offer, answer) = (notice(4, self.guest_id, name), notice(5, 1, name));
        self.host.send(&offer).await;
        let mut told = until(&mut self.guest, &notice(4, 1, name), name).await;
        self.guest.send(&answer).await;
        told.extend(until(&mut self.host, &notice(5, self.guest_id, name), name).await);
        let (new, entry) = enter_at(&url(&self.server), OURS).await;
        assert!(
            entry.others.contains(&1) && entry.others.contains(&self.guest_id),
            "{name}: {:?}",
            entry.others
        );
        new.leave().await;
        told
    }
}

/// Reads up to a text, and gives what came before it; a close is a failure.
async fn until(peer: &mut Peer, text: &str, name: &str) -> Vec<String> {
    let reading = async {
        let mut before = Vec::new();
        loop {
            let told = peer.text().await;
            if told == text {
                return before;
            }
            before.push(told);
        }
    };
    let read = timeout(DEADLINE, reading).await;
    read.unwrap_or_else(|_| panic!("{name}: nobody said {text}"))
}

/// Shows that somebody may stay: what it says counts, after all that it has tried.
async fn may_stay(attacker: &mut Peer, who: Who, lobby: &mut Lobby, own: u32, name: &str) {
    match who {
        Who::Member => {
            attacker.send(&notice(32, 0, "")).await;
            let heard = until(attacker, &notice(33, 0, ""), name).await;
            let signals = heard.iter().filter(|text| is_signal(text));
            assert_eq!(signals.count(), 0, "{name}: {heard:?}");
        }
        Who::Godot => {
            attacker.send(&notice(4, 1, "still here")).await;
            let offer = notice(4, own, "still here");
            let told = until(&mut lobby.host, &offer, name).await;
            assert!(told.iter().all(|text| is_of(text, own)), "{name}: {told:?}");
        }
        Who::Stranger => {
            attacker.send(&notice(0, 0, "elsewhere")).await;
            assert_eq!(attacker.text().await, notice(1, 1, "true"), "{name}");
        }
        Who::Newcomer => assert_eq!(attacker.text().await, notice(1, 1, "true"), "{name}"),
    }
}

fn is_signal(text: &str) -> bool {
    (4..=6).contains(&ids(text).0)
}

/// Whether a text says of somebody no more than that it has come or gone, or what its own data are.
fn is_of(text: &str, own: u32) -> bool {
    let (kind, id) = ids(text);
    matches!(kind, 2 | 3 | 41) && id == own
}

#[tokio::test]
async fn nobody_ends_anothers_membership_or_keeps_players_out() {
    for Try {
        name,
        who,
        texts,
        end,
        told,
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
            may_stay(&mut attacker, who, &mut lobby, own, name).await;
        } else {
            let close = timeout(DEADLINE, attacker.close()).await;
            let close = close.unwrap_or_else(|_| "it may stay".to_owned());
            assert!(close.starts_with(end), "{name}: {close}");
        }
        if !told.is_empty() {
            let told = told.replace("OWN", &own.to_string());
            until(&mut lobby.host, &told, name).await;
        }
        let heard = lobby.is_whole(name).await;
        let is_harmless = heard.iter().all(|text| is_of(text, own));
        assert!(is_harmless, "{name}: {heard:?}");
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
    // They are told of, and of nothing else.
    let heard = lobby.is_whole("churn").await;
    let came = heard.iter().filter(|text| ids(text).0 == 2).count();
    let else_ = heard.iter().filter(|text| !matches!(ids(text).0, 2 | 3));
    assert_eq!((came, else_.count()), (200, 0), "{heard:?}");
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
        address: signaling_server::AddressLimits::default(),
        trusted_proxies: vec!["127.0.0.1/32".parse().expect("a network")],
        ..quick()
    };
    let limit = limited.address.lobbies;
    let server = server(limited).await;
    let from = |address| [("x-forwarded-for", address)];
    let mut kept = Vec::new();
    for number in 0..limit + 2 {
        let mut peer = Peer::request(&url(&server), &from("203.0.113.1"))
            .await
            .expect("a socket");
        peer.send(&notice(0, 0, &format!("squat {number}"))).await;
        let answer = peer.answer().await;
        assert_eq!(answer.starts_with('{'), number < limit, "{answer}");
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

/// Other tests set limits of their own, to reach them soon.
#[test]
fn the_limits_of_the_table_are_the_defaults() {
    let config = signaling_server::Config::default();
    let seconds = Duration::from_secs;
    let address = &config.address;
    assert_eq!((address.sockets, address.lobbies), (256, 64));
    assert_eq!((address.joins_per_second, address.join_burst), (16, 256));
    assert_eq!(config.max_handshakes_per_address, 64);
    assert_eq!(config.message_deadline, seconds(10));
    assert_eq!(config.join_deadline, seconds(3));
}

//! A server that stops, and tells its members where to come back to.

use std::time::Duration;

use mesh_core::{HintError, LobbyEvent, LostReason, ReconnectHint, SignalingEvent};
use signaling_server::{ResumeKey, Server};

use crate::member::{Member, server, server_at, url};

/// What a member is told at the beginning of a drain of a part of a second.
fn draining(hint: ReconnectHint) -> SignalingEvent {
    let within = Duration::from_secs(1);
    SignalingEvent::Lobby(LobbyEvent::Draining { within, hint })
}

/// A host and a guest who know each other.
async fn two(server: &Server) -> [Member; 2] {
    let mut host = Member::join(&url(server)).await;
    let guest = Member::join(&url(server)).await;
    assert_eq!(host.next().await, SignalingEvent::PeerJoined(guest.id()));
    [host, guest]
}

/// The server drains and ends; each member is told this before.
async fn drain(server: Server, members: &mut [Member; 2], hint: ReconnectHint) {
    let [host, guest] = members;
    let told = async {
        assert_eq!(host.next().await, draining(hint.clone()));
        assert_eq!(guest.next().await, draining(hint.clone()));
    };
    tokio::join!(server.drain(Duration::from_millis(200)), told);
    let cut = async {
        for member in [&mut *host, &mut *guest] {
            let reason = LostReason::Refused {
                code: 1001,
                reason: "The server is shutting down".to_owned(),
            };
            let interrupted = SignalingEvent::Interrupted { reason };
            assert_eq!(member.next_of_its_own().await, interrupted);
        }
    };
    tokio::join!(server.shutdown(), cut);
}

/// Both come back to their seats, and hear each other.
async fn meet_again([host, guest]: &mut [Member; 2]) {
    let ids = [host.id(), guest.id()];
    tokio::join!(resumed(host), resumed(guest));
    assert_eq!([host.id(), guest.id()], ids);
    host.tell(ids[1], "from the host");
    host.goes_on(guest.hears(ids[0], "from the host")).await;
    guest.tell(ids[0], "from the guest");
    guest.goes_on(host.hears(ids[1], "from the guest")).await;
}

async fn resumed(member: &mut Member) {
    let next = member.next_of_its_own().await;
    assert_eq!(next, SignalingEvent::Resumed);
}

#[tokio::test]
async fn members_come_back_at_the_address_that_a_draining_server_names() {
    let key = ResumeKey::generate().expect("a key");
    let second = server(&key, None).await;
    let (address, named) = (second.local_addr(), url(&second));
    second.shutdown().await;
    let first = server(&key, Some(named.clone())).await;
    let mut members = two(&first).await;
    drain(first, &mut members, ReconnectHint::At(named)).await;
    // Nobody listens at the first address any more. Without a broker a server takes those who have got their tokens before its start.
    let _second = server_at(address, &key.inherited(), None).await;
    meet_again(&mut members).await;
}

#[tokio::test]
async fn members_come_back_to_where_they_were_if_nobody_is_where_they_were_led_to() {
    let key = ResumeKey::generate().expect("a key");
    let nobody = "ws://127.0.0.1:61997".to_owned();
    let first = server(&key, Some(nobody.clone())).await;
    let address = first.local_addr();
    let mut members = two(&first).await;
    drain(first, &mut members, ReconnectHint::At(nobody)).await;
    let _again = server_at(address, &key.inherited(), None).await;
    meet_again(&mut members).await;
}

#[tokio::test]
async fn members_come_back_to_where_they_were_if_the_other_server_does_not_know_them() {
    let key = ResumeKey::generate().expect("a key");
    let other = ResumeKey::generate().expect("a key");
    let stranger = server(&other, None).await;
    let first = server(&key, Some(url(&stranger))).await;
    let address = first.local_addr();
    let mut members = two(&first).await;
    drain(first, &mut members, ReconnectHint::At(url(&stranger))).await;
    let _again = server_at(address, &key.inherited(), None).await;
    meet_again(&mut members).await;
}

#[tokio::test]
async fn a_server_that_names_no_address_is_waited_for() {
    let key = ResumeKey::generate().expect("a key");
    let first = server(&key, None).await;
    let address = first.local_addr();
    let mut members = two(&first).await;
    drain(first, &mut members, ReconnectHint::Same).await;
    let _again = server_at(address, &key.inherited(), None).await;
    meet_again(&mut members).await;
}

#[tokio::test]
async fn a_server_does_not_begin_that_would_lead_its_members_astray() {
    let config = signaling_server::Config {
        drain_to: Some("https://b.example".to_owned()),
        ..signaling_server::Config::default()
    };
    let refused = Server::bind(([127, 0, 0, 1], 0).into(), config).await;
    let error = HintError::NotWebSocket;
    assert!(
        matches!(&refused, Err(signaling_server::BindError::DrainTo { source, .. }) if *source == error),
        "{refused:?}"
    );
}

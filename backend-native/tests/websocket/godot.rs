//! Our clients on a server of Godot's protocol that is not ours.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a player waits for one event"
)]

use backend_native::{PlatformBackend, PlatformConfig, WebSocketTransport};
use mesh_core::{Event, LostReason, PeerId, Session, SessionConfig, Target, TransferMode};
use signaling::{Client, JoinRequest};
use tokio::runtime::Handle;

use crate::godot_server::GodotServer;
use crate::support::within;

type Player = Session<PlatformBackend, Client<WebSocketTransport>>;

fn player(server: &GodotServer, lobby: &str) -> Player {
    let backend = PlatformBackend::with_handle(Handle::current(), PlatformConfig::default());
    let transport = backend.websocket(&server.url).expect("an address");
    let client = Client::new(transport, JoinRequest::mesh(lobby));
    Session::new(backend, client, SessionConfig::default())
}

/// What the first event says of which that takes anything.
async fn wait<T>(player: &mut Player, mut take: impl FnMut(Event) -> Option<T>) -> T {
    within(async {
        loop {
            if let Some(taken) = take(player.next_event().await) {
                return taken;
            }
        }
    })
    .await
}

/// Its id, and the lobby's name.
async fn joins(player: &mut Player) -> (PeerId, String) {
    wait(player, |event| match event {
        Event::Joined { id, lobby, .. } => Some((id, lobby)),
        _ => None,
    })
    .await
}

async fn connects(player: &mut Player) -> PeerId {
    wait(player, |event| match event {
        Event::PeerConnected(peer) => Some(peer),
        _ => None,
    })
    .await
}

async fn is_sealed(player: &mut Player) {
    wait(player, |event| (event == Event::Sealed).then_some(())).await;
}

async fn hears(player: &mut Player) -> Vec<u8> {
    wait(player, |event| match event {
        Event::Packet(packet) => Some(packet.payload.bytes().to_vec()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn players_meet_and_seal_on_a_server_that_knows_godots_protocol_alone() {
    let server = GodotServer::begin().await;
    let mut host = player(&server, "");
    let (id, lobby) = joins(&mut host).await;
    assert_eq!(id, PeerId::SERVER);
    let mut guest = player(&server, &lobby);
    let meeting = async {
        let (id, named) = joins(&mut guest).await;
        assert_eq!(named, lobby);
        assert_eq!(connects(&mut guest).await, PeerId::SERVER);
        id
    };
    let (met, id) = tokio::join!(connects(&mut host), meeting);
    assert_eq!(met, id);
    let sent = host.send(Target::All, TransferMode::Reliable, b"hello".as_slice());
    assert!(sent.expect("a peer").refused.is_empty());
    let (mut ended, heard) = {
        let heard = hears(&mut guest);
        (player(&server, "nowhere"), heard.await)
    };
    assert_eq!(heard, b"hello");
    // What it refuses is told in its words.
    let refused = |words: &str| LostReason::Refused {
        code: 4000,
        reason: words.to_owned(),
    };
    let lost = |event| match event {
        Event::SignalingLost(reason) => Some(reason),
        _ => None,
    };
    let reason = wait(&mut ended, lost).await;
    assert_eq!(reason, refused("Lobby does not exists"));
    host.seal().expect("the host may");
    tokio::join!(is_sealed(&mut host), is_sealed(&mut guest));
    let mut late = player(&server, &lobby);
    assert_eq!(wait(&mut late, lost).await, refused("Lobby is sealed"));
    // One offer, one answer and candidates, and nothing that is ours.
    let relayed = server.relayed();
    let count = |kind| relayed.iter().filter(|other| **other == kind).count();
    assert_eq!((count(4), count(5)), (1, 1), "{relayed:?}");
    assert!(count(6) > 0, "{relayed:?}");
    // The host leaves with its signaling, and the guest is told in the server's words.
    drop(host);
    assert_eq!(wait(&mut guest, lost).await, LostReason::HostLeft);
    server.relayed();
}

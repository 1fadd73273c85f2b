//! A network peer that is closed and set up anew: nobody of the old life is met in the new one.

use mesh_core::{Sent, Target, TransferMode};
use multiplayer_api::{
    ApiConfig, ApiEvent, AuthError, Authentication, MultiplayerApi, SendBytesError,
};

use crate::fake::{Fake, api, connected, id, packet, poll, relay, server_of};

/// The server's id is always 1: an id does not tell one life from the next.
#[test]
fn a_server_that_is_set_up_anew_knows_nobody() {
    let (mut api, mut network) = server_of(2);
    network.restart();
    network.connect(4);
    assert_eq!(
        poll(&mut api, &mut network),
        [ApiEvent::ServerDisconnected, connected(4)]
    );
    assert_eq!(api.peers().collect::<Vec<_>>(), [id(4)]);
    assert_eq!(
        network.take_reliable(),
        [],
        "nobody is introduced to a ghost"
    );
    // Nor does it when the game does so between two events, or with another object.
    network.receive(4, b"\x03last");
    assert_eq!(api.poll(&mut network), Some(packet(4, b"last")));
    network.restart();
    assert_eq!(poll(&mut api, &mut network), [ApiEvent::ServerDisconnected]);
    network = Fake::server();
    network.connect(4);
    assert_eq!(
        poll(&mut api, &mut network),
        [ApiEvent::ServerDisconnected, connected(4)]
    );
}

/// Whatever the game calls first, it means the network peer of now.
#[test]
fn what_is_called_before_the_next_poll_meets_nobody_of_the_old_life() {
    let (mut api, mut network) = server_of(3);
    network.full.insert(id(3));
    network.receive(2, &relay(3, b"\x03x"));
    poll(&mut api, &mut network);

    network.restart();
    network.full.clear();
    network.connect(3);
    network.connect(4);
    let (peer, mode) = (id(3), TransferMode::Reliable);
    assert_eq!(
        api.send_bytes(&mut network, peer, mode, b"x"),
        Err(SendBytesError::UnknownPeer { peer })
    );
    let all = api.send_bytes(&mut network, Target::All, mode, b"x");
    assert_eq!(all, Ok(Sent::default()));
    assert_eq!(network.sent, []);
    assert_eq!(
        poll(&mut api, &mut network),
        [ApiEvent::ServerDisconnected, connected(3), connected(4)]
    );

    network.restart();
    network.connect(3);
    network.connect(4);
    network.sent.clear();
    assert!(api.disconnect_peer(&mut network, id(3)));
    assert_eq!(network.sent, [], "nobody is told of a ghost's end");
    assert_eq!(api.peers().count(), 0);
}

#[test]
fn a_client_that_is_set_up_anew_while_connecting_has_failed_before() {
    let (mut api, mut network) = (api(), Fake::client(2));
    assert_eq!(poll(&mut api, &mut network), []);
    network.restart();
    assert_eq!(
        poll(&mut api, &mut network),
        [ApiEvent::ConnectionFailed(None)]
    );
    assert_eq!(poll(&mut api, &mut network), []);
}

#[test]
fn nobody_of_an_old_life_authenticates() {
    let mut api = MultiplayerApi::new(ApiConfig {
        authentication: Authentication::required(),
        ..ApiConfig::default()
    });
    let (mut network, peer) = (Fake::mesh(9), id(5));
    network.connect(5);
    assert_eq!(
        poll(&mut api, &mut network),
        [ApiEvent::PeerAuthenticating(peer)]
    );
    let unknown = Err(AuthError::NotAuthenticating { peer });
    network.restart();
    network.connect(5);
    assert_eq!(api.send_auth(&mut network, peer, b"secret"), unknown);
    assert_eq!(
        poll(&mut api, &mut network),
        [
            ApiEvent::ServerDisconnected,
            ApiEvent::PeerAuthenticating(peer)
        ]
    );
    network.restart();
    network.connect(5);
    assert_eq!(api.complete_auth(&mut network, peer), unknown);
    assert_eq!(network.sent, []);
}

//! A network peer that is closed and set up again, or replaced: no former peer is met afterwards.

use mesh_core::{Sent, Target, TransferMode};
use multiplayer_api::{
    ApiConfig, ApiEvent, AuthError, Authentication, MultiplayerApi, SendBytesError,
};

use crate::kit::{Fake, api, connected, id, packet, poll, relay, server_of};

/// The server's id is always 1, so an id does not say that the network peer was closed in between.
#[test]
fn a_server_that_is_set_up_again_knows_nobody() {
    let mut api = server_of(2);
    api.peer_mut().restart();
    api.peer_mut().connect(4);
    assert_eq!(poll(&mut api), [ApiEvent::ServerDisconnected, connected(4)]);
    assert_eq!(api.peers().collect::<Vec<_>>(), [id(4)]);
    assert_eq!(
        api.peer_mut().take_reliable(),
        [],
        "no former client is told of a new one"
    );
    // The same holds between two events of a frame, and for another network peer.
    api.peer_mut().receive(4, b"\x03last");
    assert_eq!(api.poll(), Some(packet(4, b"last")));
    api.peer_mut().restart();
    assert_eq!(poll(&mut api), [ApiEvent::ServerDisconnected]);
    api.set_peer(Fake::server());
    api.peer_mut().connect(4);
    assert_eq!(poll(&mut api), [ApiEvent::ServerDisconnected, connected(4)]);
}

/// Every method notices the close, not only `poll`.
#[test]
fn what_is_called_before_the_next_poll_meets_no_former_peer() {
    let mut api = server_of(3);
    api.peer_mut().full.insert(id(3));
    api.peer_mut().receive(2, &relay(3, b"\x03x"));
    poll(&mut api);

    api.peer_mut().restart();
    api.peer_mut().full.clear();
    api.peer_mut().connect(3);
    api.peer_mut().connect(4);
    let (peer, mode) = (id(3), TransferMode::Reliable);
    assert_eq!(
        api.send_bytes(peer, mode, b"x"),
        Err(SendBytesError::UnknownPeer { peer })
    );
    let all = api.send_bytes(Target::All, mode, b"x");
    assert_eq!(all, Ok(Sent::default()));
    assert_eq!(api.peer_mut().sent, []);
    assert_eq!(
        poll(&mut api),
        [ApiEvent::ServerDisconnected, connected(3), connected(4)]
    );

    api.peer_mut().restart();
    api.peer_mut().connect(3);
    api.peer_mut().connect(4);
    api.peer_mut().sent.clear();
    assert!(api.disconnect_peer(id(3)));
    assert_eq!(
        api.peer_mut().sent,
        [],
        "nobody is told of the end of a former peer"
    );
    assert_eq!(api.peers().count(), 0);
}

#[test]
fn a_client_that_is_set_up_again_while_connecting_has_failed_before() {
    let mut api = api(Fake::client(2));
    assert_eq!(poll(&mut api), []);
    api.peer_mut().restart();
    assert_eq!(poll(&mut api), [ApiEvent::ConnectionFailed(None)]);
    assert_eq!(poll(&mut api), []);
}

#[test]
fn no_former_peer_authenticates() {
    let config = ApiConfig {
        authentication: Authentication::required(),
        ..ApiConfig::default()
    };
    let mut api = MultiplayerApi::new(Fake::mesh(9), config);
    let peer = id(5);
    api.peer_mut().connect(5);
    assert_eq!(poll(&mut api), [ApiEvent::PeerAuthenticating(peer)]);
    let unknown = Err(AuthError::NotAuthenticating { peer });
    api.peer_mut().restart();
    api.peer_mut().connect(5);
    assert_eq!(api.send_auth(peer, b"secret"), unknown);
    assert_eq!(
        poll(&mut api),
        [
            ApiEvent::ServerDisconnected,
            ApiEvent::PeerAuthenticating(peer)
        ]
    );
    api.peer_mut().restart();
    api.peer_mut().connect(5);
    assert_eq!(api.complete_auth(peer), unknown);
    assert_eq!(api.peer_mut().sent, []);
}

//! Who is let in.

use mesh_core::{ConnectionStatus, Duration, Target, TransferMode};
use multiplayer_api::{ApiConfig, ApiEvent, AuthFailure, Authentication};

use super::Star;
use crate::kit::{connected, id};

fn authenticated() -> ApiConfig {
    ApiConfig {
        authentication: Authentication::required(),
        ..ApiConfig::default()
    }
}

#[test]
fn a_password_lets_in_and_a_wrong_one_does_not() {
    let mut star = Star::new(9, vec![authenticated(); 3]);
    for (client, password) in [(2, b"right"), (3, b"wrong")] {
        star.connect(client);
        star.run(Duration::from_secs(2));
        let told = star.node(client).take();
        assert_eq!(told, [ApiEvent::PeerAuthenticating(id(1))]);
        let node = star.node(client);
        node.api.send_auth(id(1), password).unwrap();
        node.api.complete_auth(id(1)).unwrap();
        star.run(Duration::from_millis(500));
        let server = star.node(1);
        for event in server.take() {
            match event {
                ApiEvent::AuthData { from, data } if data == b"right".as_slice() => {
                    server.api.complete_auth(from).unwrap();
                }
                ApiEvent::AuthData { from, .. } => {
                    assert!(server.api.disconnect_peer(from));
                }
                event => server.told.push(event),
            }
        }
        star.run(Duration::from_millis(500));
    }
    assert_eq!(
        star.node(1).take(),
        [
            ApiEvent::PeerAuthenticating(id(2)),
            connected(2),
            ApiEvent::PeerAuthenticating(id(3))
        ]
    );
    assert_eq!(
        star.node(2).take(),
        [ApiEvent::ConnectedToServer, connected(1)]
    );
    let told = star.node(3).take();
    assert!(
        matches!(
            &told[..],
            [
                ApiEvent::PeerAuthenticationFailed {
                    reason: AuthFailure::Disconnected(_),
                    ..
                },
                ApiEvent::ServerDisconnected
            ]
        ),
        "{told:?}"
    );
}

#[test]
fn who_does_not_authenticate_is_sent_away_after_three_seconds() {
    let mut star = Star::new(10, vec![authenticated(), ApiConfig::default()]);
    star.connect(2);
    star.run(Duration::from_secs(2));
    // The client wants nothing of its server, and believes itself in.
    assert_eq!(
        star.node(2).take(),
        [ApiEvent::ConnectedToServer, connected(1)]
    );
    star.node(2)
        .send(Target::One(id(1)), TransferMode::Reliable, b"hi");
    star.run(Duration::from_secs(4));
    let told = star.node(1).take();
    let timed_out = ApiEvent::PeerAuthenticationFailed {
        peer: id(2),
        reason: AuthFailure::TimedOut,
    };
    assert_eq!(told.first(), Some(&ApiEvent::PeerAuthenticating(id(2))));
    assert_eq!(told.last(), Some(&timed_out));
    assert_eq!(told.len(), 3, "and one packet was ignored: {told:?}");
    assert_eq!(
        star.node(2).take().last(),
        Some(&ApiEvent::ServerDisconnected)
    );
    assert_eq!(
        star.node(2).api.peer().connection_status(),
        ConnectionStatus::Disconnected
    );
}

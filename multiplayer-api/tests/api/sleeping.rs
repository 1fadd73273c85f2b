//! A server without frames: it sleeps in `next_event` and wakes when something has happened or is due.

use std::future::poll_fn;
use std::task::Poll;

use mesh_core::mock::{MockBackend, MockSignaling, Network};
use mesh_core::{Duration, PeerId, Session, SessionConfig, Topology, TransferMode};
use multiplayer_api::{ApiConfig, ApiEvent, AuthFailure, Authentication, MultiplayerApi};

type Api = MultiplayerApi<Session<MockBackend, MockSignaling>>;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn player(network: &Network, authentication: Authentication) -> Api {
    let signaling = network.signaling_with("demo", Topology::ClientServer);
    let session = Session::new(network.backend(), signaling, SessionConfig::default());
    let config = ApiConfig {
        authentication,
        ..ApiConfig::default()
    };
    MultiplayerApi::new(session, config)
}

/// Sleeps until an event that is about the layer above, and counts how often it was polled.
async fn next(api: &mut Api, polls: &mut u32) -> ApiEvent {
    loop {
        let event = poll_fn(|cx| {
            *polls += 1;
            api.poll_next(cx)
        })
        .await;
        if !matches!(event, ApiEvent::Peer(_)) {
            return event;
        }
    }
}

/// Keeps a player alive, and has it answer events, while the server does what is tested.
async fn beside<T>(
    mut player: Api,
    mut answer: impl FnMut(&mut Api, ApiEvent),
    server: impl Future<Output = T>,
) -> T {
    let mut server = Box::pin(server);
    poll_fn(|cx| {
        while let Poll::Ready(event) = player.poll_next(cx) {
            answer(&mut player, event);
        }
        server.as_mut().poll(cx)
    })
    .await
}

#[test]
fn a_sleeping_server_wakes_for_a_peer_and_for_a_packet() {
    let network = Network::new(3);
    let mut server = player(&network, Authentication::None);
    let client = player(&network, Authentication::None);
    let mut polls = 0;
    let story = async {
        let came = next(&mut server, &mut polls).await;
        let packet = next(&mut server, &mut polls).await;
        (came, packet)
    };
    let greet = |client: &mut Api, event| {
        if event == ApiEvent::PeerConnected(PeerId::SERVER) {
            let sent = client.send_bytes(PeerId::SERVER, TransferMode::Reliable, b"hi");
            assert!(sent.unwrap().is_complete());
        }
    };
    let story = network.timeout(LONG, beside(client, greet, story));
    let (came, packet) = network.block_on(story).unwrap().unwrap();
    assert!(matches!(came, ApiEvent::PeerConnected(_)), "{came:?}");
    assert!(
        matches!(&packet, ApiEvent::PeerPacket { data, .. } if data == b"hi".as_slice()),
        "{packet:?}"
    );
    assert!(polls < 1000, "{polls} polls are no sleep");
}

#[test]
fn a_sleeping_server_wakes_for_the_deadline_of_an_authentication() {
    let network = Network::new(4);
    let timeout = Duration::from_secs(7);
    let mut server = player(&network, Authentication::Required { timeout });
    let client = player(&network, Authentication::None);
    let mut polls = 0;
    let story = async {
        let came = next(&mut server, &mut polls).await;
        let begun = network.now();
        let ended = next(&mut server, &mut polls).await;
        (came, ended, network.now() - begun)
    };
    let story = network.timeout(LONG, beside(client, |_, _| {}, story));
    let (came, ended, took) = network.block_on(story).unwrap().unwrap();
    assert!(matches!(came, ApiEvent::PeerAuthenticating(_)), "{came:?}");
    assert!(
        matches!(
            ended,
            ApiEvent::PeerAuthenticationFailed {
                reason: AuthFailure::TimedOut,
                ..
            }
        ),
        "{ended:?}"
    );
    assert_eq!(took, timeout);
    assert!(polls < 1000, "{polls} polls are no sleep");
}

#[test]
fn a_network_peer_that_is_given_back_wakes_for_no_deadline_of_the_api() {
    let network = Network::new(5);
    let mut server = player(&network, Authentication::required());
    let client = player(&network, Authentication::None);
    let mut polls = 0;
    let story = async {
        next(&mut server, &mut polls).await;
        let mut session = server.into_inner();
        // The client stays, and nothing else happens.
        network
            .timeout(Duration::from_secs(10), session.next_event())
            .await
    };
    let story = network.timeout(LONG, beside(client, |_, _| {}, story));
    assert!(network.block_on(story).unwrap().unwrap().is_err());
}

#[test]
fn what_borrows_or_boxes_a_network_peer_drives_it_as_well() {
    let network = Network::new(6);
    let session = |_| {
        let signaling = network.signaling("demo");
        Session::new(network.backend(), signaling, SessionConfig::default())
    };
    let [mut lent, boxed] = [0, 1].map(session);
    let mut one = MultiplayerApi::new(&mut lent, ApiConfig::default());
    let boxed: Box<dyn mesh_core::MultiplayerPeer> = Box::new(boxed);
    let mut other = MultiplayerApi::new(boxed, ApiConfig::default());
    for _ in 0..200 {
        network.advance(Duration::from_millis(16));
        while one.poll().is_some() {}
        while other.poll().is_some() {}
    }
    assert_eq!((one.peers().count(), other.peers().count()), (1, 1));
    assert_eq!(lent.connected_peers().count(), 1);
}

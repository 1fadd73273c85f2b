//! What most tests need: APIs over a fake network peer, expected events, and packets written by hand.

use mesh_core::{DisconnectReason, MultiplayerPeer, PeerId, TransferMode};
use multiplayer_api::{ApiConfig, ApiEvent, MultiplayerApi};

pub(crate) use crate::fake::Fake;

pub(crate) fn id(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}

/// An API with default settings.
pub(crate) fn api(network: Fake) -> MultiplayerApi<Fake> {
    MultiplayerApi::new(network, ApiConfig::default())
}

/// One frame.
pub(crate) fn poll<P: MultiplayerPeer>(api: &mut MultiplayerApi<P>) -> Vec<ApiEvent> {
    std::iter::from_fn(|| api.poll()).collect()
}

/// A reliable packet of the game.
pub(crate) fn packet(from: u32, data: &'static [u8]) -> ApiEvent {
    packet_on(from, TransferMode::Reliable, data)
}

pub(crate) fn packet_on(from: u32, mode: TransferMode, data: &'static [u8]) -> ApiEvent {
    ApiEvent::PeerPacket {
        from: id(from),
        mode,
        channel: mode.channel(),
        data: data.into(),
    }
}

pub(crate) fn connected(peer: u32) -> ApiEvent {
    ApiEvent::PeerConnected(id(peer))
}

pub(crate) fn lost(peer: u32) -> ApiEvent {
    ApiEvent::PeerDisconnected {
        peer: id(peer),
        reason: Some(DisconnectReason::Lost),
    }
}

/// A server with clients 2, 3 and so on, all of whose events have been told, and with nothing unread.
pub(crate) fn server_of(clients: u32) -> MultiplayerApi<Fake> {
    server_with(ApiConfig::default(), clients)
}

/// The same with settings of its own.
pub(crate) fn server_with(config: ApiConfig, clients: u32) -> MultiplayerApi<Fake> {
    let mut api = MultiplayerApi::new(Fake::server(), config);
    for client in 2..2 + clients {
        api.peer_mut().connect(client);
    }
    poll(&mut api);
    api.peer_mut().sent.clear();
    api
}

/// Client 2, to which its server has announced clients 3, 4 and so on.
pub(crate) fn client_among(others: u32) -> MultiplayerApi<Fake> {
    let mut api = api(Fake::client(2));
    api.peer_mut().connect(1);
    for other in 3..3 + others {
        api.peer_mut().receive(1, &add(other));
    }
    poll(&mut api);
    api
}

/// `07 01 id`, written by hand.
pub(crate) fn add(peer: u32) -> [u8; 6] {
    let [a, b, c, d] = peer.to_le_bytes();
    [7, 1, a, b, c, d]
}

/// `07 02 id`, written by hand.
pub(crate) fn del(peer: u32) -> [u8; 6] {
    let [a, b, c, d] = peer.to_le_bytes();
    [7, 2, a, b, c, d]
}

/// `07 03 peer inner`, written by hand.
pub(crate) fn relay(peer: i32, inner: &[u8]) -> Vec<u8> {
    let [a, b, c, d] = peer.to_le_bytes();
    let mut packet = vec![7, 3, a, b, c, d];
    packet.extend_from_slice(inner);
    packet
}

//! The order of the builder's calls does not matter.

use std::time::Duration;

use super::*;

type Step = fn(Lobby) -> Lobby;

/// Every setting, each with a value that is not the default; what several of them set is different in each.
const STEPS: [Step; 7] = [
    |lobby| lobby.ice_server(IceServer::stun("stun:own:1")),
    |lobby| lobby.ice_transport_policy(IceTransportPolicy::Relay),
    |lobby| lobby.topology(Topology::ClientServer),
    |lobby| lobby.custom_channels([TransferMode::Reliable]),
    |lobby| lobby.link_config(LinkConfig::with_stun("stun:link:1")),
    |lobby| {
        lobby.mesh_config(MeshConfig {
            connect_deadline: Duration::from_secs(9),
            ..MeshConfig::default()
        })
    },
    |lobby| {
        lobby.session_config(SessionConfig {
            link: LinkConfig::with_stun("stun:session:1"),
            custom_channels: vec![TransferMode::Unreliable; 2],
            leave_linger: Duration::from_secs(8),
            ..SessionConfig::default()
        })
    },
];

/// All orders of the given steps.
fn orders(steps: &[Step]) -> Vec<Vec<Step>> {
    if steps.is_empty() {
        return vec![Vec::new()];
    }
    (0..steps.len())
        .flat_map(|first| {
            let mut rest = steps.to_vec();
            let step = rest.remove(first);
            orders(&rest).into_iter().map(move |mut order| {
                order.push(step);
                order
            })
        })
        .collect()
}

#[test]
fn in_every_order_nothing_is_lost() {
    let expected = SessionConfig {
        link: LinkConfig {
            ice_servers: vec![
                IceServer::stun("stun:link:1"),
                IceServer::stun("stun:own:1"),
            ],
            ice_transport_policy: IceTransportPolicy::Relay,
        },
        mesh: MeshConfig {
            connect_deadline: Duration::from_secs(9),
            ..MeshConfig::default()
        },
        custom_channels: vec![TransferMode::Reliable],
        leave_linger: Duration::from_secs(8),
        ..SessionConfig::default()
    };
    let orders = orders(&STEPS);
    assert_eq!(orders.len(), 5040);
    for order in orders {
        let lobby = Lobby::new("ws://127.0.0.1:9080", "demo");
        let lobby = order.into_iter().fold(lobby, |lobby, step| step(lobby));
        assert_eq!(lobby.topology, Topology::ClientServer);
        assert_eq!(lobby.config(), expected);
    }
}

#[test]
fn an_ice_server_adds_to_those_of_the_session() {
    let of_session = SessionConfig {
        link: LinkConfig::with_stun("stun:session:1"),
        ..SessionConfig::default()
    };
    let config = Lobby::new("ws://127.0.0.1:9080", "demo")
        .ice_server(IceServer::stun("stun:own:1"))
        .session_config(of_session)
        .config();
    let servers = ["stun:session:1", "stun:own:1"].map(IceServer::stun);
    assert_eq!(config.link.ice_servers, servers);
}

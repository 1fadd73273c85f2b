//! What a [`Multiplayer`] passes on to its mesh and its backend.

use super::*;
use crate::{IceCandidate, InitializeError, LinkConfig, MeshConfig, Multiplayer, MultiplayerPeer};

type Mesh = Multiplayer<Platform>;

fn mesh() -> Mesh {
    Multiplayer::new(Platform::new(), MeshConfig::default())
}

#[test]
fn each_kind_of_mesh_has_an_id_until_it_is_closed_or_left() {
    type Make = fn(&mut Mesh) -> Result<(), InitializeError>;
    let kinds: [(Make, u32); 3] = [
        (|mesh| mesh.create_mesh(id(5), &[]), 5),
        (|mesh| mesh.create_server(&[]), 1),
        (|mesh| mesh.create_client(id(5), &[]), 5),
    ];
    let ends: [fn(&mut Mesh); 2] = [Mesh::close, |mesh| mesh.leave(Duration::ZERO, "bye")];
    for (make, own) in kinds {
        for end in ends {
            let mut mesh = mesh();
            assert_eq!(make(&mut mesh), Ok(()));
            assert_eq!(mesh.unique_id(), Some(id(own)));
            end(&mut mesh);
            assert_eq!(mesh.unique_id(), None);
        }
    }
}

#[test]
fn verbs_tell_whether_there_is_such_a_peer() {
    type Verb = fn(&mut Mesh, LinkId, PeerId) -> bool;
    let verbs: [Verb; 6] = [
        |mesh, _, peer| mesh.has_peer(peer),
        |mesh, _, peer| mesh.request_stats(peer),
        |mesh, _, peer| mesh.kick(peer, "spam"),
        |mesh, _, peer| mesh.remove_peer(peer),
        |mesh, _, peer| mesh.close_channel(peer, TransferMode::Reliable.channel()),
        |mesh, link, _| mesh.close_connection(link),
    ];
    for (number, verb) in verbs.iter().enumerate() {
        let (mut session, link) = connected();
        let mesh = session.multiplayer_mut();
        let stranger = mesh.create_connection(LinkConfig::default());
        mesh.close_connection(stranger);
        assert!(!verb(mesh, stranger, id(8)), "{number}");
        assert!(verb(mesh, link, id(7)), "{number}");
    }
}

#[test]
fn a_handshake_reaches_the_backend() {
    let mut mesh = mesh();
    mesh.create_mesh(id(5), &[]).unwrap();
    mesh.set_custom_channels(&[TransferMode::Reliable]).unwrap();
    let links = [7, 9].map(|peer| {
        let link = mesh.create_connection(LinkConfig::default());
        mesh.add_peer(link, id(peer), None).unwrap();
        link
    });
    assert_eq!(mesh.peer(id(7)).unwrap().channels.len(), 4);
    mesh.create_offer(links[0]).unwrap();
    let offer = description(SdpType::Offer, "theirs");
    mesh.set_remote_description(links[1], offer).unwrap();
    let candidate = IceCandidate {
        sdp_mid: String::from("0"),
        sdp_m_line_index: 0,
        candidate: String::from("candidate:1"),
    };
    mesh.add_ice_candidate(links[1], candidate).unwrap();
    let commands = mesh.backend().commands.iter();
    let offers =
        |command: &Command| matches!(command, Command::CreateOffer { link } if *link == links[0]);
    let adds = |command: &Command| matches!(command, Command::AddCandidate { link, .. } if *link == links[1]);
    assert_eq!(
        commands.clone().filter(|command| offers(command)).count(),
        1
    );
    assert_eq!(commands.filter(|command| adds(command)).count(), 1);
}

#[test]
fn what_waits_in_the_backend_is_counted() {
    let (session, _) = connected();
    let mesh = session.multiplayer();
    let channel = TransferMode::Reliable.channel();
    assert_eq!(mesh.buffered_amount(id(7), channel), 3);
    assert_eq!(mesh.buffered_amount(id(8), channel), 0);
    let channels = mesh.peer(id(7)).unwrap().channels;
    assert!(channels.iter().all(|channel| channel.buffered_amount == 3));
}

#[test]
fn the_alarm_of_a_layer_above_is_kept_until_it_is_due() {
    let mut mesh = mesh();
    let alarm = mesh.backend().now + Duration::from_secs(1);
    MultiplayerPeer::set_alarm(&mut mesh, Some(alarm));
    assert_eq!(mesh.backend().alarm, Some(alarm));
    assert_eq!(mesh.poll(), None);
    assert_eq!(mesh.backend().alarm, Some(alarm));
    mesh.backend_mut().now = alarm;
    assert_eq!(mesh.poll(), None);
    assert_eq!(mesh.backend().alarm, None);
}

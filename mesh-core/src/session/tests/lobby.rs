//! What is told of the lobby, and what the host does with it.

use super::*;
use crate::{GivenReason, Goodbye, LobbyEvent, Mesh, MeshConfig, Roster};

#[test]
fn the_roster_knows_when_it_is_complete_and_who_is_there() {
    let (mut session, _) = calling();
    assert!(!session.roster().is_complete());
    signaled(&mut session, SignalingEvent::Lobby(LobbyEvent::Complete));
    assert_eq!(heard(&mut session), [Event::Lobby(LobbyEvent::Complete)]);
    assert!(session.roster().is_complete());
    assert!(session.roster().present().eq([id(7)]));
    // Everything begins anew with the next lobby.
    signaled(&mut session, joined(id(9)));
    heard(&mut session);
    assert!(!session.roster().is_complete());
}

#[test]
fn a_lobby_stays_sealed_until_another_one_is_joined() {
    let (mut session, _) = calling();
    assert!(!session.roster().is_sealed());
    signaled(&mut session, SignalingEvent::Sealed);
    assert_eq!(heard(&mut session), [Event::Sealed]);
    assert!(session.roster().is_sealed());
    // Its server closes the connection soon after.
    let reason = LostReason::SealComplete;
    signaled(&mut session, SignalingEvent::Lost { reason });
    heard(&mut session);
    assert!(session.roster().is_sealed());

    let (mut session, _) = calling();
    signaled(&mut session, SignalingEvent::Sealed);
    signaled(&mut session, joined(id(9)));
    heard(&mut session);
    assert!(!session.roster().is_sealed());
}

#[test]
fn the_roster_knows_its_settings_and_what_the_host_has_set() {
    let config = SessionConfig {
        max_peers: 3,
        ..SessionConfig::default()
    };
    let (mut session, _) = calling_with(config);
    assert_eq!(session.roster().config().max_peers, 3);
    for is_set in [true, false] {
        for event in [LobbyEvent::Locked(is_set), LobbyEvent::Listed(!is_set)] {
            signaled(&mut session, SignalingEvent::Lobby(event));
        }
        heard(&mut session);
        let roster = session.roster();
        assert_eq!((roster.is_locked(), roster.is_listed()), (is_set, !is_set));
    }
}

#[test]
fn all_members_are_counted_and_forgotten_with_a_leave() {
    let (mut session, _) = calling();
    signaled(&mut session, SignalingEvent::PeerJoined(id(8)));
    heard(&mut session);
    assert_eq!(session.roster().member_count(), 2);
    session.depart(None);
    assert_eq!(session.roster().member_count(), 0);
}

#[test]
fn who_is_connected_is_told_apart_from_who_is_called() {
    let (mut session, _) = connected();
    signaled(&mut session, SignalingEvent::PeerJoined(id(8)));
    heard(&mut session);
    let connected = session.connected_peers().collect::<Vec<_>>();
    assert_eq!(connected, [id(7)]);
}

#[test]
fn the_roster_is_full_when_the_game_is_far_behind() {
    let mut roster = Roster::new(SessionConfig::default());
    let mut mesh = Mesh::new(MeshConfig::default(), Capabilities::default());
    for _ in 0..256 {
        assert!(!roster.is_full());
        let now = Instant::from_micros(1);
        roster.handle_signaling(now, &mut mesh, SignalingEvent::Sealed);
    }
    assert!(roster.is_full());
}

#[test]
fn the_roster_knows_the_host() {
    let (mut session, _) = calling();
    assert_eq!(session.roster().host(), PeerId::SERVER);
    signaled(&mut session, SignalingEvent::Lobby(LobbyEvent::Host(id(7))));
    heard(&mut session);
    assert_eq!(session.roster().host(), id(7));
    signaled(&mut session, joined(id(9)));
    heard(&mut session);
    assert_eq!(session.roster().host(), PeerId::SERVER);
}

#[test]
fn whom_the_host_has_removed_is_disconnected() {
    let (mut session, link) = calling();
    let removed = LobbyEvent::Removed {
        peer: id(7),
        is_banned: false,
        reason: String::from("spam"),
    };
    signaled(&mut session, SignalingEvent::Lobby(removed.clone()));
    signaled(&mut session, SignalingEvent::PeerLeft(id(7)));
    assert!(heard(&mut session).contains(&Event::Lobby(removed)));
    let closes =
        |command: &Command| matches!(command, Command::Close { link: of, .. } if *of == link);
    let commands = &session.multiplayer.backend().commands;
    assert!(commands.iter().any(closes), "{commands:?}");
    // It may join anew.
    assert!(!session.roster().is_away(id(7)));
}

#[test]
fn whom_the_host_has_removed_is_told_that_it_was_kicked() {
    let (mut session, link) = connected();
    let removed = LobbyEvent::Removed {
        peer: id(7),
        is_banned: false,
        reason: String::from("spam"),
    };
    signaled(&mut session, SignalingEvent::Lobby(removed));
    heard(&mut session);
    assert!(session.roster().is_away(id(7)));
    let reason = GivenReason::from("spam");
    let goodbye = Goodbye::Kicked(reason);
    let commands = &session.multiplayer.backend().commands;
    let parting = Command::Goodbye { link, goodbye };
    assert!(commands.contains(&parting), "{commands:?}");
}

#[test]
fn a_kick_with_all_rights_is_one_in_the_mesh_and_in_the_lobby() {
    let (mut session, link) = calling();
    assert_eq!(session.kick_out(id(7), (3, "spam")), Ok(()));
    let peer = id(7);
    let reason = String::from("spam");
    let kick = LobbyCommand::Kick { peer, reason };
    assert_eq!(session.signaling_mut().asked, [kick]);
    assert!(session.roster().is_away(id(7)));
    let closes =
        |command: &Command| matches!(command, Command::Close { link: of, .. } if *of == link);
    let commands = &session.multiplayer.backend().commands;
    assert!(commands.iter().any(closes), "{commands:?}");
    session.depart(None);
    let refused = session.kick_out(id(7), "");
    assert_eq!(refused, Err(SignalingError::NotConnected));
}

#[test]
fn commands_reach_the_signaling_while_there_is_one() {
    let (mut session, _) = calling();
    assert_eq!(session.kick_from_lobby(id(7), "spam"), Ok(()));
    assert_eq!(session.ban_from_lobby(id(8), ""), Ok(()));
    assert_eq!(session.set_lobby_locked(true), Ok(()));
    let peer = id(7);
    let reason = String::from("spam");
    let kick = LobbyCommand::Kick { peer, reason };
    let peer = id(8);
    let reason = String::new();
    let ban = LobbyCommand::Ban { peer, reason };
    let lock = LobbyCommand::SetLocked(true);
    assert_eq!(session.signaling_mut().asked, [kick, ban, lock]);
    session.signaling_mut().asked.clear();
    assert_eq!(session.set_lobby_listed(true), Ok(()));
    assert_eq!(
        session.signaling_mut().asked,
        [LobbyCommand::SetListed(true)]
    );
    session.signaling_mut().asked.clear();
    assert_eq!(session.set_lobby_data(r#"{"map":1}"#), Ok(()));
    assert_eq!(session.set_member_data(""), Ok(()));
    let data = LobbyCommand::SetData(String::from(r#"{"map":1}"#));
    let member_data = LobbyCommand::SetMemberData(String::new());
    assert_eq!(session.signaling_mut().asked, [data, member_data]);
    session.depart(None);
    let refused = session.set_lobby_locked(false);
    assert_eq!(refused, Err(SignalingError::NotConnected));
}

#[test]
fn the_roster_knows_the_data_of_the_lobby_and_of_who_is_there() {
    let (mut session, _) = calling();
    let data = |peer, data| {
        let data = String::from(data);
        SignalingEvent::Lobby(LobbyEvent::MemberData { peer, data })
    };
    let lobby_data = LobbyEvent::Data(String::from("{}"));
    signaled(&mut session, SignalingEvent::Lobby(lobby_data));
    signaled(&mut session, data(id(7), r#"{"name":"a"}"#));
    signaled(&mut session, data(id(8), "{}"));
    assert_eq!(heard(&mut session).len(), 3);
    assert_eq!(session.roster().lobby_data(), "{}");
    assert_eq!(session.roster().member_data(id(7)), r#"{"name":"a"}"#);
    assert_eq!(session.roster().member_data(id(8)), "", "a stranger");
    // Who comes again has none before they are told.
    signaled(&mut session, SignalingEvent::PeerLeft(id(7)));
    signaled(&mut session, SignalingEvent::PeerJoined(id(7)));
    heard(&mut session);
    assert_eq!(session.roster().member_data(id(7)), "");
}

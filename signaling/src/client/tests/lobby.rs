//! What is told of a lobby besides who comes and goes, and what its host asks for.

use mesh_core::{LobbyCommand, SignalingError};

use super::resuming::{back, broken, ours};
use super::*;

const LOCK: &str = r#"{"type":39,"id":0,"data":"true"}"#;
const OPEN: &str = r#"{"type":39,"id":0,"data":""}"#;

fn locked(is_locked: bool) -> SignalingEvent {
    SignalingEvent::Lobby(LobbyEvent::Locked(is_locked))
}

fn kick(id: u32, reason: &str) -> LobbyCommand {
    LobbyCommand::Kick {
        peer: peer(id),
        reason: reason.to_owned(),
    }
}

#[test]
fn it_says_when_it_has_told_of_everybody_who_was_there() {
    let lines = [ID, CONNECT_1, SEAL, JOIN, CONNECT_9];
    let mut client = client([TransportEvent::Opened]);
    client.transport.incoming.extend(lines.map(text));
    let expected = [
        joined_event(7),
        SignalingEvent::PeerJoined(peer(1)),
        SignalingEvent::Sealed,
        COMPLETE,
        SignalingEvent::PeerJoined(peer(9)),
    ];
    assert_eq!(drain_all(&mut client, START), expected);
}

#[test]
fn who_was_removed_has_left_and_the_hosts_words_are_told() {
    let mut client = ours(7, &[1, 9]);
    let removed = |id| {
        text(&format!(
            r#"{{"type":3,"id":{id},"data":"a\u001b[1m","why":2}}"#
        ))
    };
    assert_eq!(
        give(&mut client, removed(9)),
        [
            SignalingEvent::Lobby(LobbyEvent::Removed {
                peer: peer(9),
                is_banned: true,
                reason: r"a\u{1b}[1m".to_owned(),
            }),
            SignalingEvent::PeerLeft(peer(9)),
        ]
    );
    assert_eq!(give(&mut client, removed(9)), [], "it has left");
    assert_eq!(give(&mut client, removed(7)), [], "we have not");
}

#[test]
fn to_be_sent_away_is_final_and_has_the_hosts_words() {
    for (code, is_banned) in [(4003, false), (4004, true)] {
        let mut client = ours(7, &[1]);
        let reason = refused(code, "Room host has disconnected");
        let closed = TransportEvent::Closed { reason };
        let removed = LostReason::Removed {
            is_banned,
            reason: "Room host has disconnected".to_owned(),
        };
        assert_eq!(give(&mut client, closed), lost(removed));
        assert_eq!(client.poll_timeout(), None, "it does not come back");
    }
}

#[test]
fn a_lock_is_told_once_also_when_it_was_there_before_us() {
    let mut client = client([TransportEvent::Opened]);
    let lines = [ID, LOCK, JOIN, LOCK, OPEN, OPEN, LOCK];
    client.transport.incoming.extend(lines.map(text));
    let expected = [
        joined_event(7),
        locked(true),
        COMPLETE,
        locked(false),
        locked(true),
    ];
    assert_eq!(drain_all(&mut client, START), expected);
}

#[test]
fn a_lock_that_is_gone_when_we_come_back_is_told() {
    let mut client = ours(7, &[1]);
    assert_eq!(give(&mut client, text(LOCK)), [locked(true)]);
    give(&mut client, broken());
    let (_, events) = back(&mut client, 7, &[1]);
    assert_eq!(events, [SignalingEvent::Resumed, locked(false)]);
}

#[test]
fn that_the_lobby_is_on_the_list_is_told_as_the_lock_is() {
    let list = LOCK.replace("39", "42");
    let listed = |is_listed| SignalingEvent::Lobby(LobbyEvent::Listed(is_listed));
    let mut client = ours(7, &[1]);
    assert_eq!(give(&mut client, text(&list)), [listed(true)]);
    assert_eq!(give(&mut client, text(&list)), []);
    give(&mut client, broken());
    let (_, events) = back(&mut client, 7, &[1]);
    assert_eq!(events, [SignalingEvent::Resumed, listed(false)]);
    let mut host = ours(1, &[]);
    host.transport.sent.clear();
    assert_eq!(host.control(START, LobbyCommand::SetListed(true)), Ok(()));
    assert_eq!(host.transport.sent, [list]);
}

#[test]
fn another_host_has_the_rights_of_the_host() {
    let host = |id| text(&format!(r#"{{"type":43,"id":{id},"data":""}}"#));
    let told = |id| SignalingEvent::Lobby(LobbyEvent::Host(peer(id)));
    let mut client = ours(7, &[1, 9]);
    let lock = LobbyCommand::SetLocked(true);
    assert!(client.control(START, lock.clone()).is_err() && client.seal(START).is_err());
    assert_eq!(give(&mut client, host(7)), [told(7)]);
    assert_eq!(give(&mut client, host(7)), []);
    assert_eq!(client.control(START, lock.clone()), Ok(()));
    assert_eq!(client.seal(START), Ok(()));
    assert!(client.control(START, kick(7, "")).is_err());
    assert_eq!(give(&mut client, host(9)), [told(9)]);
    assert!(client.control(START, lock).is_err());
    // What the server does not say of the host when we are back is not so any more.
    give(&mut client, broken());
    let (_, events) = back(&mut client, 7, &[1, 9]);
    assert_eq!(events, [SignalingEvent::Resumed, told(1)]);
}

#[test]
fn the_host_asks_and_bounds_are_judged_before() {
    let mut host = ours(1, &[7]);
    host.transport.sent.clear();
    let long = "ä".repeat(62);
    for command in [kick(1, ""), kick(7, &long)] {
        let refused = host.control(START, command);
        assert!(matches!(refused, Err(SignalingError::Unsendable(_))));
    }
    let peer = peer(7);
    let reason = "spam".to_owned();
    assert_eq!(host.control(START, kick(7, &"x".repeat(123))), Ok(()));
    assert_eq!(
        host.control(START, LobbyCommand::Ban { peer, reason }),
        Ok(())
    );
    assert_eq!(host.control(START, LobbyCommand::SetLocked(true)), Ok(()));
    let ban = r#"{"type":38,"id":7,"data":"spam"}"#;
    assert_eq!(host.transport.sent[1..], [ban, LOCK]);
    host.transport.full = true;
    let full = host.control(START, LobbyCommand::SetLocked(true));
    assert_eq!(full, Err(SignalingError::Full));
    give(&mut host, broken());
    let interrupted = host.control(START, LobbyCommand::SetLocked(true));
    assert_eq!(interrupted, Err(SignalingError::NotConnected));
}

#[test]
fn guests_and_servers_of_godots_protocol_are_asked_nothing() {
    let mut guest = ours(7, &[1]);
    guest.transport.sent.clear();
    let refused = guest.control(START, LobbyCommand::SetLocked(true));
    assert!(matches!(refused, Err(SignalingError::Unsendable(_))));
    assert_eq!(guest.transport.sent, [""; 0]);
    let mut host = joined(1, &[7]);
    let refused = host.control(START, LobbyCommand::SetLocked(true));
    assert_eq!(refused, Err(SignalingError::Unsupported));
    assert_eq!(host.transport.sent, [""; 0]);
}

fn data(text: &str) -> SignalingEvent {
    SignalingEvent::Lobby(LobbyEvent::Data(text.to_owned()))
}

fn member_data(id: u32, text: &str) -> SignalingEvent {
    let (peer, data) = (peer(id), text.to_owned());
    SignalingEvent::Lobby(LobbyEvent::MemberData { peer, data })
}

#[test]
fn data_are_told_when_they_are_there_and_when_they_change() {
    const DATA: &str = r#"{"type":40,"id":0,"data":"{}"}"#;
    const DATA_1: &str = r#"{"type":41,"id":1,"data":"{}"}"#;
    let mut client = client([TransportEvent::Opened]);
    let lines = [ID, DATA, CONNECT_1, DATA_1, JOIN, DATA];
    client.transport.incoming.extend(lines.map(text));
    let expected = [
        joined_event(7),
        SignalingEvent::PeerJoined(peer(1)),
        member_data(1, "{}"),
        data("{}"),
        COMPLETE,
    ];
    assert_eq!(drain_all(&mut client, START), expected);
    // Our own are confirmed; those of strangers, and what breaks a bound, are passed over.
    let long = format!(r#"{{"type":41,"id":1,"data":"{{{}}}"}}"#, " ".repeat(255));
    for (line, events) in [
        (r#"{"type":41,"id":7,"data":""}"#, vec![]),
        (
            r#"{"type":41,"id":7,"data":"{}"}"#,
            vec![member_data(7, "{}")],
        ),
        (r#"{"type":41,"id":7,"data":""}"#, vec![member_data(7, "")]),
        (r#"{"type":41,"id":1,"data":""}"#, vec![member_data(1, "")]),
        (r#"{"type":41,"id":1,"data":""}"#, vec![]),
        (r#"{"type":41,"id":9,"data":""}"#, vec![]),
        (r#"{"type":41,"id":1,"data":"[]"}"#, vec![]),
        (r#"{"type":40,"id":0,"data":"[]"}"#, vec![]),
        (&long, vec![]),
        (r#"{"type":40,"id":0,"data":""}"#, vec![data("")]),
    ] {
        assert_eq!(give(&mut client, text(line)), events, "{line}");
    }
}

#[test]
fn the_lobbys_data_that_are_gone_when_we_come_back_are_told() {
    let mut client = ours(7, &[1]);
    let events = give(&mut client, text(r#"{"type":40,"id":0,"data":"{}"}"#));
    assert_eq!(events, [data("{}")]);
    give(&mut client, broken());
    let (_, events) = back(&mut client, 7, &[1]);
    assert_eq!(events, [SignalingEvent::Resumed, data("")]);
}

#[test]
fn guests_set_their_own_data_and_bounds_are_judged_before() {
    let object = |size: usize| format!("{{{}}}", " ".repeat(size - 2));
    let mut guest = ours(7, &[1]);
    guest.transport.sent.clear();
    for command in [
        LobbyCommand::SetData(object(2)),
        LobbyCommand::SetMemberData(object(257)),
        LobbyCommand::SetMemberData("7".to_owned()),
    ] {
        let refused = guest.control(START, command);
        assert!(matches!(refused, Err(SignalingError::Unsendable(_))));
    }
    let command = LobbyCommand::SetMemberData(object(256));
    assert_eq!(guest.control(START, command), Ok(()));
    assert_eq!(guest.transport.sent.len(), 1);
    let mut host = ours(1, &[7]);
    let too_long = host.control(START, LobbyCommand::SetData(object(1025)));
    assert!(matches!(too_long, Err(SignalingError::Unsendable(_))));
    let command = LobbyCommand::SetData(object(1024));
    assert_eq!(host.control(START, command), Ok(()));
}

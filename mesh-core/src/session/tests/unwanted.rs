//! Peers that are removed, banned or not accepted.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use super::*;

fn anew(session: &mut Player) {
    signaled(session, SignalingEvent::PeerLeft(id(9)));
    signaled(session, SignalingEvent::PeerJoined(id(9)));
    heard(session);
}

#[test]
fn a_removed_peer_stays_away_until_it_is_allowed() {
    let (mut session, _) = called();
    assert!(session.kick(id(9)));
    signaled(&mut session, offer("first"));
    heard(&mut session);
    assert_eq!(session.multiplayer().peer(id(9)), None);
    assert!(session.allow(id(9)));
    assert!(!session.allow(id(9)));
    pass(&mut session, Duration::from_secs(1));
    signaled(&mut session, offer("second"));
    heard(&mut session);
    let link = session.multiplayer().peer(id(9)).unwrap().connection;
    assert_eq!(applied(&session, link), ["second"]);
}

#[test]
fn a_kick_lasts_until_the_peer_leaves_the_lobby_and_a_ban_longer() {
    let (mut session, _) = called();
    assert!(session.kick(id(9)));
    assert!(!session.kick(id(5000)), "nobody knows it");
    anew(&mut session);
    pass(&mut session, Duration::from_secs(1));
    heard(&mut session);
    assert!(session.multiplayer().peer(id(9)).is_some());

    session.ban(id(9));
    anew(&mut session);
    pass(&mut session, Duration::from_secs(1));
    signaled(&mut session, offer("let me in"));
    heard(&mut session);
    assert_eq!(session.multiplayer().peer(id(9)), None);
    assert!(session.allow(id(9)));
    assert!(session.multiplayer().peer(id(9)).is_some());
}

#[test]
fn a_connected_peer_that_is_kicked_is_not_called_before_it_is_allowed() {
    let (mut session, _) = connected();
    assert!(session.kick(id(7)));
    let reason = DisconnectReason::Removed;
    let gone = Event::PeerDisconnected {
        peer: id(7),
        reason,
    };
    assert_eq!(heard(&mut session), [gone]);
    pass(&mut session, Duration::from_secs(100));
    assert_eq!(heard(&mut session), []);
    assert_eq!(session.multiplayer().peer(id(7)), None);
    session.allow(id(7));
    assert!(session.multiplayer().peer(id(7)).is_some());
}

#[test]
fn the_game_is_asked_before_each_connection() {
    let (mut session, link) = connected();
    let welcome = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&welcome);
    session.set_accept(move |peer| peer != id(7) || asked.load(Ordering::Relaxed));
    assert_eq!(heard(&mut session), [], "who is connected stays");
    fail(&mut session, link);
    heard(&mut session);
    pass(&mut session, Duration::from_secs(1));
    heard(&mut session);
    assert_eq!(session.multiplayer().peer(id(7)), None);
    welcome.store(true, Ordering::Relaxed);
    pass(&mut session, Duration::from_secs(2));
    heard(&mut session);
    assert!(
        session.multiplayer().peer(id(7)).is_some(),
        "asked again at the next attempt"
    );
}

#[test]
fn the_others_are_told_once_whom_we_put_away() {
    for bans in [false, true] {
        let (mut session, _) = connected();
        session.set_refuse_new_connections(true);
        signaled(&mut session, SignalingEvent::PeerJoined(id(3)));
        heard(&mut session);
        // The last one is not here.
        for peer in [3, 3, 4] {
            if bans {
                session.ban(id(peer));
            } else {
                assert_eq!(session.kick(id(peer)), peer == 3);
            }
            let commands = session.multiplayer().backend().commands.iter();
            let told = commands.filter_map(|command| {
                let Command::TellKick { peer, .. } = command else {
                    return None;
                };
                Some(peer.get())
            });
            assert!(told.eq([3]), "{peer}");
        }
    }
}

#[test]
fn who_is_not_accepted_is_asked_about_again_if_the_call_is_ours_and_calls_are_repeated() {
    let pause = SessionConfig::default().retry_after;
    for (own, retry_after, is_again) in [(9, pause, true), (5, pause, false), (9, None, false)] {
        let config = SessionConfig {
            retry_after,
            ..SessionConfig::default()
        };
        let mut session = Session::new(Platform::new(), Post::default(), config);
        session.set_accept(|_| false);
        signaled(&mut session, joined(id(own)));
        signaled(&mut session, SignalingEvent::PeerJoined(id(7)));
        heard(&mut session);
        let next = session.roster().next_attempt(id(7));
        assert_eq!(next.is_some(), is_again, "{own}, {retry_after:?}");
    }
}

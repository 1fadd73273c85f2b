//! A session between a backend and a signaling that say what the test has them say.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::future::Future;
use core::iter;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use crate::{
    Backend, Capabilities, ChannelIndex, CloseReason, Command, ConnectFailure, ConnectionState,
    ConnectionStatus, DisconnectReason, Event, Instant, LinkEvent, LinkId, LobbyCommand,
    LostReason, Payload, PeerId, Rejected, SdpType, Session, SessionConfig, SessionDescription,
    Signal, Signaling, SignalingError, SignalingEvent, Topology, TransferMode,
};

mod attempts;
mod interruption;
mod lobby;
mod multiplayer;
mod packets;
mod replacement;
mod second_link;
mod star;
mod unwanted;

/// A backend without a network.
struct Platform {
    now: Instant,
    alarm: Option<Instant>,
    commands: Vec<Command>,
    flushes: u32,
    events: VecDeque<LinkEvent>,
}

impl Platform {
    const fn new() -> Self {
        Self {
            now: Instant::from_micros(1),
            alarm: None,
            commands: Vec::new(),
            flushes: 0,
            events: VecDeque::new(),
        }
    }
}

impl Backend for Platform {
    fn now(&self) -> Instant {
        self.now
    }

    fn execute(&mut self, command: Command) {
        self.commands.push(command);
    }

    fn send(&mut self, _: LinkId, _: ChannelIndex, _: Payload) -> Result<(), Rejected> {
        Ok(())
    }

    fn flush(&mut self) {
        self.flushes += 1;
    }

    fn buffered_amount(&self, _: LinkId, _: ChannelIndex) -> usize {
        3
    }

    fn poll_event(&mut self, _: &mut Context<'_>) -> Poll<LinkEvent> {
        self.events.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        self.alarm = deadline;
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
}

/// A signaling without a server.
#[derive(Default)]
struct Post {
    full: bool,
    sent: Vec<(PeerId, Signal)>,
    asked: Vec<LobbyCommand>,
    doubts: u32,
    /// Whether the service has not been told of a close.
    is_parting: bool,
    events: VecDeque<SignalingEvent>,
}

impl Signaling for Post {
    fn send(&mut self, _: Instant, to: PeerId, signal: Signal) -> Result<(), SignalingError> {
        if self.full {
            return Err(SignalingError::Full);
        }
        self.sent.push((to, signal));
        Ok(())
    }

    fn poll_event(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<SignalingEvent> {
        self.events.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn control(&mut self, _: Instant, command: LobbyCommand) -> Result<(), SignalingError> {
        self.asked.push(command);
        Ok(())
    }

    fn doubt(&mut self, _: Instant) {
        self.doubts += 1;
    }

    fn close(&mut self) {}

    fn poll_closed(&mut self, _: &mut Context<'_>) -> Poll<()> {
        match self.is_parting {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }
}

type Player = Session<Platform, Post>;

fn id(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}

fn joined(id: PeerId) -> SignalingEvent {
    SignalingEvent::Joined {
        id,
        topology: Topology::Mesh,
        lobby: String::from("demo"),
    }
}

/// Peer 9 in a lobby with peer 7, whom it has to call.
fn calling() -> (Player, LinkId) {
    calling_with(SessionConfig::default())
}

fn calling_with(config: SessionConfig) -> (Player, LinkId) {
    let mut session = Session::new(Platform::new(), Post::default(), config);
    signaled(&mut session, joined(id(9)));
    signaled(&mut session, SignalingEvent::PeerJoined(id(7)));
    assert!(matches!(heard(&mut session)[..], [Event::Joined { .. }]));
    let link = session.multiplayer().peer(id(7)).unwrap().connection;
    (session, link)
}

/// The same, and connected.
fn connected() -> (Player, LinkId) {
    let (mut session, link) = calling();
    open(&mut session, link);
    assert_eq!(heard(&mut session), [Event::PeerConnected(id(7))]);
    (session, link)
}

/// Peer 5 in a lobby with peer 9, who has to call it.
fn called() -> (Player, LinkId) {
    let mut session = Session::new(Platform::new(), Post::default(), SessionConfig::default());
    signaled(&mut session, joined(id(5)));
    signaled(&mut session, SignalingEvent::PeerJoined(id(9)));
    heard(&mut session);
    let link = session.multiplayer().peer(id(9)).unwrap().connection;
    (session, link)
}

fn description(sdp_type: SdpType, sdp: &str) -> SessionDescription {
    SessionDescription {
        sdp_type,
        sdp: String::from(sdp),
    }
}

/// Peer 9's offer.
fn offer(sdp: &str) -> SignalingEvent {
    SignalingEvent::Signal {
        from: id(9),
        signal: Signal::Description(description(SdpType::Offer, sdp)),
    }
}

/// Peer 7's answer.
fn answer(sdp: &str) -> SignalingEvent {
    SignalingEvent::Signal {
        from: id(7),
        signal: Signal::Description(description(SdpType::Answer, sdp)),
    }
}

/// The backend has made its own description.
fn described(session: &mut Player, link: LinkId, sdp_type: SdpType) {
    let description = description(sdp_type, "ours");
    happened(session, LinkEvent::Description { link, description });
}

/// The far side's descriptions that a link was given.
fn applied(session: &Player, link: LinkId) -> Vec<&str> {
    let commands = &session.multiplayer().backend().commands;
    commands
        .iter()
        .filter_map(|command| {
            let Command::SetRemote {
                link: of,
                description,
            } = command
            else {
                return None;
            };
            (*of == link).then_some(&*description.sdp)
        })
        .collect()
}

/// How many connections were made.
fn opened(session: &Player) -> usize {
    let commands = &session.multiplayer().backend().commands;
    commands
        .iter()
        .filter(|command| matches!(command, Command::Open { .. }))
        .count()
}

fn fail(session: &mut Player, link: LinkId) {
    let reason = CloseReason::Failed(ConnectFailure::NoRoute);
    happened(session, LinkEvent::Closed { link, reason });
}

fn signaled(session: &mut Player, event: SignalingEvent) {
    session.signaling_mut().events.push_back(event);
}

fn happened(session: &mut Player, event: LinkEvent) {
    let backend = session.multiplayer_mut().backend_mut();
    backend.events.push_back(event);
}

fn open(session: &mut Player, link: LinkId) {
    let state = ConnectionState::Connected;
    happened(session, LinkEvent::State { link, state });
    let commands = session.multiplayer().backend().commands.clone();
    for command in commands {
        if let Command::CreateChannel {
            link: of,
            channel,
            spec,
        } = command
            && of == link
        {
            let opened = LinkEvent::ChannelOpened {
                link,
                channel,
                remote: false,
                actual: spec.parameters,
            };
            happened(session, opened);
        }
    }
}

fn heard(session: &mut Player) -> Vec<Event> {
    iter::from_fn(|| session.poll()).collect()
}

fn pass(session: &mut Player, span: Duration) {
    session.multiplayer_mut().backend_mut().now += span;
}

#[test]
fn who_leaves_the_lobby_while_its_link_closes_is_closed_and_its_last_words_are_heard() {
    let (mut session, link) = connected();
    let channel = TransferMode::UnreliableOrdered.channel();
    happened(&mut session, LinkEvent::ChannelClosed { link, channel });
    assert_eq!(heard(&mut session), []);
    signaled(&mut session, SignalingEvent::PeerLeft(id(7)));
    assert_eq!(heard(&mut session), []);

    let message = LinkEvent::Message {
        link,
        channel: TransferMode::Reliable.channel(),
        payload: Payload::from("bye"),
    };
    happened(&mut session, message);
    let reason = CloseReason::Remote;
    happened(&mut session, LinkEvent::Closed { link, reason });
    let told = heard(&mut session);
    assert!(matches!(told[0], Event::Packet(_)), "{told:?}");
    let reason = DisconnectReason::Closed;
    assert_eq!(
        told[1..],
        [Event::PeerDisconnected {
            peer: id(7),
            reason
        }]
    );
}

#[test]
fn who_connects_and_leaves_the_lobby_in_the_same_frame_is_connected() {
    let (mut session, link) = calling();
    open(&mut session, link);
    signaled(&mut session, SignalingEvent::PeerLeft(id(7)));
    assert_eq!(heard(&mut session), [Event::PeerConnected(id(7))]);
}

#[test]
fn who_leaves_during_the_handshake_has_failed() {
    let (mut session, _) = calling();
    signaled(&mut session, SignalingEvent::PeerLeft(id(7)));
    let reason = DisconnectReason::ConnectFailed(ConnectFailure::Left);
    let failed = Event::PeerFailed {
        peer: id(7),
        reason,
    };
    assert_eq!(heard(&mut session), [failed]);
}

#[test]
fn a_handshake_ends_at_its_deadline_however_few_events_a_poll_takes() {
    let mut config = SessionConfig::default();
    config.mesh.events_per_poll = 1;
    let (mut session, _) = calling_with(config);
    pass(&mut session, Duration::from_secs(15));
    assert!(matches!(
        heard(&mut session)[..],
        [Event::PeerFailed { .. }]
    ));
}

#[test]
fn signals_for_a_full_signaling_are_tried_again_soon() {
    let (mut session, link) = calling();
    session.signaling_mut().full = true;
    let description = SessionDescription {
        sdp_type: SdpType::Offer,
        sdp: String::new(),
    };
    happened(&mut session, LinkEvent::Description { link, description });
    assert_eq!(heard(&mut session), []);
    let backend = session.multiplayer().backend();
    let wait = backend.alarm.unwrap() - backend.now;
    assert!(wait <= Duration::from_millis(100), "{wait:?}");

    session.signaling_mut().full = false;
    pass(&mut session, wait);
    assert_eq!(heard(&mut session), []);
    assert_eq!(session.signaling_mut().sent.len(), 1);
}

#[test]
fn a_removed_peer_is_not_called_again() {
    let (mut session, link) = connected();
    let reason = CloseReason::Failed(ConnectFailure::NoRoute);
    happened(&mut session, LinkEvent::Closed { link, reason });
    assert_eq!(heard(&mut session).len(), 1);
    session.kick(id(7));
    pass(&mut session, Duration::from_secs(60));
    assert_eq!(heard(&mut session), []);
    assert_eq!(session.roster().next_attempt(id(7)), None);
    assert_eq!(session.multiplayer().peer(id(7)), None);
}

#[test]
fn a_server_that_renames_us_is_left_for_good() {
    let (mut session, link) = connected();
    let reason = CloseReason::Failed(ConnectFailure::NoRoute);
    happened(&mut session, LinkEvent::Closed { link, reason });
    assert_eq!(heard(&mut session).len(), 1);
    signaled(&mut session, joined(id(8)));
    let told = heard(&mut session);
    assert!(session.roster().is_over());
    assert!(
        matches!(told[..], [Event::SignalingLost(LostReason::Protocol(_))]),
        "{told:?}"
    );
    pass(&mut session, Duration::from_secs(60));
    assert_eq!(heard(&mut session), []);
    assert_eq!(
        session.multiplayer().peer(id(7)),
        None,
        "nobody could answer"
    );
}

#[test]
fn a_leave_is_waited_for_until_its_closes_have_gone_out_and_not_for_ever() {
    for is_closed in [true, false] {
        let (mut session, link) = connected();
        let mut cx = Context::from_waker(Waker::noop());
        let mut leaving = session.leave();
        let deadline = leaving.deadline;
        assert_eq!(Pin::new(&mut leaving).poll(&mut cx), Poll::Pending);
        if is_closed {
            let reason = CloseReason::Local;
            happened(leaving.session, LinkEvent::Closed { link, reason });
        } else {
            leaving.session.multiplayer_mut().backend_mut().now = deadline;
        }
        assert_eq!(Pin::new(&mut leaving).poll(&mut cx), Poll::Ready(()));
    }
}

#[test]
fn a_leave_waits_until_the_signaling_is_told_and_not_for_ever() {
    for is_told in [true, false] {
        let mut session = Session::new(Platform::new(), Post::default(), SessionConfig::default());
        signaled(&mut session, joined(id(9)));
        session.signaling_mut().is_parting = true;
        let mut cx = Context::from_waker(Waker::noop());
        let mut leaving = session.leave();
        assert_eq!(Pin::new(&mut leaving).poll(&mut cx), Poll::Pending);
        if is_told {
            leaving.session.signaling_mut().is_parting = false;
        } else {
            let told_by = leaving.told_by;
            assert!(told_by < leaving.deadline);
            let backend = leaving.session.multiplayer_mut().backend_mut();
            assert_eq!(backend.alarm, Some(told_by));
            backend.now = told_by;
        }
        assert_eq!(Pin::new(&mut leaving).poll(&mut cx), Poll::Ready(()));
    }
}

#[test]
fn a_backlog_that_never_empties_does_not_stop_the_clock() {
    let mut config = SessionConfig::default();
    config.mesh.events_per_poll = 8;
    let (mut session, link) = calling_with(config);
    for _ in 0..4 {
        open(&mut session, link);
    }
    heard(&mut session);
    heard(&mut session);
    signaled(&mut session, SignalingEvent::PeerJoined(id(5)));
    heard(&mut session);
    let mut failed_after = None;
    for second in 0..200 {
        for _ in 0..9 {
            happened(
                &mut session,
                LinkEvent::Message {
                    link,
                    channel: TransferMode::Unreliable.channel(),
                    payload: Payload::from("x"),
                },
            );
        }
        pass(&mut session, Duration::from_secs(1));
        let failed = heard(&mut session)
            .iter()
            .any(|event| matches!(event, Event::PeerFailed { .. }));
        if failed {
            failed_after.get_or_insert(second);
        }
    }
    assert_eq!(failed_after, Some(15), "the deadline is 15 s");
}

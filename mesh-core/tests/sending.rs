//! What a mesh does with messages that one peer cannot take, and with a game that is slow.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::VecDeque;
use std::iter;
use std::task::{Context, Poll};

use mesh_core::{
    Backend, BackendSendError, Capabilities, ChannelIndex, Command, ConnectFailure,
    ConnectionState, DisconnectReason, Duration, Event, Instant, LinkConfig, LinkEvent, LinkId,
    MeshConfig, Multiplayer, Payload, PeerId, Refused, RefusedReason, Rejected, SdpType, SendError,
    SessionDescription, Target, TransferMode,
};

/// A platform that reports what a test puts into it.
struct Script {
    now: Instant,
    events: VecDeque<LinkEvent>,
    commands: Vec<Command>,
    sent: Vec<LinkId>,
    /// Whether it takes no message for now.
    is_full: bool,
    /// What each channel has taken and not sent.
    buffered: usize,
}

impl Backend for Script {
    fn now(&self) -> Instant {
        self.now
    }

    fn execute(&mut self, command: Command) {
        self.commands.push(command);
    }

    fn send(&mut self, link: LinkId, _: ChannelIndex, payload: Payload) -> Result<(), Rejected> {
        if self.is_full {
            let reason = BackendSendError::Full;
            return Err(Rejected { payload, reason });
        }
        self.sent.push(link);
        Ok(())
    }

    fn buffered_amount(&self, _: LinkId, _: ChannelIndex) -> usize {
        self.buffered
    }

    fn poll_event(&mut self, _: &mut Context<'_>) -> Poll<LinkEvent> {
        self.events.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    fn set_alarm(&mut self, _: Option<Instant>) {}

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_message_size: 100_000,
            ..Capabilities::default()
        }
    }
}

fn id(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}

fn mesh(config: MeshConfig) -> Multiplayer<Script> {
    let script = Script {
        now: Instant::from_micros(1),
        events: VecDeque::new(),
        commands: Vec::new(),
        sent: Vec::new(),
        is_full: false,
        buffered: 0,
    };
    let mut mesh = Multiplayer::new(script, config);
    mesh.initialize(id(1), false).unwrap();
    mesh
}

/// Adds a peer that describes itself, with what it says of the messages it takes.
fn describe(mesh: &mut Multiplayer<Script>, peer: u32, limit: &str) -> LinkId {
    let link = mesh.create_connection(LinkConfig::default());
    mesh.add_peer(link, id(peer), None).unwrap();
    let description = SessionDescription {
        sdp_type: SdpType::Offer,
        sdp: format!("v=0\r\na=max-message-size:{limit}\r\n"),
    };
    mesh.set_remote_description(link, description).unwrap();
    link
}

fn connect(mesh: &mut Multiplayer<Script>, peer: u32, limit: &str) -> LinkId {
    let link = describe(mesh, peer, limit);
    let backend = mesh.backend_mut();
    let state = ConnectionState::Connected;
    backend.events.push_back(LinkEvent::State { link, state });
    for command in &backend.commands {
        if let Command::CreateChannel {
            link: of,
            channel,
            spec,
        } = command
            && *of == link
        {
            backend.events.push_back(LinkEvent::ChannelOpened {
                link,
                channel: *channel,
                remote: false,
                actual: spec.parameters,
            });
        }
    }
    assert_eq!(events(mesh), [Event::PeerConnected(id(peer))]);
    link
}

fn events(mesh: &mut Multiplayer<Script>) -> Vec<Event> {
    iter::from_fn(|| mesh.poll()).collect()
}

#[test]
fn a_peer_that_takes_less_keeps_a_message_from_nobody_else() {
    let mut mesh = mesh(MeshConfig::default());
    let links = [
        connect(&mut mesh, 2, "0"),
        connect(&mut mesh, 3, "1200"),
        connect(&mut mesh, 4, "50000"),
    ];
    let send = |mesh: &mut Multiplayer<Script>, target, bytes: usize| {
        mesh.backend_mut().sent.clear();
        mesh.send(target, TransferMode::Unreliable, vec![0; bytes])
    };
    let sent = send(&mut mesh, Target::All, 1201).unwrap();
    let refused = Refused {
        peer: id(3),
        reason: RefusedReason::TooLarge { limit: 1200 },
    };
    assert_eq!((sent.accepted, sent.refused), (2, vec![refused]));
    assert_eq!(mesh.backend().sent, [links[0], links[2]]);
    let sent = send(&mut mesh, Target::AllExcept(id(2)), 60_000).unwrap();
    assert_eq!((sent.accepted, sent.refused.len()), (0, 2));
    let too_large = |size, limit| Err(SendError::TooLarge { size, limit });
    let sent = send(&mut mesh, Target::One(id(3)), 1201);
    assert_eq!(
        sent,
        too_large(1201, 1200),
        "the caller names who takes less"
    );
    let sent = send(&mut mesh, Target::All, 100_001);
    assert_eq!(sent, too_large(100_001, 100_000), "our own limit");
    assert_eq!(mesh.backend().sent, []);
}

#[test]
fn a_peer_with_an_absurd_limit_is_given_up_for_its_description() {
    for (limit, is_given_up) in [("1", true), ("1199", true), ("1200", false), ("0", false)] {
        let mut mesh = mesh(MeshConfig::default());
        let link = describe(&mut mesh, 2, limit);
        let events = events(&mut mesh);
        if !is_given_up {
            assert_eq!(events, [], "{limit}");
            continue;
        }
        let why = format!("the peer takes messages of at most {limit} bytes");
        let reason = DisconnectReason::ConnectFailed(ConnectFailure::Description(why));
        let failed = Event::PeerFailed {
            peer: id(2),
            reason,
        };
        assert_eq!(events, [failed]);
        let commands = &mesh.backend().commands;
        assert!(
            matches!(commands.last(), Some(Command::Close { link: of, .. }) if *of == link),
            "{commands:?}"
        );
    }
}

/// A deadline of 15 s and a budget of four events a poll.
fn busy() -> (Multiplayer<Script>, LinkId) {
    let mut mesh = mesh(MeshConfig {
        events_per_poll: 4,
        ..MeshConfig::default()
    });
    let link = connect(&mut mesh, 2, "0");
    (mesh, link)
}

fn message(link: LinkId) -> LinkEvent {
    LinkEvent::Message {
        link,
        channel: TransferMode::Unreliable.channel(),
        payload: Payload::from("x"),
    }
}

#[test]
fn time_passes_while_a_backlog_never_empties() {
    let (mut mesh, link) = busy();
    describe(&mut mesh, 3, "0");
    for _ in 0..20 {
        for _ in 0..5 {
            mesh.backend_mut().events.push_back(message(link));
        }
        mesh.backend_mut().now += Duration::from_secs(1);
        let failed = events(&mut mesh)
            .iter()
            .any(|event| matches!(event, Event::PeerFailed { .. }));
        if failed {
            return;
        }
    }
    panic!("20 s have passed, and the deadline of 15 s has not been seen");
}

#[test]
fn what_arrived_in_time_is_not_late_because_the_game_was_slow() {
    let (mut mesh, link) = busy();
    let newcomer = mesh.create_connection(LinkConfig::default());
    mesh.add_peer(newcomer, id(3), None).unwrap();
    // The game polls, then loads for a minute. Meanwhile the newcomer connects, behind a few messages.
    assert_eq!(events(&mut mesh), []);
    let backend = mesh.backend_mut();
    backend.events.extend([message(link), message(link)]);
    let state = ConnectionState::Connected;
    backend.events.push_back(LinkEvent::State {
        link: newcomer,
        state,
    });
    for command in &backend.commands {
        if let Command::CreateChannel {
            link,
            channel,
            spec,
        } = command
            && *link == newcomer
        {
            backend.events.push_back(LinkEvent::ChannelOpened {
                link: newcomer,
                channel: *channel,
                remote: false,
                actual: spec.parameters,
            });
        }
    }
    backend.now += Duration::from_secs(60);
    let mut told = events(&mut mesh);
    mesh.backend_mut().now += Duration::from_millis(16);
    told.extend(events(&mut mesh));
    assert!(told.contains(&Event::PeerConnected(id(3))), "{told:?}");
}

#[test]
fn unreliable_messages_are_refused_while_the_path_is_broken() {
    let mut mesh = mesh(MeshConfig::default());
    let links = [
        connect(&mut mesh, 2, "65536"),
        connect(&mut mesh, 3, "65536"),
    ];
    let tell = |mesh: &mut Multiplayer<Script>, state| {
        let link = links[0];
        let state = LinkEvent::State { link, state };
        mesh.backend_mut().events.push_back(state);
        mesh.backend_mut().sent.clear();
        events(mesh)
    };
    let interrupted = vec![Refused {
        peer: id(2),
        reason: RefusedReason::Interrupted,
    }];
    // A link that fails within the window is interrupted, too.
    for state in [ConnectionState::Disconnected, ConnectionState::Failed] {
        let told = tell(&mut mesh, state);
        assert_eq!(told, [Event::PeerInterrupted(id(2))]);
        for mode in [TransferMode::Unreliable, TransferMode::UnreliableOrdered] {
            let sent = mesh.send(Target::All, mode, "a position").unwrap();
            assert_eq!((sent.accepted, &sent.refused), (1, &interrupted));
            let sent = mesh.send(Target::One(id(2)), mode, "a position").unwrap();
            assert_eq!((sent.accepted, &sent.refused), (0, &interrupted));
        }
        let reliable = mesh.send(Target::All, TransferMode::Reliable, "a word");
        assert_eq!(reliable.unwrap().accepted, 2);
        assert_eq!(
            mesh.backend().sent,
            [links[1], links[1], links[0], links[1]]
        );
        let told = tell(&mut mesh, ConnectionState::Connected);
        assert_eq!(told, [Event::PeerResumed(id(2))]);
        let sent = mesh.send(Target::All, TransferMode::Unreliable, "a position");
        assert_eq!(sent.unwrap().accepted, 2);
    }
}

/// A mesh in which up to 1000 bytes wait for the platform, and a peer for whom "wait" does.
fn waiting() -> (Multiplayer<Script>, LinkId) {
    let mut config = MeshConfig::default();
    // By default nothing waits in the mesh.
    config.send_limits.reliable.bytes += 1000;
    let mut mesh = mesh(config);
    let link = connect(&mut mesh, 2, "0");
    mesh.backend_mut().is_full = true;
    let sent = mesh
        .send(Target::All, TransferMode::Reliable, "wait")
        .unwrap();
    assert_eq!(sent.accepted, 1);
    assert_eq!(mesh.backend().sent, [], "it waits in the mesh");
    (mesh, link)
}

#[test]
fn what_waits_is_buffered_until_it_is_flushed() {
    let (mut mesh, link) = waiting();
    let channel = TransferMode::Reliable.channel();
    mesh.backend_mut().buffered = 3;
    assert_eq!(mesh.buffered_amount(id(2), channel), 7);
    assert_eq!(mesh.buffered_amount(id(3), channel), 0);
    let info = mesh.peers().next().unwrap();
    assert_eq!(info.channels.first().unwrap().buffered_amount, 7);
    let backend = mesh.backend_mut();
    (backend.buffered, backend.is_full) = (0, false);
    mesh.flush();
    assert_eq!(mesh.backend().sent, [link]);
    assert_eq!(mesh.buffered_amount(id(2), channel), 0);
}

#[test]
fn what_waits_goes_out_before_an_end_that_has_time_for_it() {
    for force in [false, true] {
        let (mut mesh, link) = waiting();
        mesh.backend_mut().commands.clear();
        assert!(mesh.disconnect_peer(id(2), force));
        let last = mesh.backend().commands.iter().filter_map(|command| {
            let Command::SendLast { payload, .. } = command else {
                return None;
            };
            Some(payload.clone())
        });
        let expected = [Payload::from("wait")];
        assert_eq!(Vec::from_iter(last), expected[usize::from(force)..]);
        let end = mesh.backend().commands.last();
        assert!(
            matches!(end, Some(Command::Close { link: of, linger })
                if *of == link && linger.is_zero() == force),
            "{end:?}"
        );
    }
}

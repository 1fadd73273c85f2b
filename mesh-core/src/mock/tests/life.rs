//! A link from its offer to its end.

use alloc::string::ToString;
use alloc::vec;

use super::duo::{Duo, LINK, ORDERED, RELIABLE, UNRELIABLE, numbered};
use crate::{
    Backend, BackendSendError, ChannelIndex, ChannelSpec, CloseReason, Command, ConnectFailure,
    ConnectionState, Duration, IceCandidate, LinkConfig, LinkEvent, LinkId, Payload, Reliability,
    SdpType, SendLimits, SessionDescription, TransferMode,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn two_ends_connect_and_their_channels_are_as_planned() {
    let duo = Duo::connected(1);
    for peer in [&duo.a, &duo.b] {
        assert_eq!(
            peer.states(),
            [ConnectionState::Connecting, ConnectionState::Connected]
        );
        let planned: vec::Vec<_> = TransferMode::ALL
            .map(|mode| {
                let limits = SendLimits::default();
                let spec = ChannelSpec::built_in(mode, Reliability::Retransmits(0), limits);
                (mode.channel(), spec.parameters)
            })
            .into();
        assert_eq!(peer.opened(), planned);
    }
}

#[test]
fn a_description_precedes_its_candidates_and_gathering_ends() {
    let duo = Duo::connected(1);
    for peer in [&duo.a, &duo.b] {
        let position = |what: fn(&LinkEvent) -> bool| peer.seen.iter().position(what).unwrap();
        let description = position(|event| matches!(event, LinkEvent::Description { .. }));
        let candidate = position(|event| matches!(event, LinkEvent::Candidate { .. }));
        let gathered = position(|event| matches!(event, LinkEvent::Gathered { .. }));
        assert!(description < candidate && candidate < gathered);
    }
}

#[test]
fn messages_keep_channel_kind_and_boundaries() {
    let mut duo = Duo::connected(1);
    let sent = [
        Payload::from(&[0; 0]),
        Payload::from("text"),
        Payload::from(""),
        Payload::from(vec![7; 262_144]),
        Payload::from(&[1]),
    ];
    for channel in [RELIABLE, ORDERED, UNRELIABLE] {
        for payload in &sent {
            duo.a.send(channel, payload.clone()).unwrap();
            duo.b.send(channel, payload.clone()).unwrap();
        }
    }
    duo.run(SECOND);
    for channel in [RELIABLE, ORDERED, UNRELIABLE] {
        assert_eq!(duo.a.messages(channel), sent);
        assert_eq!(duo.b.messages(channel), sent);
    }
}

#[test]
fn nothing_is_sent_before_a_channel_opens_or_after_it_closed() {
    let mut duo = Duo::new(1);
    assert_eq!(
        duo.a.send(RELIABLE, "early"),
        Err(BackendSendError::NotOpen)
    );
    duo.connect();
    duo.a.close(Duration::ZERO);
    assert_eq!(duo.a.send(RELIABLE, "late"), Err(BackendSendError::NotOpen));
    duo.run(SECOND);
    assert_eq!(duo.b.send(RELIABLE, "late"), Err(BackendSendError::NotOpen));
}

#[test]
fn a_close_is_seen_by_the_far_side_after_the_last_message() {
    let mut duo = Duo::connected(1);
    for number in 0..100 {
        duo.a.send(RELIABLE, numbered(number)).unwrap();
    }
    duo.a.close(Duration::from_millis(200));
    duo.run(SECOND);
    assert_eq!(duo.b.numbers(RELIABLE), (0..100).collect::<vec::Vec<_>>());
    assert_eq!(duo.a.closed(), Some(&CloseReason::Local));
    assert_eq!(duo.b.closed(), Some(&CloseReason::Remote));
    assert_eq!(duo.b.closed_channels(), 3);
    assert!(matches!(
        duo.b.seen.last(),
        Some(LinkEvent::Closed { link: LINK, .. })
    ));
    assert_eq!(duo.network.usage(), Default::default());
}

#[test]
fn a_close_without_linger_does_not_wait() {
    let mut duo = Duo::connected(1);
    duo.a.send(RELIABLE, "lost").unwrap();
    duo.a.close(Duration::ZERO);
    duo.a.drain();
    assert_eq!(duo.a.closed(), Some(&CloseReason::Local));
}

#[test]
fn a_linger_ends_when_nothing_gets_through() {
    let mut duo = Duo::connected(1);
    duo.partition();
    duo.a.send(RELIABLE, "held").unwrap();
    let before = duo.network.now();
    duo.a.close(Duration::from_millis(200));
    while duo.a.closed().is_none() {
        assert!(duo.network.step());
        duo.a.drain();
    }
    assert_eq!(duo.network.now() - before, Duration::from_millis(200));
}

#[test]
fn dropping_a_backend_is_seen_by_the_far_side() {
    let Duo {
        network, a, mut b, ..
    } = Duo::connected(1);
    drop(a);
    network.advance(Duration::from_millis(10));
    b.drain();
    assert_eq!(b.closed(), Some(&CloseReason::Remote));
    assert_eq!(network.usage(), Default::default());
}

#[test]
fn a_channel_can_be_closed_alone() {
    let mut duo = Duo::connected(1);
    duo.a.send(ORDERED, "last").unwrap();
    duo.a.backend.execute(Command::CloseChannel {
        link: LINK,
        channel: RELIABLE,
    });
    duo.a.send(ORDERED, "still open").unwrap();
    duo.run(SECOND);
    assert_eq!((duo.a.closed_channels(), duo.b.closed_channels()), (1, 1));
    assert_eq!(duo.b.messages(ORDERED).len(), 2);
    assert_eq!(duo.a.send(RELIABLE, "no"), Err(BackendSendError::NotOpen));
    assert_eq!(duo.b.send(RELIABLE, "no"), Err(BackendSendError::NotOpen));
    assert_eq!(duo.a.closed(), None);
}

#[test]
fn a_message_on_a_stream_nobody_claimed_is_dropped() {
    let mut duo = Duo::bare(1);
    for peer in [&mut duo.a, &mut duo.b] {
        peer.open(LinkConfig::default(), 1 << 20);
    }
    let limits = SendLimits::default();
    duo.a.create_channels(Reliability::Retransmits(0), limits);
    let reliable = ChannelSpec::built_in(TransferMode::Reliable, Reliability::Reliable, limits);
    duo.b.create_channel(RELIABLE, reliable);
    duo.a.offer();
    duo.run(SECOND);
    assert_eq!((duo.a.opened().len(), duo.b.opened().len()), (3, 1));
    duo.a.send(ORDERED, "nobody listens").unwrap();
    duo.a.send(RELIABLE, "heard").unwrap();
    duo.run(SECOND);
    assert_eq!(duo.b.messages(RELIABLE), [Payload::from("heard")]);
    assert_eq!((duo.a.closed(), duo.b.closed()), (None, None));
    // A channel made late hears what is sent from then on.
    let ordered = ChannelSpec::built_in(
        TransferMode::UnreliableOrdered,
        Reliability::Retransmits(0),
        limits,
    );
    duo.b.create_channel(ORDERED, ordered);
    duo.a.send(ORDERED, "now").unwrap();
    duo.run(SECOND);
    assert_eq!(duo.b.messages(ORDERED), [Payload::from("now")]);
}

#[test]
fn unusable_descriptions_and_candidates_end_the_link_with_a_reason() {
    for sdp in ["", "v=0", "garbage\n\0", "v=0\r\nm=audio 9 x"] {
        let mut duo = Duo::new(1);
        duo.b.backend.execute(Command::SetRemote {
            link: LINK,
            description: SessionDescription {
                sdp_type: SdpType::Offer,
                sdp: sdp.to_string(),
            },
        });
        duo.run(SECOND);
        assert!(
            matches!(
                duo.b.closed(),
                Some(CloseReason::Failed(ConnectFailure::Description(_)))
            ),
            "{sdp:?}"
        );
    }
    for candidate in ["", "candidate:", "\u{1F980}"] {
        let mut duo = Duo::connected(1);
        duo.b.backend.execute(Command::AddCandidate {
            link: LINK,
            candidate: IceCandidate {
                sdp_mid: "0".to_string(),
                sdp_m_line_index: 0,
                candidate: candidate.to_string(),
            },
        });
        duo.run(SECOND);
        assert!(
            matches!(
                duo.b.closed(),
                Some(CloseReason::Failed(ConnectFailure::Candidate(_)))
            ),
            "{candidate:?}"
        );
        assert_eq!(duo.a.closed(), Some(&CloseReason::Remote));
    }
}

#[test]
fn what_cannot_be_done_ends_the_link_once() {
    let mut duo = Duo::new(1);
    let limits = SendLimits::default();
    let twice = ChannelSpec::built_in(TransferMode::Reliable, Reliability::Reliable, limits);
    duo.a.create_channel(ChannelIndex(5), twice);
    duo.a.offer();
    duo.a.close(Duration::ZERO);
    duo.run(SECOND);
    assert!(matches!(
        duo.a.seen[..],
        [LinkEvent::Closed {
            reason: CloseReason::Failed(ConnectFailure::Channel(_)),
            ..
        }]
    ));
}

#[test]
fn an_unusable_configuration_ends_the_link() {
    for url in ["", "http://example.org", "stun:", "turn:example.org"] {
        let mut duo = Duo::bare(1);
        duo.a.open(LinkConfig::with_stun(url), 1 << 20);
        duo.a.drain();
        assert!(
            matches!(
                duo.a.closed(),
                Some(CloseReason::Failed(ConnectFailure::Config(_)))
            ),
            "{url:?}"
        );
    }
}

#[test]
fn commands_for_unknown_links_are_ignored() {
    let mut duo = Duo::connected(1);
    let unknown = LinkId {
        slot: 7,
        generation: 3,
    };
    duo.a
        .backend
        .execute(Command::CreateOffer { link: unknown });
    duo.a
        .backend
        .execute(Command::RequestStats { link: unknown });
    let seen = duo.a.seen.len();
    duo.run(SECOND);
    assert_eq!(duo.a.seen.len(), seen);
}

#[test]
fn figures_are_reported_on_request() {
    let mut duo = Duo::connected(1);
    duo.a.send(RELIABLE, vec![0; 1000]).unwrap();
    duo.run(SECOND);
    duo.b.backend.execute(Command::RequestStats { link: LINK });
    duo.run(SECOND);
    let stats = duo.b.stats()[0];
    assert_eq!(stats.round_trip, Some(Duration::from_millis(2)));
    assert_eq!((stats.bytes_received, stats.bytes_sent), (1000, 0));
    assert_eq!(stats.local, Some(crate::CandidateType::Host));
}

#[test]
fn hundreds_of_links_leave_nothing_behind() {
    let mut duo = Duo::bare(1);
    for _ in 0..200 {
        for peer in [&mut duo.a, &mut duo.b] {
            peer.seen.clear();
            peer.open(LinkConfig::default(), 1 << 20);
            peer.create_channels(Reliability::Retransmits(0), SendLimits::default());
        }
        duo.connect();
        duo.b.close(Duration::ZERO);
        duo.run(SECOND);
        assert_eq!(duo.a.closed(), Some(&CloseReason::Remote));
    }
    duo.run(SECOND * 10);
    assert_eq!(duo.network.usage(), Default::default());
}

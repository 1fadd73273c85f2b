//! What a peer may send that no honest one does.

use futures_util::future::try_join;
use mesh_core::platform::TRANSFER_STREAM;
use mesh_core::{
    ChannelIndex, ChannelParameters, ChannelSpec, Command, ConnectFailure, ConnectionError,
    DisconnectReason, IceCandidate, Reliability, SdpType, SendLimits, SessionDescription,
    TransferMode,
};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::{LinkSeen, Rumour, Seen};
use crate::refusal::Refusal;
use crate::request::LurkerRequest;
use crate::{Content, Matchmaker, Outcome, Participant};

/// Whatever a peer or a signaling server sends, nothing panics, and the next link works.
pub async fn clause_12_nothing_panics(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            for sdp in descriptions() {
                for sdp_type in [SdpType::Offer, SdpType::Answer] {
                    let sdp = sdp.clone();
                    describe(a, SessionDescription { sdp_type, sdp }).await?;
                }
            }
            let (near, far) = steps::link(&matchmaker, &cast, 0, 1).await?;
            for candidate in candidates() {
                let link = near;
                a.execute(Command::AddCandidate { link, candidate }).await?;
            }
            // Text that is none, on every channel.
            for mode in TransferMode::ALL {
                b.send_on(far, mode, Content::RawText(vec![0xFF, 0xFE, 0x00]))
                    .await?;
            }
            let (near, far) = steps::link(&matchmaker, &cast, 0, 1).await?;
            b.send_on(far, TransferMode::Reliable, Content::numbered(3, 64))
                .await?;
            let (_, body) = a.message(near).await?;
            ensure_eq!(steps::number(a, &body)?, 3, "the message at the end");
            for participant in &cast {
                let panics = participant.vitals().await?.panics;
                ensure_eq!(panics.unwrap_or(0), 0, "panics of {}", participant.name());
            }
            Ok(())
        })
        .await
}

/// Gives a bare backend a description it never asked for, on a link of its own, and closes that.
async fn describe(participant: &Participant, description: SessionDescription) -> Outcome {
    let link = participant.open().await?;
    if description.sdp_type == SdpType::Answer {
        participant.execute(Command::CreateOffer { link }).await?;
    }
    participant
        .execute(Command::SetRemote { link, description })
        .await?;
    for candidate in candidates() {
        participant
            .execute(Command::AddCandidate { link, candidate })
            .await?;
    }
    participant.close_link(link).await
}

/// Descriptions that are none, or half of one, or too much.
fn descriptions() -> Vec<String> {
    let plausible = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
        a=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n\
        a=fingerprint:sha-256 00:11:22\r\na=setup:actpass\r\na=sctp-port:5000\r\n\
        a=max-message-size:262144\r\n";
    let mut all = vec![
        String::new(),
        "\0".to_owned(),
        "v=0".to_owned(),
        "v=0\r\n".repeat(1000),
        "v=99999999999999999999\r\n".to_owned(),
        "no description at all \u{1F980}".to_owned(),
        "a".repeat(1 << 20),
        plausible.to_owned(),
        plausible.replace("9 UDP", "99999999999 UDP"),
        plausible.replace("sha-256 00:11:22", "sha-999 zz"),
        plausible.replace("sha-256 00:11:22", ""),
        plausible.replace("5000", "-1"),
        plausible.replace("262144", "-1"),
        plausible.replace("262144", "18446744073709551616"),
        plausible.replace("a=mid:0\r\n", ""),
        plausible.replace("actpass", "sideways"),
        plausible.replace("a=ice-ufrag:abcd\r\n", ""),
        plausible.replace("abcdefghijklmnopqrstuv", ""),
        plausible.replace("m=application", "m=video"),
        format!("{plausible}{plausible}"),
    ];
    // Cut off anywhere.
    all.extend(
        (1..plausible.len())
            .step_by(83)
            .map(|at| plausible[..at].to_owned()),
    );
    all
}

/// Candidates that are none.
fn candidates() -> Vec<IceCandidate> {
    [
        "",
        "candidate:",
        "candidate:1 1 udp",
        "candidate:1 1 udp 2130706431 127.0.0.1 99999 typ host",
        "candidate:1 1 udp 99999999999999999999 300.300.300.300 1 typ host",
        "candidate:1 1 udp 2130706431 nowhere.invalid 1 typ host",
        "candidate:1 1 tcp 2130706431 127.0.0.1 0 typ host tcptype sideways",
        "candidate:1 99 udp 2130706431 ::1 9 typ imaginary raddr x rport y",
        "\0\n\r\u{1F980}",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([format!("candidate:{}", "9".repeat(1 << 16))])
    .map(|candidate| IceCandidate {
        sdp_mid: "0".to_owned(),
        sdp_m_line_index: 0,
        candidate,
    })
    .collect()
}

/// A description that is none fails that peer with a reason, as an offer and as an answer, and touches no other.
pub async fn garbage_descriptions_fail_that_peer(cast: [Participant; 2]) -> Outcome {
    let [a, _] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            let garbage = [
                "this is no description".to_owned(),
                String::new(),
                "x=".repeat(1 << 19),
            ];
            for (peer, sdp) in (10..).zip(garbage) {
                for sdp_type in [SdpType::Offer, SdpType::Answer] {
                    let connection = a.create_connection().await?;
                    a.add_peer(connection, peer).await?;
                    if sdp_type == SdpType::Answer {
                        a.create_offer(connection).await?;
                    }
                    let sdp = sdp.clone();
                    let taken = a
                        .try_set_remote(connection, SessionDescription { sdp_type, sdp })
                        .await?;
                    ensure_eq!(taken, Ok(()), "handing over a description");
                    let reason = a.failed(peer).await?;
                    ensure!(
                        matches!(
                            reason,
                            DisconnectReason::ConnectFailed(ConnectFailure::Description(_))
                        ),
                        "garbage as {sdp_type:?} gave {reason:?}"
                    );
                }
            }
            steps::everybody_talks(&cast).await
        })
        .await
}

/// Candidates that are none either do no harm or fail that peer with that reason; too many are refused.
pub async fn garbage_candidates_do_no_harm(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    let (near, far) = matchmaker.introduce(1, 0).await?;
    let mut refused = None;
    for candidate in candidates().into_iter().cycle().take(1000) {
        refused = a.try_add_candidate(far, candidate).await?.err();
        if refused.is_some() {
            break;
        }
    }
    ensure!(
        matches!(
            refused,
            Some(Refusal::Connection(
                ConnectionError::TooManyCandidates { .. }
            ))
        ),
        "a thousand early candidates gave {refused:?}"
    );
    let _ = near;
    let outcome = matchmaker
        .relaying(a.find("to connect or to fail", |seen| match seen {
            Seen::Connected(_) => Some(None),
            Seen::Failed { reason, .. } => Some(Some(reason.clone())),
            _ => None,
        }))
        .await?;
    match outcome {
        None => {
            b.connected(a.id()).await?;
            steps::everybody_talks(&cast).await
        }
        Some(DisconnectReason::ConnectFailed(ConnectFailure::Candidate(_))) => Ok(()),
        Some(reason) => Err(a.fail(format!("garbage candidates gave {reason:?}"))),
    }
}

/// A lobby's member that sends garbage instead of a handshake fails with a reason, and touches nobody else.
pub async fn a_hostile_member_fails_alone(cast: [Participant; 3]) -> Outcome {
    let [host, hostile, guest] = &cast;
    let meeting = host.meeting().await?;
    host.join(&meeting).await?;
    let enemy = hostile.lurk(&meeting).await?;
    guest.join(&meeting).await?;
    try_join(host.connected(guest.id()), guest.connected(host.id())).await?;
    hostile
        .rumour("for the guest", |rumour| {
            (*rumour == Rumour::PeerJoined(guest.id())).then_some(())
        })
        .await?;
    for victim in [host, guest] {
        for sdp_type in [SdpType::Answer, SdpType::Offer] {
            let description = SessionDescription {
                sdp_type,
                sdp: "garbage\r\n".to_owned(),
            };
            let to = victim.id();
            hostile
                .whisper(LurkerRequest::Describe { to, description })
                .await?;
        }
    }
    for victim in [host, guest] {
        let reason = victim.failed(enemy).await?;
        ensure!(
            matches!(
                reason,
                DisconnectReason::ConnectFailed(ConnectFailure::Description(_))
            ),
            "garbage of a member gave {reason:?}"
        );
    }
    steps::tell(host, guest, "who was that").await
}

/// A member that sends garbage on every channel, and opens and closes channels that nobody knows of, is the game's to judge: it
/// stays until it goes, and goes as any other. Whoever else is there notices nothing.
pub async fn garbage_on_every_channel_disturbs_nobody(cast: [Participant; 3]) -> Outcome {
    let [victim, hostile, bystander] = &cast;
    hostile.start_backend().await?;
    victim.start_mesh().await?;
    bystander.start_mesh().await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 2, 0).await?;
            let (link, _) = matchmaker.introduce(1, 0).await?;
            try_join(hostile.opened(link), victim.connected(hostile.id())).await?;
            for mode in TransferMode::ALL {
                for content in garbage() {
                    hostile.send_on(link, mode, content).await?;
                }
            }
            for id in 4..20 {
                let channel = ChannelIndex(id);
                let spec = stranger(id);
                for command in [
                    Command::CreateChannel {
                        link,
                        channel,
                        spec,
                    },
                    Command::CloseChannel { link, channel },
                ] {
                    hostile.execute(command).await?;
                }
            }
            steps::tell(bystander, victim, "what is that noise").await?;
            steps::tell(victim, bystander, "I hear nothing").await?;
            let last = Content::numbered(3, 64);
            hostile
                .send_on(link, TransferMode::Reliable, last.clone())
                .await?;
            victim
                .find("the last of the garbage", |seen| match seen {
                    Seen::Packet { body, .. } if *body == last.body() => Some(()),
                    _ => None,
                })
                .await?;
            hostile.close_link(link).await?;
            let reason = victim.disconnected(hostile.id()).await?;
            ensure_eq!(reason, DisconnectReason::Closed, "what became of it");
            steps::tell(bystander, victim, "it is gone").await?;
            for participant in &cast {
                let panics = participant.vitals().await?.panics;
                ensure_eq!(panics.unwrap_or(0), 0, "panics of {}", participant.name());
            }
            Ok(())
        })
        .await
}

/// Who breaks a rule of the wire is told which one, where it is a peer of ours: here that a transfer is given up that nobody has begun.
pub async fn who_breaks_a_rule_is_told_so(cast: [Participant; 2]) -> Outcome {
    let [victim, hostile] = &cast;
    victim.start_mesh().await?;
    hostile.start_backend().await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            let (link, _) = matchmaker.pair(1, 0).await?;
            // Behind the planned ones and those that a far side makes.
            let channel = ChannelIndex(19);
            let once = Reliability::Retransmits(0);
            let limits = SendLimits::default();
            let spec = ChannelSpec::custom(TRANSFER_STREAM, TransferMode::Reliable, once, limits);
            hostile
                .execute(Command::CreateChannel {
                    link,
                    channel,
                    spec,
                })
                .await?;
            matchmaker.offer(1, link).await?;
            hostile
                .find_on(link, "for the channel of transfers", |seen| match seen {
                    LinkSeen::Opened { channel: open, .. } => (*open == channel).then_some(()),
                    _ => None,
                })
                .await?;
            victim.connected(hostile.id()).await?;
            let cancel = Content::Text(String::from("cancel"));
            let sent = hostile.try_send_on(link, channel, cancel, 1).await?;
            ensure_eq!(sent.map(|sent| sent.messages), Ok(1), "what was sent");
            let reason = victim.disconnected(hostile.id()).await?;
            let what = String::from("it gives up a transfer that it has not begun");
            let expected = DisconnectReason::Protocol(what.clone());
            ensure_eq!(reason, expected, "why it is gone");
            let told = hostile
                .find_on(link, "to be told why", |seen| match seen {
                    LinkSeen::Goodbye(reason) => Some(reason.clone()),
                    _ => None,
                })
                .await?;
            let expected = DisconnectReason::PeerProtocol(what);
            ensure_eq!(told, expected, "what it is told");
            Ok(())
        })
        .await
}

/// Messages that no game sends.
fn garbage() -> Vec<Content> {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    vec![
        Content::RawText(vec![0xFF, 0xFE, 0x00]),
        Content::Text(String::new()),
        Content::Text("\0\u{1F980}".repeat(1000)),
        Content::Binary(Vec::new()),
        Content::Binary(vec![0]),
        Content::Binary(every_byte),
        Content::Binary(vec![0xFF; 60_000]),
    ]
}

/// A channel that the far side does not have.
fn stranger(id: u16) -> ChannelSpec {
    ChannelSpec {
        label: String::from("stranger"),
        parameters: ChannelParameters {
            id,
            ordered: true,
            reliability: Reliability::Reliable,
        },
        limits: SendLimits::default(),
        bulk: false,
    }
}

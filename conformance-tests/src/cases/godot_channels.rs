//! Sections 4 and 8 of reference/godot.md: the channels of a peer, and what is told of them and of its connection.

use std::time::Duration;

use mesh_core::{
    ChannelIndex, ChannelParameters, ChannelState, ConnectFailure, ConnectionState,
    DisconnectReason, GatheringState, Reliability, SendError, SignalingState, TransferMode,
};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Seen;
use crate::refusal::Refusal;
use crate::request::{Setup, To};
use crate::{Content, Matchmaker, Outcome, Participant};

const CUSTOM: [TransferMode; 3] = [
    TransferMode::Unreliable,
    TransferMode::Reliable,
    TransferMode::UnreliableOrdered,
];

/// Three channels and the custom ones: what they are, and that each carries its own messages under its own mode.
pub async fn godot_4_channels(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    for participant in &cast {
        let setup = Setup::Mesh(participant.id());
        participant.start_with(setup, &CUSTOM).await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            // Each side chooses its own reliability.
            let (near, far) = (a.create_connection().await?, b.create_connection().await?);
            a.add_peer_with(near, b.id(), Some(5000)).await?;
            b.add_peer_with(far, a.id(), None).await?;
            matchmaker.connect((0, near), (1, far));
            a.create_offer(near).await?;
            a.connected(b.id()).await?;
            b.connected(a.id()).await?;
            for (participant, peer, unreliable) in [
                (a, b, Reliability::Lifetime(5000)),
                (b, a, Reliability::Retransmits(0)),
            ] {
                check_channels(participant, peer, unreliable).await?;
            }
            for index in 0..6 {
                let content = Content::numbered(index.into(), 40);
                carries(a, b, ChannelIndex(index), content.clone()).await?;
                carries(b, a, ChannelIndex(index), content).await?;
            }
            for to in [To::All, To::One(b.id())] {
                let content = Content::Text("nowhere".to_owned());
                let beyond = a.try_send_on_channel(to, ChannelIndex(6), content).await?;
                ensure_eq!(
                    beyond.err(),
                    Some(Refusal::Send(SendError::UnknownChannel { channel: 6 })),
                    "a channel that is none"
                );
            }
            Ok(())
        })
        .await
}

/// Two that have set different custom channels are refused in the handshake, whichever offers, and both are told what differs.
pub async fn different_custom_channels_are_refused_by_name(cast: [Participant; 2]) -> Outcome {
    let sets: [&[TransferMode]; 2] = [
        &[TransferMode::Reliable],
        &[TransferMode::Reliable, TransferMode::Unreliable],
    ];
    for (participant, custom) in cast.iter().zip(sets) {
        let setup = Setup::Mesh(participant.id());
        participant.start_with(setup, custom).await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    let words = [
        "the peer has reliable unreliable, this side has reliable",
        "the peer has reliable, this side has reliable unreliable",
    ];
    matchmaker
        .relaying(async {
            for (from, to) in [(0, 1), (1, 0)] {
                matchmaker.introduce(from, to).await?;
                for (here, there) in [(0, 1), (1, 0)] {
                    let reason = cast[here].failed(cast[there].id()).await?;
                    let why = format!("the custom channels differ: {}", words[here]);
                    let expected = ConnectFailure::Channel(why);
                    ensure_eq!(
                        reason,
                        DisconnectReason::ConnectFailed(expected),
                        "why it was refused"
                    );
                }
            }
            Ok(())
        })
        .await
}

async fn check_channels(
    participant: &Participant,
    peer: &Participant,
    unreliable: Reliability,
) -> Outcome {
    let expected = [
        ("reliable", TransferMode::Reliable),
        ("ordered", TransferMode::UnreliableOrdered),
        ("unreliable", TransferMode::Unreliable),
        ("4", CUSTOM[0]),
        ("5", CUSTOM[1]),
        ("6", CUSTOM[2]),
    ];
    let channels = participant.channels(peer.id()).await?;
    ensure_eq!(channels.len(), expected.len(), "channels");
    for ((id, channel), (label, mode)) in (1..).zip(channels).zip(expected) {
        let parameters = ChannelParameters {
            id,
            ordered: mode.is_ordered(),
            reliability: if mode.is_reliable() {
                Reliability::Reliable
            } else {
                unreliable
            },
        };
        ensure_eq!(channel.label, label, "the label of channel {id}");
        ensure_eq!(channel.mode, mode, "the mode of channel {id}");
        ensure_eq!(channel.parameters, parameters, "channel {id}");
        ensure_eq!(channel.state, ChannelState::Open, "channel {id}");
        ensure!(channel.negotiated, "channel {id} is not negotiated");
        ensure_eq!(channel.buffered_amount, 0, "buffered on channel {id}");
    }
    Ok(())
}

/// A message arrives on the channel it was sent on, under the mode that is configured there; one that may get lost is sent
/// a few times.
async fn carries(
    from: &Participant,
    to: &Participant,
    channel: ChannelIndex,
    content: Content,
) -> Outcome {
    let mode = [TransferMode::ALL, CUSTOM].concat()[usize::from(channel.0)];
    let expected = content.body();
    for _ in 0..5 {
        let sent = from
            .try_send_on_channel(To::One(to.id()), channel, content.clone())
            .await?;
        ensure!(
            matches!(&sent, Ok(report) if report.messages == 1),
            "channel {channel:?} gave {sent:?}"
        );
        let arrived = to.find("for a message", |seen| match seen {
            Seen::Packet {
                from,
                mode,
                channel,
                body,
            } if *body == expected => Some((*from, *mode, *channel)),
            _ => None,
        });
        let wait = Duration::from_secs(if mode.is_reliable() { 8 } else { 1 });
        if let Some(got) = to.within(wait, arrived).await? {
            ensure_eq!(got, (from.id(), mode, channel), "how it came");
            return Ok(());
        }
    }
    Err(to.fail(format!("nothing arrived on {channel:?}")))
}

/// Where a connection is, from the beginning to the end.
pub async fn godot_8_1_connection_surface(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let stray = a.create_connection().await?;
    let states = a.states(stray).await?;
    ensure!(
        states.as_ref().is_some_and(|states| {
            states.connection == ConnectionState::New
                && states.gathering == GatheringState::New
                && states.signaling == SignalingState::Stable
        }),
        "a new connection is {states:?}"
    );
    let matchmaker = Matchmaker::new(&cast);
    let (near, far) = matchmaker.pair(0, 1).await?;
    a.create_offer(near).await?;
    let states = a.states(near).await?;
    ensure!(
        states.as_ref().is_some_and(|states| {
            states.connection == ConnectionState::Connecting
                && states.signaling == SignalingState::HaveLocalOffer
        }),
        "a connection that has offered is {states:?}"
    );
    matchmaker
        .relaying(async {
            a.connected(b.id()).await?;
            b.connected(a.id()).await?;
            for (participant, connection) in [(a, near), (b, far)] {
                let states = participant.states(connection).await?;
                ensure!(
                    states.as_ref().is_some_and(|states| {
                        states.connection == ConnectionState::Connected
                            && states.gathering != GatheringState::New
                            && states.signaling == SignalingState::Stable
                    }),
                    "a connected connection is {states:?}"
                );
            }
            ensure!(a.remove_peer(b.id()).await?, "it was not there");
            ensure_eq!(
                b.disconnected(a.id()).await?,
                DisconnectReason::Closed,
                "the end at the other side"
            );
            for (participant, connection) in [(a, near), (b, far)] {
                let states = participant.states(connection).await?;
                ensure_eq!(states, None, "the connection then");
            }
            Ok(())
        })
        .await
}

/// Where the channels of a peer are, that text is told from bytes on each, and that closing one of them is leaving.
pub async fn godot_8_2_channel_surface(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    ensure!(
        a.channels(b.id()).await?.is_empty(),
        "a stranger's channels"
    );
    let matchmaker = Matchmaker::new(&cast);
    let (near, _) = matchmaker.pair(0, 1).await?;
    let made = a.channels(b.id()).await?;
    ensure_eq!(made.len(), TransferMode::ALL.len(), "channels");
    for channel in made {
        ensure_eq!(channel.state, ChannelState::Connecting, "before the offer");
    }
    matchmaker
        .relaying(async {
            a.create_offer(near).await?;
            a.connected(b.id()).await?;
            b.connected(a.id()).await?;
            for (of, peer) in [(a, b), (b, a)] {
                for channel in of.channels(peer.id()).await? {
                    ensure_eq!(channel.state, ChannelState::Open, "of a connected peer");
                }
            }
            for content in [
                Content::Binary(b"word".to_vec()),
                Content::Text("word".to_owned()),
            ] {
                carries(a, b, TransferMode::Reliable.channel(), content).await?;
            }
            // The last reliable word arrives, and the rest of the peer goes with the channel.
            steps::tell(a, b, "before").await?;
            let channel = TransferMode::UnreliableOrdered.channel();
            ensure!(a.close_channel(b.id(), channel).await?, "it was not there");
            ensure!(!a.close_channel(b.id(), channel).await?, "closed twice");
            ensure_eq!(
                b.disconnected(a.id()).await?,
                DisconnectReason::Closed,
                "the end at the other side"
            );
            ensure_eq!(
                a.disconnected(b.id()).await?,
                DisconnectReason::Removed,
                "the end at the side that closed it"
            );
            ensure!(a.channels(b.id()).await?.is_empty(), "channels then");
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            steps::everybody_talks(&cast).await
        })
        .await
}

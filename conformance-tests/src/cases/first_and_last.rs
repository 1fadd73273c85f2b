//! A peer's first words and its last.

use futures_util::future::try_join;
use mesh_core::{DisconnectReason, LinkId, TransferMode};

use super::steps;
use crate::failure::ensure_eq;
use crate::observed::Seen;
use crate::request::{Pace, To};
use crate::{Content, Matchmaker, Outcome, Participant};

/// What a peer sends in its very first moment comes after its `PeerConnected`, and comes once.
pub async fn early_packets_follow_connected(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    for participant in &cast {
        participant
            .greet(&[Content::Text(format!("I am {}", participant.name()))])
            .await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            for round in 0..4 {
                let offerer = round % 2;
                matchmaker.introduce(offerer, 1 - offerer).await?;
                try_join(greeted(a, b), greeted(b, a)).await?;
                a.remove_peer(b.id()).await?;
                let reasons = try_join(gone(a, b), gone(b, a)).await?;
                let expected = (DisconnectReason::Removed, DisconnectReason::Closed);
                ensure_eq!(reasons, expected, "what a and b are told of the end");
            }
            Ok(())
        })
        .await
}

/// One is told of another first, and greeted by it then.
async fn greeted(participant: &Participant, by: &Participant) -> Outcome {
    let first = participant.seen().await?;
    ensure_eq!(first, Seen::Connected(by.id()), "the first of a peer");
    let expected = Content::Text(format!("I am {}", by.name())).body();
    participant
        .find("to be greeted", |seen| match seen {
            Seen::Packet {
                mode: TransferMode::Reliable,
                body,
                ..
            } => Some(body.clone()),
            _ => None,
        })
        .await
        .and_then(|body| {
            ensure_eq!(body, expected, "the greeting");
            Ok(())
        })
}

/// One is told that another has gone, and why; what is still heard of it on the lossy channels is its greeting.
async fn gone(participant: &Participant, peer: &Participant) -> Outcome<DisconnectReason> {
    participant
        .find("the peer to go", |seen| match seen {
            Seen::Disconnected { peer: id, reason } if *id == peer.id() => Some(reason.clone()),
            _ => None,
        })
        .await
}

/// What either side says on the reliable channel in the moment that channel opens arrives once, whoever offered: the far
/// side's channel may open later.
pub async fn nothing_said_in_onopen_is_lost(cast: [Participant; 2]) -> Outcome {
    say_in_onopen(&cast, 4).await
}

/// So many links, either side offering in turn.
pub(super) async fn say_in_onopen(cast: &[Participant; 2], links: usize) -> Outcome {
    let [a, b] = cast;
    steps::start_backends(cast).await?;
    for participant in cast {
        participant
            .greet(&[
                Content::Text(format!("I am {}", participant.name())),
                Content::numbered(1, 3000),
            ])
            .await?;
    }
    let matchmaker = Matchmaker::new(cast);
    matchmaker
        .relaying(async {
            for number in 0..links {
                let offerer = number % 2;
                let (mut near, mut far) = matchmaker.introduce(offerer, 1 - offerer).await?;
                if offerer == 1 {
                    (near, far) = (far, near);
                }
                let heard = try_join(heard_in_onopen(a, near, b), heard_in_onopen(b, far, a)).await;
                heard.map_err(|failure| failure.of(&format!("link {number} of {links}")))?;
                a.close_link(near).await?;
                b.close_link(far).await?;
            }
            Ok(())
        })
        .await
}

/// Both greetings of the far side, in order, on the reliable channel.
async fn heard_in_onopen(participant: &Participant, link: LinkId, far: &Participant) -> Outcome {
    let expected = [
        Content::Text(format!("I am {}", far.name())).body(),
        Content::numbered(1, 3000).body(),
    ];
    for expected in expected {
        let (channel, body) = loop {
            let message = participant.message(link).await?;
            if message.0 == TransferMode::Reliable.channel() {
                break message;
            }
        };
        ensure_eq!(
            body,
            expected,
            "what {} hears on {channel:?}",
            participant.name()
        );
    }
    Ok(())
}

/// What a peer sent before it left comes before its `PeerDisconnected`, also to one that was not looking meanwhile.
pub async fn late_packets_precede_disconnected(cast: [Participant; 2]) -> Outcome {
    let [host, leaver] = &cast;
    steps::meet(&cast).await?;
    let count = 50;
    host.pace(Pace::Never).await?;
    steps::send_series(leaver, host.id(), TransferMode::Reliable, 0..count, 100).await?;
    leaver.leave().await?;
    host.pace(Pace::Events).await?;
    let heard = steps::until_it_leaves(host, leaver.id()).await?;
    ensure_eq!(heard.len(), count as usize, "packets before it left");
    for (expected, body) in (0..).zip(&heard) {
        ensure_eq!(steps::number(host, body)?, expected, "the next packet");
    }
    Ok(())
}

/// The last reliable message before a leave arrives, however large what stands before it.
pub async fn the_last_message_before_a_leave_arrives(cast: [Participant; 3]) -> Outcome {
    let [a, b, leaver] = &cast;
    steps::meet(&cast).await?;
    leaver
        .send(
            To::All,
            TransferMode::Reliable,
            Content::numbered(1, 60_000),
        )
        .await?;
    leaver.say("goodbye").await?;
    leaver.leave().await?;
    for listener in [a, b] {
        let heard = steps::until_it_leaves(listener, leaver.id()).await?;
        let expected = [
            Content::numbered(1, 60_000).body(),
            Content::Text("goodbye".into()).body(),
        ];
        ensure_eq!(heard, expected, "what {} hears of it", listener.name());
    }
    steps::tell(a, b, "still here").await
}

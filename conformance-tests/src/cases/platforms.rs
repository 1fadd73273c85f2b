//! What a platform says that it can do, and which candidates it may use.

use std::convert::Infallible;
use std::pin::pin;

use futures_util::future::{Either, select, try_join};
use mesh_core::{
    ConnectFailure, DisconnectReason, IceTransportPolicy, LinkConfig, LinkId, TransferMode,
};

use super::steps;
use crate::environment::{Ask, Told};
use crate::failure::{ensure, ensure_eq};
use crate::observed::Handshake;
use crate::request::Pace;
use crate::{Content, Failure, Matchmaker, Outcome, Participant, deliver};

/// The largest message that both backends say they can carry arrives whole. Timeouts can be set where the ICE agent is ours.
pub async fn capabilities_are_kept(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            let (near, far) = steps::link(&matchmaker, &cast, 0, 1).await?;
            for (from, out, to, into) in [(a, near, b, far), (b, far, a, near)] {
                let can = from.capabilities().await?;
                // Nothing larger may be sent than the far side has announced (RFC 8841, section 6.1).
                let size = can
                    .max_message_size
                    .min(to.capabilities().await?.max_message_size);
                let largest = Content::numbered(1, size);
                from.send_on(out, TransferMode::Reliable, largest.clone())
                    .await?;
                let expected = (TransferMode::Reliable.channel(), largest.body());
                ensure_eq!(to.message(into).await?, expected, "the largest message");
                ensure_eq!(
                    can.configurable_timeouts,
                    !from.kind().is_page(),
                    "whether {} has timeouts that can be set",
                    from.name()
                );
            }
            Ok(())
        })
        .await
}

/// With the relay policy both sides offer candidates of their TURN server alone, connect through it, and hide the addresses
/// from which they reach it.
pub async fn a_relay_policy_uses_relays_alone(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let Told::Detour(relay) = a.wish(Ask::Detour).await? else {
        return Err(Failure::not_run("there is no TURN server"));
    };
    for participant in &cast {
        participant.use_links(relay.clone().link_config());
    }
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    let (near, far) = matchmaker.pair(0, 1).await?;
    matchmaker.offer(0, near).await?;
    let both = pin!(try_join(a.connected(b.id()), b.connected(a.id())));
    let carried = pin!(try_join(carry(a, b, far), carry(b, a, near)));
    match select(both, carried).await {
        Either::Left((connected, _)) => connected.map(drop)?,
        Either::Right((Err(failure), _)) => return Err(failure),
        Either::Right((Ok((never, _)), _)) => match never {},
    }
    for (one, other) in [(a, b), (b, a)] {
        let figures = one.figures(other.id()).await?;
        let pair = [figures.local.as_deref(), figures.remote.as_deref()];
        ensure!(
            !figures.has_pair || pair == [Some("Relay"), Some("Relay")],
            "{} goes through {pair:?}",
            one.name()
        );
    }
    steps::everybody_talks(&cast).await
}

/// Without end: carries descriptions and candidates to one end of a link, and fails at a candidate that is not relayed.
async fn carry(from: &Participant, to: &Participant, link: LinkId) -> Outcome<Infallible> {
    loop {
        let handshake = from.next_handshake().await?;
        for candidate in candidates(&handshake) {
            let words: Vec<_> = candidate.split_whitespace().collect();
            let after = |key| {
                let at = words.iter().position(|word| *word == key);
                at.and_then(|at| words.get(at + 1)).copied()
            };
            ensure_eq!(after("typ"), Some("relay"), "the kind of {candidate}");
            // Some repeat the relay itself, which is known.
            let itself = (words.get(4).copied(), words.get(5).copied());
            let related = (after("raddr"), after("rport"));
            let is_hidden = matches!(related.0, None | Some("0.0.0.0" | "::"));
            ensure!(
                is_hidden || related == itself,
                "{} says where it is: {candidate}",
                from.name()
            );
        }
        deliver(to, link, handshake).await?;
    }
}

/// The candidates in a description, or the one that comes by itself; the empty one says that there are no more.
fn candidates(handshake: &Handshake) -> Vec<&str> {
    match handshake {
        Handshake::Description { description, .. } => {
            let lines = description.sdp.lines();
            lines
                .filter_map(|line| line.strip_prefix("a="))
                .filter(|line| line.starts_with("candidate:"))
                .collect()
        }
        Handshake::Candidate { candidate, .. } => {
            let candidate = candidate.candidate.as_str();
            Some(candidate)
                .filter(|line| !line.is_empty())
                .into_iter()
                .collect()
        }
    }
}

/// With the relay policy and no TURN server there is no route, and who offers is told why.
pub async fn a_relay_policy_without_a_relay_says_why(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    for participant in &cast {
        participant.use_links(LinkConfig {
            ice_transport_policy: IceTransportPolicy::Relay,
            ..LinkConfig::default()
        });
    }
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            // Some know at once: what they say waits until all is set up, as it does in a game that polls once a frame.
            for participant in &cast {
                participant.pace(Pace::Never).await?;
            }
            matchmaker.introduce(0, 1).await?;
            for participant in &cast {
                participant.pace(Pace::Events).await?;
            }
            let reason = a.failed(b.id()).await?;
            ensure!(
                matches!(
                    &reason,
                    DisconnectReason::ConnectFailed(ConnectFailure::NoRelay { cause })
                        if !cause.is_empty()
                ),
                "a is told {reason:?}"
            );
            Ok(())
        })
        .await
}

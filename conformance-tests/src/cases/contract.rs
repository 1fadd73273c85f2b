//! The clauses of the contract of [`mesh_core::Backend`] about commands and handshakes: 1 to 3, and 11.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::pin::pin;

use futures_util::future::{Either, select, try_join};
use mesh_core::{
    BackendSendError, ChannelSpec, CloseReason, Command, ConnectFailure, IceServer, LinkConfig,
    LinkId, MeshConfig, Reliability, SdpType, SendLimits, SessionDescription, TransferMode,
};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::{Handshake, LinkSeen, Observed};
use crate::{Content, Matchmaker, Outcome, Participant, deliver};

/// Two links at once, their commands interleaved: each handshake begins with its description, and both links come up.
pub async fn clause_01_commands_take_effect_in_order(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let near = open_interleaved(a).await?;
    let far = open_interleaved(b).await?;
    for link in near {
        a.execute(Command::CreateOffer { link }).await?;
    }
    let there = BTreeMap::from([(near[0], far[0]), (near[1], far[1])]);
    let back = BTreeMap::from([(far[0], near[0]), (far[1], near[1])]);
    let all_open = try_join(all_open(a), all_open(b));
    let relays = try_join(relay_in_order(a, b, &there), relay_in_order(b, a, &back));
    match select(pin!(all_open), pin!(relays)).await {
        Either::Left((opened, _)) => opened.map(drop),
        Either::Right((Err(failure), _)) => Err(failure),
        Either::Right((Ok((never, _)), _)) => match never {},
    }
}

/// Two links, each step of the one followed by the same step of the other.
async fn open_interleaved(participant: &Participant) -> Outcome<[LinkId; 2]> {
    let links = [participant.fresh_link(), participant.fresh_link()];
    for link in links {
        participant
            .execute(Command::Open {
                link,
                config: LinkConfig::default(),
                inbox_bytes: MeshConfig::default().inbox_bytes,
            })
            .await?;
    }
    for mode in TransferMode::ALL {
        for link in links {
            participant
                .execute(Command::CreateChannel {
                    link,
                    channel: mode.channel(),
                    spec: built_in(mode),
                })
                .await?;
        }
    }
    Ok(links)
}

fn built_in(mode: TransferMode) -> ChannelSpec {
    ChannelSpec::built_in(mode, Reliability::Retransmits(0), SendLimits::default())
}

/// Waits until both links have their three channels.
async fn all_open(participant: &Participant) -> Outcome {
    participant.note("waits for six open channels".to_owned());
    let mut open = 0;
    while open < 2 * TransferMode::ALL.len() {
        match participant.next().await? {
            Observed::Link(_, LinkSeen::Opened { .. }) => open += 1,
            Observed::Link(_, LinkSeen::Closed(reason)) => {
                return Err(participant.fail(format!("a link ended: {reason:?}")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Without end; fails at once where a candidate precedes its description, or a second description comes.
async fn relay_in_order(
    from: &Participant,
    to: &Participant,
    links: &BTreeMap<LinkId, LinkId>,
) -> Outcome<Infallible> {
    let mut described = BTreeSet::new();
    loop {
        let handshake = from.next_handshake().await?;
        let link = handshake.link();
        match handshake {
            Handshake::Description { .. } => {
                ensure!(described.insert(link), "{link:?} was described twice");
            }
            Handshake::Candidate { .. } => {
                let is_described = described.contains(&link);
                ensure!(is_described, "a candidate of {link:?} came first");
            }
        }
        let Some(far) = links.get(&link) else {
            return Err(from.fail(format!("a handshake of a link nobody opened: {link:?}")));
        };
        deliver(to, *far, handshake).await?;
    }
}

/// What cannot be done comes back as the link's end with a reason, once, whatever else is asked of it.
pub async fn clause_02_failures_come_back_as_closed(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let unusable = a.fresh_link();
    a.execute(Command::Open {
        link: unusable,
        config: LinkConfig {
            ice_servers: vec![IceServer::stun("http://not-a-stun-server")],
            ..LinkConfig::default()
        },
        inbox_bytes: 1 << 20,
    })
    .await?;
    for mode in TransferMode::ALL {
        a.execute(Command::CreateChannel {
            link: unusable,
            channel: mode.channel(),
            spec: built_in(mode),
        })
        .await?;
    }
    let misled = a.open().await?;
    a.execute(Command::SetRemote {
        link: misled,
        description: SessionDescription {
            sdp_type: SdpType::Offer,
            sdp: "this is no description".to_owned(),
        },
    })
    .await?;
    for link in [unusable, misled] {
        a.execute(Command::CreateOffer { link }).await?;
        a.execute(Command::RequestStats { link }).await?;
    }
    let mut ends = BTreeMap::new();
    while ends.len() < 2 {
        if let Observed::Link(link, LinkSeen::Closed(reason)) = a.next().await? {
            ensure!(ends.insert(link, reason).is_none(), "{link:?} ended twice");
        }
    }
    ensure!(
        matches!(
            ends.get(&unusable),
            Some(CloseReason::Failed(ConnectFailure::Config(_)))
        ),
        "an unusable server ended the link with {:?}",
        ends.get(&unusable)
    );
    ensure!(
        matches!(
            ends.get(&misled),
            Some(CloseReason::Failed(ConnectFailure::Description(_)))
        ),
        "an unusable description ended the link with {:?}",
        ends.get(&misled)
    );
    for link in [unusable, misled] {
        a.close_link(link).await?;
    }
    nothing_more_of(a, b, &cast, &[unusable, misled]).await
}

/// After `Close` comes `Closed`, once, and nothing else of that link; it takes no messages any more.
pub async fn clause_03_close_is_the_end(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    let near = matchmaker
        .relaying(async {
            let (near, far) = steps::link(&matchmaker, &cast, 0, 1).await?;
            a.close_link(near).await?;
            let refused = a
                .try_send_on(
                    near,
                    TransferMode::Reliable.channel(),
                    Content::numbered(0, 8),
                    1,
                )
                .await?;
            ensure_eq!(
                refused.err(),
                Some(BackendSendError::NotOpen),
                "sending after close"
            );
            ensure_eq!(
                a.buffered_on(near, TransferMode::Reliable).await?,
                0,
                "the buffer after close"
            );
            ensure_eq!(a.closed(near).await?, CloseReason::Local, "our own end");
            b.closed_by_far(far).await?;
            Ok(near)
        })
        .await?;
    a.execute(Command::RequestStats { link: near }).await?;
    a.close_link(near).await?;
    nothing_more_of(a, b, &cast, &[near]).await
}

/// Shows that ended links stay silent, by something that comes later: a new link, and a word over it.
async fn nothing_more_of(
    a: &Participant,
    b: &Participant,
    cast: &[Participant],
    ended: &[LinkId],
) -> Outcome {
    let matchmaker = Matchmaker::new(cast);
    matchmaker
        .relaying(async {
            let (near, far) = matchmaker.introduce(0, 1).await?;
            let speak = async {
                b.opened(far).await?;
                b.send_on(far, TransferMode::Reliable, Content::numbered(1, 8))
                    .await
            };
            let listen = async {
                loop {
                    match a.next().await? {
                        Observed::Link(link, seen) if ended.contains(&link) => {
                            return Err(a.fail(format!("{link:?} had ended, and then {seen:?}")));
                        }
                        Observed::Link(link, LinkSeen::Message { .. }) if link == near => {
                            return Ok(());
                        }
                        _ => {}
                    }
                }
            };
            try_join(speak, listen).await.map(drop)
        })
        .await
}

/// Candidates that overtake their description are kept and applied after it, whichever side they come from.
pub async fn clause_11_early_candidates_are_kept(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    let (near, far) = matchmaker.introduce(1, 0).await?;
    for (from, to, link) in [(b, a, far), (a, b, near)] {
        let (_, description) = from.description().await?;
        let description = steps::without_candidates(description);
        let (_, candidate) = from.candidate().await?;
        ensure_eq!(
            to.try_add_candidate(link, candidate).await?,
            Ok(()),
            "a candidate before the description"
        );
        ensure_eq!(
            to.try_set_remote(link, description).await?,
            Ok(()),
            "the description"
        );
    }
    // Nothing more is passed on: there is a route only if those two candidates were kept.
    a.connected(b.id()).await?;
    b.connected(a.id()).await?;
    steps::everybody_talks(&cast).await
}

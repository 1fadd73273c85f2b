//! The clauses of the contract of [`mesh_core::Backend`] about messages: 4 to 7.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use mesh_core::{ChannelIndex, ChannelParameters, LinkId, Reliability, TransferMode};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::LinkSeen;
use crate::{Body, Content, Matchmaker, Outcome, Participant};

/// Each planned channel opens once; messages keep channel, kind and boundaries, empty ones too.
pub async fn clause_04_messages_keep_kind_and_boundaries(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let contents = [
        Content::Binary(vec![]),
        Content::Text(String::new()),
        Content::Binary(vec![0]),
        Content::Text("ä".to_owned()),
        Content::Text(String::new()),
        Content::Binary(vec![]),
        Content::Binary(b"text?".to_vec()),
        Content::numbered(1, 3000),
        Content::numbered(2, 65_536),
    ];
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            let (near, far) = matchmaker.introduce(0, 1).await?;
            try_join(opened_once(a, near), opened_once(b, far)).await?;
            for (from, out, to, into) in [(a, near, b, far), (b, far, a, near)] {
                for content in &contents {
                    from.send_on(out, TransferMode::Reliable, content.clone())
                        .await?;
                }
                for content in &contents {
                    let got = to.message(into).await?;
                    let sent = (TransferMode::Reliable.channel(), content.body());
                    ensure_eq!(got, sent, "on the reliable channel");
                }
                for mode in [TransferMode::UnreliableOrdered, TransferMode::Unreliable] {
                    for content in &contents {
                        let got = arrives(from, out, to, into, mode, content).await?;
                        ensure_eq!(got, (mode.channel(), content.body()), "on {mode:?}");
                    }
                }
            }
            Ok(())
        })
        .await
}

async fn opened_once(participant: &Participant, link: LinkId) -> Outcome {
    let mut open = BTreeSet::new();
    participant
        .find_on(link, "for three open channels", |seen| {
            let LinkSeen::Opened {
                channel, remote, ..
            } = seen
            else {
                return None;
            };
            if *remote || !open.insert(*channel) {
                return Some(Err(format!("{channel:?} opened twice, or in-band")));
            }
            (open.len() == TransferMode::ALL.len()).then_some(Ok(()))
        })
        .await?
        .map_err(|what| participant.fail(what))
}

/// Sends on a channel that may lose it, again and again until it arrives.
async fn arrives(
    from: &Participant,
    out: LinkId,
    to: &Participant,
    into: LinkId,
    mode: TransferMode,
    content: &Content,
) -> Outcome<(ChannelIndex, Body)> {
    for _ in 0..5 {
        from.send_on(out, mode, content.clone()).await?;
        if let Some(got) = to.within(Duration::from_secs(1), to.message(into)).await? {
            return Ok(got);
        }
    }
    Err(to.fail(format!("of five {content:?} on {mode:?} none arrived")))
}

/// On ordered channels nothing arrives before what was sent earlier, whatever the network does.
pub async fn clause_05_ordered_channels_keep_order(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            let (near, far) = steps::link(&matchmaker, &cast, 0, 1).await?;
            steps::bad_weather(a).await?;
            for number in 0..200 {
                for mode in [TransferMode::UnreliableOrdered, TransferMode::Reliable] {
                    let len = if number % 10 == 0 { 4000 } else { 40 };
                    a.send_on(near, mode, Content::numbered(number, len))
                        .await?;
                }
            }
            let (mut reliable, mut ordered) = (0, None);
            while reliable < 200 {
                let (channel, body) = b.message(far).await?;
                let number = steps::number(b, &body)?;
                if channel == TransferMode::Reliable.channel() {
                    ensure_eq!(number, reliable, "the next on the reliable channel");
                    reliable += 1;
                } else {
                    let is_later = ordered.is_none_or(|last| number > last);
                    ensure!(
                        is_later,
                        "{number} came after {ordered:?} on the ordered channel"
                    );
                    ordered = Some(number);
                }
            }
            Ok(())
        })
        .await
}

/// Everything that a reliable channel accepted arrives, once and whole, also when it is more than its buffer holds.
pub async fn clause_06_reliable_channels_lose_nothing(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    let (count, len) = (300, 16 * 1024);
    matchmaker
        .relaying(async {
            let (near, far) = steps::link(&matchmaker, &cast, 0, 1).await?;
            steps::bad_weather(a).await?;
            let send = steps::send_all_on(a, near, TransferMode::Reliable.channel(), count, len);
            let receive = async {
                for expected in 0..count {
                    let (_, body) = b.message(far).await?;
                    ensure_eq!(steps::number(b, &body)?, expected, "the next message");
                }
                Ok(())
            };
            try_join(send, receive).await.map(drop)
        })
        .await
}

/// What a channel really is, as the platform reads it back, is what was asked for: id, order and reliability.
pub async fn clause_07_channels_are_what_was_asked_for(cast: [Participant; 2]) -> Outcome {
    steps::start_backends(&cast).await?;
    let reliabilities = [
        (true, Reliability::Reliable),
        (true, Reliability::Lifetime(150)),
        (false, Reliability::Retransmits(0)),
        (false, Reliability::Reliable),
        (true, Reliability::Retransmits(3)),
        (false, Reliability::Lifetime(1000)),
    ];
    let specs: Vec<_> = (0..)
        .zip(reliabilities)
        .map(|(index, (ordered, reliability))| ChannelParameters {
            id: index + 1,
            ordered,
            reliability,
        })
        .collect();
    let near = cast[0].open_channels(&specs).await?;
    let far = cast[1].open_channels(&specs).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker.connect((0, near), (1, far));
    matchmaker
        .relaying(async {
            matchmaker.offer(0, near).await?;
            let ends = [(&cast[0], near), (&cast[1], far)];
            try_join_all(ends.map(|(participant, link)| read_back(participant, link, &specs)))
                .await
                .map(drop)
        })
        .await
}

async fn read_back(
    participant: &Participant,
    link: LinkId,
    specs: &[ChannelParameters],
) -> Outcome {
    let mut open = BTreeMap::new();
    participant
        .find_on(link, "for all channels to open", |seen| {
            if let LinkSeen::Opened {
                channel, actual, ..
            } = seen
            {
                open.insert(*channel, *actual);
            }
            (open.len() == specs.len()).then_some(())
        })
        .await?;
    for (index, spec) in (0..).zip(specs) {
        ensure_eq!(
            open.get(&ChannelIndex(index)),
            Some(spec),
            "{} reads back",
            participant.name()
        );
    }
    Ok(())
}

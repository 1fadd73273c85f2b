//! What was accepted before an end arrives before the end, also over a long or a lossy path.

use std::time::Duration;

use futures_util::future::try_join;
use mesh_core::{
    ChannelIndex, ChannelLimits, ChannelSpec, Command, DisconnectReason, LinkId, Reliability,
    TransferMode,
};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::LinkSeen;
use crate::request::{Settings, To};
use crate::stream::Weather;
use crate::{Body, Content, Matchmaker, Outcome, Participant};

/// What a player says last: a saved game, say.
const LEN: usize = 60_000;

/// Paths on which players are. A round trip is twice the delay.
const PATHS: [Weather; 4] = [
    Weather::delayed(Duration::from_millis(25)),
    Weather::delayed(Duration::from_millis(50)),
    Weather::delayed(Duration::from_millis(100)),
    Weather {
        loss_percent: 5,
        ..Weather::delayed(Duration::from_millis(10))
    },
];

/// A channel that is closed sends what it has accepted, and only then says that it is closed.
pub async fn a_closed_channel_sends_what_it_accepted(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    let (count, len) = (200, 1000);
    matchmaker
        .relaying(async {
            let (near, far) = steps::link(&matchmaker, &cast, 0, 1).await?;
            let channel = TransferMode::Reliable.channel();
            let send = send_and_close(a, near, channel, count, len);
            try_join(send, all_and_the_close(b, far, channel, count)).await?;
            Ok(())
        })
        .await
}

/// So does one that gives way to the others, which takes more than may be under way: it takes as much as any other, and says when there is
/// room.
pub async fn a_closed_channel_that_gives_way_sends_what_it_accepted(
    cast: [Participant; 2],
) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    // 6 MiB.
    let (count, len) = (384, 16 * 1024);
    let channel = ChannelIndex(3);
    matchmaker
        .relaying(async {
            let (near, far) = matchmaker.pair(0, 1).await?;
            for (participant, link) in [(a, near), (b, far)] {
                let limits = ChannelLimits::RELIABLE.backend;
                let once = Reliability::Retransmits(0);
                let spec = ChannelSpec::custom(4, TransferMode::Reliable, once, limits);
                let spec = ChannelSpec { bulk: true, ..spec };
                participant
                    .execute(Command::CreateChannel {
                        link,
                        channel,
                        spec,
                    })
                    .await?;
            }
            matchmaker.offer(0, near).await?;
            try_join(is_open(a, near, channel), is_open(b, far, channel)).await?;
            let send = send_and_close(a, near, channel, count, len);
            try_join(send, all_and_the_close(b, far, channel, count)).await?;
            Ok(())
        })
        .await
}

async fn is_open(participant: &Participant, link: LinkId, channel: ChannelIndex) -> Outcome {
    participant
        .find_on(link, "for the channel to open", |seen| match seen {
            LinkSeen::Opened { channel: open, .. } => (*open == channel).then_some(()),
            _ => None,
        })
        .await
}

async fn send_and_close(
    from: &Participant,
    link: LinkId,
    channel: ChannelIndex,
    count: u64,
    len: usize,
) -> Outcome {
    steps::send_all_on(from, link, channel, count, len).await?;
    from.execute(Command::CloseChannel { link, channel }).await
}

/// So many numbered messages come in order, and then the end of the channel.
async fn all_and_the_close(
    to: &Participant,
    link: LinkId,
    channel: ChannelIndex,
    count: u64,
) -> Outcome {
    for expected in 0..count {
        let (_, body) = to.message(link).await?;
        ensure_eq!(steps::number(to, &body)?, expected, "the next message");
    }
    to.find_on(link, "for the channel to close", |seen| match seen {
        LinkSeen::ChannelClosed(closed) => (*closed == channel).then_some(()),
        _ => None,
    })
    .await
}

/// What waits in the mesh for room goes out before an end, too.
pub async fn what_waits_in_the_mesh_arrives_before_the_end(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    a.start_mesh_with(Settings {
        reliable_bytes: 4 * 1024 * 1024,
        high_water: 64 * 1024,
        low_water: 16 * 1024,
        ..Settings::default()
    })
    .await?;
    b.start_mesh().await?;
    let matchmaker = Matchmaker::new(&cast);
    // Several times what the backend takes. A busy machine must deliver it within the linger.
    let (count, len, mode) = (300, 1000, TransferMode::Reliable);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 0, 1).await?;
            let words = Content::numbered(0, len);
            let sent = a.try_send(To::All, mode, words, count).await?;
            let report = sent.map_err(|refusal| a.fail(format!("refused: {refusal}")))?;
            ensure!(report.full.is_empty(), "{:?} had no room", report.full);
            a.remove_peer(b.id()).await?;
            let heard = steps::until_it_leaves(b, a.id()).await?;
            let numbers: Vec<_> = heard.iter().filter_map(Body::number).collect();
            ensure!(
                numbers.iter().copied().eq(0..count),
                "{} of {count} messages came in order",
                numbers.len()
            );
            Ok(())
        })
        .await
}

/// A peer that is removed hears first what it was told before, on every path.
pub async fn last_words_arrive_over_bad_paths(cast: [Participant; 2]) -> Outcome {
    let spoiler = steps::spoiler(&cast).await?;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            for path in PATHS {
                for speaker in [0, 1] {
                    let [from, to] = [&cast[speaker], &cast[1 - speaker]];
                    matchmaker.introduce(0, 1).await?;
                    from.connected(to.id()).await?;
                    to.connected(from.id()).await?;
                    spoiler.weather(path).await?;
                    let said = Content::numbered(1, LEN);
                    from.send(To::One(to.id()), TransferMode::Reliable, said.clone())
                        .await?;
                    from.remove_peer(to.id()).await?;
                    let (heard, reason) = steps::until_it_is_gone(to, from.id()).await?;
                    ensure_eq!(heard, [said.body()], "the last words over {path:?}");
                    // The close itself is sent once, and such a path may lose it.
                    let may_be_lost = path.loss_percent > 0 && reason == DisconnectReason::Lost;
                    ensure!(
                        may_be_lost || reason == DisconnectReason::Closed,
                        "{reason:?}"
                    );
                    spoiler.weather(Weather::default()).await?;
                    let removed = from.disconnected(to.id()).await?;
                    ensure_eq!(removed, DisconnectReason::Removed, "the speaker's own view");
                }
            }
            Ok(())
        })
        .await
}

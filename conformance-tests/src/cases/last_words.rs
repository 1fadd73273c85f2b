//! What was accepted before an end arrives before the end, also over a long or a lossy path.

use std::time::Duration;

use mesh_core::{Command, DisconnectReason, TransferMode};

use super::steps;
use crate::failure::ensure_eq;
use crate::observed::LinkSeen;
use crate::request::To;
use crate::stream::Weather;
use crate::{Content, Kind, Matchmaker, Outcome, Participant};

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
            let mode = TransferMode::Reliable;
            steps::send_all_on(a, near, mode, count, len).await?;
            let channel = mode.channel();
            a.execute(Command::CloseChannel {
                link: near,
                channel,
            })
            .await?;
            for expected in 0..count {
                let (_, body) = b.message(far).await?;
                ensure_eq!(steps::number(b, &body)?, expected, "the next message");
            }
            b.find_on(far, "for the channel to close", |seen| match seen {
                LinkSeen::ChannelClosed(closed) => (*closed == channel).then_some(()),
                _ => None,
            })
            .await
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
                    if can_lose(from.kind(), to.kind(), path) {
                        continue;
                    }
                    matchmaker.introduce(0, 1).await?;
                    from.connected(to.id()).await?;
                    to.connected(from.id()).await?;
                    spoiler.weather(path).await?;
                    let said = Content::numbered(1, LEN);
                    from.send(To::One(to.id()), TransferMode::Reliable, said.clone())
                        .await?;
                    from.remove_peer(to.id()).await?;
                    let heard = steps::until_it_leaves(to, from.id()).await?;
                    ensure_eq!(heard, [said.body()], "the last words over {path:?}");
                    spoiler.weather(Weather::default()).await?;
                    let removed = from.disconnected(to.id()).await?;
                    ensure_eq!(removed, DisconnectReason::Removed, "the speaker's own view");
                }
            }
            Ok(())
        })
        .await
}

/// A browser asks for the end of a channel's stream when it has sent everything, whether it has arrived or not. If something is
/// lost then, the `webrtc` crate drops the message (docs/upstream.md, "a reset drops what it waited for").
fn can_lose(from: Kind, to: Kind, path: Weather) -> bool {
    let is_browser = matches!(from, Kind::Chromium | Kind::Firefox);
    is_browser && to == Kind::Native && path.loss_percent > 0
}

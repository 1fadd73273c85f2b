//! Two who lose each other, or nearly, because a path is gone for long or one of them stands still: both are together again soon
//! after. Their signaling survives it.

use std::time::{Duration, Instant};

use futures_util::future::try_join;
use mesh_core::{DisconnectReason, TransferMode};

use super::talk::player;
use crate::failure::ensure_eq;
use crate::lab::lan::{Host, Lan};
use crate::lab::netns::Run;
use crate::lab::players::Player;
use crate::lab::signaling::Signaling;
use crate::lab::switch::Path;
use crate::observed::Seen;
use crate::request::{Settings, To};
use crate::{Content, Failure, Kind, Outcome, Participant};

/// How soon after everything is as before both hear each other.
const SOON: Duration = Duration::from_secs(5);

/// A window in which a peer whose path is gone is not lost yet, short enough for every run.
const SHORT_WINDOW: Duration = Duration::from_secs(3);

/// How long one of them stands still: up to longer than the window, so that the other one loses it.
const STOPS: [u64; 5] = [1000, 4200, 8000, 20_000, 30_000];

/// How long one of them hears nothing.
const DEAF: [u64; 3] = [4200, 8000, 30_000];

const CUT: Path = Path {
    loss_percent: 100,
    ..Path::PERFECT
};

/// The path is gone for longer than a short window.
pub(super) async fn a_cut_beyond_a_short_window(run: &Run) -> Outcome<String> {
    let pair = Pair::meet(run, [Kind::Native; 2], SHORT_WINDOW).await?;
    pair.lose_each_other().await
}

/// The path is gone for 40 s, which is longer than the default window.
pub(super) async fn a_cut_of_40_seconds(run: &Run) -> Outcome<String> {
    let mut seen = Vec::new();
    for kinds in [[Kind::Native; 2], [Kind::Native, Kind::Chromium]] {
        let pair = Pair::meet(run, kinds, Settings::default().resume_window).await?;
        let found = pair.lose_each_other_for(Duration::from_secs(40)).await?;
        seen.push(format!("{kinds:?}: {found}"));
    }
    Ok(seen.join("; "))
}

/// A process is stopped and goes on: the one that offers, and the one that answers.
pub(super) async fn a_process_that_stands_still(run: &Run) -> Outcome<String> {
    let pair = Pair::meet(run, [Kind::Native; 2], Settings::default().resume_window).await?;
    let mut seen = Vec::new();
    for milliseconds in STOPS {
        for who in [0, 1] {
            let stopped = &pair.players[who];
            stopped.stop()?;
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            stopped.go_on()?;
            let took = pair.together(SOON).await?;
            seen.push(format!(
                "{} for {milliseconds} ms: {took:.2?}",
                ["a", "b"][who]
            ));
        }
    }
    Ok(seen.join(", "))
}

/// One of them hears nothing of the other for a time, and is heard.
pub(super) async fn one_that_is_deaf(run: &Run) -> Outcome<String> {
    let pair = Pair::meet(run, [Kind::Native; 2], Settings::default().resume_window).await?;
    let mut seen = Vec::new();
    for milliseconds in DEAF {
        for who in [0, 1] {
            pair.lan.switch.deafen(Some(who));
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            pair.lan.switch.deafen(None);
            let took = pair.together(SOON).await?;
            seen.push(format!(
                "{} for {milliseconds} ms: {took:.2?}",
                ["a", "b"][who]
            ));
        }
    }
    Ok(seen.join(", "))
}

/// Two sessions that have met.
pub(super) struct Pair {
    pub(super) cast: [Participant; 2],
    players: [Player; 2],
    pub(super) signaling: Signaling,
    pub(super) lan: Lan,
}

impl Pair {
    async fn meet(run: &Run, kinds: [Kind; 2], resume_window: Duration) -> Outcome<Self> {
        let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
        let lan = Lan::lay(run, &hosts).await?;
        Self::meet_on(lan, kinds, resume_window).await
    }

    /// On this network.
    pub(super) async fn meet_on(
        lan: Lan,
        kinds: [Kind; 2],
        resume_window: Duration,
    ) -> Outcome<Self> {
        let signaling = Signaling::start(&lan.hosts).await?;
        let players = [
            player(&lan.hosts[0], kinds[0]).await?,
            player(&lan.hosts[1], kinds[1]).await?,
        ];
        let cast = [players[0].participant(0)?, players[1].participant(1)?];
        let [one, other] = &cast;
        let settings = Settings {
            resume_window,
            ..Settings::default()
        };
        let meeting = signaling.meeting();
        one.join_with(&meeting, settings).await?;
        other.join_with(&meeting, settings).await?;
        try_join(one.connected(other.id()), other.connected(one.id())).await?;
        Ok(Self {
            cast,
            players,
            signaling,
            lan,
        })
    }

    /// Cuts the path until both have lost each other.
    async fn lose_each_other(&self) -> Outcome<String> {
        self.lan.switch.be(CUT);
        self.both_lose().await?;
        self.lan.switch.be(Path::PERFECT);
        self.met_again().await
    }

    /// Cuts the path for so long; both lose each other.
    async fn lose_each_other_for(&self, span: Duration) -> Outcome<String> {
        self.lan.switch.be(CUT);
        let cut = tokio::time::sleep(span);
        try_join(self.both_lose(), async {
            cut.await;
            Ok(())
        })
        .await?;
        self.lan.switch.be(Path::PERFECT);
        self.met_again().await
    }

    async fn both_lose(&self) -> Outcome {
        let [one, other] = &self.cast;
        let (here, there) =
            try_join(one.disconnected(other.id()), other.disconnected(one.id())).await?;
        ensure_eq!(here, DisconnectReason::Lost, "one side says of its peer");
        ensure_eq!(there, DisconnectReason::Lost, "the other side says");
        Ok(())
    }

    async fn met_again(&self) -> Outcome<String> {
        let back = Instant::now();
        let [one, other] = &self.cast;
        try_join(again(one, other.id()), again(other, one.id())).await?;
        let connected = back.elapsed();
        self.together(SOON).await?;
        Ok(format!(
            "lost, and connected anew {connected:.2?} after the path was back"
        ))
    }

    /// How long it takes until each hears a word of the other that was said from now on.
    async fn together(&self, limit: Duration) -> Outcome<Duration> {
        let begun = Instant::now();
        let [one, other] = &self.cast;
        let both = try_join(self.hears(one, other), self.hears(other, one));
        match tokio::time::timeout(limit * 4, both).await {
            Ok(heard) => heard?,
            Err(_) => return Err(Failure::new(format!("still apart after {:?}", limit * 4))),
        };
        let took = begun.elapsed();
        if took <= limit {
            return Ok(took);
        }
        Err(Failure::new(format!(
            "together after {took:.2?} instead of {limit:?}"
        )))
    }

    /// Says something again and again until it is heard. The peer may be lost and found meanwhile.
    async fn hears(&self, listener: &Participant, talker: &Participant) -> Outcome {
        const AGAIN: Duration = Duration::from_millis(100);
        /// Numbers of this case and of no other word.
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let first = NEXT.fetch_add(1000, std::sync::atomic::Ordering::Relaxed);
        let talking = async {
            for number in first.. {
                let word = Content::numbered(number, 32);
                // There may be nobody to hear it at this moment.
                let _ = talker
                    .try_send(To::All, TransferMode::Reliable, word, 1)
                    .await?;
                tokio::time::sleep(AGAIN).await;
            }
            Ok::<_, Failure>(())
        };
        let listening = async {
            loop {
                if let Seen::Packet { body, .. } = listener.seen().await?
                    && body.number().is_some_and(|number| number >= first)
                {
                    return Ok(());
                }
            }
        };
        tokio::select! {
            outcome = talking => outcome,
            outcome = listening => outcome,
        }
    }
}

/// Waits until the peer is connected again, whatever failed before.
async fn again(participant: &Participant, peer: u32) -> Outcome {
    while participant.seen().await? != Seen::Connected(peer) {}
    Ok(())
}

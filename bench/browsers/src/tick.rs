//! A mesh of eight that plays, one of them a page: what its browser costs with coalescing and without, and how long a message takes
//! there and back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bench::goal::{Goal, Metric};
use bench::stats::percentile;
use mesh_core::{Event, MeshConfig, PeerId, TransferMode};
use signaling_server::Server;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::page::{Order, Page};
use crate::player::{Player, join};

/// Who plays with the page.
const OTHERS: usize = 7;

/// Messages of a tick, to each of the others.
const MESSAGES: u32 = 10;

const MESSAGE: usize = 64;

/// 60 a second.
const TICK: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// What a message of the page begins with that is to come back.
const ECHO: u8 = 0xe0;

/// For everybody to connect, and for the page to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// In which the page measures nothing, either.
const WARM_UP: Duration = Duration::from_secs(2);

/// The figures of a round, in their order.
pub(crate) const METRICS: [Metric; 3] = [
    Metric::new(
        "CPU of the browser",
        "% core",
        Goal::RatioAtMost {
            required: 0.6,
            aim: 0.6,
        },
    ),
    Metric::new("there and back, p50", "ms", Goal::None),
    Metric::new("there and back, p99", "ms", Goal::None),
];

/// What each round gave, in its order, with coalescing and without.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) with: Vec<[f64; METRICS.len()]>,
    pub(crate) without: Vec<[f64; METRICS.len()]>,
}

impl Found {
    /// By how much the slowest messages are slower with coalescing, in milliseconds, round by round.
    pub(crate) fn slower(&self) -> Vec<f64> {
        let pairs = self.with.iter().zip(&self.without);
        pairs
            .map(|([.., with], [.., without])| with - without)
            .collect()
    }
}

/// Plays so many rounds of so many seconds each way, in turns.
pub(crate) async fn measure(page: &Page, rounds: u32, span: Duration) -> Result<Found> {
    let address = ([127, 0, 0, 1], 0).into();
    let server = Server::bind(address, signaling_server::Config::default()).await?;
    let url = format!("ws://{}", server.local_addr());
    let mut found = Found::default();
    for round in 0..rounds {
        // In the other order each second time, because a page that is older is faster.
        for turn in 0..2 {
            let coalesce = (round + turn) % 2 == 0;
            let lobby = format!("tick-{round}-{turn}");
            let figures = play(page, &url, &lobby, coalesce, span).await?;
            if coalesce {
                found.with.push(figures);
            } else {
                found.without.push(figures);
            }
        }
    }
    server.shutdown().await;
    Ok(found)
}

async fn play(
    page: &Page,
    url: &str,
    lobby: &str,
    coalesce: bool,
    span: Duration,
) -> Result<[f64; METRICS.len()]> {
    let (end, ended) = watch::channel(false);
    let mut players = JoinSet::new();
    for _ in 0..OTHERS {
        let mesh = MeshConfig {
            coalesce,
            ..MeshConfig::default()
        };
        let session = join(url, lobby, mesh)?;
        players.spawn(player(session, ended.clone()));
    }
    let mut conversation = page.conversation().await;
    let order = Order::Tick {
        url,
        lobby,
        others: OTHERS,
        messages: MESSAGES,
        coalesce,
    };
    conversation.order(&order).await?;
    conversation.hear("playing", PATIENCE).await?;
    sleep(WARM_UP).await;
    let cpu = || {
        page.cpu()
            .context("the system does not say what a process costs")
    };
    let (start, before) = (Instant::now(), cpu()?);
    sleep(span).await;
    let spent = cpu()?.saturating_sub(before);
    let share = spent.as_secs_f64() / start.elapsed().as_secs_f64() * 100.0;
    let _ = end.send(true);
    while let Some(player) = players.join_next().await {
        player??;
    }
    let trips: Vec<f64> = serde_json::from_str(&conversation.hear("done", PATIENCE).await?)?;
    let of = |percent| percentile(&trips, percent).context("no message came back");
    ensure!(trips.len() > OTHERS * 60, "hardly a message came back");
    Ok([share, of(50)?, of(99)?])
}

/// Plays with the page, which is whoever sends something that is to come back, until it is over.
async fn player(mut session: Player, ended: watch::Receiver<bool>) -> Result<()> {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut page = None;
    while !*ended.borrow() {
        ticks.tick().await;
        while let Some(event) = session.poll() {
            answer(&mut session, event, &mut page)?;
        }
        if let Some(page) = page {
            for _ in 0..MESSAGES {
                session.send(page, TransferMode::Unreliable, vec![0x5a; MESSAGE])?;
            }
        }
    }
    session.leave().await;
    Ok(())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing else matters to a measurement"
)]
fn answer(session: &mut Player, event: Event, page: &mut Option<PeerId>) -> Result<()> {
    match event {
        Event::Packet(packet) if packet.payload.bytes().first() == Some(&ECHO) => {
            *page = Some(packet.from);
            session.send(packet.from, packet.mode, packet.payload)?;
        }
        Event::PeerFailed { reason, .. } => bail!("a peer failed: {reason}"),
        _ => {}
    }
    Ok(())
}

//! Eight peers, each connected to each: what they cost when idle and when they play.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval_at, sleep};

use crate::measure::crew::Crew;
use crate::measure::{GAME_MESSAGE, counting};
use crate::node::{Channel, Each, Node, Side};
use crate::settings::Settings;
use crate::usage;

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Each of them is connected to each.
    pub peers: usize,
    /// What each sends each other one in a tick.
    pub messages: usize,
}

impl Load {
    /// Eight peers that send a message a tick.
    pub const EIGHT: Self = Self {
        peers: 8,
        messages: 1,
    };

    fn connections(self) -> Result<f64> {
        let connections = self.peers * (self.peers - 1) / 2;
        Ok(f64::from(u32::try_from(connections)?))
    }
}

const FRAME: Duration = Duration::from_nanos(16_666_667);
/// The peers of a real mesh do not tick together.
const STAGGER: Duration = Duration::from_millis(2);
const WARM_UP: Duration = Duration::from_millis(500);
/// Before idling is measured: an idle mesh has been there for a while.
const SETTLING: Duration = Duration::from_secs(5);
const WINDOW: Duration = Duration::from_secs(3);

/// Apart, so that their timers are spread as those of connections that came about one by one. How often the processors must
/// wake for them decides what idling costs, and would otherwise hang on how evenly a side connects.
fn settings() -> Settings {
    Settings {
        stagger: Duration::from_millis(37),
        ..Settings::default()
    }
}

/// Percent of a core that all connections together use while nobody sends.
pub async fn idle<S: Side>(peers: usize) -> Result<Vec<f64>> {
    let mut crew = Crew::default();
    for mut node in S::mesh(peers, &settings()).await? {
        let ignore: Each = Arc::new(|_| {});
        node.divert(&ignore);
        crew.spawn(async move {
            loop {
                node.receive().await?;
            }
        });
    }
    let window = measure(crew, &AtomicU32::new(0), SETTLING).await?;
    Ok(vec![window.cpu_percent()])
}

/// Each peer is a task that is woken by its tick and by every message.
pub async fn events<S: Side>(load: Load) -> Result<Vec<f64>> {
    let before = usage::resident_kib()?;
    let descriptors = usage::descriptors()?;
    let mut crew = Crew::default();
    let received = Arc::new(AtomicU32::new(0));
    for (index, mut node) in (0..).zip(S::mesh(load.peers, &settings()).await?) {
        let count = counting(&received);
        node.divert(&count);
        crew.spawn(async move {
            let start = tokio::time::Instant::now() + STAGGER * index;
            let mut tick = interval_at(start, FRAME);
            tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                tokio::select! {
                    _ = tick.tick() => {
                        for _ in 0..load.messages {
                            node.broadcast(Channel::Unreliable, &[0x5a; GAME_MESSAGE]).await?;
                        }
                    }
                    message = node.receive() => {
                        count(&message?);
                    }
                }
            }
        });
    }
    let window = measure(crew, &received, WARM_UP).await?;
    let mut figures = window.figures();
    figures.push((usage::resident_kib()? - before) / load.connections()?);
    figures.push(usage::threads()?);
    figures.push((usage::descriptors()? - descriptors) / load.connections()?);
    Ok(figures)
}

/// Each peer is a plain thread that wakes once a frame, takes what has arrived and sends.
pub async fn frames<S: Side>() -> Result<Vec<f64>> {
    let mut crew = Crew::default();
    let received = Arc::new(AtomicU32::new(0));
    for (index, mut node) in (0..).zip(S::mesh(Load::EIGHT.peers, &settings()).await?) {
        let (runtime, count) = (Handle::current(), counting(&received));
        node.divert(&count);
        crew.thread(move || {
            let mut next = Instant::now() + STAGGER * index;
            loop {
                thread::sleep(next.saturating_duration_since(Instant::now()));
                next += FRAME;
                node.take_all(|message| count(&message))?;
                runtime.block_on(node.broadcast(Channel::Unreliable, &[0x5a; GAME_MESSAGE]))?;
            }
        });
    }
    Ok(measure(crew, &received, WARM_UP).await?.figures())
}

/// What happened between two moments.
struct Window {
    messages: f64,
    seconds: f64,
    cpu_seconds: f64,
}

async fn measure(mut crew: Crew, received: &AtomicU32, warm_up: Duration) -> Result<Window> {
    crew.watch(sleep(warm_up)).await?;
    let before = received.load(Ordering::Relaxed);
    let (start, cpu) = (Instant::now(), usage::cpu());
    crew.watch(sleep(WINDOW)).await?;
    Ok(Window {
        messages: f64::from(received.load(Ordering::Relaxed) - before),
        seconds: start.elapsed().as_secs_f64(),
        cpu_seconds: (usage::cpu() - cpu).as_secs_f64(),
    })
}

impl Window {
    fn cpu_percent(&self) -> f64 {
        100.0 * self.cpu_seconds / self.seconds
    }

    fn figures(&self) -> Vec<f64> {
        vec![
            self.cpu_percent(),
            self.cpu_seconds * 1e6 / self.messages,
            self.messages / self.seconds,
        ]
    }
}

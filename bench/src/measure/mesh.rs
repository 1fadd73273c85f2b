//! Eight peers, each connected to each: what they cost when idle and when they play.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval_at, sleep};

use crate::measure::GAME_MESSAGE;
use crate::measure::crew::Crew;
use crate::node::{Channel, Node, Side};
use crate::settings::Settings;
use crate::usage;

const PEERS: usize = 8;
const CONNECTIONS: f64 = 28.0;
const FRAME: Duration = Duration::from_nanos(16_666_667);
/// The peers of a real mesh do not tick together.
const STAGGER: Duration = Duration::from_millis(2);
const WARM_UP: Duration = Duration::from_millis(500);
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
pub(super) async fn idle<S: Side>() -> Result<Vec<f64>> {
    let mut crew = Crew::default();
    for mut node in S::mesh(PEERS, &settings()).await? {
        crew.spawn(async move {
            loop {
                node.receive().await?;
            }
        });
    }
    let window = measure(crew, &AtomicU32::new(0)).await?;
    Ok(vec![window.cpu_percent()])
}

/// Each peer is a task that is woken by its tick and by every message.
pub(super) async fn events<S: Side>() -> Result<Vec<f64>> {
    let before = usage::resident_kib()?;
    let descriptors = usage::descriptors()?;
    let mut crew = Crew::default();
    let received = Arc::new(AtomicU32::new(0));
    for (index, mut node) in (0..).zip(S::mesh(PEERS, &settings()).await?) {
        let received = Arc::clone(&received);
        crew.spawn(async move {
            let start = tokio::time::Instant::now() + STAGGER * index;
            let mut tick = interval_at(start, FRAME);
            tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                tokio::select! {
                    _ = tick.tick() => {
                        node.broadcast(Channel::Unreliable, &[0x5a; GAME_MESSAGE]).await?;
                    }
                    message = node.receive() => {
                        message?;
                        received.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
    }
    let window = measure(crew, &received).await?;
    let mut figures = window.figures();
    figures.push((usage::resident_kib()? - before) / CONNECTIONS);
    figures.push(usage::threads()?);
    figures.push((usage::descriptors()? - descriptors) / CONNECTIONS);
    Ok(figures)
}

/// Each peer is a plain thread that wakes once a frame, takes what has arrived and sends.
pub(super) async fn frames<S: Side>() -> Result<Vec<f64>> {
    let mut crew = Crew::default();
    let received = Arc::new(AtomicU32::new(0));
    for (index, mut node) in (0..).zip(S::mesh(PEERS, &settings()).await?) {
        let (runtime, received) = (Handle::current(), Arc::clone(&received));
        crew.thread(move || {
            let mut next = Instant::now() + STAGGER * index;
            loop {
                thread::sleep(next.saturating_duration_since(Instant::now()));
                next += FRAME;
                node.take_all(|_| {
                    received.fetch_add(1, Ordering::Relaxed);
                })?;
                runtime.block_on(node.broadcast(Channel::Unreliable, &[0x5a; GAME_MESSAGE]))?;
            }
        });
    }
    Ok(measure(crew, &received).await?.figures())
}

/// What happened between two moments.
struct Window {
    messages: f64,
    seconds: f64,
    cpu_seconds: f64,
}

async fn measure(mut crew: Crew, received: &AtomicU32) -> Result<Window> {
    crew.watch(sleep(WARM_UP)).await?;
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

//! How much a reliable channel carries while its sender never waits for more than credit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::BytesMut;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::measure::GAME_MESSAGE;
use crate::measure::crew::Crew;
use crate::node::{Channel, Each, Node, Side};
use crate::settings::Settings;
use crate::usage;

const WARM_UP: Duration = Duration::from_millis(500);
const WINDOW: Duration = Duration::from_secs(2);

/// What the sender may have sent and the receiving application not taken.
const CREDIT_BYTES: usize = 4 * 1024 * 1024;
const CREDIT_MESSAGES: usize = 8192;

/// Megabytes a second, and per second of processor time.
pub async fn bytes<S: Side>(size: usize) -> Result<Vec<f64>> {
    let Flood {
        messages,
        seconds,
        cpu_seconds,
    } = flood::<S>(size).await?;
    let megabytes = messages * f64::from(u32::try_from(size)?) / 1e6;
    Ok(vec![megabytes / seconds, megabytes / cpu_seconds])
}

/// Thousands of messages a second, and microseconds of processor time for each.
pub async fn messages<S: Side>() -> Result<Vec<f64>> {
    let Flood {
        messages,
        seconds,
        cpu_seconds,
    } = flood::<S>(GAME_MESSAGE).await?;
    Ok(vec![messages / seconds / 1e3, cpu_seconds * 1e6 / messages])
}

struct Flood {
    messages: f64,
    seconds: f64,
    cpu_seconds: f64,
}

async fn flood<S: Side>(size: usize) -> Result<Flood> {
    let nodes = S::mesh(2, &Settings::default()).await?;
    let [mut sender, mut receiver] = <[S::Node; 2]>::try_from(nodes).ok().context("two nodes")?;
    let credit = Arc::new(Credit::new((CREDIT_BYTES / size).clamp(1, CREDIT_MESSAGES)));

    let mut crew = Crew::default();
    let received = Arc::clone(&credit);
    // What was cut gives no credit, and nothing arrives any more.
    let each: Each = Arc::new(move |message| {
        if message.bytes.len() == size {
            received.give_back();
        }
    });
    receiver.divert(&each);
    crew.spawn(async move {
        loop {
            each(&receiver.receive().await?);
        }
    });
    let granted = Arc::clone(&credit);
    let template = vec![0x5a; size];
    crew.spawn(async move {
        for sent in 0.. {
            granted.wait(sent).await;
            let message = BytesMut::from(template.as_slice());
            sender.send(1, Channel::Reliable, message).await?;
        }
        Ok(())
    });

    crew.watch(sleep(WARM_UP)).await?;
    let (start, cpu, before) = (Instant::now(), usage::cpu(), credit.received());
    crew.watch(sleep(WINDOW)).await?;
    let messages = credit.received() - before;
    let cpu_seconds = (usage::cpu() - cpu).as_secs_f64();
    let seconds = start.elapsed().as_secs_f64();
    ensure!(messages > 0, "nothing arrived");
    Ok(Flood {
        messages: f64::from(u32::try_from(messages)?),
        seconds,
        cpu_seconds,
    })
}

/// What is under way, counted by both ends.
struct Credit {
    limit: u64,
    received: AtomicU64,
    waiting: AtomicBool,
    room: Notify,
}

impl Credit {
    fn new(messages: usize) -> Self {
        Self {
            limit: u64::try_from(messages).unwrap_or(u64::MAX),
            received: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
            room: Notify::new(),
        }
    }

    fn received(&self) -> u64 {
        self.received.load(Ordering::SeqCst)
    }

    fn give_back(&self) {
        self.received.fetch_add(1, Ordering::SeqCst);
        if self.waiting.swap(false, Ordering::SeqCst) {
            self.room.notify_one();
        }
    }

    /// Waits until there is credit for one more than `sent`.
    async fn wait(&self, sent: u64) {
        while sent - self.received() >= self.limit {
            self.waiting.store(true, Ordering::SeqCst);
            if sent - self.received() < self.limit {
                return;
            }
            self.room.notified().await;
        }
    }
}

//! Unreliable messages at a fixed rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::BytesMut;
use tokio::time::{interval, sleep};

use crate::measure::crew::Crew;
use crate::measure::{GAME_MESSAGE, counting};
use crate::node::{Channel, Node, Side};
use crate::settings::Settings;
use crate::usage;

const WARM_UP: Duration = Duration::from_millis(500);
const WINDOW: Duration = Duration::from_secs(2);

/// 60 every millisecond.
const PER_MILLISECOND: u32 = 60;

/// Thousands of messages received a second, and microseconds of processor time for each.
pub async fn flood<S: Side>() -> Result<Vec<f64>> {
    let nodes = S::mesh(2, &Settings::default()).await?;
    let [mut sender, mut receiver] = <[S::Node; 2]>::try_from(nodes).ok().context("two nodes")?;

    let received = Arc::new(AtomicU32::new(0));
    let mut crew = Crew::default();
    let count = counting(&received);
    receiver.divert(&count);
    crew.spawn(async move {
        loop {
            count(&receiver.receive().await?);
        }
    });
    crew.spawn(async move {
        // A tick that comes late is made up for.
        let mut tick = interval(Duration::from_millis(1));
        loop {
            tick.tick().await;
            // As a game does: whoever only sends does not hear that there is room again.
            sender.take_all(drop)?;
            for _ in 0..PER_MILLISECOND {
                let message = BytesMut::from(&[0x5a; GAME_MESSAGE][..]);
                sender.send(1, Channel::Unreliable, message).await?;
            }
        }
    });

    crew.watch(sleep(WARM_UP)).await?;
    let before = received.load(Ordering::Relaxed);
    let (start, cpu) = (Instant::now(), usage::cpu());
    crew.watch(sleep(WINDOW)).await?;
    let messages = received.load(Ordering::Relaxed) - before;
    let cpu = (usage::cpu() - cpu).as_secs_f64();
    let seconds = start.elapsed().as_secs_f64();
    ensure!(messages > 0, "nothing arrived");
    let messages = f64::from(messages);
    Ok(vec![messages / seconds / 1e3, cpu * 1e6 / messages])
}

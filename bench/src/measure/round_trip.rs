//! How long a message takes there and back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::BytesMut;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::measure::GAME_MESSAGE;
use crate::measure::crew::Crew;
use crate::node::{Channel, Node, Side};
use crate::settings::Settings;
use crate::stats::percentile;

/// After so long an unreliable ping counts as lost.
const LOST: Duration = Duration::from_secs(1);

/// Each ping as soon as the last one is back: these percentiles, in microseconds.
pub async fn back_to_back<S: Side>(channel: Channel, percents: &[usize]) -> Result<Vec<f64>> {
    const WARM_UP: usize = 1000;
    const PINGS: usize = 20_000;
    let mut pinger = Pinger::start::<S>(&Settings::default(), channel).await?;
    for _ in 0..WARM_UP {
        pinger.ping(GAME_MESSAGE).await?;
    }
    let mut trips = Vec::with_capacity(PINGS);
    for _ in 0..PINGS {
        trips.extend(pinger.ping(GAME_MESSAGE).await?);
    }
    percentiles(&trips, PINGS, percents)
}

/// One ping every 60th of a second: p50 and p99 in microseconds.
pub async fn paced<S: Side>() -> Result<Vec<f64>> {
    const PINGS: usize = 300;
    let mut pinger = Pinger::start::<S>(&Settings::default(), Channel::Unreliable).await?;
    let trips = pinger
        .paced(Duration::from_secs(1) / 60, PINGS, GAME_MESSAGE)
        .await?;
    percentiles(&trips, PINGS, &[50, 99])
}

fn percentiles(trips: &[Duration], sent: usize, percents: &[usize]) -> Result<Vec<f64>> {
    ensure!(trips.len() * 10 >= sent * 9, "too many pings were lost");
    let microseconds: Vec<f64> = trips.iter().map(|trip| trip.as_secs_f64() * 1e6).collect();
    let found = percents
        .iter()
        .map(|percent| percentile(&microseconds, *percent));
    found.collect::<Option<_>>().context("no pings")
}

/// One node that pings, while another answers.
pub(super) struct Pinger<N> {
    node: N,
    /// Who answers.
    crew: Crew,
    channel: Channel,
    number: u64,
    /// One timer for all pings; a timer a ping would be measured, too.
    patience: Interval,
}

impl<N: Node> Pinger<N> {
    pub(super) async fn start<S: Side<Node = N>>(
        settings: &Settings,
        channel: Channel,
    ) -> Result<Self> {
        let nodes = S::mesh(2, settings).await?;
        let [node, mut other] = <[N; 2]>::try_from(nodes).ok().context("two nodes")?;
        let mut crew = Crew::default();
        other.echo(channel);
        crew.spawn(async move {
            loop {
                let message = other.receive().await?;
                let answer = BytesMut::from(message.bytes);
                other.send(message.from, channel, answer).await?;
            }
        });
        Ok(Self {
            node,
            crew,
            channel,
            number: 0,
            patience: interval(LOST),
        })
    }

    /// `None` if it was lost.
    pub(super) async fn ping(&mut self, size: usize) -> Result<Option<Duration>> {
        self.number += 1;
        let number = self.number.to_be_bytes();
        let mut message = BytesMut::zeroed(size.max(number.len()));
        message[..number.len()].copy_from_slice(&number);
        let start = Instant::now();
        self.node.send(1, self.channel, message).await?;
        let (node, patience, channel) = (&mut self.node, &mut self.patience, self.channel);
        let answer = async {
            loop {
                tokio::select! {
                    message = node.receive_on(channel) => {
                        if message?.bytes.starts_with(&number) {
                            return Ok(Some(start.elapsed()));
                        }
                    }
                    _ = patience.tick() => {
                        if start.elapsed() >= LOST {
                            return Ok(None);
                        }
                    }
                }
            }
        };
        self.crew.watch(answer).await?
    }

    pub(super) async fn paced(
        &mut self,
        period: Duration,
        pings: usize,
        size: usize,
    ) -> Result<Vec<Duration>> {
        let mut tick = interval(period);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut trips = Vec::with_capacity(pings);
        for _ in 0..pings {
            tick.tick().await;
            trips.extend(self.ping(size).await?);
        }
        Ok(trips)
    }
}

//! Each single datagram of a handshake is dropped once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::directly;
use crate::browser::Hidden;
use crate::lab::lan::{Host, Lan};
use crate::lab::meet::{Terms, Way, meet};
use crate::lab::netns::Run;
use crate::lab::players::{Belongings, Player};
use crate::lab::switch::{Path, Single};
use crate::{Failure, Kind, Outcome};

/// How long a connection may take that has lost one datagram.
const IN_TIME: Duration = Duration::from_millis(2500);

/// How many more than an undisturbed handshake has are dropped: a check more or less is chance.
const BEYOND: u32 = 2;

/// One round trip, so that no side is far ahead.
const DELAY: Duration = Duration::from_millis(5);

/// Two natives.
pub(super) async fn each_datagram_dropped_once_between_natives(run: &Run) -> Outcome<String> {
    // Which side offers, and whose datagram is dropped: side by side, because most of the time they wait.
    let ways = [(0, 0), (0, 1), (1, 0), (1, 1)];
    let ways = ways.map(|(offerer, from)| async move {
        let bench = Bench::set(run, Kind::Native).await?;
        bench.drop_each(offerer, from).await
    });
    let seen = try_join_all(ways).await?;
    Ok(seen.join("; "))
}

/// A native and a page in Chromium.
pub(super) async fn each_datagram_dropped_once_with_chromium(run: &Run) -> Outcome<String> {
    with(run, Kind::Chromium).await
}

/// A native and a page in Firefox.
pub(super) async fn each_datagram_dropped_once_with_firefox(run: &Run) -> Outcome<String> {
    with(run, Kind::Firefox).await
}

async fn with(run: &Run, kind: Kind) -> Outcome<String> {
    let bench = Bench::set(run, kind).await?;
    let mut seen = Vec::new();
    for (offerer, from) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        seen.push(bench.drop_each(offerer, from).await?);
    }
    Ok(seen.join("; "))
}

/// Two players on a LAN: a native one, and one of some kind.
struct Bench {
    players: [Player; 2],
    lan: Lan,
}

impl Bench {
    async fn set(run: &Run, kind: Kind) -> Outcome<Self> {
        let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
        let lan = Lan::lay(run, &hosts).await?;
        let one = Player::native(&lan.hosts[0], &Belongings::default()).await?;
        let other = match kind {
            Kind::Native => Player::native(&lan.hosts[1], &Belongings::default()).await?,
            // Names of addresses are another case's.
            _ => Player::page(&lan.hosts[1], kind, Hidden::Open).await?,
        };
        Ok(Self {
            players: [one, other],
            lan,
        })
    }

    /// Drops each datagram from one port in turn.
    async fn drop_each(&self, offerer: usize, from: usize) -> Outcome<String> {
        let count = self.undisturbed(offerer, from).await? + BEYOND;
        let (mut slowest, mut dropped) = (Duration::ZERO, BTreeMap::<String, u32>::new());
        for number in 0..count {
            let met = self.meet(offerer, Single { from, number }).await?;
            let place = format!("offerer {offerer}, datagram {number} of {count} from {from}");
            // A handshake may do with fewer than the undisturbed one.
            let what = self.lan.switch.dropped();
            let what = what.unwrap_or_else(|| "nothing".to_owned());
            let place = format!("{place}, {what}");
            directly(&met, IN_TIME).map_err(|failure| failure.of(&place))?;
            slowest = slowest.max(met.took);
            *dropped.entry(what).or_default() += 1;
        }
        let dropped: Vec<String> = dropped
            .into_iter()
            .map(|(what, times)| format!("{times} {what}"))
            .collect();
        Ok(format!(
            "offerer {offerer}, from {from}: slowest {slowest:.2?} ({})",
            dropped.join(", ")
        ))
    }

    /// How many datagrams a handshake has where none is dropped.
    async fn undisturbed(&self, offerer: usize, from: usize) -> Outcome<u32> {
        let none = Single {
            from,
            number: u32::MAX,
        };
        let met = self.meet(offerer, none).await?;
        match met.way {
            Way::Direct => Ok(self.lan.switch.counted()),
            Way::Relay | Way::Not => Err(Failure::new(format!(
                "undisturbed, and not connected: {}",
                met.how
            ))),
        }
    }

    async fn meet(&self, offerer: usize, single: Single) -> Outcome<crate::lab::meet::Met> {
        self.lan.switch.be(Path {
            delay: DELAY,
            single: Some(single),
            ..Path::default()
        });
        let [one, other] = &self.players;
        let (one, other) = if offerer == 0 {
            (one, other)
        } else {
            (other, one)
        };
        meet(one, other, &Terms::default()).await
    }
}

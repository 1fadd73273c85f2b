//! Interfaces that go and come: the link goes on by another one, the peer stays the same, and nothing reliable is lost.

use std::time::Duration;

use futures_util::future::try_join;

use super::talk::{player, talk};
use crate::lab::lan::{Host, Lan, lead_everywhere};
use crate::lab::meet::{Terms, meet_and};
use crate::lab::netns::{Namespace, Run};
use crate::{Failure, Kind, Outcome, Participant};

/// A machine with two interfaces, and one that reaches both of them.
const HOSTS: [Host; 2] = [
    Host {
        second: &["10.10.0.1/24"],
        ..Host::at(&["10.9.0.1/24"])
    },
    Host::at(&["10.9.0.2/24"]),
];

/// The interfaces of the first, each with its address.
const INTERFACES: [(&str, &str); 2] = [("eth0", "10.9.0.1/24"), ("eth1", "10.10.0.1/24")];

/// How long there is traffic before an interface goes, and after it has come back: long enough for both to return to it.
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(4);

/// How long nothing may arrive, which is less than the interface is away. A browser looks for another pair after 2.5 s, and its
/// SCTP tries again after 1, 3 and 6 s. A native one takes 1.5 s, and the machine may be busy.
const NATIVELY: Duration = Duration::from_secs(8);
const WITH_A_BROWSER: Duration = Duration::from_secs(7);

/// How long there is no interface at all.
const WITHOUT: Duration = Duration::from_secs(3);

/// How much longer it is away.
const LONGER: Duration = Duration::from_secs(1);

/// Between natives.
pub(super) async fn an_interface_goes_between_natives(run: &Run) -> Outcome<String> {
    goes(run, Kind::Native, NATIVELY, &[Going::Down]).await
}

/// The interface stays, and loses its address.
pub(super) async fn an_interface_loses_its_address_between_natives(run: &Run) -> Outcome<String> {
    goes(run, Kind::Native, NATIVELY, &[Going::Bare]).await
}

/// The interface of a native that is connected with a page in Chromium.
pub(super) async fn an_interface_goes_with_chromium(run: &Run) -> Outcome<String> {
    let goings = [Going::Down, Going::Bare];
    goes(run, Kind::Chromium, WITH_A_BROWSER, &goings).await
}

/// The only address goes, and another one comes, between natives.
pub(super) async fn another_interface_comes_between_natives(run: &Run) -> Outcome<String> {
    comes(run, Kind::Native, NATIVELY).await
}

/// The same where the other one is a page in Chromium.
pub(super) async fn another_interface_comes_with_chromium(run: &Run) -> Outcome<String> {
    comes(run, Kind::Chromium, WITH_A_BROWSER).await
}

async fn comes(run: &Run, kind: Kind, limit: Duration) -> Outcome<String> {
    let [old, new] = INTERFACES;
    let lan = Lan::lay(run, &HOSTS).await?;
    let host = &lan.hosts[0];
    Going::Bare.go(host, new)?;
    let one = player(host, Kind::Native).await?;
    let other = player(&lan.hosts[1], kind).await?;
    let play = async |cast: &[Participant; 2]| {
        let [one, other] = cast;
        let meanwhile = async {
            tokio::time::sleep(BEFORE).await;
            Going::Down.go(host, old)?;
            tokio::time::sleep(WITHOUT).await;
            Going::Bare.come(host, new)?;
            let come = try_join(one.now(), other.now()).await?;
            tokio::time::sleep(limit + LONGER).await;
            Ok(come)
        };
        let span = BEFORE + WITHOUT + limit + LONGER;
        let ([one, other], (at_one, at_other)) = talk(cast, span, meanwhile).await?;
        let there = other.next_after(at_other.as_micros())?;
        Ok([there, one.next_after(at_one.as_micros())?])
    };
    let (_, waited) = meet_and(&one, &other, &Terms::default(), play).await?;
    let [there, back] = waited.ok_or_else(|| Failure::new("they did not meet"))?;
    let seen = format!("data again {there:.2?} after it came, and back {back:.2?}");
    if there.max(back) <= limit {
        Ok(seen)
    } else {
        Err(Failure::new(format!("not within {limit:?}: {seen}")))
    }
}

/// How an interface goes, and how it comes back.
#[derive(Clone, Copy, Debug)]
enum Going {
    /// It is switched off, or its cable is pulled.
    Down,
    /// It has no address any more.
    Bare,
}

impl Going {
    fn go(self, host: &Namespace, (name, address): (&str, &str)) -> Outcome {
        match self {
            Self::Down => host.ip(&format!("link set dev {name} down")),
            Self::Bare => host.ip(&format!("addr del {address} dev {name}")),
        }
    }

    fn come(self, host: &Namespace, (name, address): (&str, &str)) -> Outcome {
        match self {
            Self::Down => host.ip(&format!("link set dev {name} up"))?,
            Self::Bare => host.ip(&format!("addr add {address} dev {name}"))?,
        }
        lead_everywhere(host, name)
    }
}

async fn goes(run: &Run, kind: Kind, limit: Duration, goings: &[Going]) -> Outcome<String> {
    let lan = Lan::lay(run, &HOSTS).await?;
    let one = player(&lan.hosts[0], Kind::Native).await?;
    let other = player(&lan.hosts[1], kind).await?;
    let terms = Terms {
        deadline: Duration::from_secs(60),
        ..Terms::default()
    };
    let play = async |cast: &[Participant; 2]| {
        let mut pauses = Vec::new();
        for going in goings.iter().copied() {
            pauses.push((
                going,
                pause(&lan.hosts[0], cast, going, limit + LONGER).await?,
            ));
        }
        Ok(pauses)
    };
    let (_, pauses) = meet_and(&one, &other, &terms, play).await?;
    let pauses = pauses.ok_or_else(|| Failure::new("they did not meet"))?;
    let seen: Vec<_> = pauses
        .iter()
        .map(|(going, [there, back])| format!("{going:?}: nothing for {there:.2?} and {back:.2?}"))
        .collect();
    let seen = seen.join("; ");
    if pauses.iter().flat_map(|(_, both)| both).max() <= Some(&limit) {
        Ok(seen)
    } else {
        Err(Failure::new(format!("not within {limit:?}: {seen}")))
    }
}

/// The interface in use goes and comes back under traffic. How long nothing arrived at most, there and back.
async fn pause(
    host: &Namespace,
    cast: &[Participant; 2],
    going: Going,
    away: Duration,
) -> Outcome<[Duration; 2]> {
    let [one, other] = cast;
    let times = || try_join(one.now(), other.now());
    let meanwhile = async {
        tokio::time::sleep(BEFORE).await;
        let used = used(host).await?;
        let gone = times().await?;
        going.go(host, used)?;
        tokio::time::sleep(away).await;
        going.come(host, used)?;
        tokio::time::sleep(AFTER).await;
        Ok([gone, times().await?])
    };
    let ([one, other], [gone, end]) = talk(cast, BEFORE + away + AFTER, meanwhile).await?;
    Ok([
        other.longest_pause(gone.1.as_micros(), end.1.as_micros()),
        one.longest_pause(gone.0.as_micros(), end.0.as_micros()),
    ])
}

/// The interface that most of the traffic leaves by.
async fn used(host: &Namespace) -> Outcome<(&'static str, &'static str)> {
    let sent = || {
        let both = INTERFACES.map(|(name, _)| host.sent(name));
        let [first, second] = both;
        Ok([first?, second?])
    };
    let before = sent()?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let after = sent()?;
    let [first, second] = [0, 1].map(|at| after[at] - before[at]);
    Ok(INTERFACES[usize::from(second > first)])
}

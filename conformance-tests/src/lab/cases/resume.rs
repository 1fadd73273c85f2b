//! Paths that are gone while the signaling is not: another connection goes on, the peer stays the same, and nothing reliable is lost.

use std::time::Duration;

use futures_util::future::try_join;

use super::cuts::{self, CUT, CUTS, PATH};
use super::reunion::Pair;
use super::talk::talk;
use crate::lab::lan::{Host, Lan};
use crate::lab::netns::Run;
use crate::observed::Seen;
use crate::request::{MeshRequest, Settings};
use crate::{Failure, Kind, Outcome};

/// How soon data flows after the address of one has become another.
const SOON: Duration = Duration::from_secs(5);

/// How long there is traffic before the address goes.
const BEFORE: Duration = Duration::from_secs(1);

/// How long there is no address.
const WITHOUT: Duration = Duration::from_secs(4);

/// How long a host has no network.
const UNPLUGGED: Duration = Duration::from_secs(15);

/// How long there is traffic after it has come.
const AFTER: Duration = Duration::from_secs(7);

/// Between natives.
pub(super) async fn cuts_are_resumed_between_natives(run: &Run) -> Outcome<String> {
    resumed(run, [Kind::Native; 2]).await
}

/// Between a native and a page in Chromium.
pub(super) async fn cuts_are_resumed_with_chromium(run: &Run) -> Outcome<String> {
    resumed(run, [Kind::Native, Kind::Chromium]).await
}

/// Between a native and a page in Firefox.
pub(super) async fn cuts_are_resumed_with_firefox(run: &Run) -> Outcome<String> {
    resumed(run, [Kind::Native, Kind::Firefox]).await
}

/// Between pages in Chromium.
pub(super) async fn cuts_are_resumed_between_chromiums(run: &Run) -> Outcome<String> {
    resumed(run, [Kind::Chromium; 2]).await
}

/// Between pages in Firefox.
pub(super) async fn cuts_are_resumed_between_firefoxes(run: &Run) -> Outcome<String> {
    resumed(run, [Kind::Firefox; 2]).await
}

/// Between pages of the two browsers.
pub(super) async fn cuts_are_resumed_between_chromium_and_firefox(run: &Run) -> Outcome<String> {
    resumed(run, [Kind::Chromium, Kind::Firefox]).await
}

/// Between natives, and the signaling is down meanwhile.
pub(super) async fn a_cut_is_resumed_when_the_signaling_is_back_between_natives(
    run: &Run,
) -> Outcome<String> {
    without_signaling(run, [Kind::Native; 2]).await
}

/// Between pages of the two browsers, and the signaling is down meanwhile.
pub(super) async fn a_cut_is_resumed_when_the_signaling_is_back_between_browsers(
    run: &Run,
) -> Outcome<String> {
    without_signaling(run, [Kind::Chromium, Kind::Firefox]).await
}

/// Of a native, whose guest is one, too.
pub(super) async fn a_hosts_network_is_gone_for_15_seconds_natively(run: &Run) -> Outcome<String> {
    unplugged(run, [Kind::Native; 2]).await
}

/// Of a page in Chromium, whose guest is one in Firefox.
pub(super) async fn a_hosts_network_is_gone_for_15_seconds_in_chromium(
    run: &Run,
) -> Outcome<String> {
    unplugged(run, [Kind::Chromium, Kind::Firefox]).await
}

/// Of a page in Firefox, whose guest is one in Chromium.
pub(super) async fn a_hosts_network_is_gone_for_15_seconds_in_firefox(
    run: &Run,
) -> Outcome<String> {
    unplugged(run, [Kind::Firefox, Kind::Chromium]).await
}

/// Between natives: the only address of one becomes another.
pub(super) async fn another_address_is_resumed_between_natives(run: &Run) -> Outcome<String> {
    readdressed(run, [Kind::Native; 2]).await
}

/// The address of a page in Chromium.
pub(super) async fn another_address_is_resumed_with_chromium(run: &Run) -> Outcome<String> {
    readdressed(run, [Kind::Chromium, Kind::Native]).await
}

/// The address of a page in Firefox, which closes all its channels then.
pub(super) async fn another_address_is_resumed_with_firefox(run: &Run) -> Outcome<String> {
    readdressed(run, [Kind::Firefox, Kind::Native]).await
}

/// Between pages of the two browsers.
pub(super) async fn another_address_is_resumed_between_firefox_and_chromium(
    run: &Run,
) -> Outcome<String> {
    readdressed(run, [Kind::Firefox, Kind::Chromium]).await
}

/// The host reaches neither its guest nor the signaling for a while. Then data flow again, and it is the host still.
async fn unplugged(run: &Run, kinds: [Kind; 2]) -> Outcome<String> {
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let lan = Lan::over(run, &hosts, PATH).await?;
    let pair = Pair::meet_on(lan, kinds, Settings::default().resume_window).await?;
    let [host, guest] = &pair.cast;
    let meanwhile = async {
        tokio::time::sleep(BEFORE).await;
        pair.lan.switch.be(CUT);
        pair.signaling.cut_off().await;
        pair.signaling.lead_from(&pair.lan.hosts[1..])?;
        tokio::time::sleep(UNPLUGGED).await;
        pair.lan.switch.be(PATH);
        pair.signaling.lead_from(&pair.lan.hosts[..1])?;
        try_join(host.now(), guest.now()).await
    };
    let span = BEFORE + UNPLUGGED + AFTER;
    let ([to_host, to_guest], (at_host, at_guest)) = talk(&pair.cast, span, meanwhile).await?;
    let there = to_guest.next_after(at_guest.as_micros())?;
    let back = to_host.next_after(at_host.as_micros())?;
    host.mesh(MeshRequest::Seal).await?;
    for participant in [host, guest] {
        let is_sealed = |seen: &Seen| (*seen == Seen::Sealed).then_some(());
        participant
            .find("to be told of the seal", is_sealed)
            .await?;
    }
    let seen = format!("data again {there:.2?} after the network was back, and back {back:.2?}");
    within(there.max(back), SOON, seen)
}

/// The address of the first becomes another while the signaling is down, so that nothing heals by itself. The signaling comes back
/// last, as a server that knows nobody.
async fn without_signaling(run: &Run, kinds: [Kind; 2]) -> Outcome<String> {
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let lan = Lan::over(run, &hosts, PATH).await?;
    let pair = Pair::meet_on(lan, kinds, Settings::default().resume_window).await?;
    let [one, other] = &pair.cast;
    let hosts = &pair.lan.hosts;
    let meanwhile = async {
        tokio::time::sleep(BEFORE).await;
        let place = pair.signaling.kill().await?;
        hosts[0].ip("addr del 10.9.0.1/24 dev eth0")?;
        hosts[0].ip_all("addr add 10.9.0.3/24 dev eth0\nroute replace default dev eth0\n")?;
        tokio::time::sleep(WITHOUT).await;
        pair.signaling.start_again(place, hosts).await?;
        try_join(one.now(), other.now()).await
    };
    let span = BEFORE + WITHOUT + AFTER;
    let ([one, other], (at_one, at_other)) = talk(&pair.cast, span, meanwhile).await?;
    let there = other.next_after(at_other.as_micros())?;
    let back = one.next_after(at_one.as_micros())?;
    let seen = format!("data again {there:.2?} after the signaling was back, and back {back:.2?}");
    within(there.max(back), SOON, seen)
}

async fn resumed(run: &Run, kinds: [Kind; 2]) -> Outcome<String> {
    let limit = cuts::limit(kinds);
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let lan = Lan::over(run, &hosts, PATH).await?;
    let pair = Pair::meet_on(lan, kinds, Settings::default().resume_window).await?;
    let mut seen = Vec::new();
    let mut slowest = Duration::ZERO;
    for seconds in CUTS {
        let span = Duration::from_secs(seconds);
        let [there, back] = cuts::cut(&pair.lan, &pair.cast, span).await?;
        seen.push(format!(
            "{seconds} s: data again after {there:.2?} and back {back:.2?}"
        ));
        slowest = slowest.max(there).max(back);
    }
    within(slowest, limit, seen.join("; "))
}

/// The only address of the first goes and another one comes.
async fn readdressed(run: &Run, kinds: [Kind; 2]) -> Outcome<String> {
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let lan = Lan::over(run, &hosts, PATH).await?;
    let pair = Pair::meet_on(lan, kinds, Settings::default().resume_window).await?;
    let [one, other] = &pair.cast;
    let host = &pair.lan.hosts[0];
    let meanwhile = async {
        tokio::time::sleep(BEFORE).await;
        host.ip("addr del 10.9.0.1/24 dev eth0")?;
        tokio::time::sleep(WITHOUT).await;
        host.ip_all("addr add 10.9.0.3/24 dev eth0\nroute replace default dev eth0\n")?;
        try_join(one.now(), other.now()).await
    };
    let span = BEFORE + WITHOUT + AFTER;
    let ([one, other], (at_one, at_other)) = talk(&pair.cast, span, meanwhile).await?;
    let there = other.next_after(at_other.as_micros())?;
    let back = one.next_after(at_one.as_micros())?;
    let seen = format!("data again {there:.2?} after it came, and back {back:.2?}");
    within(there.max(back), SOON, seen)
}

fn within(slowest: Duration, limit: Duration, seen: String) -> Outcome<String> {
    if slowest <= limit {
        return Ok(seen);
    }
    Err(Failure::new(format!("not within {limit:?}: {seen}")))
}

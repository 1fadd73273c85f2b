//! Browsers hide their addresses behind names that only their LAN can resolve.

use std::time::Duration;

use super::directly;
use crate::browser::Hidden;
use crate::lab::lan::{Host, Lan};
use crate::lab::meet::{Terms, meet};
use crate::lab::nat::FIREWALL;
use crate::lab::netns::Run;
use crate::lab::players::{Belongings, Player};
use crate::{Kind, Outcome};

/// Chromium with Chromium takes about one second.
const IN_TIME: Duration = Duration::from_secs(3);

/// A native player whose firewall drops what it has not asked for, and a page in Chromium.
pub(super) async fn a_firewall_and_names_of_chromium(run: &Run) -> Outcome<String> {
    with(run, Kind::Chromium).await
}

/// The same with Firefox.
pub(super) async fn a_firewall_and_names_of_firefox(run: &Run) -> Outcome<String> {
    with(run, Kind::Firefox).await
}

async fn with(run: &Run, kind: Kind) -> Outcome<String> {
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let lan = Lan::lay(run, &hosts).await?;
    lan.hosts[0].rules(FIREWALL)?;
    let native = Player::native(&lan.hosts[0], &Belongings::default()).await?;
    let page = Player::page(&lan.hosts[1], kind, Hidden::Unthrottled).await?;
    let mut seen = Vec::new();
    for (one, other) in [(&native, &page), (&page, &native)] {
        seen.push(directly(
            &meet(one, other, &Terms::default()).await?,
            IN_TIME,
        )?);
    }
    Ok(seen.join("; "))
}

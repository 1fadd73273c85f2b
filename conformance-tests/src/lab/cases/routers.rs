//! Routers that the matrix does not have: none at all, two in a row, and one with both players behind it.

use std::time::Duration;

use super::directly;
use crate::Outcome;
use crate::lab::meet::{Terms, meet};
use crate::lab::nat::Nat;
use crate::lab::netns::Run;
use crate::lab::players::{Belongings, Player, reach};
use crate::lab::wide::Wide;

/// With everything on one machine.
const IN_TIME: Duration = Duration::from_secs(2);

/// One player has an address that everybody reaches: each translator lets the other one through.
pub(super) async fn a_public_address_and_every_translator(run: &Run) -> Outcome<String> {
    let wide = Wide::lay(run).await?;
    reach(&wide.a.host).await?;
    reach(&wide.b.host).await?;
    let one = Player::native(&wide.a.host, &Belongings::default()).await?;
    let other = Player::native(&wide.b.host, &Belongings::default()).await?;
    let mut seen = Vec::new();
    let nats = [
        Nat::Open,
        Nat::FullCone,
        Nat::Address,
        Nat::Port,
        Nat::Symmetric,
    ];
    for nat in nats {
        wide.put(Nat::Open, nat)?;
        let met = meet(&one, &other, &terms(&wide)).await?;
        let how = directly(&met, IN_TIME).map_err(|failure| failure.of(nat.name()))?;
        seen.push(format!("{}: {how}", nat.name()));
    }
    Ok(seen.join("; "))
}

/// A player behind the router of a flat and the translator of the provider.
pub(super) async fn two_translators_in_a_row(run: &Run) -> Outcome<String> {
    let wide = Wide::lay(run).await?;
    wide.put(Nat::Port, Nat::Port)?;
    wide.a.nest(run, Nat::Port)?;
    reach(&wide.a.host).await?;
    reach(&wide.b.host).await?;
    let one = Player::native(&wide.a.host, &Belongings::default()).await?;
    let other = Player::native(&wide.b.host, &Belongings::default()).await?;
    directly(&meet(&one, &other, &terms(&wide)).await?, IN_TIME)
}

/// Two players in networks that see each other only through the outside of their one router.
pub(super) async fn two_behind_one_router_that_turns_round(run: &Run) -> Outcome<String> {
    let wide = Wide::lay(run).await?;
    let neighbour = wide.a.turn_round(run)?;
    reach(&wide.a.host).await?;
    reach(&neighbour).await?;
    let one = Player::native(&wide.a.host, &Belongings::default()).await?;
    let other = Player::native(&neighbour, &Belongings::default()).await?;
    directly(&meet(&one, &other, &terms(&wide)).await?, IN_TIME)
}

/// Without a relay: whether a direct path is preferred to one is the matrix's to say.
fn terms(wide: &Wide) -> Terms {
    Terms {
        servers: vec![wide.coturn.stun()],
        ..Terms::default()
    }
}

//! One side has no UDP: what is left is a relay over TCP, or over TLS.

use std::path::PathBuf;
use std::time::Duration;

use mesh_core::IceServer;

use super::{MEETINGS, in_time, reached};
use crate::lab::coturn::{Coturn, certificate};
use crate::lab::meet::{Terms, Way, meet};
use crate::lab::nat::Nat;
use crate::lab::netns::Run;
use crate::lab::players::{Belongings, Player, reach};
use crate::lab::wide::{SERVER, Wide};
use crate::{Failure, Outcome};

/// How long it may take.
const IN_TIME: Duration = Duration::from_secs(1);

/// How long a round trip through the relay may take.
const ROUND_TRIP: Duration = Duration::from_millis(5);

/// How many round trips of a meeting are measured; the shortest counts.
const ROUND_TRIPS: usize = 3;

/// TURN over TCP.
pub(super) async fn turn_over_tcp_where_udp_is_blocked(run: &Run) -> Outcome<String> {
    over(run, Coturn::tcp).await
}

/// TURN over TLS, with a certificate that both players were told to trust.
pub(super) async fn turn_over_tls_where_udp_is_blocked(run: &Run) -> Outcome<String> {
    over(run, Coturn::tls).await
}

/// The same where they trust another one: there is no relay, and the failure says why.
pub(super) async fn turn_over_tls_with_a_certificate_that_nobody_trusts(
    run: &Run,
) -> Outcome<String> {
    const WHY: &str =
        "the server's certificate is not accepted: nobody this machine trusts has signed it";
    let wide = Wide::lay(run).await?;
    let (stranger, _) =
        certificate(SERVER).map_err(|error| Failure::new(format!("no certificate: {error}")))?;
    let roots = run.file("stranger.pem", &stranger)?;
    let [one, other] = players(&wide, roots).await?;
    let terms = Terms {
        deadline: Duration::from_secs(3),
        ..terms(&wide, Coturn::tls)
    };
    let met = meet(&one, &other, &terms).await?;
    if met.way == Way::Not && met.how.contains(WHY) {
        return Ok(met.how);
    }
    let seen = format!("{:?} ({})", met.way, met.how);
    Err(Failure::new(format!(
        "{WHY:?} was expected, and it is {seen}"
    )))
}

async fn over(run: &Run, server: fn(&Coturn) -> IceServer) -> Outcome<String> {
    let wide = Wide::lay(run).await?;
    let [one, other] = players(&wide, wide.coturn.certificate.clone()).await?;
    let (mut times, mut round_trips) = (Vec::new(), Vec::new());
    for _ in 0..MEETINGS {
        let met = meet(&one, &other, &terms(&wide, server)).await?;
        reached(&met, Way::Relay)?;
        times.push(met.took);
        round_trips.push(met.round_trip.unwrap_or(Duration::MAX));
    }
    let took = in_time("connected", times, IN_TIME)?;
    let round_trip = in_time("round trip", round_trips, ROUND_TRIP)?;
    Ok(format!("relayed: {took}, {round_trip}"))
}

/// Two natives, one of them where no UDP passes.
async fn players(wide: &Wide, roots: PathBuf) -> Outcome<[Player; 2]> {
    wide.put(Nat::Blocked, Nat::Port)?;
    reach(&wide.a.host).await?;
    reach(&wide.b.host).await?;
    let with = Belongings {
        roots: Some(roots),
        ..Belongings::default()
    };
    Ok([
        Player::native(&wide.a.host, &with).await?,
        Player::native(&wide.b.host, &with).await?,
    ])
}

fn terms(wide: &Wide, server: fn(&Coturn) -> IceServer) -> Terms {
    Terms {
        servers: vec![server(&wide.coturn)],
        wants_direct: false,
        deadline: Duration::from_secs(6),
        round_trips: ROUND_TRIPS,
        ..Terms::default()
    }
}

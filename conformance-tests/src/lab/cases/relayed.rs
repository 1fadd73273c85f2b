//! One side has no UDP: what is left is a relay over TCP, or over TLS.

use std::path::PathBuf;
use std::time::Duration;

use mesh_core::IceServer;

use super::reached;
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

/// How often two may meet until one meeting was in time: what else the machine does makes a meeting slower, and none faster.
const MEETINGS: usize = 8;

/// How many round trips of a meeting are measured; the median counts.
const ROUND_TRIPS: usize = 5;

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
    let mut seen = String::new();
    for _ in 0..MEETINGS {
        let met = meet(&one, &other, &terms(&wide, server)).await?;
        let how = reached(&met, Way::Relay, Duration::MAX)?;
        let round_trip = met.round_trip.unwrap_or(Duration::MAX);
        seen = format!("{how}, round trip {round_trip:.2?}");
        if met.took <= IN_TIME && round_trip <= ROUND_TRIP {
            return Ok(seen);
        }
    }
    let limits = format!("{IN_TIME:?} and {ROUND_TRIP:?}");
    Err(Failure::new(format!(
        "{limits} were expected, and the last of {MEETINGS} meetings is {seen}"
    )))
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

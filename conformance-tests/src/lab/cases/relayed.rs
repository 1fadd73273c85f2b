//! One side has no UDP: what is left is a relay over TCP, or over TLS.

use std::time::Duration;

use mesh_core::IceServer;

use super::reached;
use crate::lab::coturn::Coturn;
use crate::lab::meet::{Terms, Way, meet};
use crate::lab::nat::Nat;
use crate::lab::netns::Run;
use crate::lab::players::{Belongings, Player, reach};
use crate::lab::wide::Wide;
use crate::{Failure, Outcome};

/// How long it may take.
const IN_TIME: Duration = Duration::from_secs(1);

/// How long a round trip through the relay may take.
const ROUND_TRIP: Duration = Duration::from_millis(5);

/// TURN over TCP.
pub(super) async fn turn_over_tcp_where_udp_is_blocked(run: &Run) -> Outcome<String> {
    over(run, Coturn::tcp).await
}

/// TURN over TLS, with a certificate that the player trusts.
pub(super) async fn turn_over_tls_where_udp_is_blocked(run: &Run) -> Outcome<String> {
    over(run, Coturn::tls).await
}

async fn over(run: &Run, server: fn(&Coturn) -> IceServer) -> Outcome<String> {
    let wide = Wide::lay(run).await?;
    wide.put(Nat::Blocked, Nat::Port)?;
    reach(&wide.a.host).await?;
    reach(&wide.b.host).await?;
    let certificate = wide.coturn.certificate.display().to_string();
    let with = Belongings {
        variables: vec![("SSL_CERT_FILE", certificate)],
        ..Belongings::default()
    };
    let one = Player::native(&wide.a.host, &with).await?;
    let other = Player::native(&wide.b.host, &with).await?;
    let terms = Terms {
        servers: vec![server(&wide.coturn)],
        wants_direct: false,
        deadline: Duration::from_secs(6),
        ..Terms::default()
    };
    let met = meet(&one, &other, &terms).await?;
    let seen = reached(&met, Way::Relay, IN_TIME)?;
    match met.round_trip {
        Some(round_trip) if round_trip <= ROUND_TRIP => {
            Ok(format!("{seen}, round trip {round_trip:.2?}"))
        }
        other => Err(Failure::new(format!(
            "{seen}, and a round trip of {other:?} instead of {ROUND_TRIP:?}"
        ))),
    }
}

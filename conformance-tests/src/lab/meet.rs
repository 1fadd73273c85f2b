//! One meeting of two players: whether they connect, how, and how fast.

use std::time::{Duration, Instant};

use futures_util::future::{Either, select, try_join};
use mesh_core::{IceServer, IceTransportPolicy, LinkConfig};
use serde::Serialize;

use super::players::Player;
use crate::observed::{Figures, Seen};
use crate::request::Settings;
use crate::{Failure, Matchmaker, Outcome, Participant};

/// How long the selected pair is watched where it should become another one.
const SETTLING: Duration = Duration::from_secs(3);

/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(200);

/// How often the round trip is measured, with some room: the native keep-alive of 500 ms measures it.
const MEASURED: Duration = Duration::from_millis(600);

/// Beyond the deadline of the players themselves.
const LAST_RESORT: Duration = Duration::from_secs(15);

/// What is asked of a meeting.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) servers: Vec<IceServer>,
    pub(super) policy: IceTransportPolicy,
    /// How long the players may take.
    pub(super) deadline: Duration,
    /// Whether a relay is only good enough until a direct path is found.
    pub(super) wants_direct: bool,
    /// How many round trips are measured; the shortest is told.
    pub(super) round_trips: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            policy: IceTransportPolicy::All,
            deadline: Duration::from_secs(15),
            wants_direct: true,
            round_trips: 1,
        }
    }
}

/// How two players reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Way {
    Direct,
    Relay,
    Not,
}

/// What became of a meeting.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Met {
    pub(super) way: Way,
    /// From the offer until both count each other as connected, or until the first gave up.
    pub(super) took: Duration,
    /// The candidates of the selected pair as the offerer sees them, or why there is none.
    pub(super) how: String,
    /// As the offerer measured it: the shortest.
    pub(super) round_trip: Option<Duration>,
}

/// Lets two players meet; the first offers.
pub(super) async fn meet(one: &Player, other: &Player, terms: &Terms) -> Outcome<Met> {
    let (met, _) = meet_and(one, other, terms, async |_| Ok(())).await?;
    Ok(met)
}

/// The same; they play while they are connected, if they are.
pub(super) async fn meet_and<T>(
    one: &Player,
    other: &Player,
    terms: &Terms,
    play: impl AsyncFnOnce(&[Participant; 2]) -> Outcome<T>,
) -> Outcome<(Met, Option<T>)> {
    let cast = [one.participant(0)?, other.participant(1)?];
    let meeting = tokio::time::timeout(terms.deadline + LAST_RESORT, introduce(&cast, terms, play));
    let trouble = select(Box::pin(one.trouble()), Box::pin(other.trouble()));
    let outcome = match select(Box::pin(meeting), trouble).await {
        Either::Left((Ok(outcome), _)) => outcome,
        Either::Left((Err(_), _)) => Err(Failure::new("a player does not answer any more")),
        Either::Right((Either::Left((failure, _)) | Either::Right((failure, _)), _)) => {
            Err(failure)
        }
    };
    outcome.map_err(crate::runner::traced(&cast))
}

async fn introduce<T>(
    cast: &[Participant; 2],
    terms: &Terms,
    play: impl AsyncFnOnce(&[Participant; 2]) -> Outcome<T>,
) -> Outcome<(Met, Option<T>)> {
    let [one, other] = cast;
    let settings = Settings {
        connect_deadline: terms.deadline,
        ..Settings::default()
    };
    try_join(
        one.start_mesh_with(settings),
        other.start_mesh_with(settings),
    )
    .await?;
    let config = LinkConfig {
        ice_servers: terms.servers.clone(),
        ice_transport_policy: terms.policy,
    };
    let near = one.create_connection_with(config.clone()).await?;
    one.add_peer(near, other.id()).await?;
    let far = other.create_connection_with(config).await?;
    other.add_peer(far, one.id()).await?;
    let matchmaker = Matchmaker::new(cast);
    matchmaker.connect((0, near), (1, far));
    let met = matchmaker.relaying(async {
        let begun = Instant::now();
        matchmaker.offer(0, near).await?;
        let met = try_join(fate(one, other.id()), fate(other, one.id())).await;
        let took = begun.elapsed();
        match met {
            Ok(_) => {
                let met = connected(cast, took, terms).await?;
                Ok((met, Some(play(cast).await?)))
            }
            Err(Fate::Failed(reason)) => {
                let met = Met {
                    way: Way::Not,
                    took,
                    how: reason,
                    round_trip: None,
                };
                Ok((met, None))
            }
            Err(Fate::Broken(failure)) => Err(failure),
        }
    });
    let met = met.await?;
    try_join(one.drop_all(), other.drop_all()).await?;
    Ok(met)
}

/// Why two are not connected.
enum Fate {
    /// The players' own word.
    Failed(String),
    /// Something is wrong with the suite.
    Broken(Failure),
}

/// Waits until this peer is connected, or has failed.
async fn fate(participant: &Participant, peer: u32) -> Result<(), Fate> {
    loop {
        match participant.seen().await.map_err(Fate::Broken)? {
            Seen::Connected(id) if id == peer => return Ok(()),
            Seen::Failed { peer: id, reason } | Seen::Disconnected { peer: id, reason }
                if id == peer =>
            {
                let name = participant.name();
                return Err(Fate::Failed(format!(
                    "{name} ({:?}): {reason}",
                    participant.kind()
                )));
            }
            _ => {}
        }
    }
}

async fn connected(cast: &[Participant; 2], took: Duration, terms: &Terms) -> Outcome<Met> {
    let [one, other] = cast;
    let until = Instant::now() + SETTLING;
    loop {
        let (near, far) = try_join(one.figures(other.id()), other.figures(one.id())).await?;
        let way = match (is_relayed(&near), is_relayed(&far)) {
            (Some(true), _) | (_, Some(true)) => Some(Way::Relay),
            (Some(false), _) | (_, Some(false)) => Some(Way::Direct),
            (None, None) => None,
        };
        let is_settled = match way {
            Some(Way::Direct) => true,
            Some(Way::Relay) => !terms.wants_direct,
            Some(Way::Not) | None => false,
        };
        if let Some(way) = way
            && (is_settled || Instant::now() > until)
        {
            return Ok(Met {
                way,
                took,
                how: format!("{}, {}", pair(&near), pair(&far)),
                round_trip: round_trip(cast, &near, terms).await?,
            });
        }
        if Instant::now() > until {
            return Err(Failure::new("connected, and nobody says by which pair"));
        }
        one.sleep(LOOK).await?;
    }
}

/// The shortest of the round trips that the offerer measures, of which these are the first figures: what else the machine does
/// makes some longer, and none shorter.
async fn round_trip(
    cast: &[Participant; 2],
    first: &Figures,
    terms: &Terms,
) -> Outcome<Option<Duration>> {
    let [one, other] = cast;
    let mut shortest = first.round_trip_us;
    for _ in 1..terms.round_trips {
        one.sleep(MEASURED).await?;
        let next = one.figures(other.id()).await?.round_trip_us;
        shortest = shortest.into_iter().chain(next).min();
    }
    Ok(shortest.map(Duration::from_micros))
}

/// Whether the selected pair goes through a relay, if it is known.
fn is_relayed(figures: &Figures) -> Option<bool> {
    let relayed = |kind: &Option<String>| kind.as_deref() == Some("Relay");
    figures
        .has_pair
        .then(|| relayed(&figures.local) || relayed(&figures.remote))
}

fn pair(figures: &Figures) -> String {
    let word = |kind: &Option<String>| match kind.as_deref() {
        Some("Host") => "host",
        Some("ServerReflexive") => "srflx",
        Some("PeerReflexive") => "prflx",
        Some("Relay") => "relay",
        _ => "?",
    };
    format!("{}/{}", word(&figures.local), word(&figures.remote))
}

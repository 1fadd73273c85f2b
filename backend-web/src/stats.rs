//! Figures of a link, out of the browser's report.

use std::net::SocketAddr;

use js_sys::Iterator;
use mesh_core::{CandidateType, Duration, LinkStats};
use wasm_bindgen::{JsCast, JsValue};

use crate::far_relays::FarRelays;
use crate::js;

/// How many entries of a report are looked at: a link with its channels and all its candidate pairs has fewer.
const MAX_ENTRIES: usize = 4096;

/// What matters of one entry of a report.
#[derive(Clone, Debug, PartialEq)]
enum Entry {
    Transport {
        /// An older Firefox has none.
        selected: Option<String>,
        received: f64,
    },
    Pair {
        id: String,
        rank: Rank,
        round_trip: Option<f64>,
        local: String,
        remote: String,
        received: f64,
    },
    Candidate {
        id: String,
        kind: Option<CandidateType>,
        /// The browser may keep it to itself.
        address: Option<SocketAddr>,
    },
    Channel {
        sent: f64,
        received: f64,
    },
}

/// How likely a pair is the one in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Other,
    Nominated,
    Selected,
}

/// Reads a report (W3C: `RTCStatsReport`). What is not there or not as expected is left out.
pub(crate) fn read(report: &JsValue, far_relays: &FarRelays) -> LinkStats {
    let entries = match js::call(report, "values", &[]) {
        Ok(values) => entries(values.unchecked_ref()),
        Err(_) => Vec::new(),
    };
    figures(&entries, far_relays)
}

/// How many bytes have come over the path, whatever was in them: the acknowledgements of SCTP count. `None` where the browser
/// does not say so.
pub(crate) fn carried(report: &JsValue) -> Option<u64> {
    let values = js::call(report, "values", &[]).ok()?;
    bytes_carried(&entries(values.unchecked_ref()))
}

/// A browser has the figure of the transport, of the pairs, or of both.
fn bytes_carried(entries: &[Entry]) -> Option<u64> {
    let (mut of_transports, mut of_pairs) = (0_u64, 0_u64);
    for entry in entries {
        match entry {
            Entry::Transport { received, .. } => {
                of_transports = of_transports.saturating_add(count(*received));
            }
            Entry::Pair { received, .. } => of_pairs = of_pairs.saturating_add(count(*received)),
            Entry::Candidate { .. } | Entry::Channel { .. } => {}
        }
    }
    Some(of_transports.max(of_pairs)).filter(|bytes| *bytes > 0)
}

fn entries(values: &Iterator) -> Vec<Entry> {
    let mut entries = Vec::new();
    for _ in 0..MAX_ENTRIES {
        match values.next() {
            Ok(next) if !next.done() => entries.extend(entry(&next.value())),
            Ok(_) | Err(_) => break,
        }
    }
    entries
}

fn entry(stats: &JsValue) -> Option<Entry> {
    let id = js::get_string(stats, "id")?;
    Some(match js::get_string(stats, "type")?.as_str() {
        "transport" => Entry::Transport {
            selected: js::get_string(stats, "selectedCandidatePairId"),
            received: js::get_number(stats, "bytesReceived").unwrap_or(0.0),
        },
        "candidate-pair" => Entry::Pair {
            id,
            rank: rank(stats),
            round_trip: js::get_number(stats, "currentRoundTripTime").filter(|seconds| {
                // Firefox counts whole milliseconds, so 0 may be an answer.
                let answers = js::get_number(stats, "responsesReceived").unwrap_or(0.0);
                *seconds > 0.0 || answers > 0.0
            }),
            local: js::get_string(stats, "localCandidateId")?,
            remote: js::get_string(stats, "remoteCandidateId")?,
            received: js::get_number(stats, "bytesReceived").unwrap_or(0.0),
        },
        "local-candidate" | "remote-candidate" => Entry::Candidate {
            id,
            kind: candidate_type(&js::get_string(stats, "candidateType")?),
            address: address(stats),
        },
        "data-channel" => Entry::Channel {
            sent: js::get_number(stats, "bytesSent").unwrap_or(0.0),
            received: js::get_number(stats, "bytesReceived").unwrap_or(0.0),
        },
        _ => return None,
    })
}

fn address(candidate: &JsValue) -> Option<SocketAddr> {
    let ip = js::get_string(candidate, "address")?.parse().ok()?;
    let port = js::get_number(candidate, "port")?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates"
    )]
    let port = port as u16;
    Some(SocketAddr::new(ip, port))
}

fn rank(pair: &JsValue) -> Rank {
    let is_true = |name| js::get_bool(pair, name).unwrap_or(false);
    let succeeded = js::get_string(pair, "state").is_some_and(|state| state == "succeeded");
    if is_true("selected") {
        Rank::Selected
    } else if is_true("nominated") && succeeded {
        Rank::Nominated
    } else {
        Rank::Other
    }
}

fn candidate_type(word: &str) -> Option<CandidateType> {
    Some(match word {
        "host" => CandidateType::Host,
        "srflx" => CandidateType::ServerReflexive,
        "prflx" => CandidateType::PeerReflexive,
        "relay" => CandidateType::Relay,
        _ => return None,
    })
}

fn figures(entries: &[Entry], far_relays: &FarRelays) -> LinkStats {
    let mut stats = LinkStats::default();
    for entry in entries {
        if let Entry::Channel { sent, received } = entry {
            stats.bytes_sent = stats.bytes_sent.saturating_add(count(*sent));
            stats.bytes_received = stats.bytes_received.saturating_add(count(*received));
        }
    }
    if let Some((round_trip, local, remote)) = selected_pair(entries) {
        stats.round_trip = round_trip.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        stats.local = candidate(entries, local).and_then(|(kind, _)| kind);
        stats.remote = candidate(entries, remote).and_then(|(kind, address)| {
            let is_relay = address.is_some_and(|address| far_relays.contains(address));
            if is_relay {
                Some(CandidateType::Relay)
            } else {
                kind
            }
        });
    }
    stats
}

/// Round trip and candidates of the pair in use: the one the transport names, else the likeliest.
fn selected_pair(entries: &[Entry]) -> Option<(Option<f64>, &str, &str)> {
    let named = entries.iter().find_map(|entry| match entry {
        Entry::Transport { selected, .. } => selected.as_deref(),
        Entry::Pair { .. } | Entry::Candidate { .. } | Entry::Channel { .. } => None,
    });
    let pairs = entries.iter().filter_map(|entry| match entry {
        Entry::Pair {
            id,
            rank,
            round_trip,
            local,
            remote,
            ..
        } => {
            let rank = if named == Some(id.as_str()) {
                Rank::Selected
            } else {
                *rank
            };
            (rank > Rank::Other).then_some((rank, (*round_trip, local.as_str(), remote.as_str())))
        }
        Entry::Transport { .. } | Entry::Candidate { .. } | Entry::Channel { .. } => None,
    });
    pairs.max_by_key(|(rank, _)| *rank).map(|(_, pair)| pair)
}

/// What kind of address a candidate is, and which.
fn candidate(
    entries: &[Entry],
    wanted: &str,
) -> Option<(Option<CandidateType>, Option<SocketAddr>)> {
    entries.iter().find_map(|entry| match entry {
        Entry::Candidate { id, kind, address } if id == wanted => Some((*kind, *address)),
        Entry::Candidate { .. }
        | Entry::Transport { .. }
        | Entry::Pair { .. }
        | Entry::Channel { .. } => None,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates"
)]
const fn count(bytes: f64) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(id: &str, rank: Rank, round_trip: impl Into<Option<f64>>, local: &str) -> Entry {
        Entry::Pair {
            id: id.into(),
            rank,
            round_trip: round_trip.into(),
            local: local.into(),
            remote: "far".into(),
            received: 100.0,
        }
    }

    fn named(id: &str, kind: CandidateType) -> Entry {
        Entry::Candidate {
            id: id.into(),
            kind: Some(kind),
            address: None,
        }
    }

    fn common() -> Vec<Entry> {
        vec![
            named("near", CandidateType::Host),
            named("relay", CandidateType::Relay),
            named("far", CandidateType::PeerReflexive),
            Entry::Channel {
                sent: 10.0,
                received: 20.0,
            },
            Entry::Channel {
                sent: 1.0,
                received: f64::NAN,
            },
        ]
    }

    #[test]
    fn the_transport_names_the_pair() {
        let mut entries = common();
        entries.extend([
            pair("a", Rank::Nominated, 0.5, "near"),
            pair("b", Rank::Other, 0.25, "relay"),
            Entry::Transport {
                selected: Some("b".into()),
                received: 300.0,
            },
        ]);
        assert_eq!(
            figures(&entries, &FarRelays::default()),
            LinkStats {
                round_trip: Some(Duration::from_millis(250)),
                bytes_sent: 11,
                bytes_received: 20,
                local: Some(CandidateType::Relay),
                remote: Some(CandidateType::PeerReflexive),
                ..LinkStats::default()
            }
        );
        assert_eq!(bytes_carried(&entries), Some(300));
    }

    #[test]
    fn without_a_transport_the_likeliest_counts() {
        let mut entries = common();
        entries.extend([
            pair("a", Rank::Nominated, 0.5, "relay"),
            pair("b", Rank::Selected, None, "near"),
            pair("c", Rank::Other, 0.1, "relay"),
        ]);
        let stats = figures(&entries, &FarRelays::default());
        assert_eq!(stats.local, Some(CandidateType::Host));
        assert_eq!(stats.round_trip, None, "not measured yet");
        assert_eq!(bytes_carried(&entries), Some(300), "by all pairs");
        assert_eq!(bytes_carried(&common()), None);
    }

    #[test]
    fn an_empty_report_is_no_error() {
        assert_eq!(figures(&[], &FarRelays::default()), LinkStats::default());
        let unused = [pair("a", Rank::Other, 0.5, "near")];
        assert_eq!(
            figures(&unused, &FarRelays::default()),
            LinkStats::default()
        );
    }

    #[test]
    fn a_far_relay_is_one_whatever_the_browser_calls_it() {
        let entries = [
            named("near", CandidateType::Host),
            Entry::Candidate {
                id: "far".into(),
                kind: Some(CandidateType::PeerReflexive),
                address: Some(SocketAddr::from(([192, 0, 2, 2], 2))),
            },
            pair("a", Rank::Selected, 0.5, "near"),
        ];
        let far_relays = FarRelays::default();
        let remote = || figures(&entries, &far_relays).remote;
        assert_eq!(remote(), Some(CandidateType::PeerReflexive));
        far_relays.add("candidate:1 1 udp 1 192.0.2.2 2 typ relay raddr 0.0.0.0 rport 0");
        assert_eq!(remote(), Some(CandidateType::Relay));
    }
}

//! Figures of a link, out of the browser's report.

use std::net::SocketAddr;

use js_sys::Iterator;
use mesh_core::platform::{PairEnd, SelectedPair};
use mesh_core::{CandidateType, Duration, TransportProtocol};
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
        end: PairEnd,
        /// What is sent over from a candidate of ours.
        protocol: Option<TransportProtocol>,
    },
}

/// How likely a pair is the one in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Other,
    Nominated,
    Selected,
}

/// The round trip and the pair of candidates in use in a report (W3C: `RTCStatsReport`). What is not there or not as expected is
/// left out.
pub(crate) fn read(
    report: &JsValue,
    far_relays: &FarRelays,
) -> (Option<Duration>, Option<SelectedPair>) {
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
            Entry::Candidate { .. } => {}
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
            end: PairEnd {
                kind: candidate_type(&js::get_string(stats, "candidateType")?),
                address: address(stats),
                name: id,
            },
            protocol: js::get_string(stats, "relayProtocol")
                .or_else(|| js::get_string(stats, "protocol"))
                .and_then(|word| protocol(&word)),
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

fn protocol(word: &str) -> Option<TransportProtocol> {
    // Chromium has capitals in places.
    Some(match word.to_ascii_lowercase().as_str() {
        "udp" => TransportProtocol::Udp,
        "tcp" => TransportProtocol::Tcp,
        "tls" => TransportProtocol::Tls,
        _ => return None,
    })
}

fn figures(entries: &[Entry], far_relays: &FarRelays) -> (Option<Duration>, Option<SelectedPair>) {
    let Some((round_trip, local, remote)) = selected_pair(entries) else {
        return (None, None);
    };
    let round_trip = round_trip.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let (local, protocol) = candidate(entries, local);
    let (mut remote, _) = candidate(entries, remote);
    let is_relay = |address| far_relays.contains(address);
    if remote.address.is_some_and(is_relay) {
        remote.kind = Some(CandidateType::Relay);
    }
    let pair = SelectedPair {
        local,
        remote,
        protocol,
    };
    (round_trip, Some(pair))
}

/// Round trip and candidates of the pair in use: the one the transport names, else the likeliest.
fn selected_pair(entries: &[Entry]) -> Option<(Option<f64>, &str, &str)> {
    let named = entries.iter().find_map(|entry| match entry {
        Entry::Transport { selected, .. } => selected.as_deref(),
        Entry::Pair { .. } | Entry::Candidate { .. } => None,
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
        Entry::Transport { .. } | Entry::Candidate { .. } => None,
    });
    pairs.max_by_key(|(rank, _)| *rank).map(|(_, pair)| pair)
}

/// The candidate of this name, and what is sent over from it. Of one that is not there nothing but the name is known.
fn candidate(entries: &[Entry], wanted: &str) -> (PairEnd, Option<TransportProtocol>) {
    let found = entries.iter().find_map(|entry| match entry {
        Entry::Candidate { end, protocol } if end.name == wanted => Some((end.clone(), *protocol)),
        Entry::Candidate { .. } | Entry::Transport { .. } | Entry::Pair { .. } => None,
    });
    found.unwrap_or_else(|| {
        let end = PairEnd {
            name: wanted.to_owned(),
            ..PairEnd::default()
        };
        (end, None)
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
        at(id, kind, None)
    }

    fn at(id: &str, kind: CandidateType, address: Option<SocketAddr>) -> Entry {
        let protocol = if kind == CandidateType::Relay {
            TransportProtocol::Tls
        } else {
            TransportProtocol::Udp
        };
        Entry::Candidate {
            end: PairEnd {
                kind: Some(kind),
                address,
                name: id.into(),
            },
            protocol: Some(protocol),
        }
    }

    fn common() -> Vec<Entry> {
        vec![
            named("near", CandidateType::Host),
            named("relay", CandidateType::Relay),
            named("far", CandidateType::PeerReflexive),
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
        let (round_trip, pair) = figures(&entries, &FarRelays::default());
        assert_eq!(round_trip, Some(Duration::from_millis(250)));
        let pair = pair.expect("one is named");
        assert_eq!(pair.local.kind, Some(CandidateType::Relay));
        assert_eq!(pair.remote.kind, Some(CandidateType::PeerReflexive));
        assert_eq!(pair.protocol, Some(TransportProtocol::Tls));
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
        let (round_trip, pair) = figures(&entries, &FarRelays::default());
        assert_eq!(round_trip, None, "not measured yet");
        let local = pair.map(|pair| pair.local.kind);
        assert_eq!(local, Some(Some(CandidateType::Host)));
        assert_eq!(bytes_carried(&entries), Some(300), "by all pairs");
        assert_eq!(bytes_carried(&common()), None);
    }

    #[test]
    fn an_empty_report_is_no_error() {
        assert_eq!(figures(&[], &FarRelays::default()), (None, None));
        let unused = [pair("a", Rank::Other, 0.5, "near")];
        assert_eq!(figures(&unused, &FarRelays::default()), (None, None));
    }

    #[test]
    fn a_pair_whose_candidates_are_not_there_is_one() {
        let alone = [pair("a", Rank::Selected, 0.5, "near")];
        let (_, pair) = figures(&alone, &FarRelays::default());
        let pair = pair.expect("it is selected");
        assert_eq!((pair.local.name, pair.local.kind), ("near".into(), None));
    }

    #[test]
    fn a_far_relay_is_one_whatever_the_browser_calls_it() {
        let address = SocketAddr::from(([192, 0, 2, 2], 2));
        let entries = [
            named("near", CandidateType::Host),
            at("far", CandidateType::PeerReflexive, Some(address)),
            pair("a", Rank::Selected, 0.5, "near"),
        ];
        let far_relays = FarRelays::default();
        let remote = || {
            figures(&entries, &far_relays)
                .1
                .and_then(|pair| pair.remote.kind)
        };
        assert_eq!(remote(), Some(CandidateType::PeerReflexive));
        far_relays.add("candidate:1 1 udp 1 192.0.2.2 2 typ relay raddr 0.0.0.0 rport 0");
        assert_eq!(remote(), Some(CandidateType::Relay));
    }

    #[test]
    fn protocols_are_known_by_their_words() {
        let words = ["udp", "TCP", "tls", "quic"].map(protocol);
        let expected = [
            Some(TransportProtocol::Udp),
            Some(TransportProtocol::Tcp),
            Some(TransportProtocol::Tls),
            None,
        ];
        assert_eq!(words, expected);
    }
}

//! The far side's candidates, as far as the search for a direct path needs them.

use std::net::SocketAddr;

use mesh_core::CandidateType;

/// The address of a candidate over UDP and what kind of address it is (RFC 8839, section 5.1).
pub(super) fn read(candidate: &str) -> Option<(SocketAddr, CandidateType)> {
    let candidate = candidate.trim();
    let candidate = candidate.strip_prefix("a=").unwrap_or(candidate);
    let mut words = candidate
        .strip_prefix("candidate:")?
        .split_ascii_whitespace();
    let [
        _foundation,
        _component,
        transport,
        _priority,
        ip,
        port,
        typ,
        kind,
    ] = core::array::from_fn(|_| words.next());
    if !transport?.eq_ignore_ascii_case("udp") || typ? != "typ" {
        return None;
    }
    let kind = match kind? {
        "host" => CandidateType::Host,
        "srflx" => CandidateType::ServerReflexive,
        "prflx" => CandidateType::PeerReflexive,
        "relay" => CandidateType::Relay,
        _ => return None,
    };
    Some((
        SocketAddr::new(ip?.parse().ok()?, port?.parse().ok()?),
        kind,
    ))
}

/// The candidates within a description.
pub(super) fn read_all(sdp: &str) -> impl Iterator<Item = (SocketAddr, CandidateType)> {
    let lines = sdp.lines().filter(|line| line.starts_with("a=candidate:"));
    lines.filter_map(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_over_udp_is_read() {
        let read = |text| read(text).map(|(address, kind)| (address.to_string(), kind));
        assert_eq!(
            read("candidate:1 1 UDP 2130706431 192.0.2.1 5000 typ host generation 0"),
            Some((String::from("192.0.2.1:5000"), CandidateType::Host))
        );
        assert_eq!(
            read("candidate:1 1 udp 1 2001:db8::1 5000 typ relay raddr :: rport 0"),
            Some((String::from("[2001:db8::1]:5000"), CandidateType::Relay))
        );
        for other in [
            "",
            "candidate:",
            "candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active",
            "candidate:1 1 udp 1 d2f5.local 5000 typ host",
            "candidate:1 1 udp 1 192.0.2.1 70000 typ host",
            "candidate:1 1 udp 1 192.0.2.1 5000 typ",
            "candidate:1 1 udp 1 192.0.2.1 5000 host typ",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn a_description_may_hold_candidates() {
        let sdp = "v=0\r\na=candidate:1 1 udp 1 192.0.2.1 1 typ srflx\r\na=end-of-candidates\r\n\
                   a=candidate:nonsense\r\na=candidate:2 1 udp 1 192.0.2.2 2 typ relay\r\n";
        let kinds: Vec<_> = read_all(sdp).map(|(_, kind)| kind).collect();
        assert_eq!(
            kinds,
            [CandidateType::ServerReflexive, CandidateType::Relay]
        );
    }
}

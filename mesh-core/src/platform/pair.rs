//! Which pair of candidates a link uses, and how often that was another one.

use alloc::string::String;
use core::net::SocketAddr;

use crate::{CandidateType, LinkStats, PathKind, TransportProtocol};

/// One candidate of a pair, as far as a platform tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairEnd {
    /// What kind it is.
    pub kind: Option<CandidateType>,
    /// Its address. A browser may keep it to itself.
    pub address: Option<SocketAddr>,
    /// What the platform calls it; empty where it has no name for it.
    pub name: String,
}

/// The pair of candidates that a link uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectedPair {
    /// This side's candidate.
    pub local: PairEnd,
    /// The far side's.
    pub remote: PairEnd,
    /// What this side sends over.
    pub protocol: Option<TransportProtocol>,
}

/// Counts how often a link has used another pair than before.
#[derive(Debug, Default)]
pub struct PairWatch {
    last: Option<SelectedPair>,
    /// Which way was said last.
    said: Option<PathKind>,
    changes: u32,
}

impl PairWatch {
    /// Takes in which pair is used now, adds it to the figures, and says which way it takes if it is the first one or another one
    /// than at the last look, or if its way is another one than was known. Without a pair nothing changes but the figures.
    pub fn look(&mut self, pair: Option<SelectedPair>, stats: &mut LinkStats) -> Option<PathKind> {
        let is_other = match (&self.last, &pair) {
            (Some(last), Some(pair)) => !last.is_same(pair),
            (None, _) | (_, None) => false,
        };
        if is_other {
            self.changes = self.changes.saturating_add(1);
        }
        stats.pair_changes = self.changes;
        let pair = pair?;
        stats.local = pair.local.kind;
        stats.remote = pair.remote.kind;
        stats.protocol = pair.protocol;
        self.last = Some(pair);
        let path = stats.path()?;
        let is_news = self.said.replace(path) != Some(path);
        (is_news || is_other).then_some(path)
    }
}

impl SelectedPair {
    fn is_same(&self, other: &Self) -> bool {
        self.local.is_same(&other.local) && self.remote.is_same(&other.remote)
    }
}

impl PairEnd {
    /// Whether both are one candidate. A platform that hears of a candidate after its first check goes on to call it by another
    /// type and another name.
    fn is_same(&self, other: &Self) -> bool {
        if let (Some(address), Some(other)) = (self.address, other.address) {
            return address == other;
        }
        let is_named = !self.name.is_empty() && self.name == other.name;
        let reflexive = Some(CandidateType::PeerReflexive);
        let may_be_renamed = self.kind == reflexive || other.kind == reflexive;
        let relay = Some(CandidateType::Relay);
        is_named || (may_be_renamed && (self.kind == relay) == (other.kind == relay))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn end(kind: CandidateType, address: &str, name: &str) -> PairEnd {
        PairEnd {
            kind: Some(kind),
            address: address.parse().ok(),
            name: name.to_string(),
        }
    }

    fn to(remote: PairEnd) -> SelectedPair {
        SelectedPair {
            local: end(CandidateType::Host, "192.0.2.1:1", ""),
            remote,
            protocol: Some(TransportProtocol::Udp),
        }
    }

    /// What is said at each look, and how many changes there were in the end.
    fn looks(pairs: &[Option<SelectedPair>]) -> (alloc::vec::Vec<Option<PathKind>>, u32) {
        let (mut watch, mut stats) = (PairWatch::default(), LinkStats::default());
        let said = pairs
            .iter()
            .map(|pair| watch.look(pair.clone(), &mut stats));
        let said = said.collect();
        (said, stats.pair_changes)
    }

    #[test]
    fn the_first_pair_is_no_change_and_another_one_is() {
        let near = to(end(CandidateType::Host, "192.0.2.2:2", ""));
        let relayed = to(end(CandidateType::Relay, "192.0.2.3:3", ""));
        let pairs = [
            None,
            Some(near.clone()),
            Some(near.clone()),
            None,
            Some(near.clone()),
        ];
        let direct = Some(PathKind::Direct);
        assert_eq!(looks(&pairs), ([None, direct, None, None, None].into(), 0));
        let pairs = [Some(near.clone()), Some(relayed), Some(near)];
        let expected = [direct, Some(PathKind::Relayed), direct];
        assert_eq!(looks(&pairs), (expected.into(), 2));
    }

    #[test]
    fn a_candidate_that_gets_its_name_later_is_the_same() {
        for (before, after) in [
            // With an address, whatever it is called.
            (
                end(CandidateType::PeerReflexive, "192.0.2.2:2", "a"),
                end(CandidateType::Host, "192.0.2.2:2", "b"),
            ),
            // Without one, as a browser has it.
            (
                end(CandidateType::PeerReflexive, "", "a"),
                end(CandidateType::Host, "", "b"),
            ),
            (
                end(CandidateType::Host, "", "a"),
                end(CandidateType::Host, "192.0.2.2:2", "a"),
            ),
        ] {
            assert_eq!(looks(&[Some(to(before)), Some(to(after))]).1, 0);
        }
    }

    #[test]
    fn the_way_of_a_pair_is_said_when_it_is_known() {
        let relayed = Some(PathKind::Relayed);
        let unknown = SelectedPair::default();
        let relay = to(end(CandidateType::Relay, "192.0.2.2:2", "a"));
        let mut pairs = [Some(unknown), Some(relay.clone())];
        if let Some(unknown) = &mut pairs[0] {
            unknown.local = relay.local.clone();
            unknown.local.kind = None;
            unknown.remote.name = "a".to_string();
        }
        assert_eq!(looks(&pairs), ([None, relayed].into(), 0));
        // A relay was taken for a peer-reflexive address.
        let before = to(end(CandidateType::PeerReflexive, "192.0.2.2:2", "b"));
        let (said, changes) = looks(&[Some(before), Some(relay)]);
        assert_eq!(said, [Some(PathKind::Direct), relayed]);
        assert_eq!(changes, 0);
    }

    #[test]
    fn candidates_without_addresses_are_told_apart_by_their_names() {
        for (before, after) in [
            (
                end(CandidateType::Host, "", "a"),
                end(CandidateType::Host, "", "b"),
            ),
            (
                end(CandidateType::PeerReflexive, "", "a"),
                end(CandidateType::Relay, "", "b"),
            ),
        ] {
            assert_eq!(looks(&[Some(to(before)), Some(to(after))]).1, 1);
        }
    }

    #[test]
    fn the_figures_have_the_pair_as_long_as_it_is_there() {
        let (mut watch, mut stats) = (PairWatch::default(), LinkStats::default());
        let _ = watch.look(Some(to(end(CandidateType::Relay, "", ""))), &mut stats);
        assert_eq!(stats.local, Some(CandidateType::Host));
        assert_eq!(stats.remote, Some(CandidateType::Relay));
        assert_eq!(stats.protocol, Some(TransportProtocol::Udp));
        let mut stats = LinkStats::default();
        assert_eq!(watch.look(None, &mut stats), None);
        assert_eq!(stats, LinkStats::default());
    }
}

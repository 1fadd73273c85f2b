//! Connections that are no WebSocket yet: so many at most, and one of the greediest address gives way to a new one.

use std::collections::{BTreeMap, BTreeSet};

use super::addresses::Network;

/// A connection among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HandshakeId(u64);

/// Who is on the way. A handshake of somebody who means it takes milliseconds, so those that give way are the others.
#[derive(Debug)]
pub(crate) struct Handshakes {
    limit: usize,
    limit_per_network: usize,
    next: u64,
    networks: BTreeMap<HandshakeId, Network>,
    ids: BTreeMap<Network, Ids>,
}

/// A network's connections, the oldest first.
#[derive(Debug, Default)]
struct Ids {
    /// Those that have said nothing. A player asks at once, so these give way first.
    silent: BTreeSet<HandshakeId>,
    asking: BTreeSet<HandshakeId>,
}

impl Ids {
    fn len(&self) -> usize {
        self.silent.len() + self.asking.len()
    }

    fn first(&self) -> Option<HandshakeId> {
        let asking = || self.asking.first();
        self.silent.first().or_else(asking).copied()
    }
}

impl Handshakes {
    pub(crate) const fn new(limit: usize, limit_per_network: usize) -> Self {
        Self {
            limit,
            limit_per_network,
            next: 0,
            networks: BTreeMap::new(),
            ids: BTreeMap::new(),
        }
    }

    /// Takes a connection; the one that gives way to it is to be cut. A trusted proxy has many clients behind one address,
    /// so it is not held to the limit of one (`is_proxy`).
    ///
    /// `has_asked` looks whether something has come from a connection that is not known to have said anything. What has come
    /// may not have been told to `ask` yet: many connections are taken between two looks at all of them.
    pub(crate) fn enter(
        &mut self,
        network: Network,
        is_proxy: bool,
        has_asked: impl FnMut(HandshakeId) -> bool,
    ) -> (HandshakeId, Option<HandshakeId>) {
        let own = self.ids.get(&network).map_or(0, Ids::len);
        let greedy = if !is_proxy && own >= self.limit_per_network {
            Some(network)
        } else if self.networks.len() >= self.limit {
            self.greediest()
        } else {
            None
        };
        let cut = greedy.and_then(|network| self.yielding(network, has_asked));
        if let Some(cut) = cut {
            self.leave(cut);
        }
        let id = HandshakeId(self.next);
        self.next += 1;
        self.networks.insert(id, network);
        self.ids.entry(network).or_default().silent.insert(id);
        (id, cut)
    }

    /// A connection has said something.
    pub(crate) fn ask(&mut self, id: HandshakeId) {
        let network = self.networks.get(&id);
        let ids = network.and_then(|network| self.ids.get_mut(network));
        if let Some(ids) = ids
            && ids.silent.remove(&id)
        {
            ids.asking.insert(id);
        }
    }

    /// A connection has ended, or has become a WebSocket.
    pub(crate) fn leave(&mut self, id: HandshakeId) {
        let Some(network) = self.networks.remove(&id) else {
            return;
        };
        if let Some(ids) = self.ids.get_mut(&network) {
            ids.silent.remove(&id);
            ids.asking.remove(&id);
            if ids.len() == 0 {
                self.ids.remove(&network);
            }
        }
    }

    /// The one that gives way when there are too many; `has_asked` is that of `enter`.
    pub(crate) fn oldest_of_the_greediest(
        &mut self,
        has_asked: impl FnMut(HandshakeId) -> bool,
    ) -> Option<HandshakeId> {
        let greediest = self.greediest()?;
        self.yielding(greediest, has_asked)
    }

    fn greediest(&self) -> Option<Network> {
        let ids = self.ids.iter().max_by_key(|(_, ids)| ids.len());
        ids.map(|(network, _)| *network)
    }

    /// The one of a network that gives way. Each connection is looked at once at most, as it has asked from then on.
    fn yielding(
        &mut self,
        network: Network,
        mut has_asked: impl FnMut(HandshakeId) -> bool,
    ) -> Option<HandshakeId> {
        let ids = self.ids.get_mut(&network)?;
        while let Some(id) = ids.silent.first().copied()
            && has_asked(id)
        {
            ids.silent.remove(&id);
            ids.asking.insert(id);
        }
        ids.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> Network {
        Network::of([192, 0, 2, last].into())
    }

    /// Nothing has come that the handshakes have not been told of.
    fn nothing(_: HandshakeId) -> bool {
        false
    }

    #[test]
    fn one_that_has_asked_does_not_give_way_before_that_is_told() {
        for mut handshakes in [Handshakes::new(100, 3), Handshakes::new(3, 100)] {
            let (player, _) = handshakes.enter(network(1), false, nothing);
            for _ in 0..1000 {
                let (_, cut) = handshakes.enter(network(1), false, |id| id == player);
                assert_ne!(cut, Some(player));
            }
            let oldest = handshakes.oldest_of_the_greediest(nothing);
            assert!(
                oldest.is_some_and(|oldest| oldest != player),
                "it is known from then on"
            );
        }
    }

    #[test]
    fn the_oldest_of_an_address_gives_way_to_its_newest() {
        let mut handshakes = Handshakes::new(100, 2);
        let (first, cut) = handshakes.enter(network(1), false, nothing);
        assert_eq!(cut, None);
        let (second, cut) = handshakes.enter(network(1), false, nothing);
        assert_eq!(cut, None);
        assert_eq!(handshakes.enter(network(2), false, nothing).1, None);
        assert_eq!(handshakes.enter(network(1), false, nothing).1, Some(first));
        handshakes.leave(second);
        assert_eq!(handshakes.enter(network(1), false, nothing).1, None);
    }

    #[test]
    fn those_that_say_nothing_give_way_first() {
        let mut handshakes = Handshakes::new(100, 3);
        let (player, _) = handshakes.enter(network(1), false, nothing);
        handshakes.ask(player);
        for _ in 0..1000 {
            assert_ne!(handshakes.enter(network(1), false, nothing).1, Some(player));
        }
        let asking: Vec<_> = handshakes.networks.keys().copied().collect();
        asking.into_iter().for_each(|id| handshakes.ask(id));
        assert_eq!(handshakes.enter(network(1), false, nothing).1, Some(player));
        handshakes.ask(player);
        assert_eq!(handshakes.networks.len(), 3);
    }

    #[test]
    fn when_all_is_full_the_greediest_address_gives_way() {
        let mut handshakes = Handshakes::new(4, 3);
        let (modest, _) = handshakes.enter(network(1), false, nothing);
        let (greedy, _) = handshakes.enter(network(2), false, nothing);
        handshakes.enter(network(2), false, nothing);
        handshakes.enter(network(2), false, nothing);
        assert_eq!(handshakes.enter(network(3), false, nothing).1, Some(greedy));
        handshakes.leave(modest);
        assert_eq!(handshakes.enter(network(4), false, nothing).1, None);
        assert_eq!(handshakes.networks.len(), 4);
    }

    #[test]
    fn a_proxy_is_held_to_the_limit_of_all_alone() {
        let mut handshakes = Handshakes::new(3, 1);
        let (first, _) = handshakes.enter(network(1), true, nothing);
        assert_eq!(handshakes.enter(network(1), true, nothing).1, None);
        assert_eq!(handshakes.enter(network(1), true, nothing).1, None);
        assert_eq!(handshakes.enter(network(1), true, nothing).1, Some(first));
        assert_eq!(handshakes.ids.len(), 1);
    }
}

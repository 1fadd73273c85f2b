//! Door and hall with nothing between them: a server without sockets, for tests.

use super::*;
use crate::door::{Ask, Visitor};

/// As the server wires the two; a text goes in, actions come out.
pub(super) struct House {
    pub(super) hall: Hall,
    pub(super) visitors: BTreeMap<MemberId, Visitor>,
    /// Where members come from, where that matters.
    pub(super) networks: BTreeMap<MemberId, Network>,
    next: u64,
    actions: VecDeque<Action>,
}

impl House {
    pub(super) fn new(config: Config, entropy: Entropy) -> Self {
        Self {
            hall: Hall::new(config, entropy),
            visitors: BTreeMap::new(),
            networks: BTreeMap::new(),
            next: 0,
            actions: VecDeque::new(),
        }
    }

    pub(super) fn connect(&mut self) -> MemberId {
        let member = MemberId(self.next);
        self.next += 1;
        let visitor = Visitor::new(&self.hall.config);
        self.visitors.insert(member, visitor);
        member
    }

    pub(super) fn disconnect(&mut self, member: MemberId) {
        self.visitors.remove(&member);
        self.hall.leave(member);
    }

    pub(super) fn handle_text(&mut self, now: Instant, member: MemberId, text: &str) {
        let Some(visitor) = self.visitors.get_mut(&member) else {
            return;
        };
        let hall = &mut self.hall;
        let answer = visitor.read(text).and_then(|ask| match ask {
            None => Ok(()),
            Some(Ask::Join { lobby, topology }) => {
                let wish = Wish {
                    name: &lobby,
                    topology,
                    network: self.networks.get(&member).copied(),
                };
                let id = hall.join(member, wish)?;
                visitor.joined(id);
                Ok(())
            }
            Some(Ask::Relay { to, text }) => {
                let about = About::Lobby;
                if let Some(to) = hall.addressee(member, to)? {
                    self.actions.push_back(Action::Tell { to, text, about });
                }
                Ok(())
            }
            Some(Ask::Seal) => hall.seal(now, member),
        });
        if let Err(goodbye) = answer {
            self.disconnect(member);
            self.settle();
            self.actions.push_back(Action::Close { member, goodbye });
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.hall.handle_timeout(now);
    }

    pub(super) fn poll_action(&mut self) -> Option<Action> {
        self.settle();
        self.actions.pop_front()
    }

    pub(super) fn counts(&self) -> Counts {
        self.hall.counts()
    }

    /// Whoever the hall sends away is gone from the door, too.
    fn settle(&mut self) {
        while let Some(action) = self.hall.poll_action() {
            if let Action::Close { member, .. } = &action {
                self.visitors.remove(member);
            }
            self.actions.push_back(action);
        }
    }
}

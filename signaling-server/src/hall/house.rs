//! Door and hall with nothing between them: a server without sockets, for tests and for fuzzing.

use std::time::Duration;

use super::text as text_of;
use super::*;
use crate::door::{Ask, Visitor};
use crate::resume::ResumeKey;

/// Everybody here is admitted.
static ANYWHERE: Pass = Pass::anywhere();

/// As the server wires the two; a text goes in, actions come out.
pub(crate) struct House {
    pub(super) hall: Hall,
    pub(super) visitors: BTreeMap<MemberId, Visitor>,
    /// Where members come from, where that matters.
    pub(super) networks: BTreeMap<MemberId, Network>,
    next: u64,
    actions: VecDeque<Action>,
}

impl House {
    #[cfg(test)]
    pub(super) fn new(config: Config, entropy: Entropy) -> Self {
        let key = ResumeKey::generate().expect("this system has randomness");
        Self::restarted(config, entropy, &key, Duration::from_secs(1_800_000_000))
    }

    /// A server that starts at that time since 1970 and has that key.
    pub(crate) fn restarted(
        config: Config,
        entropy: Entropy,
        key: &ResumeKey,
        start: Duration,
    ) -> Self {
        let term = config.kept_term();
        let vault = (!term.is_zero()).then(|| Vault::new(key, start, term));
        Self {
            hall: Hall::new(config, entropy, vault),
            visitors: BTreeMap::new(),
            networks: BTreeMap::new(),
            next: 0,
            actions: VecDeque::new(),
        }
    }

    pub(crate) fn connect(&mut self) -> MemberId {
        let member = MemberId(self.next);
        self.next += 1;
        let visitor = Visitor::new(&self.hall.config);
        self.visitors.insert(member, visitor);
        member
    }

    pub(crate) fn disconnect(&mut self, member: MemberId) {
        self.visitors.remove(&member);
        self.hall.leave(member);
    }

    /// Its connection breaks.
    pub(crate) fn cut(&mut self, now: Instant, member: MemberId) {
        self.visitors.remove(&member);
        self.hall.disconnect(now, member);
    }

    pub(crate) fn handle_text(&mut self, now: Instant, member: MemberId, text: &str) {
        let Some(visitor) = self.visitors.get_mut(&member) else {
            return;
        };
        let hall = &mut self.hall;
        let answer = visitor.read(text).and_then(|ask| match ask {
            None => Ok(()),
            Some(Ask::Join {
                lobby,
                topology,
                extension,
                dialect,
            }) => {
                let network = self.networks.get(&member).copied();
                let mut wish =
                    Wish::new(&lobby, topology, network, extension.as_ref(), Ok(&ANYWHERE));
                wish.dialect = dialect;
                let standing = hall.join(now, member, wish)?;
                visitor.joined(standing.id, standing.is_ours);
                Ok(())
            }
            Some(Ask::Relay { to, letter }) => {
                if let Some(addressee) = hall.addressee(member, to)? {
                    self.actions.push_back(Action::Tell {
                        to: addressee.member,
                        text: letter.text(addressee.is_ours),
                        about: About::Lobby,
                    });
                }
                Ok(())
            }
            Some(Ask::Seal) => hall.seal(now, member),
            Some(Ask::Control(control)) => hall.control(now, member, control),
            Some(Ask::Ping(_)) => {
                self.actions.push_back(Action::Tell {
                    to: member,
                    text: text_of(Notice::Pong),
                    about: About::Lobby,
                });
                Ok(())
            }
            Some(Ask::Leave) => {
                hall.leave(member);
                Ok(())
            }
        });
        if let Err(goodbye) = answer {
            self.disconnect(member);
            self.settle();
            self.actions.push_back(Action::Close { member, goodbye });
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.hall.handle_timeout(now);
    }

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.settle();
        self.actions.pop_front()
    }

    pub(crate) fn counts(&self) -> Counts {
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

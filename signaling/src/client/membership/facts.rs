//! What is told of a lobby besides its members.

use mesh_core::{LobbyEvent, PeerId};

/// The state of a lobby, as the server told it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) is_locked: bool,
    pub(super) is_listed: bool,
    /// Who has the rights of the host.
    pub(super) host: PeerId,
    pub(super) data: String,
}

impl Facts {
    /// The state of a lobby of which nothing has been told yet.
    pub(super) const fn new() -> Self {
        Self {
            is_locked: false,
            is_listed: false,
            host: PeerId::SERVER,
            data: String::new(),
        }
    }

    /// Puts later facts in the place of these; what has changed.
    pub(super) fn replace(&mut self, later: Self) -> impl Iterator<Item = LobbyEvent> {
        let earlier = std::mem::replace(self, later);
        let locked = (self.is_locked != earlier.is_locked).then_some(self.is_locked);
        let listed = (self.is_listed != earlier.is_listed).then_some(self.is_listed);
        let host = (self.host != earlier.host).then_some(self.host);
        let data = (self.data != earlier.data).then(|| self.data.clone());
        let changes = [
            locked.map(LobbyEvent::Locked),
            listed.map(LobbyEvent::Listed),
            host.map(LobbyEvent::Host),
            data.map(LobbyEvent::Data),
        ];
        changes.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_changed_is_told_and_nothing_else() {
        let mut facts = Facts::new();
        assert!(facts.replace(Facts::new()).next().is_none());
        let host = PeerId::MAX;
        let later = Facts {
            is_locked: true,
            is_listed: true,
            host,
            data: "{}".to_owned(),
        };
        let changes = [
            LobbyEvent::Locked(true),
            LobbyEvent::Listed(true),
            LobbyEvent::Host(host),
            LobbyEvent::Data("{}".to_owned()),
        ];
        assert!(facts.replace(later.clone()).eq(changes));
        assert!(facts.replace(later.clone()).next().is_none());
        let open = Facts {
            is_locked: false,
            ..later
        };
        assert!(facts.replace(open).eq([LobbyEvent::Locked(false)]));
    }
}

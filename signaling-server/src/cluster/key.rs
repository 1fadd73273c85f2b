//! What has an owner.

use std::fmt;
use std::sync::Arc;

/// Something that one instance owns at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// The lobby of that name.
    Lobby(Arc<str>),
    /// All groups of members that have asked for the same.
    Group(Group),
}

/// What the members of a group have asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    pub(crate) name: Arc<str>,
    pub(crate) size: u32,
    pub(crate) is_mesh: bool,
}

impl Key {
    pub(crate) fn lobby(name: &str) -> Self {
        Self::Lobby(name.into())
    }

    /// Whether members can come back to it. Those of a group come back to its lobbies.
    pub(super) const fn has_seats(&self) -> bool {
        matches!(self, Self::Lobby(_))
    }
}

/// As the broker knows it. The name comes last, so no name makes one key look like another.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lobby(name) => write!(f, "lobby:{name}"),
            Self::Group(Group {
                name,
                size,
                is_mesh,
            }) => write!(f, "group:{size}:{}:{name}", u8::from(*is_mesh)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_things_have_different_keys() {
        let group = |name: &str, size, is_mesh| {
            let name = name.into();
            Key::Group(Group {
                name,
                size,
                is_mesh,
            })
        };
        let keys = [
            Key::lobby("a"),
            Key::lobby("group:2:1:a"),
            group("a", 2, true),
            group("a", 2, false),
            group("1:a", 2, true),
            group("a", 21, true),
        ];
        let texts = std::collections::BTreeSet::from_iter(keys.iter().map(Key::to_string));
        assert_eq!(texts.len(), keys.len());
    }
}

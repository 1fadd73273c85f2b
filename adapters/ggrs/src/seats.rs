//! Who plays and who watches.

use ggrs::{Config, GgrsError, PlayerHandle, PlayerType, SessionBuilder};
use mesh_core::PeerId;
use thiserror::Error;

/// The members of a lobby in their order: players, then spectators, each ascending by id.
///
/// The handle of a player for GGRS is its place in [`players`](Self::players), the same on every machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seats {
    own: PeerId,
    /// At least one.
    players: Vec<PeerId>,
    spectators: Vec<PeerId>,
}

impl Seats {
    /// Seats ourselves and others: the `players` lowest ids play, and the others watch. [`Bridge::seats`](crate::Bridge::seats)
    /// does it for a sealed lobby; use this where something else says who is in the game.
    ///
    /// # Errors
    ///
    /// [`SeatsError::TooFew`] if there are not as many players.
    pub fn new(
        own: PeerId,
        others: impl IntoIterator<Item = PeerId>,
        players: usize,
    ) -> Result<Self, SeatsError> {
        let mut members: Vec<PeerId> = others.into_iter().chain([own]).collect();
        members.sort_unstable();
        members.dedup();
        if members.len() < players || players == 0 {
            return Err(SeatsError::TooFew {
                present: members.len(),
                wanted: players,
            });
        }
        let spectators = members.split_off(players);
        Ok(Self {
            own,
            players: members,
            spectators,
        })
    }

    /// Who plays, ascending.
    #[must_use]
    pub fn players(&self) -> &[PeerId] {
        &self.players
    }

    /// Who watches, ascending.
    #[must_use]
    pub fn spectators(&self) -> &[PeerId] {
        &self.spectators
    }

    /// The player from whom the spectators get the game: the one with the lowest id.
    #[must_use]
    pub fn host(&self) -> PeerId {
        self.players.first().copied().unwrap_or(self.own)
    }

    /// Our own handle, or `None` if we watch.
    #[must_use]
    pub fn own_handle(&self) -> Option<PlayerHandle> {
        self.players.iter().position(|player| *player == self.own)
    }

    /// The handle of a player or spectator, as [`add_to`](Self::add_to) gives it. `None` for somebody else.
    ///
    /// A game that hears `PeerDisconnected` of a player tells GGRS by `disconnect_player` of this handle. Otherwise GGRS waits
    /// for its own timeout. It refuses a handle of somebody whom it has given up already, and that of a spectator anywhere but at
    /// the host, so a game takes no notice of that error.
    #[must_use]
    pub fn handle_of(&self, peer: PeerId) -> Option<PlayerHandle> {
        let mut all = self.players.iter().chain(&self.spectators);
        all.position(|member| *member == peer)
    }

    /// Tells a builder how many players there are and, if we play, adds all of them. The [host](Self::host) adds the spectators,
    /// too. A player then calls `start_p2p_session`, and a spectator `start_spectator_session` with the host's id.
    ///
    /// # Errors
    ///
    /// [`GgrsError::InvalidRequest`] if the builder has players already.
    pub fn add_to<T: Config<Address = PeerId>>(
        &self,
        builder: SessionBuilder<T>,
    ) -> Result<SessionBuilder<T>, GgrsError> {
        let mut builder = builder.with_num_players(self.players.len())?;
        if self.own_handle().is_none() {
            return Ok(builder);
        }
        for (handle, &player) in self.players.iter().enumerate() {
            let kind = match player == self.own {
                true => PlayerType::Local,
                false => PlayerType::Remote(player),
            };
            builder = builder.add_player(kind, handle)?;
        }
        if self.host() == self.own {
            for (place, &spectator) in self.spectators.iter().enumerate() {
                let handle = self.players.len() + place;
                builder = builder.add_player(PlayerType::Spectator(spectator), handle)?;
            }
        }
        Ok(builder)
    }
}

/// Why it is not certain who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SeatsError {
    /// We are in no lobby yet.
    #[error("not in a lobby yet")]
    NotJoined,
    /// The players of a star are not connected with each other, as GGRS needs it.
    #[error("a rollback game needs a mesh, and this lobby is a star")]
    NoMesh,
    /// Somebody could still join. The host seals the lobby (`Session::seal`), or it seals itself (`Lobby::group_of`).
    #[error("the lobby is not sealed yet")]
    NotSealed,
    /// A member of the lobby is not connected with us.
    #[error("peer {peer} is not connected yet")]
    Missing {
        /// Who.
        peer: PeerId,
    },
    /// There are not as many members as players are wanted, or none are wanted.
    #[error("{present} are there, and {wanted} players are wanted")]
    TooFew {
        /// How many are there, we among them.
        present: usize,
        /// How many were asked for.
        wanted: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Game;

    impl Config for Game {
        type Input = u8;
        type InputPredictor = ggrs::PredictRepeatLast;
        type State = u8;
        type Address = PeerId;
    }

    fn peer(id: u32) -> PeerId {
        PeerId::new(id).unwrap()
    }

    fn seats(own: u32) -> Seats {
        let others = [7, 1, 9, 4].map(peer).into_iter();
        Seats::new(peer(own), others.filter(|id| *id != peer(own)), 3).unwrap()
    }

    #[test]
    fn everybody_seats_everybody_alike() {
        for own in [1, 4, 7, 9] {
            let seats = seats(own);
            assert_eq!(seats.players(), [1, 4, 7].map(peer));
            assert_eq!(seats.spectators(), [peer(9)]);
            assert_eq!(seats.host(), peer(1));
            assert_eq!(seats.handle_of(peer(9)), Some(3));
            assert_eq!(seats.handle_of(peer(2)), None);
        }
        assert_eq!(seats(7).own_handle(), Some(2));
        assert_eq!(seats(9).own_handle(), None);
    }

    #[test]
    fn the_host_serves_the_spectators() {
        let started = |own| {
            let builder = seats(own).add_to(SessionBuilder::<Game>::new()).unwrap();
            builder.start_p2p_session(crate::Bridge::new().socket())
        };
        assert_eq!(started(1).unwrap().num_spectators(), 1);
        let session = started(4).unwrap();
        assert_eq!(session.num_spectators(), 0);
        assert_eq!(session.local_player_handles(), [1]);
        // One that watches has added nobody, as a spectator's session wants it.
        assert!(started(9).is_err());
    }

    #[test]
    fn too_few_is_an_error() {
        let error = Seats::new(peer(2), [], 2).unwrap_err();
        let (present, wanted) = (1, 2);
        assert_eq!(error, SeatsError::TooFew { present, wanted });
        assert!(Seats::new(peer(2), [], 0).is_err());
    }
}

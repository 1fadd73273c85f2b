//! Somebody in the arena.

use super::track::Track;
use super::{Body, Id, Point};

/// How long somebody who has gone is still drawn, in seconds.
pub(crate) const FADE: f64 = 5.0;

/// Whether somebody is there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Presence {
    Here,
    /// Does not answer for now.
    Interrupted,
    /// Has gone at that time, for that reason, and is fading.
    Gone(f64, String),
}

/// A player: we, a bot of this machine, or a peer.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) presence: Presence,
    /// Seconds of this round in which it was not "it".
    pub(crate) score: f32,
    /// Where it is, if this machine moves it.
    pub(super) body: Option<Body>,
    /// What was heard of it, if another one does.
    pub(super) track: Track,
    /// How far it has moved since we know it; a player that never moves is one that we do not hear.
    pub(crate) moved: f32,
}

impl Player {
    pub(super) fn of_this_machine(id: Id, name: String) -> Self {
        Self {
            id,
            name,
            presence: Presence::Here,
            score: 0.0,
            body: Some(Body::at_start(id)),
            track: Track::default(),
            moved: 0.0,
        }
    }

    pub(super) fn of_another(id: Id) -> Self {
        Self {
            body: None,
            ..Self::of_this_machine(id, format!("player {id}"))
        }
    }

    /// Where it is now; `None` while nothing was heard of it.
    pub(crate) fn place(&self, now: f64) -> Option<Point> {
        match self.body {
            Some(body) => Some(body.at),
            None => self.track.place(now),
        }
    }

    /// Whether it can be tagged: who does not answer now would not know.
    pub(crate) fn can_be_tagged(&self) -> bool {
        self.presence == Presence::Here
    }

    /// Whether it plays: those who have gone do not.
    pub(crate) const fn plays(&self) -> bool {
        !matches!(self.presence, Presence::Gone(..))
    }
}

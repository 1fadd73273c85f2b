//! What a test is told of the game, as JSON: the page shows it to scripts as `window.arena`, a bot prints it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde::Serialize;
use webrtc_multiplayer::mesh_core::{Backend, Signaling};

use crate::game::Presence;
use crate::play::{Play, Server};

/// How fast it is.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Timing {
    /// Milliseconds that 95 of 100 frames need at most.
    pub(crate) frame_p95_ms: Option<f32>,
    /// Milliseconds from the beginning until another player was seen to move.
    pub(crate) first_opponent_ms: Option<f64>,
}

/// How the game stands.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'p> {
    /// `start` or `play`.
    screen: &'static str,
    #[serde(flatten)]
    timing: Timing,
    /// What the start screen says.
    pub(crate) error: Option<&'p str>,
    /// What is being typed in the chat.
    pub(crate) draft: &'p str,
    /// The lobbies that the start screen lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) lobbies: Vec<&'p str>,
    /// Why it lists none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unlisted: Option<String>,
    /// Where the corner of the arena is on the screen, and how many points one unit is there.
    pub(crate) view: Option<[f32; 3]>,
    /// The middle of what can be pressed, in points of the screen, by its words.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) marks: BTreeMap<String, [f32; 2]>,
    /// `none`, `joining`, `joined`, `away` or `lost`.
    server: &'static str,
    /// Whether the way to the server is unplugged.
    unplugged: bool,
    lobby: &'p str,
    own: u32,
    it: u32,
    tag: u32,
    round: u32,
    players: Vec<PlayerReport<'p>>,
    log: Vec<&'p str>,
}

/// How a player is.
#[derive(Debug, Serialize)]
struct PlayerReport<'p> {
    id: u32,
    name: &'p str,
    /// `here`, `interrupted` or `gone`.
    presence: &'static str,
    x: f32,
    y: f32,
    moved: f32,
    score: f32,
}

impl<'p> Report<'p> {
    pub(crate) fn of<B: Backend, S: Signaling>(
        play: &'p Play<B, S>,
        screen: &'static str,
        timing: Timing,
    ) -> Self {
        let world = &play.world;
        let players = world.players().map(|player| {
            let place = world.place(player.id).unwrap_or_default();
            PlayerReport {
                id: player.id,
                name: &player.name,
                presence: match player.presence {
                    Presence::Here => "here",
                    Presence::Interrupted => "interrupted",
                    Presence::Gone(..) => "gone",
                },
                x: place.x,
                y: place.y,
                moved: player.moved,
                score: player.score,
            }
        });
        let plug = play.net.as_ref().and_then(|net| net.plug());
        Self {
            screen,
            timing,
            error: None,
            draft: "",
            lobbies: Vec::new(),
            unlisted: None,
            view: None,
            marks: BTreeMap::new(),
            server: match play.server {
                Server::None => "none",
                Server::Joining => "joining",
                Server::Joined => "joined",
                Server::Away => "away",
                Server::Lost(_) => "lost",
            },
            unplugged: plug.is_some_and(|plug| plug.load(Ordering::Relaxed)),
            lobby: &play.lobby,
            own: world.own(),
            it: world.it(),
            tag: world.tag().number,
            round: world.round().number,
            players: players.collect(),
            log: play.log.iter().map(|line| line.text.as_str()).collect(),
        }
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

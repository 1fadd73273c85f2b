//! A game that is being played: the rules and the network, brought together once a frame.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use webrtc_multiplayer::mesh_core::{Backend, Signaling};
use webrtc_multiplayer::{LostReason, PeerId, Target};

use crate::game::{Body, FIRST_BOT, Happening, Id, Point, Round, Tag, World};
use crate::message::{LINE, Link, Message, Move, tidy, tidy_name};
use crate::net::{Net, News};

/// Places are told thirty times a second: to every other player now, and to the rest half that time later. With sixty frames a
/// second each frame so has the same work.
const MOVE: f64 = 1.0 / 30.0;
/// And our connections, and how the game stands, once a second.
const LINKS: f64 = 1.0;
/// How many lines of the log are kept.
const LINES: usize = 60;
/// Who we are before the server has given an id. No peer has it.
const NOBODY: Id = FIRST_BOT + 1000;

/// How we stand with the server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Server {
    /// Nobody has asked for one: we play against bots.
    None,
    Joining,
    Joined,
    /// Out of reach for now. The game goes on.
    Away,
    /// Gone for good. The game goes on, if it had begun.
    Lost(LostReason),
}

/// A line of the log: of somebody, or of the game.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) from: Option<Id>,
    /// What it was called then: it may be gone when this is read.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) time: f64,
}

/// A game.
pub(crate) struct Play<B, S> {
    pub(crate) world: World,
    pub(crate) net: Option<Net<B, S>>,
    pub(crate) server: Server,
    /// The lobby's name.
    pub(crate) lobby: String,
    pub(crate) log: VecDeque<Line>,
    /// What each of the others says of its own connections.
    pub(crate) links: BTreeMap<Id, Vec<Link>>,
    /// Who does not answer for now.
    interrupted: BTreeSet<PeerId>,
    /// Whether this is what moves behind the start screen: nobody plays.
    pub(crate) is_demo: bool,
    name: String,
    moved_at: f64,
    /// Whose turn it was last to be told our place.
    is_odd: bool,
    linked_at: f64,
}

impl<B: Backend, S: Signaling> Play<B, S> {
    /// Alone, against bots, from a time in seconds of any clock.
    pub(crate) fn alone(name: &str, time: f64) -> Self {
        let name = tidy_name(name);
        let mut world = World::new(NOBODY, name.clone(), time);
        world.set_bots(true);
        Self {
            world,
            net: None,
            server: Server::None,
            lobby: String::new(),
            log: VecDeque::new(),
            links: BTreeMap::new(),
            interrupted: BTreeSet::new(),
            is_demo: false,
            name,
            moved_at: time,
            is_odd: false,
            linked_at: time,
        }
    }

    /// In a lobby, as soon as the server has taken us in. Until somebody comes, bots play along if `with_bots`.
    pub(crate) fn together(name: &str, time: f64, net: Net<B, S>, with_bots: bool) -> Self {
        let mut play = Self::alone(name, time);
        play.world.set_bots(with_bots);
        play.net = Some(net);
        play.server = Server::Joining;
        play
    }

    /// A frame: takes in what the others have said, lets time pass, and tells them what is new.
    pub(crate) fn frame(&mut self, time: f64, wish: Point) {
        while let Some(news) = self.net.as_mut().and_then(Net::poll) {
            self.hear(news);
        }
        self.show_silence();
        for happening in self.world.pass(time, wish) {
            self.tell(happening);
        }
        for _ in 0..2 {
            if time >= self.moved_at + MOVE / 2.0 {
                // The next one keeps the pace, unless a frame was late.
                self.moved_at = (self.moved_at + MOVE / 2.0).max(time - MOVE);
                self.tell_place();
            }
        }
        if time >= self.linked_at + LINKS {
            self.linked_at = time;
            let links = self.own_links();
            self.send_to_all(&Message::Links(links));
            let (tag, round) = (self.world.tag(), self.world.round());
            self.send_to_all(&Message::Stands { tag, round });
        }
    }

    /// Says something to everybody.
    pub(crate) fn say(&mut self, text: &str) {
        let text = tidy(text, LINE);
        if !text.is_empty() {
            self.send_to_all(&Message::Said(text.clone()));
            self.note(Some(self.world.own()), text);
        }
    }

    /// Leaves; keep calling [`frame`](Self::frame) for a moment.
    pub(crate) fn leave(&mut self) {
        if let Some(net) = &mut self.net {
            net.leave();
        }
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Joined { id, lobby } => self.join(id, lobby),
            News::Came(peer) => self.come(peer),
            News::Gone(peer, reason) => {
                self.note(None, format!("{} {reason}", self.world.name(peer.get())));
                self.links.remove(&peer.get());
                self.interrupted.remove(&peer);
                self.world.go(peer.get(), reason);
            }
            News::Interrupted(peer, is_interrupted) => {
                if is_interrupted {
                    self.interrupted.insert(peer);
                } else {
                    self.interrupted.remove(&peer);
                }
            }
            News::Unconnectable(peer, reason) => {
                let text = format!("player {peer} is in the lobby and cannot be reached: {reason}");
                self.note(None, text);
            }
            News::Heard(peer, message) => self.hear_message(peer.get(), message),
            News::Host(peer) => {
                let name = self.world.name(peer.get());
                self.note(None, format!("{name} leads the lobby now"));
            }
            News::ServerAway(true) => {
                self.server = Server::Away;
                self.note(None, "the server is out of reach: play goes on".to_owned());
            }
            News::ServerAway(false) => {
                self.server = Server::Joined;
                self.note(None, "the server is back".to_owned());
            }
            News::ServerLost(reason) => {
                self.note(None, reason.to_string());
                self.server = Server::Lost(reason);
            }
        }
    }

    fn join(&mut self, id: PeerId, lobby: String) {
        let with_bots = self.world.has_bots();
        self.world = World::new(id.get(), self.name.clone(), self.world.time());
        self.world.set_bots(with_bots);
        self.note(None, format!("you are in the lobby {lobby}"));
        self.lobby = lobby;
        self.server = Server::Joined;
    }

    fn come(&mut self, peer: PeerId) {
        self.world.set_bots(false);
        self.world.come(peer.get());
        let hello = Message::Hello {
            name: self.name.clone(),
            tag: self.world.tag(),
            round: self.world.round(),
        };
        if let Some(net) = &mut self.net {
            net.send(peer, &hello);
        }
    }

    fn hear_message(&mut self, from: Id, message: Message) {
        match message {
            Message::Hello { name, tag, round } => {
                self.note(None, format!("{name} is here"));
                self.world.set_name(from, name);
                self.hear_standing(from, tag, round);
            }
            Message::Stands { tag, round } => self.hear_standing(from, tag, round),
            Message::Move(it) => {
                let body = Body {
                    at: it.at,
                    velocity: it.velocity,
                };
                self.world.hear_move(from, it.time, body, it.score);
            }
            Message::Tagged(tag) => {
                // How the game stands may have been heard before this.
                if self.world.hear_tag(tag) || self.world.tag() == tag {
                    self.note_tag(from, tag.who);
                }
            }
            Message::Said(text) => self.note(Some(from), text),
            Message::Links(links) => {
                self.links.insert(from, links);
            }
        }
    }

    fn hear_standing(&mut self, from: Id, tag: Tag, round: Round) {
        self.world.hear_tag(tag);
        if let Some(over) = self.world.hear_round(from, round) {
            self.tell(over);
        }
    }

    /// Marks those who do not answer, and those whose page is busy, or whose network is cut and who have not noticed yet.
    fn show_silence(&mut self) {
        let Some(net) = &self.net else {
            return;
        };
        let peers: Vec<PeerId> = net.peers().collect();
        for peer in peers {
            let id = peer.get();
            let is_silent = self.world.is_silent(id) || self.interrupted.contains(&peer);
            if self.world.set_interrupted(id, is_silent) {
                let what = if is_silent {
                    "does not answer"
                } else {
                    "is back"
                };
                self.note(None, format!("{} {what}", self.world.name(id)));
            }
        }
    }

    fn tell(&mut self, happening: Happening) {
        match happening {
            Happening::Tagged { by, tag } => {
                self.note_tag(by, tag.who);
                self.send_to_all(&Message::Tagged(tag));
            }
            Happening::RoundOver { winner, score } => {
                let text = format!("{winner} wins the round, {score:.0} s free");
                self.note(None, text);
            }
        }
    }

    fn tell_place(&mut self) {
        let body = self.world.own_body();
        let place = Move {
            time: self.world.time(),
            at: body.at,
            velocity: body.velocity,
            score: self.world.own_score(),
        };
        self.is_odd = !self.is_odd;
        let turn = usize::from(self.is_odd);
        let Some(net) = &mut self.net else {
            return;
        };
        let peers: Vec<PeerId> = net.peers().skip(turn).step_by(2).collect();
        for peer in peers {
            net.send(peer, &Message::Move(place));
        }
    }

    /// Our connections, as the others are told.
    pub(crate) fn own_links(&self) -> Vec<Link> {
        let Some(net) = &self.net else {
            return Vec::new();
        };
        let link = |peer| {
            let stats = net.stats(peer).unwrap_or_default().link;
            let round_trip = stats.round_trip.map(|it| it.as_millis());
            Link {
                to: PeerId::get(peer),
                round_trip: round_trip.map(|it| u16::try_from(it).unwrap_or(u16::MAX)),
                is_relayed: stats.is_relayed(),
            }
        };
        net.peers().map(link).collect()
    }

    fn send_to_all(&mut self, message: &Message) {
        if let Some(net) = self.net.as_mut().filter(|net| net.own().is_some()) {
            net.send(Target::All, message);
        }
    }

    fn note_tag(&mut self, by: Id, who: Id) {
        let (by, who) = (self.world.name(by), self.world.name(who));
        self.note(None, format!("{by} tags {who}"));
    }

    fn note(&mut self, from: Option<Id>, text: String) {
        let time = self.world.time();
        let name = from.map(|from| self.world.name(from));
        self.log.push_back(Line {
            from,
            name: name.unwrap_or_default(),
            text,
            time,
        });
        if self.log.len() > LINES {
            self.log.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;

//! The game as this machine knows it.

use std::collections::BTreeMap;

use super::player::FADE;
use super::{Body, FIRST_BOT, Id, Player, Point, Presence, RADIUS, Round, Tag, bot};

/// For so many seconds after a tag nobody can be tagged, so that the one who was it gets away.
const GRACE: f64 = 1.2;
/// Steps of the game are no longer than this, so that nobody runs through another one.
const LONGEST_STEP: f32 = 1.0 / 30.0;
/// What is computed after a pause; a machine that has slept does not run for hours.
const LONGEST_PAUSE: f64 = 0.5;
/// Who is "it" may be somebody whom we have not met, for so many seconds: a newcomer is connected with one after the other.
const ABSENT: f64 = 5.0;
/// Clocks that differ end a round at different times. Within so many seconds before its end, another one's end is the end.
const ENDING: f32 = 2.0;
/// Who has come so many seconds ago has heard of all scores.
const HEARD: f64 = 3.0;
/// Who says nothing for so long does not answer. A hidden tab speaks once a second.
const SILENCE: f64 = 2.0;
const BOT_NAMES: [&str; 3] = ["Bolt", "Cog", "Dynamo"];

/// What has happened in the game.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Happening {
    /// A player of this machine has tagged somebody: tell the others.
    Tagged { by: Id, tag: Tag },
    /// A round has ended; the name and the score of who won it.
    RoundOver { winner: String, score: f32 },
}

/// Everybody in the arena, who is "it", and the round.
#[derive(Clone, Debug)]
pub(crate) struct World {
    own: Id,
    /// When we have come.
    begun: f64,
    players: BTreeMap<Id, Player>,
    tag: Tag,
    tagged_at: f64,
    round: Round,
    time: f64,
}

impl World {
    /// With the player of this machine, at a time in seconds of any clock.
    pub(crate) fn new(own: Id, name: String, time: f64) -> Self {
        Self {
            own,
            begun: time,
            players: BTreeMap::from([(own, Player::of_this_machine(own, name))]),
            tag: Tag::default(),
            tagged_at: time,
            round: Round::default(),
            time,
        }
    }

    pub(crate) const fn own(&self) -> Id {
        self.own
    }

    pub(crate) const fn time(&self) -> f64 {
        self.time
    }

    pub(crate) const fn tag(&self) -> Tag {
        self.tag
    }

    pub(crate) const fn round(&self) -> Round {
        self.round
    }

    /// Who is "it"; 0 is nobody.
    pub(crate) const fn it(&self) -> Id {
        self.tag.who
    }

    /// Whether "it" has changed so recently that nobody can be tagged.
    pub(crate) fn is_grace(&self) -> bool {
        self.time < self.tagged_at + GRACE
    }

    /// Everybody, by id, with those who are fading.
    pub(crate) fn players(&self) -> impl Iterator<Item = &Player> {
        self.players.values()
    }

    pub(crate) fn player(&self, id: Id) -> Option<&Player> {
        self.players.get(&id)
    }

    pub(crate) fn name(&self, id: Id) -> String {
        let player = self.players.get(&id);
        player.map_or_else(|| format!("player {id}"), |player| player.name.clone())
    }

    /// Where somebody is drawn now.
    pub(crate) fn place(&self, id: Id) -> Option<Point> {
        self.players.get(&id)?.place(self.time)
    }

    /// Whether a player of another machine has said nothing for a while.
    pub(crate) fn is_silent(&self, id: Id) -> bool {
        let heard_at = self.players.get(&id).and_then(|it| it.track.heard_at());
        heard_at.is_some_and(|at| self.time > at + SILENCE)
    }

    /// Our own place and speed, for the others.
    pub(crate) fn own_body(&self) -> Body {
        let own = self.players.get(&self.own);
        own.and_then(|own| own.body).unwrap_or_default()
    }

    pub(crate) fn own_score(&self) -> f32 {
        self.players.get(&self.own).map_or(0.0, |own| own.score)
    }

    /// Lets bots of this machine play along, or sends them away.
    pub(crate) fn set_bots(&mut self, wanted: bool) {
        for (id, name) in (FIRST_BOT..).zip(BOT_NAMES) {
            if wanted {
                let bot = || Player::of_this_machine(id, name.to_owned());
                self.players.entry(id).or_insert_with(bot);
            } else {
                self.players.remove(&id);
            }
        }
    }

    /// Whether bots of this machine play along.
    pub(crate) fn has_bots(&self) -> bool {
        self.players.contains_key(&FIRST_BOT)
    }

    /// Somebody has come, or is back.
    pub(crate) fn come(&mut self, id: Id) {
        let new = || Player::of_another(id);
        let player = self.players.entry(id).or_insert_with(new);
        player.presence = Presence::Here;
    }

    /// Somebody does not answer for now, or does again; whether that is new.
    pub(crate) fn set_interrupted(&mut self, id: Id, is_interrupted: bool) -> bool {
        let presence = if is_interrupted {
            Presence::Interrupted
        } else {
            Presence::Here
        };
        self.other(id)
            .filter(|player| player.plays() && player.presence != presence)
            .map(|player| player.presence = presence)
            .is_some()
    }

    /// Somebody has gone, and fades with the reason.
    pub(crate) fn go(&mut self, id: Id, reason: String) {
        let time = self.time;
        if let Some(player) = self.other(id) {
            player.presence = Presence::Gone(time, reason);
        }
    }

    pub(crate) fn set_name(&mut self, id: Id, name: String) {
        if let Some(player) = self.players.get_mut(&id) {
            player.name = name;
        }
    }

    /// Where another one says it is, when it said so by its own clock, and its score.
    pub(crate) fn hear_move(&mut self, id: Id, sent: f64, body: Body, score: f32) {
        let time = self.time;
        if let Some(player) = self.other(id) {
            let before = player.track.last();
            player.track.hear(time, sent, body.at, body.velocity);
            player.score = score;
            if let (Some(before), Some(after)) = (before, player.track.last()) {
                player.moved += before.distance(after);
            }
        }
    }

    /// Who is "it", as another one says.
    pub(crate) fn hear_tag(&mut self, tag: Tag) -> bool {
        let is_newer = self.tag.merge(tag);
        if is_newer {
            self.tagged_at = self.time;
        }
        is_newer
    }

    /// Which round it is, as another one says. If that ends our round a little early, the round has a winner.
    pub(crate) fn hear_round(&mut self, from: Id, round: Round) -> Option<Happening> {
        let is_lowest = !self.players.range(..from).any(|(_, other)| other.plays());
        let before = self.round;
        if !self.round.merge(round, is_lowest) {
            return None;
        }
        let is_next = round.number.wrapping_sub(before.number) == 1;
        let winner = (is_next && before.left < ENDING).then(|| self.winner(self.time));
        self.clear_scores();
        winner.flatten()
    }

    /// Lets time pass until `time`; the player of this machine wishes to go there.
    pub(crate) fn pass(&mut self, time: f64, wish: Point) -> Vec<Happening> {
        let mut happened = Vec::new();
        let span = (time - self.time).max(0.0);
        if self.round.pass(span as f32) {
            happened.extend(self.winner(time));
            self.clear_scores();
        }
        // Who has slept sees the others where they are now.
        self.time = self.time.max(time - LONGEST_PAUSE);
        while self.time < time {
            let step = ((time - self.time) as f32).min(LONGEST_STEP);
            self.time = if step < LONGEST_STEP {
                time
            } else {
                self.time + f64::from(step)
            };
            self.step(step, wish);
            happened.extend(self.tag_somebody());
        }
        self.forget_the_gone();
        self.choose_it();
        happened
    }

    /// Moves the players of this machine.
    fn step(&mut self, seconds: f32, wish: Point) {
        let movable = self.players.values().filter(|player| player.body.is_some());
        let wishes: Vec<(Id, Point)> = movable
            .map(|player| match player.id {
                id if id == self.own => (id, wish),
                id => (id, bot::steer(self, id)),
            })
            .collect();
        let it = self.it();
        for (id, wish) in wishes {
            let Some(player) = self.players.get_mut(&id) else {
                continue;
            };
            if let Some(body) = &mut player.body {
                let before = body.at;
                body.step(seconds, wish, id == it);
                player.moved += before.distance(body.at);
            }
            if id != it {
                player.score += seconds;
            }
        }
    }

    /// Who is "it" judges itself whether it touches somebody.
    fn tag_somebody(&mut self) -> Option<Happening> {
        let it = self.players.get(&self.it())?;
        let own = it.body?.at;
        if self.is_grace() {
            return None;
        }
        let by = it.id;
        let mut others = self.players.values();
        let tagged = others.find(|other| {
            let place = other.place(self.time);
            let is_touched = place.is_some_and(|place| place.distance(own) <= 2.0 * RADIUS);
            other.id != by && other.can_be_tagged() && is_touched
        })?;
        let tag = self.tag.passed_to(tagged.id);
        self.hear_tag(tag);
        Some(Happening::Tagged { by, tag })
    }

    /// The one with the lowest id is "it" if nobody is, or if that one has gone. Everybody comes to the same.
    fn choose_it(&mut self) {
        let is_there = match self.players.get(&self.it()) {
            Some(player) => player.plays(),
            // The others may know somebody whom we have not met. A bot of another machine is nobody.
            None => {
                let is_peer = (1..FIRST_BOT).contains(&self.it());
                is_peer && self.time < self.tagged_at + ABSENT
            }
        };
        let lowest = self.players.values().find(|player| player.plays());
        if let Some(lowest) = lowest.filter(|_| !is_there) {
            let tag = self.tag.passed_to(lowest.id);
            self.hear_tag(tag);
        }
    }

    /// Who has the best score `now`, unless we are too new to know.
    fn winner(&self, now: f64) -> Option<Happening> {
        if now < self.begun + HEARD {
            return None;
        }
        let playing = self.players.values().filter(|player| player.plays());
        let best = playing.max_by(|one, two| one.score.total_cmp(&two.score))?;
        Some(Happening::RoundOver {
            winner: best.name.clone(),
            score: best.score,
        })
    }

    fn clear_scores(&mut self) {
        for player in self.players.values_mut() {
            player.score = 0.0;
        }
    }

    fn forget_the_gone(&mut self) {
        let time = self.time;
        self.players.retain(|_, player| match player.presence {
            Presence::Gone(at, _) => time < at + FADE,
            Presence::Here | Presence::Interrupted => true,
        });
    }

    /// A player that another machine moves.
    fn other(&mut self, id: Id) -> Option<&mut Player> {
        self.players
            .get_mut(&id)
            .filter(|player| player.body.is_none())
    }
}

#[cfg(test)]
mod tests;

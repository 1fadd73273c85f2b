//! Bots against bots, over the network in memory.

use webrtc_multiplayer::Duration;
use webrtc_multiplayer::mesh_core::mock::{MockBackend, MockLobby, MockSignaling, Network};

use super::*;
use crate::game::{Presence, bot};

const FRAME: Duration = Duration::from_millis(16);

type MockPlay = Play<MockBackend, MockSignaling>;

/// A network in memory, and who plays on it.
struct Table {
    network: Network,
    plays: Vec<MockPlay>,
    /// So many play as bots; the others stand still.
    bots: usize,
}

impl Table {
    fn new(count: usize) -> Self {
        Self::with_seed(count, 7)
    }

    /// The ids of the players follow from the seed.
    fn with_seed(count: usize, seed: u64) -> Self {
        let mut table = Self {
            network: Network::new(seed),
            plays: Vec::new(),
            bots: usize::MAX,
        };
        for _ in 0..count {
            table.join();
        }
        table
    }

    fn join(&mut self) {
        let rules = MockLobby {
            host_migration: true,
            ..MockLobby::default()
        };
        let signaling = self.network.signaling_in("demo", rules);
        let net = Net::new(self.network.backend(), signaling, Vec::new());
        let name = format!("bot {}", self.plays.len());
        self.plays
            .push(Play::together(&name, self.time(), net, false));
    }

    fn time(&self) -> f64 {
        self.network.now().as_micros() as f64 / 1e6
    }

    /// Lets them play until `is_done`; whether it ever was, in that many seconds.
    fn run_until(&mut self, seconds: f64, is_done: impl Fn(&[MockPlay]) -> bool) -> bool {
        let end = self.time() + seconds;
        while self.time() < end {
            self.network.advance(FRAME);
            let time = self.time();
            for (at, play) in self.plays.iter_mut().enumerate() {
                let wish = if at < self.bots {
                    bot::steer(&play.world, play.world.own())
                } else {
                    Point::default()
                };
                play.frame(time, wish);
            }
            if is_done(&self.plays) {
                return true;
            }
        }
        false
    }

    fn run(&mut self, seconds: f64) {
        self.run_until(seconds, |_| false);
    }

    /// What each says of "it", for messages.
    fn tags(&self) -> Vec<(Id, Tag)> {
        let plays = self.plays.iter();
        plays
            .map(|play| (play.world.own(), play.world.tag()))
            .collect()
    }

    fn agree(&self) -> bool {
        agree(&self.plays)
    }
}

/// Whether they say the same of "it" and the round.
fn agree(plays: &[MockPlay]) -> bool {
    let one = &plays[0].world;
    plays.iter().map(|play| &play.world).all(|it| {
        it.tag() == one.tag()
            && it.round().number == one.round().number
            && (it.round().left - one.round().left).abs() < 0.5
    })
}

fn all_see_all(plays: &[MockPlay]) -> bool {
    plays.iter().all(|play| {
        let others = play.world.players().filter(|other| other.moved > 50.0);
        others.count() == plays.len()
    })
}

fn texts(play: &MockPlay) -> Vec<&str> {
    play.log.iter().map(|line| line.text.as_str()).collect()
}

#[test]
fn eight_bots_see_each_other_move_and_tag() {
    let mut table = Table::new(8);
    assert!(table.run_until(10.0, all_see_all));
    let tagged = |plays: &[MockPlay]| plays.iter().all(|play| play.world.tag().number > 5);
    assert!(table.run_until(60.0, tagged));
    table.run(0.5);
    assert!(table.agree());
}

#[test]
fn whoever_is_it_knows_it_in_whichever_order_they_meet() {
    for seed in 0..24 {
        // The first one is a bot; the others have opened the page, and stand still.
        let mut table = Table::with_seed(0, seed);
        table.bots = 1;
        for _ in 0..3 {
            table.join();
            // Before the bot tags anybody, and some time later.
            table.run(0.3 * f64::from(u32::try_from(seed % 8).unwrap()));
        }
        // If it is the bot, it tags one of the others soon, who does nothing.
        let is_tagged = |plays: &[MockPlay]| {
            let it = plays[0].world.it();
            let stands = plays[1..].iter().any(|play| play.world.own() == it);
            stands && agree(plays)
        };
        assert!(
            table.run_until(30.0, is_tagged),
            "{seed}: {:?}",
            table.tags()
        );
        table.run(10.0);
        assert!(is_tagged(&table.plays), "{seed}: {:?}", table.tags());
    }
}

#[test]
fn another_one_is_drawn_near_where_it_is() {
    let mut table = Table::new(2);
    assert!(table.run_until(10.0, all_see_all));
    for _ in 0..100 {
        table.run(0.1);
        let [one, two] = &table.plays[..] else {
            panic!("two play");
        };
        let seen = two.world.place(one.world.own()).unwrap();
        let is = one.world.own_body().at;
        // A tenth of a second behind, at 365 units a second, and the frame.
        assert!(seen.distance(is) < 60.0, "{seen:?} {is:?}");
    }
}

#[test]
fn a_late_joiner_sees_score_round_and_names() {
    let mut table = Table::new(2);
    table.run(40.0);
    table.join();
    assert!(table.run_until(5.0, all_see_all));
    table.run(0.5);
    assert!(table.agree());
    let late = &table.plays[2].world;
    assert_eq!(late.round().number, 2);
    assert!(late.players().any(|player| player.name == "bot 0"));
    assert!(
        late.players()
            .any(|player| player.id != late.own() && player.score > 3.0)
    );
}

#[test]
fn the_round_survives_that_the_host_leaves() {
    let mut table = Table::new(3);
    assert!(table.run_until(10.0, all_see_all));
    let host = table.plays[0].world.own();
    assert_eq!(host, 1);
    let number = table.plays[1].world.tag().number;
    table.plays[0].leave();
    table.run(1.0);
    table.plays.remove(0);
    let gone = table.plays[0].world.player(host).unwrap();
    assert!(matches!(&gone.presence, Presence::Gone(_, why) if why == "has left the game"));
    assert!(table.run_until(60.0, |plays| plays[0].world.tag().number > number + 3));
    table.run(0.5);
    assert!(table.agree());
    assert!(table.plays.iter().all(|play| play.server == Server::Joined));
    // And somebody new comes in.
    table.join();
    assert!(table.run_until(5.0, all_see_all));
}

#[test]
fn what_somebody_has_said_keeps_its_name_when_it_is_gone() {
    let mut table = Table::new(2);
    assert!(table.run_until(10.0, all_see_all));
    table.plays[1].say("so long");
    table.plays[1].leave();
    table.run(30.0);
    let play = &table.plays[0];
    assert_eq!(play.world.players().count(), 1, "it is forgotten");
    let said = play.log.iter().find(|line| line.text == "so long").unwrap();
    assert_eq!(said.name, "bot 1");
}

#[test]
fn the_game_goes_on_without_the_server() {
    let mut table = Table::new(2);
    assert!(table.run_until(10.0, all_see_all));
    table.network.interrupt_signaling();
    assert!(table.run_until(5.0, |plays| plays[0].server == Server::Away));
    let number = table.plays[0].world.tag().number;
    assert!(table.run_until(60.0, |plays| plays[1].world.tag().number > number + 2));
}

#[test]
fn a_cut_network_is_seen_and_comes_back() {
    let mut table = Table::new(3);
    assert!(table.run_until(10.0, all_see_all));
    let cut = table.plays[2].world.own();
    if let Some(net) = &mut table.plays[2].net {
        net.cut_for(Duration::from_secs(5));
        assert!(net.is_cut());
    }
    let presence = |play: &MockPlay, id| play.world.player(id).map(|it| it.presence.clone());
    let interrupted = Some(Presence::Interrupted);
    let other = table.plays[0].world.own();
    assert!(table.run_until(4.5, |plays| {
        presence(&plays[2], other) == interrupted && presence(&plays[0], cut) == interrupted
    }));
    assert!(table.run_until(10.0, |plays| {
        plays
            .iter()
            .all(|play| play.world.players().all(|it| it.presence == Presence::Here))
    }));
    for line in ["bot 2 does not answer", "bot 2 is back"] {
        let told = texts(&table.plays[0]);
        assert_eq!(
            told.iter().filter(|text| **text == line).count(),
            1,
            "{told:?}"
        );
    }
    table.run(1.0);
    assert!(table.agree());
}

#[test]
fn everybody_reads_the_chat_and_nonsense_is_passed_over() {
    let mut table = Table::new(2);
    assert!(table.run_until(10.0, all_see_all));
    table.plays[0].say("  hello \u{202e} ");
    table.plays[0].say(" ");
    if let Some(net) = &mut table.plays[0].net {
        net.send_bytes(b"\xff\xff nonsense");
    }
    table.run(0.5);
    let said = "hello \\u{202e}";
    assert!(texts(&table.plays[0]).contains(&said));
    assert!(texts(&table.plays[1]).contains(&said));
    assert!(table.run_until(10.0, all_see_all));
}

#[test]
fn everybody_hears_of_the_connections_of_the_others() {
    let mut table = Table::new(3);
    let told = |plays: &[MockPlay]| {
        plays.iter().all(|play| {
            let measured =
                |links: &Vec<Link>| links.iter().filter(|it| it.round_trip.is_some()).count() == 2;
            play.links.len() == 2 && play.links.values().all(measured)
        })
    };
    assert!(table.run_until(20.0, told));
}

#[test]
fn bots_play_along_until_somebody_comes() {
    let mut play = MockPlay::alone(" ", 0.0);
    for frame in 1..600_u32 {
        play.frame(f64::from(frame) / 60.0, Point::default());
    }
    assert_eq!(play.world.players().count(), 4);
    assert!(play.world.tag().number > 0);

    let mut table = Table::new(1);
    table.plays[0].world.set_bots(true);
    table.run(1.0);
    assert!(table.plays[0].world.has_bots());
    table.join();
    assert!(table.run_until(5.0, all_see_all));
    table.run(1.0);
    assert!(table.agree());
}

mod native;

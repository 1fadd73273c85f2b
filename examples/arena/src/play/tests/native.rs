//! Bots against bots, natively and through the real server.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use signaling_server::{Config, Server as SignalingServer};

use super::super::*;
use crate::game::{Presence, bot};
use crate::net::{LiveNet, Place};
use crate::ui::LivePlay;

/// A busy machine may take its time.
const DEADLINE: Duration = Duration::from_secs(60);
const FRAME: Duration = Duration::from_millis(16);

/// A server, and who plays.
struct Table {
    server: SignalingServer,
    plays: Vec<LivePlay>,
    begun: Instant,
}

impl Table {
    async fn new(count: usize) -> Self {
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let server = SignalingServer::bind(address, Config::default());
        let server = server.await.unwrap();
        let place = Place {
            url: format!("ws://{}", server.local_addr()),
            lobby: "arena".to_owned(),
            ..Place::default()
        };
        let join = |number| {
            let net = LiveNet::join(&place).unwrap();
            Play::together(&format!("bot {number}"), 0.0, net, true)
        };
        Self {
            plays: (0..count).map(join).collect(),
            server,
            begun: Instant::now(),
        }
    }

    /// Lets all play as bots until `is_done`.
    async fn run_until(&mut self, what: &str, is_done: impl Fn(&[LivePlay]) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        let mut frames = tokio::time::interval(FRAME);
        while !is_done(&self.plays) {
            frames.tick().await;
            for play in &mut self.plays {
                let wish = bot::steer(&play.world, play.world.own());
                play.frame(self.begun.elapsed().as_secs_f64(), wish);
            }
            let logs: Vec<_> = self.plays.iter().map(|play| &play.log).collect();
            assert!(Instant::now() < deadline, "not {what}: {logs:?}");
        }
    }

    async fn end(self) {
        drop(self.plays);
        self.server.shutdown().await;
    }
}

fn all_move(plays: &[LivePlay]) -> bool {
    plays.iter().all(|play| {
        let moving = play.world.players().filter(|other| other.moved > 50.0);
        moving.count() == plays.len()
    })
}

fn all_answer(plays: &[LivePlay]) -> bool {
    let mut all = plays.iter().flat_map(|play| play.world.players());
    all.all(|player| player.presence == Presence::Here)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_meet_through_the_server_and_tag() {
    let mut table = Table::new(3).await;
    table.run_until("moving", all_move).await;
    let tagged = |plays: &[LivePlay]| plays.iter().all(|play| play.world.tag().number > 3);
    table.run_until("tagging", tagged).await;
    table.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_game_goes_on_while_the_server_is_unplugged_and_comes_back_to_it() {
    let mut table = Table::new(2).await;
    table.run_until("moving", all_move).await;
    let plug = table.plays[0].net.as_ref().and_then(LiveNet::plug).cloned();
    let plug = plug.unwrap();
    plug.store(true, Ordering::Relaxed);
    let is_away = |plays: &[LivePlay]| plays[0].server == Server::Away;
    table.run_until("away", is_away).await;
    let moved = |play: &LivePlay| play.world.players().map(|it| it.moved).sum::<f32>();
    let before = moved(&table.plays[1]);
    let goes_on = |plays: &[LivePlay]| moved(&plays[1]) > before + 300.0;
    table.run_until("going on", goes_on).await;
    assert_eq!(table.plays[0].server, Server::Away);
    plug.store(false, Ordering::Relaxed);
    let is_back = |plays: &[LivePlay]| plays[0].server == Server::Joined;
    table.run_until("back", is_back).await;
    table.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_is_cut_is_seen_by_both_sides_and_comes_back() {
    let mut table = Table::new(2).await;
    table.run_until("moving", all_move).await;
    let cut = |table: &mut Table, span| {
        if let Some(net) = &mut table.plays[0].net {
            net.cut_for(span);
        }
    };
    // Longer than a busy machine needs to see it, and shorter than the time to come back in.
    cut(&mut table, Duration::from_secs(12));
    let is_silent = |play: &LivePlay| {
        let mut players = play.world.players();
        players.any(|player| player.presence == Presence::Interrupted)
    };
    let is_seen = |plays: &[LivePlay]| plays.iter().all(is_silent);
    table.run_until("silent", is_seen).await;
    cut(&mut table, Duration::from_millis(1));
    table.run_until("back", all_answer).await;
    assert!(
        table
            .plays
            .iter()
            .all(|play| play.world.players().count() == 2)
    );
    table.end().await;
}

//! The panel that shows the mesh in figures, and makes the connection bad to see what becomes of the game.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;

use eframe::egui::{self, Align2, RichText, vec2};
use egui_plot::{Legend, Line, Plot, PlotPoints};
use webrtc_multiplayer::mesh_core::{Backend, PeerStats, Signaling};
use webrtc_multiplayer::{Disturbance, Duration, PeerId};

use super::marks::mark;
use super::theme::{self, Colors};
use crate::net::Net;
use crate::play::Play;

/// A sample each half second, for a minute.
const EACH: f64 = 0.5;
const SAMPLES: usize = 120;
/// How long the network is cut.
const CUT: Duration = Duration::from_secs(5);

/// What was measured of a peer at one time.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    time: f64,
    round_trip: Option<f64>,
    /// Kilobytes a second, both ways.
    rate: f64,
    bytes: u64,
}

/// Off by default.
#[derive(Debug, Default)]
pub(super) struct Network {
    pub(super) is_open: bool,
    samples: BTreeMap<PeerId, VecDeque<Sample>>,
    sampled_at: f64,
}

impl Network {
    /// Measures, and shows it if it is open.
    pub(super) fn show<B: Backend, S: Signaling>(
        &mut self,
        ui: &egui::Ui,
        play: &mut Play<B, S>,
        now: f64,
    ) {
        let world = &play.world;
        let colors = Colors::of(world.players().map(|player| player.id));
        let name = |peer: PeerId| world.name(peer.get());
        let Some(net) = &mut play.net else {
            if std::mem::take(&mut self.is_open) {
                self.samples.clear();
            }
            return;
        };
        if now >= self.sampled_at + EACH {
            self.sampled_at = now;
            self.measure(net, now);
        }
        let mut is_open = self.is_open;
        egui::Window::new("Network")
            .open(&mut is_open)
            .anchor(Align2::RIGHT_BOTTOM, vec2(-24.0, -24.0))
            .collapsible(false)
            .resizable(false)
            .show(ui.ctx(), |ui| {
                ui.set_width(340.0);
                figures(ui, net, &name);
                let who = (&name as &dyn Fn(PeerId) -> String, &colors);
                self.plot(ui, "round trip, ms", now, who, |sample| sample.round_trip);
                self.plot(ui, "kB a second", now, who, |sample| Some(sample.rate));
                switches(ui, net);
            });
        self.is_open = is_open;
    }

    fn measure<B: Backend, S: Signaling>(&mut self, net: &Net<B, S>, now: f64) {
        let peers: Vec<PeerId> = net.peers().collect();
        self.samples.retain(|peer, _| peers.contains(peer));
        for peer in peers {
            let stats = net.stats(peer).unwrap_or_default();
            let bytes = bytes(&stats);
            let samples = self.samples.entry(peer).or_default();
            let rate = samples.back().map_or(0.0, |last| {
                let more = bytes.saturating_sub(last.bytes) as f64 / 1000.0;
                more / (now - last.time).max(0.01)
            });
            samples.push_back(Sample {
                time: now,
                round_trip: stats.link.round_trip.map(|it| it.as_secs_f64() * 1000.0),
                rate,
                bytes,
            });
            if samples.len() > SAMPLES {
                samples.pop_front();
            }
        }
    }

    fn plot(
        &self,
        ui: &mut egui::Ui,
        title: &str,
        now: f64,
        (name, colors): (&dyn Fn(PeerId) -> String, &Colors),
        value: impl Fn(&Sample) -> Option<f64>,
    ) {
        ui.label(RichText::new(title).size(11.0).color(theme::FAINT));
        Plot::new(title)
            .height(84.0)
            .include_y(0.0)
            .include_x(-(SAMPLES as f64) * EACH)
            .include_x(0.0)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .legend(Legend::default())
            .show(ui, |plot| {
                for (peer, samples) in &self.samples {
                    let points: PlotPoints<'_> = samples
                        .iter()
                        .filter_map(|sample| Some([sample.time - now, value(sample)?]))
                        .collect();
                    let color = colors.get(peer.get());
                    plot.line(Line::new(name(*peer), points).color(color).width(1.5));
                }
            });
    }
}

fn bytes(stats: &PeerStats) -> u64 {
    stats
        .link
        .bytes_sent
        .saturating_add(stats.link.bytes_received)
}

fn figures<B: Backend, S: Signaling>(
    ui: &mut egui::Ui,
    net: &Net<B, S>,
    name: &impl Fn(PeerId) -> String,
) {
    let cell = |ui: &mut egui::Ui, text: String| {
        ui.label(RichText::new(text).size(12.0));
    };
    egui::Grid::new("figures")
        .striped(true)
        .num_columns(6)
        .show(ui, |ui| {
            for title in ["peer", "trip", "jitter", "loss", "route", "packets"] {
                ui.label(RichText::new(title).size(11.0).color(theme::FAINT));
            }
            ui.end_row();
            for peer in net.peers() {
                let stats = net.stats(peer).unwrap_or_default();
                let link = stats.link;
                let milliseconds = |it: Option<Duration>| {
                    it.map_or_else(
                        || "–".to_owned(),
                        |it| format!("{:.0} ms", it.as_secs_f64() * 1000.0),
                    )
                };
                cell(ui, name(peer));
                cell(ui, milliseconds(link.round_trip));
                cell(ui, milliseconds(link.jitter));
                cell(
                    ui,
                    link.loss_received
                        .map_or_else(|| "–".to_owned(), |loss| format!("{loss} %")),
                );
                let route = if link.is_relayed() {
                    "relayed"
                } else {
                    "direct"
                };
                cell(ui, route.to_owned());
                cell(ui, stats.received.unreliable.packets.to_string());
                ui.end_row();
            }
        });
}

fn switches<B: Backend, S: Signaling>(ui: &mut egui::Ui, net: &mut Net<B, S>) {
    ui.separator();
    ui.label(RichText::new("Make it bad").color(theme::FAINT));
    let before = net.disturbance();
    let (mut is_lossy, mut is_slow) = (before.loss > 0.0, !before.latency.is_zero());
    ui.horizontal(|ui| {
        ui.checkbox(&mut is_lossy, "lose 15 %");
        ui.checkbox(&mut is_slow, "100 ms later");
    });
    let delay = |milliseconds| Duration::from_millis(if is_slow { milliseconds } else { 0 });
    let after = Disturbance {
        latency: delay(100),
        jitter: delay(30),
        loss: if is_lossy { 0.15 } else { 0.0 },
    };
    if after != before {
        net.set_disturbance(after);
    }
    ui.horizontal(|ui| {
        let words = if net.is_cut() {
            "the network is cut …"
        } else {
            "Cut the network for 5 s"
        };
        let cut = ui.add_enabled(!net.is_cut(), egui::Button::new(words));
        mark("Cut the network", &cut);
        if cut.clicked() {
            net.cut_for(CUT);
        }
        if let Some(plug) = net.plug() {
            let mut is_unplugged = plug.load(Ordering::Relaxed);
            let unplug = ui.checkbox(&mut is_unplugged, "no server");
            mark("no server", &unplug);
            if unplug.changed() {
                plug.store(is_unplugged, Ordering::Relaxed);
            }
        }
    });
}

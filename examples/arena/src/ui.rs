//! What one sees: the window or the page, with one screen for choosing a lobby and one for playing.

mod field;
mod hud;
mod invite;
mod marks;
mod network;
mod start;
mod steer;
mod theme;
mod view;

use std::cell::RefCell;
use std::rc::Rc;

use eframe::egui;
use webrtc_multiplayer::signaling::Client;
use webrtc_multiplayer::{LostReason, PlatformBackend, WebSocketTransport};

use self::network::Network;
use self::start::{Choice, Form};
use self::view::View;
use crate::game::{FIRST_BOT, Point, bot};
use crate::list::{Fetch, PublicList};
use crate::net::{LiveNet, Place};
use crate::play::{Play, Server};
use crate::plug::Plug;
use crate::report::{Report, Timing};

pub(crate) use theme::{background, set_style};

/// A game that is played for real.
pub(crate) type LivePlay = Play<PlatformBackend, Client<Plug<WebSocketTransport>>>;

/// How often the report for tests is written, in seconds.
const REPORT: f64 = 0.1;
/// How long a game that was left is kept for its goodbyes, in seconds.
const GOODBYE: f64 = 1.0;
/// Frames whose time is remembered.
const FRAMES: usize = 300;
/// A picture is made so many seconds after another player was seen to move.
const PICTURE: f64 = 4.0;

/// Where an invitation leads, if there is a page for it.
pub(crate) type Invitation = Box<dyn Fn(&Place) -> Option<String>>;
/// Keeps a picture.
pub(crate) type Keeper = Box<dyn FnOnce(&egui::ColorImage) + Send>;

/// What the game needs of where it runs.
pub(crate) struct Surroundings {
    /// Seconds of a clock that never goes back. In the browser it begins when the page begins to load.
    pub(crate) now: fn() -> f64,
    /// The address that brings others into a lobby, where there is a page for it.
    pub(crate) invitation: Invitation,
    /// Keeps the game going while no frames are drawn, as in a hidden tab.
    pub(crate) keep_going: Box<dyn Fn(Rc<RefCell<Running>>)>,
    /// Whether somebody reads the reports for tests.
    pub(crate) is_watched: fn() -> bool,
    /// Shows such a report.
    pub(crate) publish: fn(&str),
    /// Fetches the list of lobbies.
    pub(crate) fetch: Fetch,
    /// Keeps a picture of the game, after which the window closes.
    pub(crate) picture: Option<Keeper>,
}

/// What goes on while nothing is drawn, too: in a hidden tab.
pub(crate) struct Running {
    pub(crate) play: LivePlay,
    /// Where the player wishes to go.
    wish: Point,
    /// A game that was left, and until when it is kept.
    left: Option<(LivePlay, f64)>,
}

impl Running {
    /// A frame of the game.
    pub(crate) fn frame(&mut self, now: f64) {
        if self.play.is_demo {
            // Behind the start screen everybody is a bot.
            self.wish = bot::steer(&self.play.world, self.play.world.own());
        }
        self.play.frame(now, self.wish);
        if let Some((left, until)) = &mut self.left {
            left.frame(now, Point::default());
            if now > *until {
                self.left = None;
            }
        }
    }

    fn replace(&mut self, play: LivePlay, now: f64) {
        let mut left = std::mem::replace(&mut self.play, play);
        left.leave();
        self.left = Some((left, now + GOODBYE));
        self.wish = Point::default();
    }
}

/// The program.
pub(crate) struct App {
    surroundings: Surroundings,
    running: Rc<RefCell<Running>>,
    form: Form,
    list: PublicList,
    /// Which part of the arena is seen.
    view: Option<View>,
    /// Where we play, unless the start screen is shown.
    place: Option<Place>,
    network: Network,
    hud: hud::Hud,
    frames: Vec<f32>,
    was_watched: bool,
    timing: Timing,
    reported_at: f64,
}

impl App {
    /// Shows the start screen, or joins at once.
    pub(crate) fn new(surroundings: Surroundings, name: String, place: Place, join: bool) -> Self {
        let now = (surroundings.now)();
        let mut play = LivePlay::alone("you", now);
        play.is_demo = true;
        let running = Running {
            play,
            wish: Point::default(),
            left: None,
        };
        let running = Rc::new(RefCell::new(running));
        (surroundings.keep_going)(Rc::clone(&running));
        let mut app = Self {
            surroundings,
            running,
            form: Form::new(name, place.clone()),
            list: PublicList::default(),
            view: None,
            place: None,
            network: Network::default(),
            hud: hud::Hud::default(),
            frames: Vec::new(),
            was_watched: false,
            timing: Timing::default(),
            reported_at: now,
        };
        if join {
            app.enter(Choice::Join(place));
        }
        app
    }

    fn enter(&mut self, choice: Choice) {
        let now = (self.surroundings.now)();
        let name = self.form.name.clone();
        self.form.error = None;
        match choice {
            Choice::Alone => {
                self.running
                    .borrow_mut()
                    .replace(LivePlay::alone(&name, now), now);
                self.place = Some(Place::default());
            }
            Choice::Join(place) => match LiveNet::join(&place) {
                Ok(net) => {
                    let play = LivePlay::together(&name, now, net, true);
                    self.running.borrow_mut().replace(play, now);
                    self.place = Some(place);
                }
                Err(error) => self.form.error = Some(error.to_string()),
            },
        }
    }

    /// Back to the start screen.
    fn exit(&mut self, error: Option<String>) {
        let now = (self.surroundings.now)();
        let mut play = LivePlay::alone("you", now);
        play.is_demo = true;
        self.running.borrow_mut().replace(play, now);
        self.form.error = error;
        self.place = None;
    }

    /// Whether joining has failed; what to do about it.
    fn failure(&self) -> Option<String> {
        let running = self.running.borrow();
        let Server::Lost(reason) = &running.play.server else {
            return None;
        };
        let place = self.place.as_ref()?;
        // Who has been in the lobby plays on.
        let has_joined = !running.play.lobby.is_empty();
        (!has_joined).then(|| advice(reason, place))
    }

    fn measure(&mut self, context: &egui::Context, frame: &eframe::Frame, now: f64) {
        let marks = marks::take(context);
        if let Some(seconds) = frame.info().cpu_usage {
            if self.frames.len() >= FRAMES {
                self.frames.remove(0);
            }
            self.frames.push(seconds * 1000.0);
        }
        let running = self.running.borrow();
        let world = &running.play.world;
        let mut others = world
            .players()
            .filter(|it| it.id < FIRST_BOT && it.id != world.own());
        if self.timing.first_opponent_ms.is_none() && others.any(|it| it.moved > 1.0) {
            self.timing.first_opponent_ms = Some(now * 1000.0);
        }
        let is_watched = (self.surroundings.is_watched)();
        if std::mem::replace(&mut self.was_watched, is_watched) && !is_watched {
            // Those in which reports were written count no more.
            self.frames.clear();
        }
        if is_watched && now >= self.reported_at + REPORT {
            self.reported_at = now;
            let mut sorted = self.frames.clone();
            sorted.sort_by(f32::total_cmp);
            self.timing.frame_p95_ms = sorted.get(sorted.len() * 95 / 100).copied();
            let screen = if self.place.is_some() {
                "play"
            } else {
                "start"
            };
            let mut report = Report::of(&running.play, screen, self.timing);
            report.error = self.form.error.as_deref();
            report.view = self.view.map(View::figures);
            report.marks = marks;
            report.draft = &self.hud.draft;
            let lobbies = self.list.lobbies().unwrap_or_default().iter();
            report.lobbies = lobbies.map(|lobby| lobby.code.as_str()).collect();
            report.unlisted = self.list.error().map(ToString::to_string);
            (self.surroundings.publish)(&report.json());
        }
    }
}

impl App {
    /// Has a picture made once there is something to see, and ends with it.
    fn take_picture(&mut self, context: &egui::Context, now: f64) {
        let first = self.timing.first_opponent_ms.map(|first| first / 1000.0);
        if first.is_none_or(|first| now < first + PICTURE) {
            return;
        }
        if let Some(keep) = self.surroundings.picture.take() {
            let window = context.clone();
            context.request_screenshot(move |picture| {
                keep(&picture);
                window.send_viewport_cmd(egui::ViewportCommand::Close);
            });
        }
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        let now = (self.surroundings.now)();
        if let Some(error) = self.failure() {
            self.exit(Some(error));
        }
        if self.place.is_some() {
            self.play(ui, now);
        } else {
            let running = self.running.borrow();
            field::draw(ui, &running.play, 0.25);
            drop(running);
            let url = &self.form.place.url;
            self.list.refresh(url, now, self.surroundings.fetch);
            if let Some(choice) = start::show(ui, &mut self.form, &self.list) {
                self.enter(choice);
            }
        }
        self.running.borrow_mut().frame(now);
        self.measure(ui.ctx(), frame, now);
        self.take_picture(ui.ctx(), now);
        // A game has frames of its own.
        ui.ctx().request_repaint();
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        background().to_normalized_gamma_f32()
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.running.borrow_mut().play.leave();
    }
}

impl App {
    fn play(&mut self, ui: &mut egui::Ui, now: f64) {
        let running = Rc::clone(&self.running);
        let mut running = running.borrow_mut();
        let view = field::draw(ui, &running.play, 1.0);
        running.wish = steer::wish(ui, &running.play.world, &view);
        self.view = Some(view);
        let place = self.place.clone().unwrap_or_default();
        let place = Place {
            lobby: running.play.lobby.clone(),
            ..place
        };
        let invitation = || (self.surroundings.invitation)(&place);
        let wanted = self.hud.show(ui, &mut running.play, &invitation, now);
        if wanted.network {
            self.network.is_open = !self.network.is_open;
        }
        self.network.show(ui, &mut running.play, now);
        drop(running);
        if wanted.leave {
            self.exit(None);
        }
    }
}

/// Why joining has failed, and what to do.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what can be done about the rest is to try again"
)]
fn advice(reason: &LostReason, place: &Place) -> String {
    let url = &place.url;
    match reason {
        LostReason::Unreachable(_) => format!(
            "The server {url} cannot be reached. Check its address, start one with `arena --host`, or play alone for now."
        ),
        LostReason::Refused { reason, .. } => {
            format!("The server does not let you in: {reason}. Try another lobby code.")
        }
        other => format!("You could not join: {other}. Try again."),
    }
}

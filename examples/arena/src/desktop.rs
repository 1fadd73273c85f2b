//! Where it runs natively: in a window, or as a bot without one.

mod fetch;
mod libraries;

use std::cell::RefCell;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::Parser;
use eframe::egui;
use signaling_server::{Config, Server};
use tokio::runtime::Runtime;

use crate::game::{self, bot};
use crate::list::{Answer, MOST_TIME};
use crate::net::{LiveNet, Place};
use crate::play::Server as Standing;
use crate::report::{Report, Timing};
use crate::ui::{App, Keeper, LivePlay, Running, Surroundings, set_style};

// The chat serves its page in the same way.
#[path = "../../chat/site.rs"]
mod site;

/// A frame of a bot.
const FRAME: Duration = Duration::from_millis(16);
/// A bot's report.
const REPORT: f64 = 0.25;
/// For goodbyes.
const GOODBYE: Duration = Duration::from_millis(500);

/// What `main` returns here.
pub(crate) type Outcome = anyhow::Result<()>;

/// Tag for two to eight: each player is connected with each, and nobody is in between.
#[derive(Debug, Parser)]
struct Options {
    /// The signaling server.
    #[arg(long, default_value = "ws://127.0.0.1:9080")]
    url: String,
    /// The lobby; joined at once. Without it the window asks for one.
    #[arg(long)]
    lobby: Option<String>,
    /// Your name.
    #[arg(long)]
    name: Option<String>,
    /// Runs the signaling server in this process, and joins it.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:9080")]
    host: Option<SocketAddr>,
    /// Serves this folder, which `cargo ci build-web` has made, as the page of the same game.
    #[arg(long, value_name = "FOLDER")]
    page: Option<PathBuf>,
    /// Where to serve it.
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:8080",
        requires = "page"
    )]
    page_at: SocketAddr,
    /// Puts the lobby on the server's public list, if this makes it.
    #[arg(long)]
    public: bool,
    /// A STUN server, such as stun:stun.example.org:3478; may be given several times.
    #[arg(long, value_name = "URL")]
    stun: Vec<String>,
    /// Plays by itself, without a window, and prints what happens.
    #[arg(long)]
    bot: bool,
    /// Writes a picture of the window, as PNG, once others play along, and closes it.
    #[arg(long, value_name = "FILE", conflicts_with = "bot")]
    picture: Option<PathBuf>,
    /// A bot leaves after so many seconds.
    #[arg(long, value_name = "SECONDS", requires = "bot")]
    stay: Option<u64>,
    /// A bot leaves at the end of its input.
    #[arg(long, requires = "bot")]
    exit_on_eof: bool,
    /// A bot prints four times a second how the game stands, as JSON.
    #[arg(long, requires = "bot")]
    report: bool,
}

/// Plays until the window is closed or the bot leaves.
pub(crate) fn run() -> Outcome {
    let options = Options::parse();
    now();
    let runtime = Runtime::new()?;
    let server = options.host.map(|address| {
        let _on = runtime.enter();
        runtime.block_on(Server::bind(address, Config::default()))
    });
    let server = server.transpose()?;
    let url = server.as_ref().map_or_else(
        || options.url.clone(),
        |server| format!("ws://{}", site::for_others(server.local_addr())),
    );
    let page = options.page.as_ref();
    let page = page.map(|folder| runtime.block_on(site::Site::serve(folder, options.page_at)));
    let page = page.transpose()?;
    let number = webrtc_multiplayer::generate_unique_id().get();
    let place = Place {
        url,
        lobby: options.lobby.clone().unwrap_or_else(|| game::code(number)),
        is_public: options.public,
        stun: options.stun.clone(),
    };
    if let Some(page) = &page {
        let address = page.address(&place.lobby, &place.url);
        say(&format!("page {address}"));
        say(&qr(&address));
    }
    // Whoever serves others has chosen the lobby already.
    let join = options.lobby.is_some() || page.is_some() || server.is_some();
    let invitation = move |place: &Place| {
        let page = page.as_ref()?;
        Some(page.address(&place.lobby, &place.url))
    };
    let name = options.name.clone();
    if !options.bot {
        let name = name.clone().unwrap_or_else(|| "Player".to_owned());
        // A window draws frames also when nobody sees it, but not after its end.
        let kept = Rc::new(RefCell::new(None));
        let keeper = Rc::clone(&kept);
        let surroundings = Surroundings {
            now,
            invitation: Box::new(invitation),
            keep_going: Box::new(move |running| *keeper.borrow_mut() = Some(running)),
            is_watched: || false,
            publish: |_| {},
            fetch,
            picture: options.picture.clone().map(painter),
        };
        let shown = match libraries::missing() {
            Some(missing) => Err(missing),
            None => window(surroundings, name, place.clone(), join).map_err(|error| cause(&error)),
        };
        let Err(error) = shown else {
            let kept = kept.borrow_mut().take();
            kept.iter().for_each(say_goodbye);
            return Ok(());
        };
        let advice = libraries::advice();
        say(&format!("there is no window here ({error}){advice}"));
        if options.picture.is_some() {
            anyhow::bail!("without a window there is no picture of it");
        }
        say("a bot plays instead");
    }
    let name = name.unwrap_or_else(|| format!("Bot {}", number % 100));
    let result = play_as_bot(&name, &place, &options);
    if let Some(server) = server {
        runtime.block_on(server.shutdown());
    }
    result
}

/// Goes on for a moment after the window's end, so that the others and the server are told of it.
fn say_goodbye(running: &Rc<RefCell<Running>>) {
    let end = Instant::now() + GOODBYE;
    while Instant::now() < end {
        running.borrow_mut().frame(now());
        std::thread::sleep(FRAME);
    }
}

/// What an error says, without the long list of what was asked of OpenGL.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the others are short as they are"
)]
fn cause(error: &eframe::Error) -> String {
    match error {
        eframe::Error::NoGlutinConfigs(_, error) => format!("OpenGL cannot be used: {error}"),
        other => other.to_string(),
    }
}

fn window(surroundings: Surroundings, name: String, place: Place, join: bool) -> eframe::Result {
    let viewport = egui::ViewportBuilder::default()
        .with_title("arena")
        .with_inner_size([1280.0, 760.0])
        .with_min_inner_size([360.0, 480.0]);
    let options = eframe::NativeOptions {
        viewport,
        ..eframe::NativeOptions::default()
    };
    let start = move |context: &eframe::CreationContext<'_>| {
        set_style(&context.egui_ctx);
        let app: Box<dyn eframe::App> = Box::new(App::new(surroundings, name, place, join));
        Ok(app)
    };
    eframe::run_native("arena", options, Box::new(start))
}

/// Writes pictures into a file.
fn painter(file: PathBuf) -> Keeper {
    Box::new(move |picture| {
        let [width, height] = picture
            .size
            .map(|size| u32::try_from(size).unwrap_or(u32::MAX));
        let kind = image::ExtendedColorType::Rgba8;
        let written = image::save_buffer(&file, picture.as_raw(), width, height, kind);
        if let Err(error) = written {
            say(&format!("{}: {error}", file.display()));
        }
    })
}

/// Fetches a text on a thread of its own.
fn fetch(address: String, answer: Answer) {
    std::thread::spawn(move || answer.give(fetch::text(&address, MOST_TIME)));
}

/// Prints what happens, a line each, until it is time to leave or joining fails.
fn play_as_bot(name: &str, place: &Place, options: &Options) -> Outcome {
    let net = LiveNet::join(place)?;
    let mut play = LivePlay::together(name, now(), net, false);
    let stay = options.stay.map(Duration::from_secs);
    let end = stay.map(|stay| Instant::now() + stay);
    let is_over = options.exit_on_eof.then(end_of_input).unwrap_or_default();
    let (mut told, mut reported_at) = (0.0, 0.0);
    let mut goodbye = None;
    loop {
        let time = now();
        let wish = bot::steer(&play.world, play.world.own());
        play.frame(time, wish);
        for line in play.log.iter().filter(|line| line.time > told) {
            match line.from {
                Some(_) => say(&format!("{}: {}", line.name, line.text)),
                None => say(&line.text),
            }
        }
        told = play.log.back().map_or(told, |line| line.time);
        if options.report && time >= reported_at + REPORT {
            reported_at = time;
            say(&Report::of(&play, "play", Timing::default()).json());
        }
        if let Standing::Lost(reason) = &play.server
            && play.lobby.is_empty()
        {
            anyhow::bail!("the lobby on {} cannot be joined: {reason}", place.url);
        }
        let is_late = end.is_some_and(|end| Instant::now() >= end);
        if goodbye.is_none() && (is_late || is_over.load(Ordering::Relaxed)) {
            play.leave();
            goodbye = Some(Instant::now() + GOODBYE);
        }
        if goodbye.is_some_and(|end| Instant::now() >= end) {
            return Ok(());
        }
        std::thread::sleep(FRAME);
    }
}

/// Becomes true at the end of standard input.
fn end_of_input() -> Arc<AtomicBool> {
    let is_over = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_over);
    std::thread::spawn(move || {
        let _read = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        flag.store(true, Ordering::Relaxed);
    });
    is_over
}

/// Seconds since the program began.
fn now() -> f64 {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    BEGUN.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// A QR code for a terminal: two modules in a character.
fn qr(text: &str) -> String {
    let Ok(code) = qrcode::QrCode::new(text) else {
        return String::new();
    };
    let mut image = code.render::<qrcode::render::unicode::Dense1x2>();
    image.quiet_zone(true).build()
}

/// Prints a line at once: whoever reads us through a pipe waits for it.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    // A reader that has gone is no reason to stop playing.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

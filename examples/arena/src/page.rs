//! Where it runs in the browser: on the canvas of a page, whose address says what to join.
//!
//! `?lobby=demo&url=ws://127.0.0.1:9080&name=Ada` joins at once; without `lobby` the start screen asks for one.

mod fetch;

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::callback::Interval;
use wasm_bindgen::prelude::{JsCast, JsValue};
use web_sys::{HtmlCanvasElement, UrlSearchParams, Window};

use crate::list::Answer;
use crate::net::Place;
use crate::ui::{App, Running, Surroundings, set_style};

/// What `main` returns here.
pub(crate) type Outcome = Result<(), JsValue>;

/// The port of a signaling server that nothing else is said of.
const PORT: u16 = 9080;
/// How often the game goes on in a tab that is hidden, and so draws no frames. Browsers make it a second.
const HIDDEN: u32 = 100;

/// Starts the game. The page shows what it throws.
pub(crate) fn run() -> Outcome {
    let window = web_sys::window().ok_or("there is no window")?;
    let document = window.document().ok_or("there is no document")?;
    let canvas = document
        .get_element_by_id("arena")
        .ok_or("there is no canvas")?;
    let canvas: HtmlCanvasElement = canvas.dyn_into()?;
    let query = UrlSearchParams::new_with_str(&window.location().search()?)?;
    let number = webrtc_multiplayer::generate_unique_id().get();
    let lobby = query.get("lobby");
    let join = lobby.is_some();
    let place = Place {
        url: match query.get("url") {
            Some(url) => url,
            None => default_url(&window)?,
        },
        lobby: lobby.unwrap_or_else(|| crate::game::code(number)),
        is_public: false,
        stun: query
            .get_all("stun")
            .iter()
            .filter_map(|it| it.as_string())
            .collect(),
    };
    let name = query
        .get("name")
        .unwrap_or_else(|| format!("Player {}", number % 100));
    wasm_bindgen_futures::spawn_local(async move {
        let started = start(canvas, name, place, join).await;
        if let Err(error) = started {
            // The page listens to this, and says what is missing.
            wasm_bindgen::throw_val(error);
        }
    });
    Ok(())
}

async fn start(canvas: HtmlCanvasElement, name: String, place: Place, join: bool) -> Outcome {
    let runner = eframe::WebRunner::new();
    let create = move |context: &eframe::CreationContext<'_>| {
        set_style(&context.egui_ctx);
        let surroundings = Surroundings {
            now,
            invitation: Box::new(invitation),
            keep_going: Box::new(keep_going),
            is_watched,
            publish,
            fetch,
            picture: None,
        };
        let app: Box<dyn eframe::App> = Box::new(App::new(surroundings, name, place, join));
        Ok(app)
    };
    runner
        .start(canvas, eframe::WebOptions::default(), Box::new(create))
        .await
}

/// In a hidden tab there are no frames.
fn keep_going(running: Rc<RefCell<Running>>) {
    let hidden = Interval::new(HIDDEN, move || {
        if is_hidden()
            && let Ok(mut running) = running.try_borrow_mut()
        {
            running.frame(now());
        }
    });
    // As long as the page.
    hidden.forget();
}

fn is_hidden() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.is_some_and(|document| document.hidden())
}

/// Seconds since the page began to load.
fn now() -> f64 {
    let performance = web_sys::window().and_then(|window| window.performance());
    performance.map_or(0.0, |performance| performance.now() / 1000.0)
}

/// This page with the lobby and its server.
fn invitation(place: &Place) -> Option<String> {
    let location = web_sys::window()?.location();
    let (origin, path) = (location.origin().ok()?, location.pathname().ok()?);
    let query = UrlSearchParams::new().ok()?;
    query.set("lobby", &place.lobby);
    query.set("url", &place.url);
    for stun in &place.stun {
        query.append("stun", stun);
    }
    let query = String::from(query.to_string());
    Some(format!("{origin}{path}?{query}"))
}

/// Fetches a text beside the game.
fn fetch(address: String, answer: Answer) {
    wasm_bindgen_futures::spawn_local(async move {
        answer.give(fetch::text(&address).await);
    });
}

/// Reports cost time, which a player has better uses for: a test says that it wants them.
fn is_watched() -> bool {
    let watched = web_sys::window()
        .and_then(|window| js_sys::Reflect::get(&window, &"arenaIsWatched".into()).ok());
    watched.is_some_and(|watched| watched.is_truthy())
}

/// For tests: `window.arena` has the latest report.
fn publish(report: &str) {
    if let Some(window) = web_sys::window() {
        let _ = js_sys::Reflect::set(&window, &"arena".into(), &report.into());
    }
}

/// A page that came encrypted may not open a socket that is not.
fn default_url(window: &Window) -> Result<String, JsValue> {
    let location = window.location();
    let scheme = if location.protocol()? == "https:" {
        "wss"
    } else {
        "ws"
    };
    let host = location.hostname()?;
    let host = if host.is_empty() { "127.0.0.1" } else { &host };
    Ok(format!("{scheme}://{host}:{PORT}"))
}

//! This page as one of a mesh that plays: some messages to everybody in each frame.

use js_sys::{Function, Promise};
use mesh_core::{Event, MeshConfig, Target, TransferMode};
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::pair::{GAME_MESSAGE, failure};
use crate::player::{Player, join};
use crate::time::Clock;

/// What a message begins with that is to come back. It has the time at which it was sent next.
const ECHO: u8 = 0xe0;

/// Milliseconds from the beginning in which nothing is measured.
const WARM_UP: f64 = 2000.0;

/// How a mesh plays.
pub(crate) struct Game {
    pub(crate) url: String,
    pub(crate) lobby: String,
    /// How many others there are.
    pub(crate) others: usize,
    /// Messages of a frame.
    pub(crate) messages: u32,
    pub(crate) coalesce: bool,
}

/// Joins, plays once everybody is there, and ends when all others have gone: how long the messages took that came back, in
/// milliseconds, as JSON. Calls `tell` with "playing".
pub(crate) async fn run(game: Game, tell: &Function) -> Result<String, JsValue> {
    let clock = Clock::new()?;
    let mesh = MeshConfig {
        coalesce: game.coalesce,
        ..MeshConfig::default()
    };
    let mut session = join(&game.url, game.lobby, mesh)?;
    let (mut peers, mut began) = (0, None);
    let mut trips = Vec::new();
    loop {
        next_frame().await?;
        while let Some(event) = session.poll() {
            let sent = returned(&event);
            if let Some(sent) = sent.filter(|sent| began.is_some_and(|at| sent - at > WARM_UP)) {
                trips.push(clock.now() - sent);
            }
            peers = count(peers, &event)?;
        }
        if peers == game.others && began.is_none() {
            began = Some(clock.now());
            tell.call1(&JsValue::UNDEFINED, &"playing".into())?;
        }
        if peers == 0 && began.is_some() {
            return Ok(json!(trips).to_string());
        }
        if began.is_some() {
            play(&mut session, game.messages, clock.now())?;
        }
    }
}

/// How many peers there are after this.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing else matters to a measurement"
)]
fn count(peers: usize, event: &Event) -> Result<usize, JsValue> {
    match event {
        Event::PeerConnected(_) => Ok(peers + 1),
        Event::PeerDisconnected { .. } => Ok(peers.saturating_sub(1)),
        Event::PeerFailed { reason, .. } => Err(failure(&reason.to_string())),
        _ => Ok(peers),
    }
}

/// When a message was sent that has come back.
fn returned(event: &Event) -> Option<f64> {
    let Event::Packet(packet) = event else {
        return None;
    };
    let (kind, rest) = packet.payload.bytes().split_first()?;
    (*kind == ECHO).then_some(f64::from_le_bytes(*rest.first_chunk()?))
}

/// One frame. The first message of it comes back.
fn play(session: &mut Player, messages: u32, now: f64) -> Result<(), JsValue> {
    for number in 0..messages {
        let mut message = vec![0x5a; GAME_MESSAGE];
        if number == 0 {
            message[0] = ECHO;
            message[1..9].copy_from_slice(&now.to_le_bytes());
        }
        let sent = session.send(Target::All, TransferMode::Unreliable, message);
        sent.map_err(|error| failure(&error.to_string()))?;
    }
    Ok(())
}

/// Waits until the browser draws the next frame.
async fn next_frame() -> Result<(), JsValue> {
    let window = web_sys::window().ok_or_else(|| failure("this page has no window"))?;
    let promise = Promise::new(&mut |drawn, fail| {
        if let Err(error) = window.request_animation_frame(&drawn) {
            let _ = fail.call1(&JsValue::UNDEFINED, &error);
        }
    });
    JsFuture::from(promise).await.map(drop)
}

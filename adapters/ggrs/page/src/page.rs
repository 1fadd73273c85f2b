//! The page: a frame of the round every few milliseconds, and what it shows.

use ggrs::Frame;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;

use crate::address::{Address, window};
use crate::bot;
use crate::keys::Keys;
use crate::round::Round;
use crate::show;

/// 60 frames a second, in milliseconds. A browser has no finer clock for it.
const FRAME: i32 = 16;

/// A bot plays as fast as a browser lets it: timers are not called more often than every 4 ms.
const BOTS_FRAME: i32 = 4;

/// So many frames after one that is confirmed, it has been played as it stays: the window of predictions, and the input delay.
const SETTLED: Frame = 10;

pub(crate) struct Page {
    element: Element,
    keys: Keys,
    round: Round,
    /// So many frames are a bot's.
    frames: Option<Frame>,
    is_told: bool,
    is_over: bool,
}

impl Page {
    /// Joins, and plays for as long as the page lives.
    pub(crate) fn open(address: Address) -> Result<(), JsValue> {
        let window = window()?;
        let element = window
            .document()
            .and_then(|it| it.get_element_by_id("duel"));
        let element = element.ok_or_else(|| JsValue::from_str("there is no element #duel"))?;
        let Address { url, lobby, frames } = address;
        element.set_text_content(Some(&format!("waiting in the lobby {lobby} at {url}")));
        let joined = Round::join(&url, &lobby);
        let mut page = Self {
            element,
            keys: Keys::new()?,
            round: joined.map_err(|error| JsValue::from_str(&error.to_string()))?,
            frames,
            is_told: false,
            is_over: false,
        };
        let every = if frames.is_some() { BOTS_FRAME } else { FRAME };
        let frame = Closure::<dyn FnMut()>::new(move || page.frame());
        let callback = frame.as_ref().unchecked_ref();
        window.set_interval_with_callback_and_timeout_and_arguments_0(callback, every)?;
        #[expect(clippy::disallowed_methods, reason = "it lives as long as the page")]
        frame.forget();
        Ok(())
    }

    fn frame(&mut self) {
        if self.is_over {
            return;
        }
        let played = self.round.frame(|player, frame| match self.frames {
            Some(_) => bot::buttons(player, frame),
            None => self.keys.held(),
        });
        if let Err(end) = played {
            self.is_over = true;
            self.element.set_text_content(Some(&end.to_string()));
        } else if self.round.seats().is_some() {
            self.element
                .set_text_content(Some(&show::line(&self.round.game)));
            self.report();
        }
    }

    /// Tells the other player what came of the frames, once.
    fn report(&mut self) {
        let last = self.frames.filter(|_| !self.is_told);
        let certain = self.round.confirmed().saturating_sub(SETTLED);
        if let Some(last) = last.filter(|last| *last <= certain)
            && let Some(digest) = self.round.game.digest(last)
        {
            self.is_told = true;
            self.round.tell(&format!("{last} {digest:x}"));
        }
    }
}

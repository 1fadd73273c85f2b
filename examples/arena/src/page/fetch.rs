//! Fetches a short text, in bounded time, and reads no more of it than is wanted.

use gloo_timers::callback::Timeout;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, AbortSignal, ReadableStreamDefaultReader, ReadableStreamReadResult,
    RequestInit, Response,
};

use crate::list::{FetchError, MOST_BYTES, MOST_TIME};

/// The text at an address.
pub(super) async fn text(address: &str) -> Result<String, FetchError> {
    let controller = AbortController::new().map_err(broken)?;
    let milliseconds = u32::try_from(MOST_TIME.as_millis()).unwrap_or(u32::MAX);
    let late = controller.clone();
    let late = Timeout::new(milliseconds, move || late.abort());
    let bytes = read(address, &controller.signal()).await;
    drop(late);
    // What is left of it would go on arriving.
    controller.abort();
    String::from_utf8(bytes?).map_err(|_| FetchError::NotAList)
}

async fn read(address: &str, signal: &AbortSignal) -> Result<Vec<u8>, FetchError> {
    let window = web_sys::window().ok_or_else(|| broken("there is no window".into()))?;
    let options = RequestInit::new();
    options.set_signal(Some(signal));
    let response = JsFuture::from(window.fetch_with_str_and_init(address, &options));
    let response: Response = response.await.and_then(JsValue::dyn_into).map_err(broken)?;
    if !response.ok() {
        return Err(FetchError::Status(response.status()));
    }
    let mut bytes = Vec::new();
    let Some(body) = response.body() else {
        return Ok(bytes);
    };
    let reader = body.get_reader().dyn_into::<ReadableStreamDefaultReader>();
    let reader = reader.map_err(|it| broken(it.into()))?;
    loop {
        let part = JsFuture::from(reader.read()).await.map_err(broken)?;
        let part: ReadableStreamReadResult = part.unchecked_into();
        if part.get_done() == Some(true) {
            return Ok(bytes);
        }
        let part: Uint8Array = part.get_value().dyn_into().map_err(broken)?;
        let room = MOST_BYTES.saturating_sub(bytes.len());
        if part.length() as usize > room {
            return Err(FetchError::TooLong);
        }
        bytes.extend(part.to_vec());
    }
}

fn broken(error: JsValue) -> FetchError {
    FetchError::Broken(format!("{error:?}"))
}

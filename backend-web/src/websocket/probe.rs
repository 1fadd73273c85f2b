//! Asks a server by HTTP whether it is there.
//!
//! A browser holds new WebSockets to a server back for some time after others could not be opened, and longer after each: Firefox up
//! to a minute (`WebSocketChannel.cpp`, after RFC 6455 section 7.2.3). It does not tell the page. So a server that is away for a
//! while stays away for its players much longer. Requests over HTTP are not held back, and do not count.

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, Url};

use crate::js;

/// The request: without a body or a cookie, and only to a server that lets the page see its answer. What stands before a server may answer
/// for it while it is away, and does not say so.
const REQUEST: [(&str, &str); 4] = [
    ("method", "HEAD"),
    ("mode", "cors"),
    ("cache", "no-store"),
    ("credentials", "omit"),
];

/// A question that is under way. Dropping it takes it back.
pub(super) struct Probe {
    controller: AbortController,
}

impl Probe {
    /// Asks the server of a WebSocket address and says whether it has answered, be it with a refusal, unless the question is taken
    /// back before.
    pub(super) fn start(url: &str, done: impl FnOnce(bool) + 'static) -> Option<Self> {
        let controller = AbortController::new().ok()?;
        let signal = controller.signal();
        let answer = request(url, &signal).ok()?;
        spawn_local(async move {
            let answer = JsFuture::from(answer).await.ok();
            let status = answer.and_then(|answer| js::get_number(&answer, "status"));
            // A proxy of the page's own origin may be seen, too.
            let is_there = status.is_some_and(|status| status < 500.0);
            if !signal.aborted() {
                done(is_there);
            }
        });
        Some(Self { controller })
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.controller.abort();
    }
}

fn request(url: &str, signal: &JsValue) -> Result<Promise, JsValue> {
    let url = Url::new(url)?;
    // A ticket in it is for the socket, and may be good for once.
    url.set_search("");
    let is_secure = url.protocol() == "wss:";
    url.set_protocol(if is_secure { "https:" } else { "http:" });
    let options = Object::new();
    for (name, value) in REQUEST {
        Reflect::set(&options, &name.into(), &value.into())?;
    }
    Reflect::set(&options, &"signal".into(), signal)?;
    let url = JsValue::from(url.href());
    js::call(&js_sys::global(), "fetch", &[&url, &options])?.dyn_into()
}

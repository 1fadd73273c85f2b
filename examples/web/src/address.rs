//! Where to join, as the page's own address says.

use wasm_bindgen::JsValue;
use web_sys::UrlSearchParams;

/// The port of a signaling server that nothing else is said of.
const PORT: u16 = 9080;

/// A lobby of a signaling server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) url: String,
    /// Created if nobody is in it; empty: the server names a new one.
    pub(crate) lobby: String,
    pub(crate) stun: Vec<String>,
}

impl Address {
    /// What `?lobby=…&url=…&stun=…` says; else the lobby `demo` on the host that the page is from.
    pub(crate) fn of_page() -> Result<Self, JsValue> {
        let location = web_sys::window()
            .ok_or_else(|| JsValue::from_str("there is no window"))?
            .location();
        let query = UrlSearchParams::new_with_str(&location.search()?)?;
        let stun = query.get_all("stun");
        Ok(Self {
            url: match query.get("url") {
                Some(url) => url,
                None => default_url(&location.protocol()?, &location.hostname()?),
            },
            lobby: query.get("lobby").unwrap_or_else(|| "demo".to_owned()),
            stun: stun.iter().filter_map(|url| url.as_string()).collect(),
        })
    }
}

/// A page that came encrypted may not open a socket that is not.
fn default_url(protocol: &str, host: &str) -> String {
    let scheme = if protocol == "https:" { "wss" } else { "ws" };
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    format!("{scheme}://{host}:{PORT}")
}

#[cfg(test)]
mod tests {
    use super::default_url;

    #[test]
    fn the_server_is_where_the_page_is_from() {
        for (protocol, host, url) in [
            ("http:", "127.0.0.1", "ws://127.0.0.1:9080"),
            ("http:", "[::1]", "ws://[::1]:9080"),
            ("https:", "play.example.org", "wss://play.example.org:9080"),
            ("file:", "", "ws://127.0.0.1:9080"),
        ] {
            assert_eq!(default_url(protocol, host), url);
        }
    }
}

//! Where the game is played: `?url=…&lobby=…` in the page's address.

use web_sys::UrlSearchParams;

/// The server and the lobby, where they are said.
pub(crate) fn words() -> [Option<String>; 2] {
    let search = web_sys::window().and_then(|window| window.location().search().ok());
    let query = search.and_then(|text| UrlSearchParams::new_with_str(&text).ok());
    ["url", "lobby"].map(|name| query.as_ref()?.get(name))
}

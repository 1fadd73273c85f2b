//! Arena: tag for two to eight, each connected with each. One source, natively and in the browser.
//!
//! - [`game`]: the rules, without I/O;
//! - [`net`] and [`message`]: all of the networking;
//! - [`play`]: both, once a frame;
//! - [`list`]: the lobbies that anybody may join;
//! - [`ui`]: what one sees of it;
//! - `desktop` and `page`: where it runs.

mod game;
mod list;
mod message;
mod net;
mod play;
mod plug;
mod report;
mod ui;

#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(target_arch = "wasm32")]
use page as platform;

#[cfg(not(target_arch = "wasm32"))]
mod desktop;
#[cfg(not(target_arch = "wasm32"))]
use desktop as platform;

fn main() -> platform::Outcome {
    platform::run()
}

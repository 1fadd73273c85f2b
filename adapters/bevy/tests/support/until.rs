//! Waiting over real sockets.

use std::time::{Duration, Instant};

use bevy_app::App;

/// Draws frames until it is so. Fails after `within`.
pub(crate) fn until(
    apps: &mut [App],
    within: Duration,
    what: &str,
    is_so: impl Fn(&mut [App]) -> bool,
) {
    let deadline = Instant::now() + within;
    while !is_so(apps) {
        assert!(Instant::now() < deadline, "not {what} in time");
        apps.iter_mut().for_each(App::update);
        // The time of a frame: the network has threads of its own.
        std::thread::sleep(Duration::from_millis(2));
    }
}

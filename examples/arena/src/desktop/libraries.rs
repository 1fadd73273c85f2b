//! The libraries that a window loads when it opens, and what to install where they are missing.

/// Packages of Debian with all of them.
#[cfg(target_os = "linux")]
const PACKAGES: &str = "libxkbcommon-x11-0 libxcursor1 libxi6 libegl1 libgl1-mesa-dri";

/// Why no window can be opened, where a library is missing without which `winit` panics. What else is missing it reports as an
/// error.
#[cfg(target_os = "linux")]
pub(super) fn missing() -> Option<String> {
    use xkbcommon_dl::x11::xkbcommon_x11_option;
    use xkbcommon_dl::{xkbcommon_compose_option, xkbcommon_option};

    // The keyboard of an X server is asked for only where there is one.
    if !has_screen() {
        return None;
    }
    let has_keyboard = xkbcommon_option().is_some() && xkbcommon_compose_option().is_some();
    if !has_keyboard {
        return Some("the library libxkbcommon.so.0 cannot be loaded".to_owned());
    }
    let has_keyboard = xkbcommon_x11_option().is_some();
    (!has_keyboard).then(|| "the library libxkbcommon-x11.so.0 cannot be loaded".to_owned())
}

/// What to do where there is a screen, and no window on it; empty where there is nothing to say.
#[cfg(target_os = "linux")]
pub(super) fn advice() -> String {
    if !has_screen() {
        return String::new();
    }
    format!(
        ". It takes the X server that DISPLAY names, and on Debian and Ubuntu `apt-get install {PACKAGES}`"
    )
}

#[cfg(target_os = "linux")]
fn has_screen() -> bool {
    std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty())
}

/// Other systems bring all that a window needs.
#[cfg(not(target_os = "linux"))]
pub(super) const fn missing() -> Option<String> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) const fn advice() -> String {
    String::new()
}

//! Which addresses a WebSocket can be opened to.

use web_sys::Url;

use crate::js;

/// The host and port of an address, or what is wrong with it.
///
/// The browser's own `WebSocket` takes more than the native one: `http://`, and addresses relative to the page. A program is to
/// behave the same everywhere.
pub(super) fn check(url: &str) -> Result<String, String> {
    let url = Url::new(url).map_err(|error| js::words(&error))?;
    judge(&Parts {
        scheme: &url.protocol(),
        has_user: !url.username().is_empty() || !url.password().is_empty(),
        host: &url.host(),
        port: &url.port(),
    })?;
    Ok(url.host())
}

/// The parts of an address that matter, as the browser sees them.
struct Parts<'a> {
    /// With its colon.
    scheme: &'a str,
    has_user: bool,
    /// With its port.
    host: &'a str,
    /// Empty if it is the scheme's own.
    port: &'a str,
}

fn judge(parts: &Parts<'_>) -> Result<(), &'static str> {
    if !matches!(parts.scheme, "ws:" | "wss:") {
        return Err("it must begin with ws:// or wss://");
    }
    if parts.host.is_empty() {
        return Err("it names no host");
    }
    if parts.has_user {
        return Err("a user name or password cannot be used here");
    }
    if parts.port == "0" {
        return Err("its port is not in 1..=65535");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_websocket_address_will_do() {
        let good = || Parts {
            scheme: "wss:",
            has_user: false,
            host: "example.org:8443",
            port: "8443",
        };
        assert_eq!(judge(&good()), Ok(()));
        let bad = [
            Parts {
                scheme: "https:",
                ..good()
            },
            Parts { host: "", ..good() },
            Parts {
                has_user: true,
                ..good()
            },
            Parts {
                port: "0",
                ..good()
            },
        ];
        for parts in bad {
            assert!(judge(&parts).is_err(), "{}", parts.scheme);
        }
    }
}

//! Which address a server may name for coming back.

use mesh_core::{HintError, MAX_HINT_SIZE};

/// Judges the address that a server names for coming back ([`Notice::Draining`](crate::Notice::Draining)), for a client whose
/// connection has the address `from`; a server that checks its own setting has none.
///
/// # Errors
///
/// [`HintError`] if it is not to be used: it is longer than [`MAX_HINT_SIZE`], is no `ws://` or `wss://` address, or would lead from
/// `wss` to `ws`.
pub fn check_hint(url: &str, from: Option<&str>) -> Result<(), HintError> {
    let size = url.len();
    if size > MAX_HINT_SIZE {
        return Err(HintError::TooLong { size });
    }
    // White space and control characters are no part of an address, and a log or a screen may show it.
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    let (is_secure, rest) = scheme(url)
        .filter(|_| is_plain)
        .ok_or(HintError::NotWebSocket)?;
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if authority.is_empty() || authority.starts_with(':') || authority.contains('@') {
        return Err(HintError::NotWebSocket);
    }
    let was_secure = from.and_then(|from| scheme(from.trim()));
    match was_secure {
        Some((true, _)) if !is_secure => Err(HintError::Unencrypted),
        Some(_) | None => Ok(()),
    }
}

/// Whether an address is encrypted, and what comes after its scheme.
fn scheme(url: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    if scheme.eq_ignore_ascii_case("wss") {
        Some((true, rest))
    } else if scheme.eq_ignore_ascii_case("ws") {
        Some((false, rest))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_websocket_is_taken() {
        for url in [
            "ws://b.example",
            "wss://b.example:8443/path?query=1",
            "WSS://[::1]:9080/",
        ] {
            assert_eq!(check_hint(url, None), Ok(()), "{url}");
            assert_eq!(check_hint(url, Some("ws://a.example")), Ok(()), "{url}");
        }
    }

    #[test]
    fn what_is_no_such_address_is_refused() {
        for url in [
            "",
            "b.example",
            "//b.example",
            "http://b.example",
            "https://b.example",
            "javascript://b.example",
            "ws:b.example",
            "ws://",
            "ws:///path",
            "ws://:80",
            "ws://?a",
            "ws://user:word@b.example",
            "ws://b.example/a b",
            "ws://b.example/\n",
            " ws://b.example",
            "ws://b\u{e4}.example",
        ] {
            assert_eq!(check_hint(url, None), Err(HintError::NotWebSocket), "{url}");
        }
    }

    #[test]
    fn an_encrypted_connection_stays_one() {
        for from in ["wss://a.example", " WSS://a.example "] {
            assert_eq!(
                check_hint("ws://b.example", Some(from)),
                Err(HintError::Unencrypted)
            );
            assert_eq!(check_hint("wss://b.example", Some(from)), Ok(()));
        }
    }

    #[test]
    fn an_address_has_a_longest() {
        let url = |size: usize| {
            let start = "wss://b.example/";
            format!("{start}{}", "x".repeat(size - start.len()))
        };
        assert_eq!(check_hint(&url(MAX_HINT_SIZE), None), Ok(()));
        let size = MAX_HINT_SIZE + 1;
        assert_eq!(
            check_hint(&url(size), None),
            Err(HintError::TooLong { size })
        );
    }
}

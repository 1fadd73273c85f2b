//! Which pages may open a socket.

use axum::http::HeaderMap;
use axum::http::header::ORIGIN;

/// Whether the page that asks is one of those allowed. Programs that are no browser name no page, and may; so may everybody
/// where no page is named.
pub(crate) fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    if allowed.is_empty() {
        return true;
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => origin.to_str().is_ok_and(|origin| {
            let mut allowed = allowed.iter();
            allowed.any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin))
        }),
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(origins: &[&'static str], allowed: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(ORIGIN, (*origin).parse().expect("a value"));
        }
        let allowed: Vec<_> = allowed.iter().map(|&text| text.to_owned()).collect();
        is_allowed(&headers, &allowed)
    }

    #[test]
    fn only_pages_that_are_named_may_ask_where_some_are() {
        let game = ["https://game.example"];
        assert!(told(&["https://game.example"], &game));
        assert!(told(&["https://GAME.example"], &["https://game.example/"]));
        assert!(told(&[], &game));
        for origin in [
            "https://evil.example",
            "http://game.example",
            "https://game.example.evil.example",
            "https://game.example:8443",
            "null",
        ] {
            assert!(!told(&[origin], &game), "{origin}");
            assert!(told(&[origin], &[]), "{origin}");
        }
        assert!(!told(
            &["https://game.example", "https://evil.example"],
            &game
        ));
    }
}

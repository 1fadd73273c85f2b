//! Where a request comes from when a proxy has passed it on.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;
use ipnet::IpNet;

/// The header in which a proxy says where a request comes from.
///
/// Only one is looked at. A client can send the other one, and a proxy passes on what it does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: 203.0.113.9, 192.0.2.1`, which nginx, Caddy, HAProxy and most others write.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=203.0.113.9`, RFC 7239.
    Forwarded,
}

/// The address of the client: the last one that no trusted proxy has.
///
/// Each proxy adds the address that it was called from at the end, so what a client writes itself comes before, and is never
/// reached. Where a proxy wrote something that is no address, the proxy is taken for the client.
pub(crate) fn client(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &[IpNet],
    header: ForwardedHeader,
) -> IpAddr {
    let is_trusted = |address: &IpAddr| {
        let address = address.to_canonical();
        trusted.iter().any(|network| network.contains(&address))
    };
    let mut client = peer;
    if !is_trusted(&client) {
        return client;
    }
    let name = match header {
        ForwardedHeader::XForwardedFor => "x-forwarded-for",
        ForwardedHeader::Forwarded => FORWARDED.as_str(),
    };
    for value in headers.get_all(name).iter().rev() {
        let Ok(value) = value.to_str() else {
            return client;
        };
        for hop in value.rsplit(',') {
            let address = match header {
                ForwardedHeader::XForwardedFor => address(hop),
                ForwardedHeader::Forwarded => node(hop),
            };
            let Some(address) = address else {
                return client;
            };
            client = address;
            if !is_trusted(&client) {
                return client;
            }
        }
    }
    client
}

/// The address in an element of `Forwarded`.
fn node(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then(|| address(value.trim().trim_matches('"')))?
    })
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    bare.unwrap_or(text)
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn told(peer: &str, header: ForwardedHeader, name: &'static str, values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().expect("a network"));
        let peer = peer.parse().expect("an address");
        client(peer, &headers, &trusted, header).to_string()
    }

    fn x(peer: &str, values: &[&str]) -> String {
        let header = ForwardedHeader::XForwardedFor;
        told(peer, header, "x-forwarded-for", values)
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(x("203.0.113.5", &["192.0.2.1"]), "203.0.113.5");
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_client() {
        for values in [
            &["192.0.2.1"][..],
            &["1.1.1.1, 192.0.2.1"],
            &["1.1.1.1, 192.0.2.1, 10.9.9.9"],
            &["1.1.1.1", "192.0.2.1:4711", "10.9.9.9"],
            &["nonsense, 192.0.2.1"],
        ] {
            assert_eq!(x(PROXY, values), "192.0.2.1", "{values:?}");
        }
        assert_eq!(x("::ffff:10.0.0.1", &["[2001:db8::7]:99"]), "2001:db8::7");
        assert_eq!(x("fd00::1", &["2001:db8::7"]), "2001:db8::7");
    }

    #[test]
    fn what_is_no_address_makes_the_proxy_the_client() {
        for values in [&[][..], &["unknown"], &["192.0.2.1, "], &["192.0.2.1, x"]] {
            assert_eq!(x(PROXY, values), PROXY, "{values:?}");
        }
        assert_eq!(x(PROXY, &["192.0.2.1, x, 10.2.2.2"]), "10.2.2.2");
    }

    #[test]
    fn the_standard_header_is_read_where_it_is_asked_for() {
        let header = ForwardedHeader::Forwarded;
        let standard = |values: &[&str]| told(PROXY, header, "forwarded", values);
        assert_eq!(standard(&["for=192.0.2.1;proto=https"]), "192.0.2.1");
        assert_eq!(
            standard(&["proto=https; For=\"[2001:db8::7]:99\""]),
            "2001:db8::7"
        );
        assert_eq!(standard(&["for=1.1.1.1, for=192.0.2.1"]), "192.0.2.1");
        assert_eq!(standard(&["for=_hidden"]), PROXY);
        let other = told(PROXY, header, "x-forwarded-for", &["192.0.2.1"]);
        assert_eq!(other, PROXY);
    }
}

//! Who begins a DTLS handshake: the side that offers.
//!
//! Whoever answers may choose (RFC 8842, section 5.3), and browsers choose to begin themselves. A native peer that offers had
//! better do it: as the server of DTLS it waits for the first message of SCTP, which a browser that lost it repeats after 1 s and
//! then every 2 or 3 s, and it asks for a cookie first, which takes another round trip. As the client it begins SCTP as well, and
//! repeats what is lost after a quarter of a second. docs/upstream.md, "the server of DTLS waits for SCTP".

use std::borrow::Cow;

/// The offer as the browser is to see it, so that its answer leaves the beginning to the far side.
///
/// This is for the first offer of a connection: the roles stay as they are afterwards.
pub(crate) fn begun_by_the_far_side(offer: &str) -> Cow<'_, str> {
    const EITHER: &str = "\na=setup:actpass";
    const FAR_SIDE: &str = "\na=setup:active";
    if offer.contains(EITHER) {
        Cow::Owned(offer.replace(EITHER, FAR_SIDE))
    } else {
        Cow::Borrowed(offer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_that_leaves_the_choice_is_begun_by_the_far_side() {
        let offer =
            |setup: &str| format!("v=0\r\na=mid:0\r\na=setup:{setup}\r\na=sctp-port:5000\r\n");
        assert_eq!(begun_by_the_far_side(&offer("actpass")), offer("active"));
        for decided in ["active", "passive"] {
            assert_eq!(begun_by_the_far_side(&offer(decided)), offer(decided));
        }
    }
}

//! What one instance tells another about a member that it forwards.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::key::Key;

/// The header that has it.
pub(crate) const HEADER: &str = "signaling-introduction";

/// How old it may be, and how far the clocks of two instances may be apart.
const VALIDITY: Duration = Duration::from_secs(60);

/// HMAC-SHA256.
const MAC: usize = 32;

/// A member that comes by way of another instance. It is signed, so nobody else can say where a member comes from, and good once: who has
/// read it on its way cannot come with it, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Introduction {
    /// Milliseconds since 1970.
    pub(super) issued: u64,
    /// What no other one has that was issued then.
    pub(super) nonce: u64,
    /// What it wants to join, as the broker knows it.
    key: String,
    /// The number of the lease that was found.
    pub(crate) fence: u64,
    /// Where it comes from, if that is known.
    pub(crate) address: Option<IpAddr>,
    /// How many members make a group, if its URL says so.
    pub(crate) group_of: Option<u32>,
}

impl Introduction {
    /// `unix` is the time since 1970, and `nonce` a random number.
    pub(super) fn new(
        unix: Duration,
        nonce: u64,
        key: &Key,
        fence: u64,
        address: Option<IpAddr>,
        group_of: Option<u32>,
    ) -> Self {
        Self {
            issued: millis(unix),
            nonce,
            key: key.to_string(),
            fence,
            address,
            group_of,
        }
    }

    /// Whether it is for that.
    pub(crate) fn is_for(&self, key: &Key) -> bool {
        self.key == key.to_string()
    }

    /// That time, and the earliest time of issue that is good then, in milliseconds since 1970.
    pub(super) fn valid(unix: Duration) -> (u64, u64) {
        (millis(unix), millis(unix.saturating_sub(VALIDITY)))
    }

    /// As it goes into the header.
    pub(super) fn sign(&self, secret: &hmac::Key) -> String {
        // It has no map and no float, so it can be written.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        let mac = hmac::sign(secret, &bytes);
        bytes.extend(mac.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what another instance has signed, if it is neither too old nor of a time to come.
    pub(super) fn read(unix: Duration, secret: &hmac::Key, text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (signed, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
        hmac::verify(secret, signed, mac).ok()?;
        let introduction: Self = serde_json::from_slice(signed).ok()?;
        let apart = millis(unix).abs_diff(introduction.issued);
        (u128::from(apart) <= VALIDITY.as_millis()).then_some(introduction)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resume::ResumeKey;

    #[test]
    fn another_instance_reads_it_and_nobody_else_can_write_it() {
        let secret = ResumeKey::fixed().for_instances();
        let now = Duration::from_secs(1_800_000_000);
        let introduction = Introduction::new(
            now,
            7,
            &Key::lobby("Räume"),
            1_800_000_000_000_001,
            Some([192, 0, 2, 1].into()),
            Some(4),
        );
        assert!(introduction.is_for(&Key::lobby("Räume")));
        assert!(!introduction.is_for(&Key::lobby("Raum")));
        let text = introduction.sign(&secret);
        let read = |unix, text: &str| Introduction::read(unix, &secret, text);
        assert_eq!(read(now, &text), Some(introduction.clone()));
        let skew = Duration::from_secs(50);
        assert_eq!(read(now - skew, &text), Some(introduction.clone()));
        assert_eq!(read(now + skew, &text), Some(introduction));
        assert_eq!(read(now + skew * 2, &text), None);
        assert_eq!(read(now - skew * 2, &text), None);
        let other = ResumeKey::generate().expect("a key").for_instances();
        assert_eq!(Introduction::read(now, &other, &text), None);
        for wrong in ["", "a", "!", &text[1..], &text[..text.len() - 1]] {
            assert_eq!(read(now, wrong), None, "{wrong}");
        }
    }

    /// So one that is still good is not forgotten, and comes no second time.
    #[test]
    fn the_earliest_time_of_issue_is_that_of_the_oldest_that_is_good() {
        let secret = ResumeKey::fixed().for_instances();
        let unix = Duration::from_secs(1_800_000_000);
        let issued = |unix| Introduction::new(unix, 7, &Key::lobby("x"), 1, None, None);
        let (now, valid_from) = Introduction::valid(unix);
        assert_eq!(issued(unix).issued, now);
        for (millis, is_good) in [(valid_from, true), (valid_from - 1, false)] {
            let text = issued(Duration::from_millis(millis)).sign(&secret);
            let read = Introduction::read(unix, &secret, &text);
            assert_eq!(read.is_some(), is_good, "{millis}");
        }
    }

    #[test]
    fn a_members_token_is_no_introduction() {
        // Both are signed with keys that come from one secret.
        let key = ResumeKey::fixed();
        let bytes = b"{}";
        let mac = hmac::sign(&key.hmac(), bytes);
        let ours = hmac::sign(&key.for_instances(), bytes);
        assert_ne!(mac.as_ref(), ours.as_ref());
    }
}

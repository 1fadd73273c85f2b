//! The keys that tickets are signed with.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::{Pass, Refusal};

/// The shortest key, in bytes: as long as what it makes (RFC 7518, section 3.2).
const SHORTEST: usize = 32;

/// How many seconds the issuer's clock may be ahead of ours.
const SKEW: f64 = 60.0;

/// The longest ticket that is looked at, in bytes.
const LONGEST_TICKET: usize = 4096;

/// The keys of whoever signs tickets, shared with nobody else. A ticket of any of them is good, so a new key can be added before the
/// old one goes.
#[derive(Clone)]
pub struct TicketKeys(Vec<hmac::Key>);

/// Why keys cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TicketKeyError {
    /// The file cannot be read.
    #[error("the key file {}: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no key.
    #[error("there is no key for tickets")]
    None,
    /// A key is no base64, or has fewer than 32 bytes.
    #[error("key {number} for tickets is not 32 bytes or more in base64")]
    Key {
        /// Which of them, from 1.
        number: usize,
    },
}

/// What a ticket says of itself (RFC 7515, section 4.1).
#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Extensions that a reader must understand. We understand none, so such a ticket is refused.
    #[serde(default, deserialize_with = "present")]
    crit: Option<serde_json::Value>,
}

/// What a ticket says of its holder, times in seconds since 1970. Other claims are passed over.
#[derive(Deserialize)]
struct Claims {
    exp: f64,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    lobby: Option<String>,
}

/// Reads a claim that is there: `null` is none, because an issuer that has forgotten a lobby must not admit to all of them.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl TicketKeys {
    /// Reads them from a file: one on each line, in base64. Empty lines and those that begin with `#` are passed over.
    /// `openssl rand -base64 32` makes one.
    ///
    /// # Errors
    ///
    /// [`TicketKeyError`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, TicketKeyError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|source| TicketKeyError::File {
            path: path.to_owned(),
            source,
        })?;
        let lines = text.lines().map(str::trim);
        Self::from_base64(lines.filter(|line| !line.is_empty() && !line.starts_with('#')))
    }

    /// Takes them as they are.
    ///
    /// # Errors
    ///
    /// [`TicketKeyError`].
    pub fn from_base64<'a>(
        keys: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, TicketKeyError> {
        let key = |(number, text): (usize, &str)| match STANDARD.decode(text) {
            Ok(bytes) if bytes.len() >= SHORTEST => Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes)),
            Ok(_) | Err(_) => Err(TicketKeyError::Key { number }),
        };
        let keys: Vec<_> = (1..).zip(keys).map(key).collect::<Result<_, _>>()?;
        match keys.is_empty() {
            true => Err(TicketKeyError::None),
            false => Ok(Self(keys)),
        }
    }

    /// Whom a ticket admits at a time since 1970, and where.
    ///
    /// Done here, because the libraries for it bring RSA and elliptic curves along, and this is one HMAC.
    pub(super) fn check(&self, unix: Duration, ticket: &str) -> Result<Pass, Refusal> {
        // By such a clock nothing has expired.
        if unix.is_zero() {
            return Err(Refusal::new("The server's clock is wrong"));
        }
        let Claims { exp, nbf, lobby } = self.claims(ticket)?;
        let now = unix.as_secs_f64();
        if exp <= now {
            return Err(Refusal::new("The ticket has expired"));
        }
        if nbf.is_some_and(|from| from > now + SKEW) {
            return Err(Refusal::new("The ticket is not good yet"));
        }
        Ok(lobby.map_or(Pass::anywhere(), Pass::to))
    }

    /// What a ticket says that one of these keys has signed.
    fn claims(&self, ticket: &str) -> Result<Claims, Refusal> {
        let unreadable = || Refusal::new("The ticket cannot be read");
        if ticket.len() > LONGEST_TICKET {
            return Err(Refusal::new("The ticket is too long"));
        }
        let (signed, mac) = ticket.rsplit_once('.').ok_or_else(unreadable)?;
        let (header, claims) = signed.split_once('.').ok_or_else(unreadable)?;
        let decoded = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| unreadable());
        let (header, claims, mac) = (decoded(header)?, decoded(claims)?, decoded(mac)?);
        let header: Header = serde_json::from_slice(&header).map_err(|_| unreadable())?;
        if header.alg != "HS256" || header.crit.is_some() {
            return Err(unreadable());
        }
        let is_by = |key: &hmac::Key| hmac::verify(key, signed.as_bytes(), &mac).is_ok();
        if !self.0.iter().any(is_by) {
            return Err(Refusal::new("The ticket is not signed for this server"));
        }
        serde_json::from_slice(&claims).map_err(|_| unreadable())
    }
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKeys")
            .field("count", &self.0.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 2] = [
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=",
    ];
    const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
    /// The year 2100.
    const LATER: u64 = 4_102_444_800;

    fn sign(key: &str, header: &str, claims: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(key).expect("base64"));
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let signed = format!("{header}.{claims}");
        let mac = hmac::sign(&key, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    fn check(ticket: &str) -> Result<Pass, String> {
        let keys = TicketKeys::from_base64(KEYS).expect("keys");
        let now = Duration::from_secs(1_800_000_000);
        keys.check(now, ticket)
            .map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_ticket_of_each_key_is_good() {
        for key in KEYS {
            let ticket = |claims: &str| sign(key, HS256, claims);
            assert_eq!(
                check(&ticket(&format!(r#"{{"exp":{LATER},"sub":"Ada"}}"#))),
                Ok(Pass::anywhere())
            );
            assert_eq!(
                check(&ticket(&format!(r#"{{"exp":{LATER},"lobby":"x"}}"#))),
                Ok(Pass::to("x"))
            );
        }
    }

    #[test]
    fn what_is_wrong_with_a_ticket_is_said() {
        let [key, _] = KEYS;
        let good = format!(r#"{{"exp":{LATER}}}"#);
        let ticket = |claims: &str| sign(key, HS256, claims);
        let stranger = "c3RyYW5nZXIgc3RyYW5nZXIgc3RyYW5nZXIgc3RyYW5nZXI=";
        let early = format!(r#"{{"exp":{LATER},"nbf":{LATER}}}"#);
        for (ticket, words) in [
            (ticket(r#"{"exp":1700000000}"#), "has expired"),
            (ticket(&early), "not good yet"),
            (sign(stranger, HS256, &good), "not signed for this server"),
        ] {
            let refused = check(&ticket).expect_err("refused");
            assert!(refused.contains(words), "{refused}");
        }
        let none = r#"{"alg":"none"}"#;
        let unsigned = sign(key, none, &good);
        let (unsigned, _) = unsigned.rsplit_once('.').expect("three parts");
        for ticket in [
            String::new(),
            "x".repeat(LONGEST_TICKET + 1),
            "a.b.c".to_owned(),
            format!("{unsigned}."),
            sign(key, none, &good),
            sign(key, r#"{"alg":"HS512"}"#, &good),
            ticket("{}"),
            ticket(r#"{"exp":"tomorrow"}"#),
            ticket(&format!(r#"{{"exp":{LATER},"nbf":"now"}}"#)),
            sign(key, r#"{"alg":"HS256","crit":["b64"]}"#, &good),
            ticket(&format!(r#"{{"exp":{LATER},"lobby":7}}"#)),
            ticket(&format!(r#"{{"exp":{LATER},"lobby":null}}"#)),
            ticket(&format!(r#"{{"exp":{LATER},"nbf":null}}"#)),
            sign(key, r#"{"alg":"HS256","crit":null}"#, &good),
        ] {
            check(&ticket).expect_err(&ticket);
        }
    }

    #[test]
    fn a_clock_that_stands_before_1970_admits_nobody() {
        let keys = TicketKeys::from_base64(KEYS).expect("keys");
        let [key, _] = KEYS;
        for exp in [1_700_000_000, LATER] {
            let ticket = sign(key, HS256, &format!(r#"{{"exp":{exp}}}"#));
            let refused = keys.check(Duration::ZERO, &ticket).expect_err("refused");
            assert_eq!(refused.to_string(), "The server's clock is wrong");
        }
    }

    #[test]
    fn an_issuers_clock_may_be_a_minute_ahead() {
        let [key, _] = KEYS;
        let from = |nbf: u64| sign(key, HS256, &format!(r#"{{"exp":{LATER},"nbf":{nbf}}}"#));
        assert_eq!(check(&from(1_800_000_060)), Ok(Pass::anywhere()));
        let early = check(&from(1_800_000_061)).expect_err("refused");
        assert!(early.contains("not good yet"), "{early}");
    }

    #[test]
    fn a_ticket_has_at_most_4096_bytes() {
        let [key, _] = KEYS;
        let of = |length: usize| {
            let padded = |spaces| sign(key, HS256, &format!(r#"{{"exp":{LATER}{:spaces$}}}"#, ""));
            let mut tickets = (0..length).map(padded);
            let ticket = tickets.find(|ticket| ticket.len() == length);
            ticket.expect("a ticket of that length")
        };
        assert_eq!(check(&of(4096)), Ok(Pass::anywhere()));
        for length in [4097, 5000] {
            let refused = check(&of(length)).expect_err("refused");
            assert!(refused.contains("too long"), "{refused}");
        }
    }

    #[test]
    fn keys_are_read_a_line_each_and_short_ones_refused() {
        let path = std::env::temp_dir().join(format!("ticket-keys-{}", std::process::id()));
        fs::write(
            &path,
            format!("# new\n{}\n\n # old\n{}\n", KEYS[0], KEYS[1]),
        )
        .expect("a file");
        let keys = TicketKeys::from_file(&path).expect("keys");
        fs::remove_file(&path).expect("the file");
        assert_eq!(format!("{keys:?}"), "TicketKeys { count: 2, .. }");
        let error = |keys: &[&str]| {
            let keys = TicketKeys::from_base64(keys.iter().copied());
            keys.expect_err("no keys").to_string()
        };
        assert!(error(&[]).contains("no key"));
        assert!(error(&[KEYS[0], "c2hvcnQ="]).contains("key 2"));
        assert!(error(&["swordfish!"]).contains("key 1"));
        assert!(matches!(
            TicketKeys::from_file("/nonexistent"),
            Err(TicketKeyError::File { .. })
        ));
    }
}

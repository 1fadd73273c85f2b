//! What a member shows to get its seat back.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mesh_core::{Instant, PeerId, Topology};
use ring::hmac;

use super::ResumeKey;

/// The first byte of a token, so that another form can be told from this one.
const FORM: u8 = 2;

/// Form, time of issue, lobby's number, id, and what is next: 0 for a mesh, 1 for a client/server lobby, 2 for a mesh that goes on
/// without its host, whose id follows. The rest is the lobby's name.
const HEAD: usize = 1 + 8 + 8 + 4 + 1;

/// HMAC-SHA256.
const MAC: usize = 32;

/// The longest token that is looked at; a lobby's name has at most a few hundred bytes.
const MAX_LENGTH: usize = 8192;

/// Which seat a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The lobby's name.
    pub(crate) lobby: String,
    /// Which of the lobbies that have had this name.
    pub(crate) number: u64,
    pub(crate) topology: Topology,
    pub(crate) id: PeerId,
    /// The host's id, in a lobby that goes on when its host leaves.
    pub(crate) host: Option<PeerId>,
}

/// A claim that a token proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proved {
    pub(crate) claim: Claim,
    /// Whether an earlier server with the same key has given the token.
    pub(crate) is_inherited: bool,
}

/// Signs claims and checks them. It has no clock: the hall's time is an argument, and counts from `start`.
pub(crate) struct Vault {
    key: hmac::Key,
    /// The hall's zero, since 1970.
    start: Duration,
    /// How long a seat is kept for a member whose socket is gone.
    term: Duration,
    /// Until when there may be tokens of an earlier server with this key.
    inherits_until: Option<Instant>,
}

/// How long a token is valid where a seat is kept for that long.
pub(crate) fn validity(term: Duration) -> Duration {
    term + renewal(term)
}

fn renewal(term: Duration) -> Duration {
    term / 2
}

impl Vault {
    /// `start` is the hall's zero, as time since 1970.
    pub(crate) fn new(key: &ResumeKey, start: Duration, term: Duration) -> Self {
        let vault = Self {
            key: key.hmac(),
            start,
            term,
            inherits_until: None,
        };
        let inherits_until = key
            .is_known()
            .then(|| Instant::from_micros(0) + vault.validity());
        Self {
            inherits_until,
            ..vault
        }
    }

    pub(crate) const fn term(&self) -> Duration {
        self.term
    }

    /// How long after a token a member gets the next one, so that it always has one that is valid for a term.
    pub(crate) fn renewal(&self) -> Duration {
        renewal(self.term)
    }

    /// How long a token is valid.
    pub(crate) fn validity(&self) -> Duration {
        validity(self.term)
    }

    /// Until when there may be tokens of an earlier server with this key; none if it has had no earlier one.
    pub(crate) const fn inherits_until(&self) -> Option<Instant> {
        self.inherits_until
    }

    /// How long there may be tokens of an earlier server, from now on.
    pub(crate) fn inherits_for(&self, now: Instant) -> Option<Duration> {
        let until = self.inherits_until.filter(|until| *until > now)?;
        Some(until - now)
    }

    /// A token for a seat.
    pub(crate) fn issue(&self, now: Instant, claim: &Claim) -> String {
        let issued = millis(self.unix(now));
        let mut bytes = Vec::with_capacity(HEAD + claim.lobby.len() + MAC);
        bytes.push(FORM);
        bytes.extend(issued.to_be_bytes());
        bytes.extend(claim.number.to_be_bytes());
        bytes.extend(claim.id.get().to_be_bytes());
        match (claim.host, claim.topology) {
            (Some(host), _) => {
                bytes.push(2);
                bytes.extend(host.get().to_be_bytes());
            }
            (None, Topology::Mesh) => bytes.push(0),
            (None, Topology::ClientServer) => bytes.push(1),
        }
        bytes.extend(claim.lobby.as_bytes());
        let mac = hmac::sign(&self.key, &bytes);
        bytes.extend(mac.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The seat that a token is for, if it has this key and is not older than it may be, nor of a time to come.
    pub(crate) fn read(&self, now: Instant, token: &str) -> Option<Proved> {
        if token.len() > MAX_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
        hmac::verify(&self.key, signed, mac).ok()?;
        let (head, rest) = signed.split_at_checked(HEAD)?;
        let (form, head) = head.split_first()?;
        let (issued, head) = head.split_first_chunk()?;
        let (number, head) = head.split_first_chunk()?;
        let (id, head) = head.split_first_chunk()?;
        let issued = u64::from_be_bytes(*issued);
        // A clock that was set back would make tokens last for longer than they may.
        let age = millis(self.unix(now)).checked_sub(issued)?;
        if *form != FORM || u128::from(age) >= self.validity().as_millis() {
            return None;
        }
        let (topology, host, lobby) = match head {
            [0] => (Topology::Mesh, None, rest),
            [1] => (Topology::ClientServer, None, rest),
            [2] => {
                let (host, lobby) = rest.split_first_chunk()?;
                let host = PeerId::new(u32::from_be_bytes(*host)).ok()?;
                (Topology::Mesh, Some(host), lobby)
            }
            _ => return None,
        };
        let claim = Claim {
            lobby: String::from_utf8(lobby.to_vec()).ok()?,
            number: u64::from_be_bytes(*number),
            topology,
            id: PeerId::new(u32::from_be_bytes(*id)).ok()?,
            host,
        };
        // Tokens of the first millisecond count as such, too: nobody can have a lobby by then.
        let is_inherited = issued <= millis(self.start);
        Some(Proved {
            claim,
            is_inherited,
        })
    }

    /// Microseconds since 1970.
    pub(crate) fn unix_micros(&self, now: Instant) -> u64 {
        u64::try_from(self.unix(now).as_micros()).unwrap_or(u64::MAX)
    }

    /// The time since 1970.
    fn unix(&self, now: Instant) -> Duration {
        self.start + Duration::from_micros(now.as_micros())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Duration = Duration::from_secs(1_800_000_000);
    const TERM: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(0) + Duration::from_secs(seconds)
    }

    fn claim() -> Claim {
        Claim {
            lobby: "Räume".to_owned(),
            number: u64::MAX - 1,
            topology: Topology::ClientServer,
            id: PeerId::MAX,
            host: None,
        }
    }

    #[test]
    fn a_token_names_the_host_of_a_lobby_that_outlives_it() {
        let vault = Vault::new(&ResumeKey::generate().expect("a key"), START, TERM);
        let claims = [
            (Topology::Mesh, None),
            (Topology::ClientServer, None),
            (Topology::Mesh, Some(PeerId::SERVER)),
            (Topology::Mesh, Some(PeerId::MAX)),
        ];
        for (topology, host) in claims {
            let claim = Claim {
                topology,
                host,
                ..claim()
            };
            let token = vault.issue(at(10), &claim);
            let read = vault.read(at(10), &token).map(|proved| proved.claim);
            assert_eq!(read, Some(claim));
        }
    }

    #[test]
    fn a_token_is_valid_for_a_term_and_a_half() {
        let vault = Vault::new(&ResumeKey::generate().expect("a key"), START, TERM);
        let token = vault.issue(at(10), &claim());
        let own = Proved {
            claim: claim(),
            is_inherited: false,
        };
        assert_eq!(vault.read(at(10), &token), Some(own.clone()));
        assert_eq!(vault.read(at(99), &token), Some(own));
        assert_eq!(vault.read(at(100), &token), None);
        assert_eq!(vault.read(at(9), &token), None, "the clock was set back");
    }

    #[test]
    fn the_next_server_with_the_key_takes_it_and_one_with_another_key_does_not() {
        let key = ResumeKey::generate().expect("a key");
        let token = Vault::new(&key, START, TERM).issue(at(30), &claim());
        let later = START + Duration::from_secs(40);
        let inherited = Proved {
            claim: claim(),
            is_inherited: true,
        };
        assert_eq!(
            Vault::new(&key, later, TERM).read(at(1), &token),
            Some(inherited)
        );
        let other = ResumeKey::generate().expect("a key");
        assert_eq!(Vault::new(&other, later, TERM).read(at(1), &token), None);
        let much_later = START + Duration::from_secs(120);
        assert_eq!(Vault::new(&key, much_later, TERM).read(at(0), &token), None);
    }

    #[test]
    fn a_token_is_read_up_to_the_longest_one() {
        let vault = Vault::new(&ResumeKey::fixed(), START, TERM);
        // As many bytes as fill the longest token.
        let longest = MAX_LENGTH / 4 * 3 - HEAD - MAC;
        for (name, is_read) in [(longest, true), (longest + 1, false)] {
            let claim = Claim {
                lobby: "x".repeat(name),
                ..claim()
            };
            let token = vault.issue(at(10), &claim);
            assert_eq!(token.len() <= MAX_LENGTH, is_read);
            let read = vault.read(at(10), &token).map(|proved| proved.claim);
            assert_eq!(read, is_read.then_some(claim));
        }
    }

    /// Lobbies get their numbers by it, and a later server's are higher.
    #[test]
    fn the_times_of_a_server_go_on_where_those_of_the_one_before_ended() {
        let server = |start| Vault::new(&ResumeKey::fixed(), start, TERM);
        let (first, next) = (server(START), server(START + Duration::from_secs(60)));
        let end = first.unix_micros(at(59));
        let start = next.unix_micros(at(0));
        assert_eq!(start - end, 1_000_000);
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_token(at_byte in any::<proptest::sample::Index>(), bit in 0..6_u32, text in any::<String>()) {
            let vault = Vault::new(&ResumeKey::fixed(), START, TERM);
            let token = vault.issue(at(0), &claim());
            prop_assert_eq!(vault.read(at(0), &text), None);
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).expect("base64");
            let index = at_byte.index(bytes.len());
            bytes[index] ^= 1 << bit;
            prop_assert_eq!(vault.read(at(0), &URL_SAFE_NO_PAD.encode(&bytes)), None);
            bytes[index] ^= 1 << bit;
            bytes.truncate(index);
            prop_assert_eq!(vault.read(at(0), &URL_SAFE_NO_PAD.encode(&bytes)), None);
        }
    }
}

//! Credentials for a TURN server, for those who ask: coturn's REST scheme (draft-uberti-behave-turn-rest-00).
//!
//! The user name is the time at which the credential expires and a random number, so that the TURN server can tell players apart. The
//! password is the HMAC-SHA1 of the name with a secret that the TURN server has as well (coturn: `use-auth-secret`,
//! `static-auth-secret`). The two servers need not talk to each other.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde::Serialize;
use thiserror::Error;

/// A TURN server that trusts this server to give credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct TurnAccess {
    urls: Vec<String>,
    secret: String,
    ttl: Duration,
}

/// Why credentials cannot be given.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TurnSecretError {
    /// The file cannot be read.
    #[error("the TURN secret's file {}: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The secret is empty.
    #[error("the TURN secret is empty")]
    Empty,
    /// That is no URL of a TURN server.
    #[error("{url:?} is no URL of a TURN server; give one such as turn:turn.example:3478")]
    Url {
        /// What was given.
        url: String,
    },
}

/// What a page gives to `RTCPeerConnection`, and a game to `LinkConfig`.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(rename = "iceServers")]
    ice_servers: [IceServer<'a>; 1],
}

/// W3C: `RTCIceServer`.
#[derive(Serialize)]
struct IceServer<'a> {
    urls: &'a [String],
    username: String,
    credential: String,
}

impl TurnAccess {
    /// How long a credential is good unless something else is set: 12 h. A player needs a good one for each new connection of a game.
    pub const DEFAULT_TTL: Duration = Duration::from_secs(12 * 60 * 60);

    /// The server at these URLs (`turn:…`, `turns:…`), whose secret is in a file. White space around it does not count.
    ///
    /// # Errors
    ///
    /// [`TurnSecretError`].
    pub fn from_file(
        urls: impl IntoIterator<Item = String>,
        path: impl AsRef<Path>,
    ) -> Result<Self, TurnSecretError> {
        let path = path.as_ref();
        let secret = fs::read_to_string(path).map_err(|source| TurnSecretError::File {
            path: path.to_owned(),
            source,
        })?;
        Self::new(urls, secret.trim())
    }

    /// The server at these URLs, which has this secret.
    ///
    /// # Errors
    ///
    /// [`TurnSecretError::Empty`], because everybody could make such credentials, and [`TurnSecretError::Url`].
    pub fn new(
        urls: impl IntoIterator<Item = String>,
        secret: impl Into<String>,
    ) -> Result<Self, TurnSecretError> {
        let secret = secret.into();
        if secret.is_empty() {
            return Err(TurnSecretError::Empty);
        }
        let urls: Vec<_> = urls.into_iter().collect();
        let is_turn = |url: &String| url.starts_with("turn:") || url.starts_with("turns:");
        if let Some(url) = urls.iter().find(|url| !is_turn(url)) {
            return Err(TurnSecretError::Url { url: url.clone() });
        }
        Ok(Self {
            urls,
            secret,
            ttl: Self::DEFAULT_TTL,
        })
    }

    /// Sets how long a credential is good, in whole seconds. None can be used for a new connection after it has expired; coturn lets one
    /// that stands go on.
    #[must_use]
    pub const fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// The answer to somebody who asks now, as time since 1970: JSON. `player` is random.
    pub(crate) fn answer(&self, unix: Duration, player: u64) -> Option<String> {
        let expiry = unix.saturating_add(self.ttl).as_secs();
        let username = format!("{expiry}:{player:016x}");
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.secret.as_bytes());
        let credential = STANDARD.encode(hmac::sign(&key, username.as_bytes()));
        let urls = &self.urls;
        let answer = Answer {
            ice_servers: [IceServer {
                urls,
                username,
                credential,
            }],
        };
        serde_json::to_string(&answer).ok()
    }
}

impl fmt::Debug for TurnAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnAccess")
            .field("urls", &self.urls)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> TurnAccess {
        let urls = ["turn:turn.example:3478".to_owned()];
        TurnAccess::new(urls, "north").expect("a secret")
    }

    /// `printf 1700000060:000000000000002a | openssl dgst -sha1 -hmac north -binary | base64`
    #[test]
    fn a_credential_is_what_coturn_works_out_from_the_name() {
        let access = access().with_ttl(Duration::from_secs(60));
        let answer = access.answer(Duration::from_millis(1_700_000_000_999), 42);
        assert_eq!(
            answer.as_deref(),
            Some(concat!(
                r#"{"iceServers":[{"urls":["turn:turn.example:3478"],"#,
                r#""username":"1700000060:000000000000002a","credential":"TOn32IJ2kEuhv8XCO6jGqptgpbs="}]}"#
            ))
        );
    }

    #[test]
    fn a_credential_is_good_for_twelve_hours_unless_something_else_is_set() {
        let answer = access().answer(Duration::from_secs(1_700_000_000), 42);
        let answer = answer.expect("an answer");
        assert!(answer.contains(r#""username":"1700043200:"#), "{answer}");
    }

    #[test]
    fn the_secret_is_not_printed_and_not_empty() {
        assert!(!format!("{:?}", access()).contains("north"));
        let error = TurnAccess::new([], "").expect_err("no secret");
        assert!(matches!(error, TurnSecretError::Empty));
        let error = TurnAccess::new(["stun:stun.example".to_owned()], "north");
        assert!(matches!(error, Err(TurnSecretError::Url { .. })));
        let path = std::env::temp_dir().join(format!("turn-secret-{}", std::process::id()));
        fs::write(&path, "north\n").expect("a file");
        let urls = ["turn:turn.example:3478".to_owned()];
        let read = TurnAccess::from_file(urls, &path);
        fs::remove_file(&path).expect("the file");
        assert_eq!(read.expect("a secret"), access());
    }
}

//! What a heap profile of dhat says, by the crate that asked for the memory and by the place.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Crates to which memory is attributed: the innermost of them in a backtrace has asked for it.
const CRATES: [&str; 14] = [
    "rtc_sctp",
    "rtc_ice",
    "rtc_dtls",
    "rtc_datachannel",
    "rtc_stun",
    "rtc_sdp",
    "rtc_srtp",
    "rtc_interceptor",
    "rtc_shared",
    "rtc",
    "webrtc",
    "webrtc_multiplayer_native",
    "webrtc_multiplayer_core",
    "bench",
];

/// The file that dhat writes, as far as it is used.
#[derive(Deserialize)]
struct File {
    pps: Vec<Point>,
    ftbl: Vec<String>,
}

/// A place of the program that allocated.
#[derive(Deserialize)]
struct Point {
    /// Bytes that were still there at the end.
    #[serde(default)]
    eb: u64,
    /// Its backtrace, the innermost first: indices into the table of frames.
    fs: Vec<usize>,
}

/// Bytes that are there at the end.
pub struct Kept {
    /// By crate, the most first.
    pub crates: Vec<(String, u64)>,
    /// By function, the most first.
    pub functions: Vec<(String, u64)>,
}

impl Kept {
    /// Reads what dhat has written.
    pub fn parse(json: &str) -> Result<Self> {
        let file: File = serde_json::from_str(json).context("what dhat wrote")?;
        let mut crates = BTreeMap::new();
        let mut functions = BTreeMap::new();
        for point in &file.pps {
            let frames = point.fs.iter().filter_map(|at| file.ftbl.get(*at));
            let known = frames.filter_map(|frame| known(frame)).next();
            let (package, function) = known.unwrap_or(("others", "others"));
            *crates.entry(package.to_owned()).or_insert(0) += point.eb;
            *functions.entry(function.to_owned()).or_insert(0) += point.eb;
        }
        Ok(Self {
            crates: sorted(crates),
            functions: sorted(functions),
        })
    }
}

fn sorted(bytes: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut sorted: Vec<_> = bytes.into_iter().filter(|(_, bytes)| *bytes > 0).collect();
    sorted.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    sorted
}

/// The crate and the function of a frame, "0x55d0: rtc_sctp::new (file:line)", if it is of a known crate.
fn known(frame: &str) -> Option<(&str, &str)> {
    let (_, function) = frame.split_once(": ")?;
    let function = function.split_once(" (").map_or(function, |(name, _)| name);
    let path = function.trim_start_matches(['<', '&', '[']);
    let (first, _) = path.split_once("::")?;
    let package = CRATES.iter().find(|known| **known == first)?;
    Some((package, function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_known_crate_has_asked() {
        let json = r#"{"pps": [
            {"eb": 30, "fs": [1, 2, 3]}, {"eb": 12, "fs": [1, 3]}, {"eb": 0, "fs": [2]}, {"eb": 1, "fs": [1]}
        ], "ftbl": ["[root]", "0x1: alloc::vec::push", "0x2: <rtc_sctp::Queue>::new (queue.rs:1:2)", "0x3: webrtc::build"]}"#;
        let kept = Kept::parse(json).expect("a profile");
        let named = |name: &str, bytes| (name.to_owned(), bytes);
        let crates = [
            named("rtc_sctp", 30),
            named("webrtc", 12),
            named("others", 1),
        ];
        assert_eq!(kept.crates, crates);
        assert_eq!(kept.functions[0], named("<rtc_sctp::Queue>::new", 30));
    }
}

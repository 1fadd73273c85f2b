//! Whether both sides of a link have set the same custom channels. They are negotiated by number alone, so a side that lacks one
//! would never hear what is sent on it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::connection::Member;
use crate::sdp::with_session_line;
use crate::{ChannelRole, TransferMode};

/// How a description says which custom channels its side has: their modes in the order of their streams.
const ATTRIBUTE: &str = "a=webrtc-multiplayer-channels:";

impl Member {
    /// A local description that says which custom channels there are.
    pub(super) fn announce_channels(&self, sdp: &str) -> String {
        with_session_line(sdp, &format!("{ATTRIBUTE}{}", labels(&self.custom_modes())))
    }

    /// In what the custom channels of the far side differ from ours, by its description. `None` where they do not, and where
    /// the far side is of another make and does not say.
    pub(super) fn disagreement(&self, sdp: &str) -> Option<String> {
        let ours = self.custom_modes();
        let theirs = read(sdp.lines().find_map(|line| line.strip_prefix(ATTRIBUTE))?)?;
        (ours != theirs).then(|| {
            format!(
                "the custom channels differ: the peer has {}, this side has {}",
                in_short(&theirs),
                in_short(&ours)
            )
        })
    }

    fn custom_modes(&self) -> Vec<TransferMode> {
        let channels = self.channels.iter();
        let custom = channels.filter(|channel| channel.role == ChannelRole::Custom);
        custom.map(|channel| channel.mode).collect()
    }
}

/// How many modes the words for a player name; a far side may have set hundreds.
const NAMED: usize = 8;

/// What stands for no modes.
const NONE: &str = "none";

fn labels(modes: &[TransferMode]) -> String {
    if modes.is_empty() {
        return String::from(NONE);
    }
    let labels: Vec<_> = modes.iter().map(|mode| mode.label()).collect();
    labels.join(" ")
}

fn in_short(modes: &[TransferMode]) -> String {
    match modes.split_at_checked(NAMED) {
        Some((first, rest)) if !rest.is_empty() => {
            format!("{} and {} more", labels(first), rest.len())
        }
        Some(_) | None => labels(modes),
    }
}

/// `None` if one of them is not known: a later version may have more.
fn read(labels: &str) -> Option<Vec<TransferMode>> {
    let mode = |label| {
        TransferMode::ALL
            .into_iter()
            .find(|mode| mode.label() == label)
    };
    let labels = labels.split_ascii_whitespace();
    labels.filter(|label| *label != NONE).map(mode).collect()
}

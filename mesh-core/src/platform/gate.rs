//! Which commands reach a link.

use crate::Command;

/// How many candidates of the far side a link takes. Each makes a pair with every one of ours, and every pair is tried until
/// the connection stands.
pub const MAX_REMOTE_CANDIDATES: u32 = 128;

/// Keeps from a link what it must not get: more candidates than [`MAX_REMOTE_CANDIDATES`], and anything after its close.
#[derive(Debug, Default)]
pub struct CommandGate {
    remote_candidates: u32,
    closing: bool,
}

impl CommandGate {
    /// Whether the link is to carry this command out.
    pub const fn admits(&mut self, command: &Command) -> bool {
        if self.closing {
            return false;
        }
        match command {
            Command::AddCandidate { .. } => {
                let admitted = self.remote_candidates < MAX_REMOTE_CANDIDATES;
                if admitted {
                    self.remote_candidates += 1;
                }
                admitted
            }
            Command::Close { .. } => {
                self.closing = true;
                true
            }
            Command::Open { .. }
            | Command::CreateChannel { .. }
            | Command::SendLast { .. }
            | Command::Abandon { .. }
            | Command::CloseChannel { .. }
            | Command::CreateOffer { .. }
            | Command::SetRemote { .. }
            | Command::RequestStats { .. }
            | Command::Coalesce { .. }
            | Command::TellKick { .. }
            | Command::TellTaken { .. }
            | Command::Goodbye { .. } => true,
        }
    }

    /// Whether a close was admitted.
    #[must_use]
    pub const fn is_closing(&self) -> bool {
        self.closing
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use crate::{IceCandidate, LinkId};

    use super::*;

    const LINK: LinkId = LinkId {
        slot: 0,
        generation: 0,
    };

    #[test]
    fn candidates_are_bounded_and_other_commands_are_not() {
        let mut gate = CommandGate::default();
        let candidate = Command::AddCandidate {
            link: LINK,
            candidate: IceCandidate {
                sdp_mid: "0".into(),
                sdp_m_line_index: 0,
                candidate: "candidate:1".into(),
            },
        };
        let admitted = (0..1000).filter(|_| gate.admits(&candidate)).count();
        assert_eq!(admitted, 128);
        assert!(gate.admits(&Command::RequestStats { link: LINK }));
    }

    #[test]
    fn nothing_passes_after_a_close() {
        let mut gate = CommandGate::default();
        let close = Command::Close {
            link: LINK,
            linger: Duration::ZERO,
        };
        assert!(!gate.is_closing());
        assert!(gate.admits(&close));
        assert!(gate.is_closing());
        assert!(!gate.admits(&close));
        assert!(!gate.admits(&Command::RequestStats { link: LINK }));
    }
}

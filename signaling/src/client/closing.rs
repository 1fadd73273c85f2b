//! What the end of a connection with a server means.

use mesh_core::LostReason;

use crate::{
    CLOSE_BANNED, CLOSE_KICKED, CLOSE_NO_SEAT, CLOSE_NOT_ADMITTED, CLOSE_REPLACED, escape_control,
};

/// WebSocket's code for an end as planned.
const CLOSE_NORMAL: u16 = 1000;

/// A policy of the server's, such as a limit of an address that many players share.
const CLOSE_POLICY: u16 = 1008;

/// What Godot's Node server and ours say when the host has left.
const HOST_LEFT: &str = "Room host has disconnected";

/// What a close means to a member of a lobby that is sealed or not, in words safe to print.
pub(super) fn judge(reason: LostReason, is_sealed: bool) -> LostReason {
    match reason {
        // Before the words are looked at: they are the host's, who may say what it likes.
        LostReason::Refused {
            code: code @ (CLOSE_KICKED | CLOSE_BANNED),
            reason,
        } => LostReason::Removed {
            is_banned: code == CLOSE_BANNED,
            reason: escape_control(&reason),
        },
        LostReason::Refused { code, .. } if code == CLOSE_NORMAL && is_sealed => {
            LostReason::SealComplete
        }
        // 1000 and 1001 are a server's goodbye, 1005 and 1006 stand for no close frame, 0 for no code.
        LostReason::Refused { code, reason }
            if reason.is_empty() && matches!(code, 0 | 1000 | 1001 | 1005 | 1006) =>
        {
            LostReason::Closed
        }
        // Whatever the server's code is: the demo's is 4000, which stands for every error.
        LostReason::Refused { reason, .. } if reason == HOST_LEFT => LostReason::HostLeft,
        LostReason::Refused { code, reason } => LostReason::Refused {
            code,
            reason: escape_control(&reason),
        },
        LostReason::Unreachable(why) => LostReason::Unreachable(escape_control(&why)),
        LostReason::Protocol(what) => LostReason::Protocol(escape_control(&what)),
        said @ (LostReason::Closed | LostReason::SealComplete | _) => said,
    }
}

/// Whether a connection that stood is made again after this: the server, or the way to it, may soon be well again, or we have been
/// too fast for the server, which keeps our seat then.
pub(super) const fn is_passing(reason: &LostReason) -> bool {
    match reason {
        LostReason::Unreachable(_) | LostReason::Closed => true,
        // Going away, no close frame, a limit, internal error, service restart, try again later, bad gateway.
        LostReason::Refused { code, .. } => {
            matches!(*code, 1001 | 1006 | CLOSE_POLICY | 1011..=1014)
        }
        LostReason::SealComplete
        | LostReason::HostLeft
        | LostReason::Removed { .. }
        | LostReason::PageLeft
        | LostReason::Protocol(_)
        | _ => false,
    }
}

/// Whether this may be the word of a server that has nothing to do with the one of before.
pub(super) const fn is_of_a_stranger(reason: &LostReason) -> bool {
    match reason {
        LostReason::Protocol(_) => true,
        LostReason::Refused { code, .. } => matches!(*code, CLOSE_NO_SEAT | CLOSE_NOT_ADMITTED),
        LostReason::Unreachable(_)
        | LostReason::Closed
        | LostReason::SealComplete
        | LostReason::HostLeft
        | LostReason::Removed { .. }
        | LostReason::PageLeft
        | _ => false,
    }
}

/// Whether somebody who is on the way back should try again after this. Only what says that the seat is gone is final: whatever
/// else stands in the way, such as a limit where many come back at once, may pass while the seat is kept.
pub(super) const fn is_worth_another_try(reason: &LostReason) -> bool {
    match reason {
        LostReason::Unreachable(_) | LostReason::Closed => true,
        LostReason::Refused { code, .. } => {
            !matches!(*code, CLOSE_NO_SEAT | CLOSE_REPLACED | CLOSE_NOT_ADMITTED)
        }
        LostReason::SealComplete
        | LostReason::HostLeft
        | LostReason::Removed { .. }
        | LostReason::PageLeft
        | LostReason::Protocol(_)
        | _ => false,
    }
}

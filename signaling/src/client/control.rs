//! What a client asks of a server for its lobby, judged before it is sent: a server sends away who breaks a rule.

use mesh_core::{
    LobbyCommand, MAX_LOBBY_DATA_SIZE, MAX_MEMBER_DATA_SIZE, MAX_REASON_SIZE, PeerId,
    SignalingError,
};

use crate::{Request, check_data};

/// The request for a command of the member with that id, in a lobby of that host.
pub(super) fn request(
    own: PeerId,
    host: PeerId,
    command: LobbyCommand,
) -> Result<Request, SignalingError> {
    if own != host && !matches!(command, LobbyCommand::SetMemberData(_)) {
        return Err(unsendable("only the host can do that"));
    }
    match command {
        LobbyCommand::Kick { peer, .. } | LobbyCommand::Ban { peer, .. } if peer == own => {
            Err(unsendable("the host cannot send itself away"))
        }
        LobbyCommand::Kick { peer, reason } => removal(peer, false, reason),
        LobbyCommand::Ban { peer, reason } => removal(peer, true, reason),
        LobbyCommand::SetLocked(is_locked) => Ok(Request::Lock(is_locked)),
        LobbyCommand::SetListed(is_listed) => Ok(Request::List(is_listed)),
        LobbyCommand::SetData(data) => {
            let data = checked(data, MAX_LOBBY_DATA_SIZE)?;
            Ok(Request::Data(data))
        }
        LobbyCommand::SetMemberData(data) => {
            let data = checked(data, MAX_MEMBER_DATA_SIZE)?;
            Ok(Request::MemberData(data))
        }
        _ => Err(SignalingError::Unsupported),
    }
}

fn removal(peer: PeerId, is_banned: bool, reason: String) -> Result<Request, SignalingError> {
    if reason.len() > MAX_REASON_SIZE {
        let words = format!("a reason has at most {MAX_REASON_SIZE} bytes");
        return Err(unsendable(&words));
    }
    let peer = peer.get();
    Ok(Request::Remove {
        peer,
        is_banned,
        reason,
    })
}

fn checked(data: String, limit: usize) -> Result<String, SignalingError> {
    match check_data(&data, limit) {
        Ok(()) => Ok(data),
        Err(why) => Err(unsendable(&why.to_string())),
    }
}

fn unsendable(why: &str) -> SignalingError {
    SignalingError::Unsendable(why.to_owned())
}

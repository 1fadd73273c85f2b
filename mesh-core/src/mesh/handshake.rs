//! The handshake of a connection: which step may be taken, and what it makes the backend do.

use super::{Connection, Mesh};
use crate::negotiation::max_message_size;
use crate::{
    Command, ConnectFailure, ConnectionError, ConnectionId, IceCandidate, MIN_MESSAGE_SIZE,
    SdpType, SessionDescription,
};

impl Mesh {
    /// Has the connection make an offer; it comes back through [`poll_signal`](Self::poll_signal).
    ///
    /// # Errors
    ///
    /// [`ConnectionError`]; nothing has changed then.
    pub fn create_offer(&mut self, connection: ConnectionId) -> Result<(), ConnectionError> {
        self.negotiating(connection)?.negotiation.offer()?;
        self.commands
            .push_back(Command::CreateOffer { link: connection });
        Ok(())
    }

    /// Gives the connection its far side's description; an offer is answered by itself, as in Godot.
    ///
    /// A far side that takes no message of [`MIN_MESSAGE_SIZE`](crate::MIN_MESSAGE_SIZE) bytes is given up for its
    /// description: no game can be played with it. A far side of ours that has set other custom channels is given up with
    /// [`ConnectFailure::Channel`](crate::ConnectFailure::Channel) on both sides.
    ///
    /// # Errors
    ///
    /// [`ConnectionError`]; nothing has changed then.
    pub fn set_remote_description(
        &mut self,
        connection: ConnectionId,
        description: SessionDescription,
    ) -> Result<(), ConnectionError> {
        let own_limit = self.max_message_size();
        let entry = self.negotiating(connection)?;
        let held = entry.negotiation.remote(&description)?;
        let limit = max_message_size(&description.sdp);
        if limit < MIN_MESSAGE_SIZE {
            let why = alloc::format!("the peer takes messages of at most {limit} bytes");
            self.end_now(connection, ConnectFailure::Description(why));
            return Ok(());
        }
        let member = entry.member.as_ref();
        if let Some(why) = member.and_then(|member| member.disagreement(&description.sdp)) {
            if description.sdp_type == SdpType::Answer {
                self.end_now(connection, ConnectFailure::Channel(why));
                return Ok(());
            }
            // Not at once: the answer tells the far side.
            entry.refusal = Some(why);
        }
        if let Some(member) = &mut entry.member {
            member.max_message_size = own_limit.min(limit);
            member.transfers.described(&description.sdp);
            member.batches.described(&description.sdp);
        }
        if let Err(cause) = self.hear_of_life(connection, &description) {
            self.end_replacement(connection, cause);
            return Ok(());
        }
        let link = connection;
        if self
            .member(link)
            .is_some_and(|member| member.batches.are_sent())
        {
            self.commands.push_back(Command::Coalesce { link });
        }
        self.commands
            .push_back(Command::SetRemote { link, description });
        let candidates = held.into_iter().map(|candidate| Command::AddCandidate {
            link: connection,
            candidate,
        });
        self.commands.extend(candidates);
        Ok(())
    }

    /// Gives the connection a candidate of its far side; one that comes before the description waits for it.
    ///
    /// # Errors
    ///
    /// [`ConnectionError`]; the candidate is dropped then.
    pub fn add_ice_candidate(
        &mut self,
        connection: ConnectionId,
        candidate: IceCandidate,
    ) -> Result<(), ConnectionError> {
        let entry = self.negotiating(connection)?;
        if let Some(candidate) = entry.negotiation.candidate(candidate)? {
            self.commands.push_back(Command::AddCandidate {
                link: connection,
                candidate,
            });
        }
        Ok(())
    }

    /// A connection that may be negotiated: it exists and has its channels.
    fn negotiating(&mut self, id: ConnectionId) -> Result<&mut Connection, ConnectionError> {
        let entry = self.links.get_mut(id);
        let entry = entry.ok_or(ConnectionError::UnknownConnection)?;
        if entry.member.is_none() {
            return Err(ConnectionError::NotAdded);
        }
        Ok(entry)
    }
}

//! Who gets a message.

use alloc::collections::btree_map;

use super::links::Links;
use super::{Connection, ConnectionStatus, Mesh};
use crate::{ChannelIndex, LinkId, Payload, PeerId, SendError, Target};

/// One receiver of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub peer: PeerId,
    /// Over which link.
    pub link: LinkId,
    /// Whether it can be sent to; if not, it is refused as not connected.
    pub connected: bool,
}

impl Mesh {
    /// The receivers of a message on a channel, ascending. Targets of more than one peer mean those connected.
    ///
    /// # Errors
    ///
    /// [`SendError`], where the caller is at fault; nobody is to get the message then.
    pub fn route(
        &self,
        target: Target,
        channel: ChannelIndex,
        payload: &Payload,
    ) -> Result<Recipients<'_>, SendError> {
        let initialized = self.unique_id.is_some() && self.status != ConnectionStatus::Disconnected;
        if !initialized {
            return Err(SendError::NotInitialized);
        }
        if payload.is_text() && payload.text().is_none() {
            return Err(SendError::InvalidText);
        }
        let known = match target {
            Target::One(peer) => self
                .member_of(peer)
                .ok_or(SendError::UnknownPeer { peer })?
                .channel(channel)
                .is_some(),
            Target::All | Target::AllExcept(_) => usize::from(channel.0) < self.channel_modes.len(),
        };
        if !known {
            return Err(SendError::UnknownChannel { channel: channel.0 });
        }
        let recipients = Recipients::new(self, target);
        let size = payload.len();
        let smallest = recipients
            .clone()
            .filter_map(|to| Some((self.member(to.link)?.max_message_size, to.peer)))
            .filter(|(limit, _)| size > *limit)
            .min();
        if let Some((limit, peer)) = smallest {
            return Err(SendError::TooLarge { size, limit, peer });
        }
        Ok(recipients)
    }
}

/// The receivers of one message; see [`Mesh::route`].
#[derive(Clone, Debug)]
pub struct Recipients<'a> {
    links: &'a Links<Connection>,
    peers: btree_map::Range<'a, PeerId, LinkId>,
    except: Option<PeerId>,
    connected_only: bool,
}

impl<'a> Recipients<'a> {
    fn new(mesh: &'a Mesh, target: Target) -> Self {
        let (peers, except) = match target {
            Target::All => (mesh.peers.range(..), None),
            Target::One(peer) => (mesh.peers.range(peer..=peer), None),
            Target::AllExcept(peer) => (mesh.peers.range(..), Some(peer)),
        };
        Self {
            links: &mesh.links,
            peers,
            except,
            connected_only: !matches!(target, Target::One(_)),
        }
    }
}

impl Iterator for Recipients<'_> {
    type Item = Recipient;

    fn next(&mut self) -> Option<Recipient> {
        loop {
            let (&peer, &link) = self.peers.next()?;
            let connected = self
                .links
                .get(link)
                .and_then(|connection| connection.member.as_ref())
                .is_some_and(super::Member::is_connected);
            if Some(peer) != self.except && (connected || !self.connected_only) {
                return Some(Recipient {
                    peer,
                    link,
                    connected,
                });
            }
        }
    }
}

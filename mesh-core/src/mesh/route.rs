//! Who gets a message.

use alloc::collections::btree_map;

use super::{Connection, ConnectionStatus, Member, Mesh};
use crate::slots::Slots;
use crate::{ChannelIndex, LinkId, Payload, PeerId, RefusedReason, SendError, Target};

/// One receiver of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub peer: PeerId,
    /// Over which link.
    pub link: LinkId,
    /// Why it cannot be sent to, if it cannot.
    pub refused: Option<RefusedReason>,
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
        let recipients = Recipients::new(self, target, channel);
        let size = payload.len();
        let smallest = recipients
            .clone()
            .filter_map(|to| Some(self.member(to.link)?.max_message_size))
            .filter(|limit| size > *limit)
            .min();
        if let Some(limit) = smallest {
            return Err(SendError::TooLarge { size, limit });
        }
        Ok(recipients)
    }
}

/// The receivers of one message; see [`Mesh::route`].
#[derive(Clone, Debug)]
pub struct Recipients<'a> {
    links: &'a Slots<LinkId, Connection>,
    peers: btree_map::Range<'a, PeerId, LinkId>,
    channel: ChannelIndex,
    except: Option<PeerId>,
    connected_only: bool,
}

impl<'a> Recipients<'a> {
    fn new(mesh: &'a Mesh, target: Target, channel: ChannelIndex) -> Self {
        let (peers, except) = match target {
            Target::All => (mesh.peers.range(..), None),
            Target::One(peer) => (mesh.peers.range(peer..=peer), None),
            Target::AllExcept(peer) => (mesh.peers.range(..), Some(peer)),
        };
        Self {
            links: &mesh.links,
            peers,
            channel,
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
            if Some(peer) == self.except {
                continue;
            }
            let refused = self
                .links
                .get(link)
                .and_then(|connection| connection.member.as_ref())
                .map_or(Some(RefusedReason::NotConnected), |member| {
                    self.refusal(member)
                });
            if refused != Some(RefusedReason::NotConnected) || !self.connected_only {
                return Some(Recipient {
                    peer,
                    link,
                    refused,
                });
            }
        }
    }
}

impl Recipients<'_> {
    fn refusal(&self, member: &Member) -> Option<RefusedReason> {
        if !member.is_connected() {
            return Some(RefusedReason::NotConnected);
        }
        // What a peer has made for itself at this position is not the channel that all are meant to have.
        member
            .channel(self.channel)
            .is_none_or(|channel| channel.in_band && self.connected_only)
            .then_some(RefusedReason::NoSuchChannel)
    }
}

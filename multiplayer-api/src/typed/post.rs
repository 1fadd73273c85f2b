//! What messages of either kind go through.

use mesh_core::{MultiplayerPeer, Sent, Target};
use serde::Serialize;

use super::codec;
use crate::{MultiplayerApi, SendMessageError, Via};

/// An API that carries messages in their written form.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) api: MultiplayerApi,
    /// The largest message in bytes, its id included, in both directions.
    pub(super) limit: usize,
}

impl Post {
    /// Sends a message, its id before it if its kind has one.
    pub(super) fn send<M: Serialize>(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        target: impl Into<Target>,
        via: impl Into<Via>,
        id: Option<u16>,
        message: &M,
    ) -> Result<Sent, SendMessageError> {
        let limit = self.limit;
        let write = |packet| codec::write(packet, id, message, limit);
        self.api
            .send_with(network, target.into(), via.into(), write)
    }
}

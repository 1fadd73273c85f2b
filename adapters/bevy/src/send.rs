//! The end of a frame: what the game has sent goes out, and its commands are carried out.

use bevy_ecs::prelude::{Message, World};
use webrtc_multiplayer::{
    ChannelIndex, DisconnectReason, GivenReason, JoinError, PeerId, Refused, SendError, Target,
    TransferMode,
};

use crate::commands::{Request, Requests};
use crate::receive::{Driver, part};
use crate::sender::Outgoing;
use crate::session::MeshSession;
use crate::{Mesh, MeshStatus};

/// A message of ours that not everybody will get.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
pub struct SendFailed {
    /// To whom it was sent.
    pub target: Target,
    /// On which channel.
    pub channel: ChannelIndex,
    /// Why.
    pub why: SendFailure,
}

/// Why not everybody gets a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendFailure {
    /// Nobody gets it.
    Error(SendError),
    /// These do not get it. It is told of reliable channels only: on the others messages are lost anyway.
    Refused(Vec<Refused>),
}

/// Why a lobby could not even be asked for. [`MeshStatus`] is `Idle` then.
#[derive(Debug, Message)]
pub struct JoinFailed(pub JoinError);

pub(crate) fn send(world: &mut World) {
    send_all(world);
    let requests = std::mem::take(&mut world.resource_mut::<Requests>().0);
    for request in requests {
        match request {
            Request::Leave(reason) => end(world, reason),
            Request::Join(lobby) => {
                end(world, None);
                match lobby.join() {
                    Ok(session) => begin(world, Box::new(session)),
                    Err(error) => _ = world.write_message(JoinFailed(error)),
                }
            }
            Request::With(work) => {
                let driver = world.get_non_send_mut::<Driver>();
                if let Some(session) =
                    driver.and_then(|driver| driver.into_inner().session.as_mut())
                {
                    work(session.as_mut());
                }
            }
        }
    }
}

fn send_all(world: &mut World) {
    let outgoing = std::mem::take(&mut world.resource_mut::<Outgoing>().0);
    let mut failed = Vec::new();
    if let Some(mut driver) = world.get_non_send_mut::<Driver>() {
        for (target, channel, payload) in outgoing {
            let sent = match &mut driver.session {
                Some(session) => session.send_on(target, channel, payload),
                None => Err(SendError::NotInitialized),
            };
            // A custom channel may be reliable. Of the built-in unreliable ones a message is soon followed by a newer one.
            let lossy = [TransferMode::UnreliableOrdered, TransferMode::Unreliable];
            let is_lossy = lossy.iter().any(|mode| mode.channel() == channel);
            let why = match sent {
                Err(error) => SendFailure::Error(error),
                Ok(sent) if !is_lossy && !sent.is_complete() => SendFailure::Refused(sent.refused),
                Ok(_) => continue,
            };
            failed.push(SendFailed {
                target,
                channel,
                why,
            });
        }
    }
    world.write_message_batch(failed);
}

/// Drives a session from now on, after the end of the one before.
pub(crate) fn begin(world: &mut World, session: Box<dyn MeshSession>) {
    end(world, None);
    let mut mesh = world.get_resource_or_init::<Mesh>();
    mesh.status = MeshStatus::Joining;
    if let Some(mut driver) = world.get_non_send_mut::<Driver>() {
        driver.session = Some(session);
    }
}

/// Leaves. The session lives on until its last messages have gone out.
fn end(world: &mut World, reason: Option<GivenReason>) {
    let Some(mut driver) = world.get_non_send_mut::<Driver>() else {
        return;
    };
    let Some(mut session) = driver.session.take() else {
        return;
    };
    let until = session.leave(reason);
    driver.leaving = Some((session, until));
    let peers: Vec<PeerId> = world.resource::<Mesh>().peers.keys().copied().collect();
    for peer in peers {
        part(world, peer, &DisconnectReason::Removed);
    }
    *world.resource_mut::<Mesh>() = Mesh::default();
}

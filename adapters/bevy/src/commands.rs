//! What a game asks of the mesh. It is done in the same frame, in [`MeshSystems::Send`](crate::MeshSystems::Send).

use bevy_ecs::prelude::{Commands, Resource, World};
use webrtc_multiplayer::{GivenReason, Lobby, PeerId};

use crate::MeshSession;

/// What waits for the next [`MeshSystems::Send`](crate::MeshSystems::Send).
///
/// A session must stay on its thread, and a command may run on any. So commands only leave a note here.
#[derive(Default, Resource)]
pub(crate) struct Requests(pub(crate) Vec<Request>);

pub(crate) enum Request {
    Join(Box<Lobby>),
    Leave(Option<GivenReason>),
    With(Work),
}

pub(crate) type Work = Box<dyn FnOnce(&mut dyn MeshSession) + Send + Sync>;

/// Commands for the mesh. Those of one frame take effect in order, after what [`MeshSender`](crate::MeshSender) has sent.
pub trait MeshCommands {
    /// Joins a lobby, and leaves the one before. [`MeshStatus`](crate::MeshStatus) tells how it goes, and
    /// [`JoinFailed`](crate::JoinFailed) if it could not even begin.
    fn join_lobby(&mut self, lobby: Lobby);

    /// Leaves. What reliable channels have accepted is still sent. Every peer gives [`PeerLeft`](crate::PeerLeft).
    fn leave_lobby(&mut self);

    /// Leaves and tells the others why: a text, a code of the game's own, or both.
    fn leave_lobby_with_reason(&mut self, reason: impl Into<GivenReason>);

    /// Lets nobody join any more. [`Mesh::is_sealed`](crate::Mesh::is_sealed) tells when it is so.
    fn seal_lobby(&mut self);

    /// Removes a peer and keeps it away until it has left the lobby.
    fn kick_peer(&mut self, peer: PeerId, reason: impl Into<GivenReason>);

    /// Works on the session itself, if there is one, for all that has no command.
    fn with_session(&mut self, work: impl FnOnce(&mut dyn MeshSession) + Send + Sync + 'static);
}

impl MeshCommands for Commands<'_, '_> {
    fn join_lobby(&mut self, lobby: Lobby) {
        ask(self, Request::Join(Box::new(lobby)));
    }

    fn leave_lobby(&mut self) {
        ask(self, Request::Leave(None));
    }

    fn leave_lobby_with_reason(&mut self, reason: impl Into<GivenReason>) {
        ask(self, Request::Leave(Some(reason.into())));
    }

    fn seal_lobby(&mut self) {
        // Where it is not possible, the lobby stays as it is, which `Mesh::is_sealed` shows.
        self.with_session(|session| drop(session.seal()));
    }

    fn kick_peer(&mut self, peer: PeerId, reason: impl Into<GivenReason>) {
        let reason = reason.into();
        self.with_session(move |session| _ = session.kick(peer, reason));
    }

    fn with_session(&mut self, work: impl FnOnce(&mut dyn MeshSession) + Send + Sync + 'static) {
        ask(self, Request::With(Box::new(work)));
    }
}

fn ask(commands: &mut Commands, request: Request) {
    commands.queue(move |world: &mut World| {
        world.get_resource_or_init::<Requests>().0.push(request);
    });
}

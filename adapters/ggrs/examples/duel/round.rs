//! A round of the duel over the mesh. It knows no screen and no keyboard, so a terminal and a page play the same one.

use std::time::Duration;

use ggrs::{
    DesyncDetection, Frame, GgrsError, GgrsEvent, NULL_FRAME, P2PSession, PlayerHandle,
    SessionBuilder, SessionState,
};
use ggrs_webrtc_multiplayer::{Bridge, Seats, SeatsError};
use thiserror::Error;
use webrtc_multiplayer::{
    DisconnectReason, Event, JoinError, Lobby, LostReason, PeerId, Session, Target, TransferMode,
};

use crate::game::{Buttons, Duel, Game};

/// How many play.
const PLAYERS: usize = 2;

/// Two players, from the moment when they join a lobby.
pub(crate) struct Round {
    session: Session,
    bridge: Bridge,
    /// None: it is not certain yet who plays.
    play: Option<Match>,
    pub(crate) game: Game,
}

struct Match {
    seats: Seats,
    rollback: P2PSession<Duel>,
}

/// Why a round is over.
#[derive(Debug, Error)]
pub(crate) enum End {
    #[error("the lobby is lost: {0}")]
    Lobby(LostReason),
    #[error("{0}")]
    Seats(#[from] SeatsError),
    #[error("player {0} is gone: {1}")]
    Gone(PeerId, DisconnectReason),
    #[error("the players disagree about frame {0}")]
    Desync(Frame),
    #[error("{0}")]
    Ggrs(#[from] GgrsError),
}

impl Round {
    /// Joins a group of two. It seals itself, and the next two get a lobby of their own.
    pub(crate) fn join(url: &str, lobby: &str) -> Result<Self, JoinError> {
        Ok(Self {
            session: Lobby::new(url, lobby).group_of(2).join()?,
            bridge: Bridge::new(),
            play: None,
            game: Game::new(PLAYERS),
        })
    }

    /// Who plays, once it is certain.
    pub(crate) fn seats(&self) -> Option<&Seats> {
        self.play.as_ref().map(|play| &play.seats)
    }

    /// The last frame about which nothing can change any more.
    #[allow(dead_code, reason = "the page waits for it")]
    pub(crate) fn confirmed(&self) -> Frame {
        let running = self.play.as_ref().filter(|play| play.is_running());
        running.map_or(NULL_FRAME, |play| play.rollback.confirmed_frame())
    }

    /// Sends the other player a text that has nothing to do with GGRS.
    #[allow(dead_code, reason = "the page tells what came of the frames")]
    pub(crate) fn tell(&mut self, text: &str) {
        // Nobody is there to get it any more, which the next frame notices.
        let _ = self.session.send(Target::All, TransferMode::Reliable, text);
    }

    /// A frame. `held` gives the buttons that a player of ours holds down.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "nothing else is of interest here"
    )]
    pub(crate) fn frame(
        &mut self,
        held: impl Fn(PlayerHandle, Frame) -> Buttons,
    ) -> Result<(), End> {
        while let Some(event) = self.bridge.poll(&mut self.session) {
            match event {
                Event::PeerDisconnected { peer, reason } => return Err(End::Gone(peer, reason)),
                // A sealed lobby ends after a while. Who is in it may still be connecting.
                Event::SignalingLost(reason) if reason != LostReason::SealComplete => {
                    return Err(End::Lobby(reason));
                }
                _ => {}
            }
        }
        match &mut self.play {
            None => self.begin()?,
            Some(play) => play.frame(&mut self.game, held)?,
        }
        self.bridge.flush(&mut self.session);
        Ok(())
    }

    fn begin(&mut self) -> Result<(), End> {
        let seats = match self.bridge.seats(&self.session, PLAYERS) {
            Ok(seats) => seats,
            Err(error @ (SeatsError::NoMesh | SeatsError::TooFew { .. })) => {
                return Err(error.into());
            }
            Err(_) => return Ok(()),
        };
        let builder = SessionBuilder::<Duel>::new()
            .with_input_delay(2)
            // The mesh tells at once who has left, and looks for another path for so long where one is broken.
            .with_disconnect_timeout(Duration::from_secs(25))
            .with_desync_detection_mode(DesyncDetection::On { interval: 60 });
        let builder = seats.add_to(builder)?;
        let rollback = builder.start_p2p_session(self.bridge.socket())?;
        self.play = Some(Match { seats, rollback });
        Ok(())
    }
}

impl Match {
    fn is_running(&self) -> bool {
        self.rollback.current_state() == SessionState::Running
    }

    fn frame(
        &mut self,
        game: &mut Game,
        held: impl Fn(PlayerHandle, Frame) -> Buttons,
    ) -> Result<(), End> {
        self.rollback.poll_remote_clients();
        for event in self.rollback.events() {
            if let GgrsEvent::DesyncDetected { frame, .. } = event {
                return Err(End::Desync(frame));
            }
        }
        if !self.is_running() {
            return Ok(());
        }
        for handle in self.rollback.local_player_handles() {
            let buttons = held(handle, self.rollback.current_frame());
            self.rollback.add_local_input(handle, buttons)?;
        }
        match self.rollback.advance_frame() {
            Ok(requests) => game.handle(requests),
            // The other player's inputs are late: this frame is tried again.
            Err(GgrsError::PredictionThreshold) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

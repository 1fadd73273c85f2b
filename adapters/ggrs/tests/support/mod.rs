//! A player of the duel who needs nobody at the keys, over any session.

use std::time::{Duration, Instant};

use ggrs::{
    DesyncDetection, Frame, GgrsError, GgrsEvent, GgrsRequest, P2PSession, SessionBuilder,
    SessionState, SpectatorSession,
};
use ggrs_webrtc_multiplayer::{Bridge, Seats, SeatsError};
use mesh_core::{Backend, Event, PeerId, Session, Signaling};

use crate::bot;
use crate::game::{Duel, Game};

/// Far above what anything here takes.
const DEADLINE: Duration = Duration::from_secs(300);

/// So many frames after one that is confirmed, it has been played as it stays: the window of predictions, and the input delay.
pub(crate) const SETTLED: Frame = 10;

/// What of GGRS a member of the lobby has.
enum Part {
    /// Not before it is certain who plays.
    Nothing,
    Plays(Box<P2PSession<Duel>>),
    Watches(Box<SpectatorSession<Duel>>),
}

pub(crate) struct Player<B, S> {
    pub(crate) session: Session<B, S>,
    pub(crate) bridge: Bridge,
    pub(crate) game: Game,
    pub(crate) seats: Option<Seats>,
    /// How many play; the others watch.
    players: usize,
    part: Part,
    /// The frames about which another player has told of other checksums.
    pub(crate) desyncs: Vec<Frame>,
    /// Texts from others, past GGRS.
    pub(crate) heard: Vec<String>,
    /// Peers that GGRS has given up.
    pub(crate) given_up: Vec<PeerId>,
}

impl<B: Backend, S: Signaling> Player<B, S> {
    pub(crate) fn new(session: Session<B, S>, players: usize) -> Self {
        Self {
            session,
            bridge: Bridge::new(),
            game: Game::new(players),
            seats: None,
            players,
            part: Part::Nothing,
            desyncs: Vec::new(),
            heard: Vec::new(),
            given_up: Vec::new(),
        }
    }

    /// A frame of its game.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is of no interest here"
    )]
    pub(crate) fn frame(&mut self) {
        while let Some(event) = self.bridge.poll(&mut self.session) {
            match event {
                Event::Packet(packet) if packet.payload.text().is_some() => {
                    self.heard.extend(packet.payload.text().map(str::to_owned));
                }
                Event::Packet(packet) => panic!("GGRS has them: {packet:?}"),
                Event::PeerDisconnected { peer, .. } => self.lose(peer),
                _ => {}
            }
        }
        match &mut self.part {
            Part::Nothing => self.begin(),
            Part::Plays(session) => {
                session.poll_remote_clients();
                let events: Vec<_> = session.events().collect();
                let requests = advance(session);
                events.into_iter().for_each(|event| self.see(&event));
                self.game.handle(requests);
            }
            Part::Watches(session) => {
                session.poll_remote_clients();
                let events: Vec<_> = session.events().collect();
                let requests = session.advance_frame();
                events.into_iter().for_each(|event| self.see(&event));
                // An error: nothing has come yet that it could show.
                self.game.handle(requests.unwrap_or_default());
            }
        }
        self.bridge.flush(&mut self.session);
    }

    fn begin(&mut self) {
        let seats = match self.bridge.seats(&self.session, self.players) {
            Ok(seats) => seats,
            Err(error) => {
                assert!(!matches!(error, SeatsError::NoMesh), "{error}");
                return;
            }
        };
        let builder = SessionBuilder::new()
            .with_input_delay(2)
            // Far above what a busy machine makes of it.
            .with_disconnect_timeout(DEADLINE)
            .with_desync_detection_mode(DesyncDetection::On { interval: 10 });
        let builder = seats.add_to(builder).unwrap();
        let socket = self.bridge.socket();
        self.part = match seats.own_handle() {
            Some(_) => Part::Plays(Box::new(builder.start_p2p_session(socket).unwrap())),
            None => {
                let session = builder.start_spectator_session(seats.host(), socket);
                Part::Watches(Box::new(session))
            }
        };
        self.seats = Some(seats);
    }

    fn lose(&mut self, peer: PeerId) {
        let handle = self.seats.as_ref().and_then(|seats| seats.handle_of(peer));
        if let (Part::Plays(session), Some(handle)) = (&mut self.part, handle) {
            session.disconnect_player(handle).unwrap();
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is of no interest here"
    )]
    fn see(&mut self, event: &GgrsEvent<Duel>) {
        match event {
            GgrsEvent::DesyncDetected { frame, .. } => self.desyncs.push(*frame),
            GgrsEvent::Disconnected { addr } => self.given_up.push(*addr),
            _ => {}
        }
    }

    /// The last frame about which nothing can change any more.
    pub(crate) fn confirmed(&self) -> Frame {
        match &self.part {
            Part::Nothing => ggrs::NULL_FRAME,
            Part::Plays(session) if session.current_state() == SessionState::Running => {
                session.confirmed_frame()
            }
            Part::Plays(_) => ggrs::NULL_FRAME,
            Part::Watches(session) => session.current_frame(),
        }
    }
}

/// The next frame of a player, unless the others' inputs are too late for it.
fn advance(session: &mut P2PSession<Duel>) -> Vec<GgrsRequest<Duel>> {
    if session.current_state() != SessionState::Running {
        return Vec::new();
    }
    for handle in session.local_player_handles() {
        let buttons = bot::buttons(handle, session.current_frame());
        session.add_local_input(handle, buttons).unwrap();
    }
    match session.advance_frame() {
        Ok(requests) => requests,
        Err(GgrsError::PredictionThreshold) => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

/// Plays until it is so; `pass` lets time pass after each frame.
pub(crate) fn until<B: Backend, S: Signaling>(
    players: &mut [Player<B, S>],
    what: &str,
    mut pass: impl FnMut(),
    mut is_so: impl FnMut(&[Player<B, S>]) -> bool,
) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so(players) {
        assert!(Instant::now() < deadline, "not {what} in time");
        players.iter_mut().for_each(Player::frame);
        pass();
    }
}

/// Both have seen the same game up to a frame.
#[allow(dead_code, reason = "not every test has both players")]
pub(crate) fn assert_same<B, S>(one: &Player<B, S>, other: &Player<B, S>, last: Frame) {
    let frames = |player: &Player<B, S>| -> Vec<(Frame, u128)> {
        let frames = player.game.checksums.range(..=last);
        frames
            .map(|(frame, checksum)| (*frame, *checksum))
            .collect()
    };
    assert_eq!(frames(one), frames(other));
    assert!(
        one.game.checksums.contains_key(&last),
        "{last} was not played"
    );
}

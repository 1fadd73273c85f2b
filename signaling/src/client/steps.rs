//! What a client does about what happens: on its connection, and with time.

use std::fmt;

use mesh_core::{Duration, HintError, Instant, LostReason, PeerId, ReconnectHint, SignalingEvent};

use super::absence::{ATTEMPT, Absence, STEADY, Token};
use super::backoff::Backoff;
use super::courier::Courier;
use super::membership::Membership;
use super::pulse::{Beat, Pulse};
use super::{Client, JoinRequest, Stage, closing};
use crate::{
    DecodeError, Extension, MAX_NOTICE_SIZE, Message, Notice, NoticeError, Request, Transport,
    TransportError, TransportEvent, check_hint, decode, encode,
};

/// When to try again to send what the transport had no room for: it does not say when it has room.
const FULL_PAUSE: Duration = Duration::from_millis(20);

/// A request as it travels.
pub(super) fn text(request: Request) -> String {
    encode(&Message::from(request))
}

impl<T: Transport> Client<T> {
    pub(super) fn request(&mut self, request: Request) -> Result<(), TransportError> {
        self.transport.send(text(request))
    }

    pub(super) fn on_transport(
        &mut self,
        now: Instant,
        event: TransportEvent,
    ) -> Result<(), LostReason> {
        match event {
            TransportEvent::Opened => self.on_opened(),
            TransportEvent::Text(text) => self.on_text(now, &text),
            TransportEvent::Closed { reason } => {
                Err(closing::judge(reason, self.membership.is_sealed()))
            }
        }
    }

    fn on_opened(&mut self) -> Result<(), LostReason> {
        let Stage::Connecting { deadline } = self.stage else {
            return Ok(());
        };
        self.is_welcome = false;
        let join = self.join();
        self.request(join).map_err(|error| {
            LostReason::Unreachable(format!("the request to join could not be sent: {error}"))
        })?;
        let deadline = self.absence.as_ref().map_or(deadline, Absence::joins_until);
        self.stage = Stage::Joining { deadline };
        Ok(())
    }

    /// What we ask a server for: our seat, if it has given us one.
    pub(super) fn join(&mut self) -> Request {
        let JoinRequest {
            lobby,
            topology,
            max_players,
            is_listed,
            group_of,
            host_migration,
        } = match self.membership.lobby() {
            // The server may have given the lobby its name. It is there, so nothing is chosen about it.
            Some((lobby, topology)) => JoinRequest {
                lobby: lobby.to_owned(),
                topology,
                ..JoinRequest::default()
            },
            None => self.request.clone(),
        };
        let token = self.token.as_ref().map(|token| token.text.clone());
        if token.is_some() {
            self.attempts = self.attempts.saturating_add(1);
        }
        let extension = Some(Extension {
            version: Extension::VERSION,
            attempt: token.as_ref().map(|_| self.attempts),
            token,
            max_players,
            is_listed,
            group_of,
            host_migration,
        });
        Request::Join {
            lobby,
            topology,
            extension,
        }
    }

    fn on_text(&mut self, now: Instant, text: &str) -> Result<(), LostReason> {
        let protocol = |error: &dyn fmt::Display| LostReason::Protocol(error.to_string());
        let message = match decode(text, MAX_NOTICE_SIZE) {
            Ok(message) => message,
            // A newer server may send it.
            Err(DecodeError::UnknownType(_)) => return Ok(()),
            Err(error) => return Err(protocol(&error)),
        };
        let notice = match Notice::try_from(message) {
            Ok(notice) => notice,
            Err(NoticeError::ClientOnly(_)) => return Ok(()),
            Err(error @ NoticeError::Id(_)) => return Err(protocol(&error)),
        };
        if let Stage::Joined { pulse, .. } = &mut self.stage {
            pulse.hear(now);
        }
        match &notice {
            Notice::Welcome { token, term } => {
                self.token = Token::new(token.clone(), *term);
                self.is_welcome = true;
            }
            Notice::Draining { within, url } if self.is_welcome => {
                let hint = self.take_hint(url);
                let within = Duration::from_secs((*within).into());
                let told = self.membership.drain(within, hint);
                told.map_err(|fault| protocol(&fault))?;
            }
            // Else it would be taken for our lobby if it happens to give us the same id.
            Notice::Joined { .. } if self.is_at_a_stranger() => {
                return Err(protocol(&"it keeps no seat of ours"));
            }
            Notice::PeerDisconnect(peer) | Notice::PeerRemoved { peer, .. } => {
                self.courier.forget(*peer);
            }
            Notice::PeerConnect {
                peer,
                is_ours: false,
            } => self.courier.strip(*peer),
            Notice::Id { .. }
            | Notice::Joined { .. }
            | Notice::PeerConnect { .. }
            | Notice::PeerResumed(_)
            | Notice::Relayed { .. }
            | Notice::Sealed
            | Notice::Locked(_)
            | Notice::Listed(_)
            | Notice::Host(_)
            | Notice::Data(_)
            | Notice::MemberData { .. }
            | Notice::Draining { .. }
            | Notice::Pong => {}
        }
        self.membership
            .handle(now, notice)
            .map_err(|fault| protocol(&fault))?;
        if self.membership.is_in() && !self.is_joined() {
            if !self.is_welcome {
                // It takes nobody back, so the next break is the end, and passes no numbers on.
                self.token = None;
                self.courier.strip_all();
            }
            self.stage = Stage::Joined {
                since: now,
                pulse: Pulse::new(now),
            };
            self.absence = None;
            // What was sent on the last connection may not have arrived.
            self.courier.rewind_all(now);
        }
        Ok(())
    }

    /// Whether we have come back to a server that was named, and that keeps no seats.
    const fn is_at_a_stranger(&self) -> bool {
        self.absence.is_some() && self.route.is_elsewhere() && !self.is_welcome
    }

    /// What becomes of the address that a server names which is about to stop.
    fn take_hint(&mut self, url: &str) -> ReconnectHint {
        // It takes the place of what was named before, also where it names nothing that can be used.
        self.route.stay();
        if url.is_empty() {
            return ReconnectHint::Same;
        }
        let Some(given) = self.transport.url() else {
            return ReconnectHint::Refused(HintError::Unsupported);
        };
        match check_hint(url, Some(self.route.current(given))) {
            Ok(()) => {
                self.route.lead(url.to_owned());
                ReconnectHint::At(url.to_owned())
            }
            Err(error) => ReconnectHint::Refused(error),
        }
    }

    /// Does what is due. Whether there is more to look at.
    pub(super) fn on_timeout(&mut self, now: Instant) -> Result<bool, LostReason> {
        match self.stage {
            Stage::Connecting { deadline } | Stage::Joining { deadline } if deadline <= now => {
                Err(self.too_late())
            }
            Stage::Joined { .. } => {
                self.check_pulse(now)?;
                while let Some(peer) = self.membership.give_up(now) {
                    self.courier.forget(peer);
                }
                self.flush(now);
                Ok(self.membership.has_events())
            }
            Stage::Paused { until } if until <= now => self.try_again(now).map(|()| true),
            Stage::New
            | Stage::Connecting { .. }
            | Stage::Joining { .. }
            | Stage::Paused { .. }
            | Stage::Ended => Ok(false),
        }
    }

    fn check_pulse(&mut self, now: Instant) -> Result<(), LostReason> {
        let is_extended = self.is_extended();
        let Stage::Joined { pulse, .. } = &mut self.stage else {
            return Ok(());
        };
        if !is_extended {
            return Ok(());
        }
        match pulse.handle_timeout(now) {
            Beat::Rest => {}
            Beat::Ask => {
                // A transport that has no room for it will not get any more in if the server is dead.
                let _ = self.request(Request::Ping);
            }
            Beat::Dead => {
                let why = "the server does not answer any more".to_owned();
                return Err(LostReason::Unreachable(why));
            }
        }
        Ok(())
    }

    /// Why an attempt to join has taken too long.
    fn too_late(&self) -> LostReason {
        let is_open = matches!(self.stage, Stage::Joining { .. });
        let limit = match &self.absence {
            Some(absence) if !is_open => absence.opening(),
            Some(_) => ATTEMPT,
            None => self.join_deadline,
        };
        let within = format!("within {limit:?}");
        if !is_open {
            LostReason::Unreachable(format!("no connection {within}"))
        } else if self.membership.is_named_only() {
            // Godot's GDScript server answers so.
            LostReason::Refused {
                code: 0,
                reason: format!(
                    "it named the lobby and gave us no id {within}: the lobby is sealed"
                ),
            }
        } else {
            LostReason::Unreachable(format!("it did not answer the request to join {within}"))
        }
    }

    /// Makes the next attempt to come back, unless it is too late for that.
    fn try_again(&mut self, now: Instant) -> Result<(), LostReason> {
        let is_over = |absence: &Absence| absence.is_over(now);
        if self.absence.as_ref().is_none_or(is_over) || self.reopen().is_err() {
            let absence = self.absence.take();
            return Err(absence.map_or(LostReason::Closed, Absence::into_reason));
        }
        if let Some(absence) = &mut self.absence {
            absence.begin(now);
            let deadline = absence.opens_until();
            self.stage = Stage::Connecting { deadline };
        }
        Ok(())
    }

    /// Begins to connect, to whichever address is next.
    fn reopen(&mut self) -> Result<(), TransportError> {
        if let Some(url) = self.route.next() {
            if self.transport.reopen_at(url).is_ok() {
                return Ok(());
            }
            // It may be one that a page must not connect to.
            self.route.forget();
        }
        self.transport.reopen()
    }

    /// The connection has ended, or could not be made. Gives the last event, unless there will be another attempt.
    pub(super) fn fail(&mut self, now: Instant, reason: LostReason) -> Option<SignalingEvent> {
        let comes_back = match self.absence {
            // A server that was named by mistake knows nothing of our seat.
            Some(_) if self.route.is_elsewhere() && closing::is_of_a_stranger(&reason) => {
                self.route.forget();
                true
            }
            Some(_) => {
                self.route.turn();
                closing::is_worth_another_try(&reason)
            }
            // A sealed lobby ends soon, and nobody is to make it again.
            None => {
                let may_return = self.is_joined() && !self.membership.is_sealed();
                may_return && closing::is_passing(&reason)
            }
        };
        let Some(token) = self.token.as_ref().filter(|_| comes_back) else {
            self.end();
            return Some(SignalingEvent::Lost { reason });
        };
        self.membership.interrupt(reason.clone());
        if let Stage::Joined { since, .. } = self.stage
            && since + STEADY <= now
        {
            self.backoff = None;
        }
        // The pauses differ between clients, because each has a token of its own.
        let seed = token.text.as_bytes();
        let backoff = self.backoff.get_or_insert_with(|| Backoff::new(seed));
        let absence = self
            .absence
            .get_or_insert_with(|| Absence::new(now, token.term, reason.clone()));
        let pause = backoff.pause();
        let until = if matches!(self.stage, Stage::Connecting { .. }) {
            absence.fail_to_open(now, pause, reason)
        } else {
            absence.fail(now, pause, reason)
        };
        self.stage = Stage::Paused { until };
        None
    }

    /// Sends what waits, as far as the transport has room.
    fn flush(&mut self, now: Instant) {
        while let Some(peer) = self.membership.next_resumed() {
            self.courier.rewind(now, peer);
        }
        self.courier.handle_timeout(now);
        self.full_until = None;
        let waiting = self.courier.waiting();
        let reachable = waiting.filter(|peer| self.membership.is_reachable(*peer));
        for peer in Vec::from_iter(reachable) {
            if self.flush_to(peer).is_err() {
                self.full_until = Some(now + FULL_PAUSE);
                return;
            }
        }
    }

    pub(super) fn flush_to(&mut self, peer: PeerId) -> Result<(), TransportError> {
        while let Some(request) = self.courier.unsent(peer) {
            self.request(request)?;
            self.courier.note_sent(peer);
        }
        Ok(())
    }

    pub(super) fn end(&mut self) {
        self.stage = Stage::Ended;
        self.membership = Membership::new();
        self.courier = Courier::new();
        self.absence = None;
        self.transport.close();
    }
}

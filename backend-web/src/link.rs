//! One connection: a task that awaits its commands in order and reports what happens.

use std::pin::pin;
use std::rc::Rc;

use async_channel::{Receiver, Sender};
use futures_util::future::{Either, select};
use mesh_core::platform::pulse::Life;
use mesh_core::platform::{GOODBYE, control, pulse};
use mesh_core::{
    CloseReason, Command, ConnectFailure, ConnectionState, Duration, Goodbye, IceCandidate,
    LinkEvent, LinkId, LinkStats, SessionDescription,
};

use crate::connection::Connection;
use crate::count::{Count, Kind};
use crate::far_names::{self, FarNames};
use crate::inbox::LinkInbox;
use crate::names::Names;
use crate::note::Note;
use crate::page::Page;
use crate::relay::Relay;
use crate::timer::Timer;

/// How long gathering may take where only a relay will do. Both browsers wait longer than that for a TURN server that does not
/// answer; the cause must come before the core's deadline, which knows less.
const GATHERING: Duration = Duration::from_secs(11);

/// How old the figures may get. Each `getStats` costs Chromium at most 0.2 ms of processor time (measured with six channels each): with
/// seven peers a seventh of a percent, so that it is not worth knowing whether anybody reads them.
const FIGURES_AGE: Duration = Duration::from_secs(1);

/// What a link needs to begin.
pub(crate) struct Start {
    pub(crate) connection: Rc<Connection>,
    pub(crate) inbox: Rc<LinkInbox>,
    pub(crate) orders: Receiver<Command>,
    pub(crate) notes: Sender<Note>,
    pub(crate) noted: Receiver<Note>,
    pub(crate) relay: Relay,
    pub(crate) page: Rc<Page>,
}

struct Link {
    id: LinkId,
    connection: Rc<Connection>,
    inbox: Rc<LinkInbox>,
    notes: Sender<Note>,
    relay: Relay,
    /// What the browser last said of the connection, and what was last reported.
    browser_says: ConnectionState,
    reported: ConnectionState,
    /// Whether the pulse says that nothing comes from the far side.
    is_broken: bool,
    has_connected: bool,
    gathering: Gathering,
    names: Names,
    gathering_limit: Option<Timer>,
    far_names: FarNames,
    /// Until the figures are measured again; from the first connection on.
    figures_age: Option<Timer>,
    _count: Count,
}

/// The search for candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gathering {
    Running,
    /// Over, but the last candidates still wait for their names to be known.
    Done,
    /// Over, or not begun.
    Told,
}

/// Serves a link from its opening to its end.
pub(crate) async fn run(start: Start) {
    let Start {
        connection,
        inbox,
        orders,
        notes,
        noted,
        relay,
        page: _page, // Watches until the link has ended, which may be after its backend.
    } = start;
    let names = Names::new();
    let mut link = Link {
        id: inbox.link(),
        connection: Rc::clone(&connection),
        inbox,
        notes,
        relay,
        browser_says: ConnectionState::New,
        reported: ConnectionState::New,
        is_broken: false,
        has_connected: false,
        gathering: Gathering::Told,
        // What asks only once tells of its own names only when they are known.
        far_names: FarNames::new(!names.is_too_quick()),
        names,
        gathering_limit: None,
        figures_age: None,
        _count: Count::new(Kind::Task),
    };
    let served = connection
        .ending()
        .before(link.serve(&orders, &noted))
        .await;
    let (reason, linger) = match served {
        Ok(reason) => (reason, Duration::ZERO),
        Err(told) => told,
    };
    link.drain(linger, &noted).await;
    link.part(&reason, linger, &noted).await;
    connection.close();
    link.inbox.report_closed(reason);
}

/// What comes first: a command, or a note.
async fn next(orders: &Receiver<Command>, notes: &Receiver<Note>) -> Option<Either<Command, Note>> {
    match select(pin!(orders.recv()), pin!(notes.recv())).await {
        Either::Left((command, _)) => command.ok().map(Either::Left),
        Either::Right((note, _)) => note.ok().map(Either::Right),
    }
}

impl Link {
    async fn serve(&mut self, orders: &Receiver<Command>, notes: &Receiver<Note>) -> CloseReason {
        loop {
            let outcome = match next(orders, notes).await {
                Some(Either::Left(command)) => {
                    self.carry_out(command).await.map_err(CloseReason::Failed)
                }
                Some(Either::Right(Note::LookAtPath)) => {
                    self.connection.look_at_path().await;
                    Ok(())
                }
                Some(Either::Right(Note::Measure)) => {
                    self.measure().await;
                    self.measure_later();
                    Ok(())
                }
                Some(Either::Right(Note::AskAgain)) => {
                    self.ask_again().await;
                    Ok(())
                }
                Some(Either::Right(note)) => self.take_note(note),
                // The backend is gone.
                None => Err(CloseReason::Local),
            };
            if let Err(reason) = outcome {
                return reason;
            }
        }
    }

    async fn carry_out(&mut self, command: Command) -> Result<(), ConnectFailure> {
        match command {
            Command::CreateChannel { channel, spec, .. } => {
                self.connection.create_channel(channel, &spec, false)?;
            }
            Command::CloseChannel { channel, .. } => {
                self.connection.channels().finish(channel);
            }
            Command::CreateOffer { .. } => {
                let description = self.connection.offer().await?;
                self.names.begin(None);
                self.described(description);
            }
            Command::SetRemote { description, .. } => {
                self.far_names.forget();
                if let Some(answer) = self.connection.accept(&description).await? {
                    self.names.begin(Some(&description));
                    self.described(answer);
                }
            }
            Command::AddCandidate { candidate, .. } => {
                self.connection.add_candidate(&candidate).await;
                if self.browser_says != ConnectionState::Connected {
                    let timer = self.asks_again();
                    self.far_names.given(candidate, timer);
                }
            }
            Command::RequestStats { link } => {
                let stats = self.measure().await;
                self.inbox.report(LinkEvent::Stats { link, stats });
            }
            // Not sent to a link: the backend sees to them itself.
            Command::Open { .. }
            | Command::Coalesce { .. }
            | Command::SendLast { .. }
            | Command::Abandon { .. }
            | Command::TellKick { .. }
            | Command::TellTaken { .. }
            | Command::Goodbye { .. }
            | Command::Close { .. } => {}
        }
        Ok(())
    }

    fn take_note(&mut self, note: Note) -> Result<(), CloseReason> {
        match note {
            Note::State(state) => {
                self.has_connected |= state == ConnectionState::Connected;
                let is_back = state != self.browser_says && state == ConnectionState::Connected;
                if let Some(pulse) = self.connection.channels().pulse().filter(|_| is_back) {
                    pulse.path_is_back();
                }
                self.browser_says = state;
                if state == ConnectionState::Connected {
                    self.far_names.forget();
                }
                self.judge();
                if is_back && self.figures_age.is_none() {
                    let _ = self.notes.try_send(Note::Measure);
                }
            }
            Note::Pulse => self.judge(),
            Note::Unsecured if !self.has_connected => {
                let why = "the keys do not match the description, or the peer closed meanwhile";
                return Err(CloseReason::Failed(ConnectFailure::Platform(why.into())));
            }
            Note::Candidate(candidate) => {
                let notes = self.notes.clone();
                let ring = move || {
                    let _ = notes.try_send(Note::NameKnown);
                };
                self.relay.found(&candidate);
                let candidate = self.names.admit(candidate, ring);
                self.found(candidate);
            }
            Note::NameKnown => {
                let candidate = self.names.known();
                self.found(candidate);
                if self.gathering == Gathering::Done && self.names.is_empty() {
                    return self.gathered();
                }
            }
            Note::Gathered if self.gathering == Gathering::Running => {
                self.gathering = Gathering::Done;
                if self.names.is_empty() {
                    return self.gathered();
                }
            }
            Note::Refused(refusal) => self.relay.refused(refusal),
            Note::Control => self.connection.channels().heed_control(),
            Note::Fault(fault) => return Err(fault.into()),
            // Was said already; or of interest at the end only.
            Note::Gathered
            | Note::Drained
            | Note::LingerOver
            | Note::Unsecured
            | Note::LookAtPath
            | Note::Measure
            | Note::AskAgain => {}
        }
        Ok(())
    }

    /// What is known of the link at this moment. Tells of another pair of candidates.
    async fn measure(&self) -> LinkStats {
        let (stats, selected) = self.connection.measure().await;
        if let Some(path) = selected {
            let link = self.id;
            self.inbox.report(LinkEvent::PairSelected { link, path });
        }
        stats
    }

    /// Has the figures measured again when they are old.
    fn measure_later(&mut self) {
        let notes = self.notes.clone();
        self.figures_age = Timer::start(FIGURES_AGE, move || {
            let _ = notes.try_send(Note::Measure);
        });
    }

    /// Gives the browser a candidate again whose name had no answer.
    async fn ask_again(&mut self) {
        if let Some(name) = self.far_names.next() {
            self.connection.add_candidate(&name.candidate).await;
            let timer = self.asks_again();
            self.far_names.given_again(name, timer);
        }
    }

    /// Makes the timer that has that done.
    fn asks_again(&self) -> impl FnOnce() -> Option<Timer> + use<> {
        let notes = self.notes.clone();
        let ring = move || {
            let _ = notes.try_send(Note::AskAgain);
        };
        || Timer::start(far_names::PAUSE, ring)
    }

    /// Reports the state of the connection where it is another one. The pulse has a say, with a far side that has one.
    fn judge(&mut self) {
        let channels = self.connection.channels();
        let life = || channels.pulse().map_or(Life::Unknown, |pulse| pulse.life());
        let is_broken = life() == Life::Silent;
        if is_broken != self.is_broken {
            self.is_broken = is_broken;
            channels.path_is(is_broken);
        }
        let state = pulse::judge(self.browser_says, life());
        if state != self.reported {
            self.reported = state;
            let link = self.id;
            self.inbox.report(LinkEvent::State { link, state });
        }
    }

    /// A local description is applied, which begins the search for candidates. Their notes wait until this is reported, even
    /// where the browser was faster.
    fn described(&mut self, mut description: SessionDescription) {
        description.sdp = control::announce(&description.sdp);
        self.gathering = Gathering::Running;
        self.gathering_limit = None;
        if self.relay.is_only() {
            let notes = self.notes.clone();
            self.gathering_limit = Timer::start(GATHERING, move || {
                let _ = notes.try_send(Note::Gathered);
            });
        }
        self.inbox.report(LinkEvent::Description {
            link: self.id,
            description,
        });
    }

    fn found(&self, candidate: Option<IceCandidate>) {
        if let Some(candidate) = candidate {
            let link = self.id;
            self.inbox.report(LinkEvent::Candidate { link, candidate });
        }
    }

    fn gathered(&mut self) -> Result<(), CloseReason> {
        self.gathering = Gathering::Told;
        self.gathering_limit = None;
        self.inbox.report(LinkEvent::Gathered {
            link: self.id,
            trouble: self.relay.trouble(),
        });
        match self.relay.failure() {
            Some(failure) => Err(CloseReason::Failed(failure)),
            None => Ok(()),
        }
    }

    /// Waits until the reliable channels have delivered what they accepted, for so long at most.
    async fn drain(&self, linger: Duration, notes: &Receiver<Note>) {
        let channels = self.connection.channels();
        if linger.is_zero() {
            return;
        }
        let request = channels.finish_all();
        // The far side says that it has everything; or, if it cannot say so, closing the channels tells.
        let is_done = || match request {
            Some(request) => channels.is_finished(request) || !channels.must_arrive(),
            None => channels.drain(),
        };
        self.wait(linger, notes, is_done).await;
    }

    /// Tells the far side why the link ends, if there is something to tell, and waits until it has heard. Where there is nothing
    /// to tell, and there is time to linger, it tells at least that the link ends.
    async fn part(&self, reason: &CloseReason, linger: Duration, notes: &Receiver<Note>) {
        let channels = self.connection.channels();
        let said = self.connection.say_goodbye(Goodbye::of_fault(reason));
        if let Some(request) = said {
            // The page may be left meanwhile, which closes the channel.
            let is_done = || channels.is_finished(request) || !channels.is_control_open();
            self.wait(GOODBYE, notes, is_done).await;
        } else if !linger.is_zero() {
            // A connection says once that it closes. Where that is lost, the far side waits for the silence to become long. That
            // a channel closes is said until it has been heard (RFC 8831 section 6.7).
            channels.close();
            let limit = linger.min(GOODBYE);
            self.wait(limit, notes, || channels.are_closed()).await;
        }
    }

    /// Waits until something is done, for so long at most. Whatever may have done it comes with a note.
    async fn wait(&self, limit: Duration, notes: &Receiver<Note>, is_done: impl Fn() -> bool) {
        if is_done() {
            return;
        }
        let channels = self.connection.channels();
        let over = self.notes.clone();
        let timer = Timer::start(limit, move || {
            let _ = over.try_send(Note::LingerOver);
        });
        if timer.is_none() {
            return;
        }
        while let Ok(note) = notes.recv().await {
            if matches!(note, Note::Control) {
                channels.heed_control();
            }
            if matches!(note, Note::LingerOver) || is_done() {
                return;
            }
        }
    }
}

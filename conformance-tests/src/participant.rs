//! A case's handle on one participant, wherever that runs.

mod api;
mod godot;
mod mesh;
mod reading;
mod seam;
mod stream;
mod transport;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, LocalBoxFuture, select};
use mesh_core::{Instant, LinkConfig};

use self::reading::Queue;
use crate::conduit::Conduit;
use crate::environment::{Ask, Environment, Told};
use crate::observed::{Handshake, Observed, Rumour};
use crate::planted::Fault;
use crate::refusal::Refusal;
use crate::reply::{Reply, Vitals};
use crate::request::{LurkerRequest, Meeting, Pace, Request, Settings, Start};
use crate::{Content, Failure, Kind, Outcome};

/// Steps kept for the report of a failure.
const STEPS: usize = 40;

/// A step's longest description in that report.
const WORDS: usize = 200;

/// What a participant did and saw last, shared with the runner.
pub(crate) type Trace = Rc<RefCell<VecDeque<String>>>;

/// What a participant was started as, which decides how a handshake is handed to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Seam,
    Mesh,
}

/// One participant of a case. Its methods are requests; they take effect in the order in which they are awaited.
pub struct Participant {
    name: String,
    kind: Kind,
    id: Cell<u32>,
    level: Cell<Level>,
    /// Links opened on a bare backend so far.
    links: Cell<u32>,
    /// The settings of links that a case makes without saying which.
    link_config: RefCell<LinkConfig>,
    conduit: Rc<dyn Conduit>,
    environment: Rc<dyn Environment>,
    events: RefCell<Queue<Observed>>,
    handshakes: RefCell<Queue<Handshake>>,
    trace: Trace,
}

impl Participant {
    pub(crate) fn new(
        index: u32,
        kind: Kind,
        environment: Rc<dyn Environment>,
        conduit: impl FnOnce(&str) -> Outcome<Rc<dyn Conduit>>,
    ) -> Outcome<Self> {
        let name = name(index);
        Ok(Self {
            conduit: conduit(&name)?,
            name,
            kind,
            id: Cell::new(index + 1),
            level: Cell::new(Level::Mesh),
            links: Cell::new(0),
            link_config: RefCell::new(LinkConfig::default()),
            environment,
            events: RefCell::new(Queue::new()),
            handshakes: RefCell::new(Queue::new()),
            trace: Trace::default(),
        })
    }

    pub(crate) fn trace(&self) -> Trace {
        Rc::clone(&self.trace)
    }

    pub(crate) fn level(&self) -> Level {
        self.level.get()
    }

    /// "a", "b", …: its part in the case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its peer id: 1 for "a", 2 for "b" and so on, until a session gave it another.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id.get()
    }

    /// Becomes a mesh of its own id with default settings.
    pub async fn start_mesh(&self) -> Outcome {
        self.start_mesh_with(Settings::default()).await
    }

    /// Becomes a mesh of its own id.
    pub async fn start_mesh_with(&self, settings: Settings) -> Outcome {
        self.start(Start::Mesh {
            id: self.id(),
            server_compatibility: false,
            settings,
        })
        .await
    }

    /// Becomes a bare backend.
    pub async fn start_backend(&self) -> Outcome {
        self.start(Start::Backend).await
    }

    /// Becomes a session at this meeting, and waits until it has joined; gives its id.
    pub async fn join(&self, meeting: &Meeting) -> Outcome<u32> {
        self.join_with(meeting, Settings::default()).await
    }

    /// The same with these settings.
    pub async fn join_with(&self, meeting: &Meeting, settings: Settings) -> Outcome<u32> {
        self.start_session(meeting, settings).await?;
        self.joined().await
    }

    /// Becomes a session at this meeting.
    pub async fn start_session(&self, meeting: &Meeting, settings: Settings) -> Outcome {
        self.start(Start::Session {
            meeting: meeting.clone(),
            settings,
        })
        .await
    }

    /// Becomes a bare signaling client at this meeting, and waits until it has joined; gives its id.
    pub async fn lurk(&self, meeting: &Meeting) -> Outcome<u32> {
        self.start(Start::Lurker {
            meeting: meeting.clone(),
        })
        .await?;
        let id = self
            .rumour("to be taken in", |rumour| match rumour {
                Rumour::Joined { id } => Some(*id),
                _ => None,
            })
            .await?;
        self.id.set(id);
        Ok(id)
    }

    /// Becomes this.
    pub async fn start(&self, start: Start) -> Outcome {
        self.level.set(match start {
            Start::Backend => Level::Seam,
            Start::Mesh { .. }
            | Start::Session { .. }
            | Start::Api(_)
            | Start::Lurker { .. }
            | Start::Transport { .. } => Level::Mesh,
        });
        self.done(Request::Start(start)).await?;
        self.events.borrow_mut().clear();
        self.handshakes.borrow_mut().clear();
        Ok(())
    }

    /// Ends so much later on its clock, without holding on to it.
    pub(crate) fn deadline(&self, span: Duration) -> LocalBoxFuture<'static, Outcome> {
        let conduit = Rc::clone(&self.conduit);
        Box::pin(async move { conduit.call(Request::Sleep(span)).await.map(drop) })
    }

    /// Drops what it is.
    pub async fn drop_all(&self) -> Outcome {
        self.done(Request::Drop).await
    }

    /// Takes its events like this from now on.
    pub async fn pace(&self, pace: Pace) -> Outcome {
        self.done(Request::Pace(pace)).await
    }

    /// Sends this as early as an application can: in the answer to "connected" (bare backend: to "channel open").
    pub async fn greet(&self, contents: &[Content]) -> Outcome {
        self.done(Request::Greet(contents.to_vec())).await
    }

    /// From its next start on its backends break their contract like this.
    pub(crate) async fn plant(&self, fault: Fault) -> Outcome {
        self.done(Request::Plant(fault)).await
    }

    /// Waits so long, on its own clock.
    pub async fn sleep(&self, span: Duration) -> Outcome {
        self.done(Request::Sleep(span)).await
    }

    /// Keeps its thread busy for so long.
    pub async fn block(&self, span: Duration) -> Outcome {
        self.done(Request::Block(span)).await
    }

    /// Does this for so long at most, on its clock.
    pub async fn within<T>(
        &self,
        span: Duration,
        what: impl Future<Output = Outcome<T>>,
    ) -> Outcome<Option<T>> {
        match select(pin!(what), self.deadline(span)).await {
            Either::Left((result, _)) => result.map(Some),
            Either::Right((ended, _)) => ended.map(|()| None),
        }
    }

    /// The time on its clock.
    pub async fn now(&self) -> Outcome<Instant> {
        match self.ask(Request::Now).await? {
            Reply::Now { micros } => Ok(Instant::from_micros(micros)),
            reply => Err(self.odd(&reply)),
        }
    }

    /// What it holds of its platform.
    pub async fn vitals(&self) -> Outcome<Vitals> {
        match self.ask(Request::Vitals).await? {
            Reply::Vitals(vitals) => Ok(vitals),
            reply => Err(self.odd(&reply)),
        }
    }

    /// A signaling client's message to another member.
    pub async fn whisper(&self, request: LurkerRequest) -> Outcome {
        self.done(Request::Lurker(request)).await
    }

    /// Asks something of the world around.
    pub async fn wish(&self, ask: Ask) -> Outcome<Told> {
        self.note(format!("wishes {ask:?}"));
        self.environment.ask(ask).await
    }

    /// A meeting of its own for this case.
    pub async fn meeting(&self) -> Outcome<Meeting> {
        match self.wish(Ask::Meeting).await? {
            Told::Meeting(meeting) => Ok(meeting),
            told => Err(self.fail(format!("got {told:?} for a meeting"))),
        }
    }

    /// Vanishes without a goodbye.
    pub async fn kill(&self) -> Outcome {
        let participant = self.name.clone();
        match self.wish(Ask::Kill { participant }).await? {
            Told::Done => Ok(()),
            told => Err(self.fail(format!("got {told:?} for its end"))),
        }
    }

    /// Its page is closed, as a player closes a tab; one that is no page drops what it is.
    pub async fn close_page(&self) -> Outcome {
        let participant = self.name.clone();
        match self.wish(Ask::ClosePage { participant }).await? {
            Told::NotHere => self.drop_all().await,
            _ => Ok(()),
        }
    }

    /// Its page is hidden behind another; whether it is a page.
    pub async fn hide(&self) -> Outcome<bool> {
        let participant = self.name.clone();
        Ok(self.wish(Ask::Hide { participant }).await? == Told::Done)
    }

    /// The settings of links that are made from now on, where the case does not say which.
    pub fn use_links(&self, config: LinkConfig) {
        self.link_config.replace(config);
    }

    /// A failure that names this participant.
    #[must_use]
    pub fn fail(&self, what: impl AsRef<str>) -> Failure {
        Failure::new(format!("{}: {}", self.name, what.as_ref()))
    }

    async fn done(&self, request: Request) -> Outcome {
        match self.ask(request).await? {
            Reply::Done => Ok(()),
            reply => Err(self.odd(&reply)),
        }
    }

    /// Asks; a refusal fails the case.
    async fn ask(&self, request: Request) -> Outcome<Reply> {
        self.attempt(request)
            .await?
            .map_err(|refusal| self.fail(format!("refused: {refusal}")))
    }

    /// Asks; a refusal is for the case to judge.
    async fn attempt(&self, request: Request) -> Outcome<Result<Reply, Refusal>> {
        self.note(format!("is asked {request:?}"));
        match self.conduit.call(request).await {
            Ok(Reply::Refused(refusal)) => {
                self.note(format!("refused: {refusal:?}"));
                Ok(Err(refusal))
            }
            Ok(reply) => Ok(Ok(reply)),
            Err(failure) => Err(self.fail(failure.what())),
        }
    }

    fn odd(&self, reply: &impl Debug) -> Failure {
        self.fail(format!("an answer that does not fit: {reply:?}"))
    }

    /// Adds a step to what a failure will show.
    pub(crate) fn note(&self, mut step: String) {
        if step.len() > WORDS {
            let cut = (0..=WORDS).rev().find(|at| step.is_char_boundary(*at));
            step.truncate(cut.unwrap_or(0));
            step.push('…');
        }
        let mut trace = self.trace.borrow_mut();
        if trace.len() == STEPS {
            trace.pop_front();
        }
        trace.push_back(format!("{} {step}", self.name));
    }
}

/// "a", "b", …: the part of the participant at this place of the cast.
pub(crate) fn name(index: u32) -> String {
    u8::try_from(index)
        .ok()
        .filter(|index| *index < 26)
        .map_or_else(
            || format!("p{index}"),
            |index| char::from(b'a' + index).to_string(),
        )
}

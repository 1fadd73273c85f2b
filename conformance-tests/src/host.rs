//! Plays one participant: carries a case's requests out on a real backend, and goes on taking events meanwhile.
//!
//! A host is an actor. It runs beside the case (in the same task, or in another process behind a mailbox), so whoever a
//! case does not await goes on living, unless the case asked for the contrary ([`Pace::Never`]).

mod api;
mod godot;
mod log;
mod mesh;
mod seam;
mod stack;
mod stream;
mod transport;
mod wake;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use futures_util::Stream;
use futures_util::future::LocalBoxFuture;

use self::log::Tail;
use self::stack::Stack;
use self::stream::{Listener, Sending};
use crate::Content;
use crate::observed::translate::Entry;
use crate::observed::{Handshake, LinkSeen, Observed, Seen};
use crate::planted::Fault;
use crate::platform::Platform;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::{Log, LurkerRequest, Pace, Request, Start};

/// Events taken in one turn; the rest waits for the next, so that requests are answered in between.
const EVENTS_PER_TURN: usize = 256;

/// A request and where its answer goes.
pub(crate) struct Call {
    pub(crate) request: Request,
    pub(crate) answer: Sender<Reply>,
}

/// One participant on its platform.
pub(crate) struct Host<P: Platform> {
    platform: P,
    stack: Stack<P>,
    handshakes: Tail<Handshake>,
    events: Tail<Observed>,
    pace: Pace,
    frame: Option<LocalBoxFuture<'static, ()>>,
    greetings: Vec<Content>,
    /// How its backends break their contract.
    fault: Option<Fault>,
    sending: Option<Sending>,
    listener: Listener,
    waiting: Vec<Waiting>,
    /// When a lurker's signaling wants to be polled without being woken.
    timeout: Option<LocalBoxFuture<'static, ()>>,
}

/// A request whose answer is not there yet.
struct Waiting {
    timer: LocalBoxFuture<'static, ()>,
    what: What,
    answer: Sender<Reply>,
}

#[derive(Clone, Copy)]
enum What {
    Observe(Log, u64),
    Sleep,
}

impl<P: Platform> Host<P> {
    pub(crate) fn new(platform: P) -> Self {
        Self {
            platform,
            stack: Stack::Nothing,
            handshakes: Tail::default(),
            events: Tail::default(),
            pace: Pace::Events,
            frame: None,
            greetings: Vec::new(),
            fault: None,
            sending: None,
            listener: Listener::default(),
            waiting: Vec::new(),
            timeout: None,
        }
    }

    /// Lives until nobody can ask it anything more; drops what it holds then.
    pub(crate) async fn run(mut self, calls: Receiver<Call>) {
        let mut calls = Box::pin(calls);
        while let Some(call) = poll_fn(|cx| self.turn(calls.as_mut(), cx)).await {
            self.take(call).await;
        }
    }

    /// The next request; on the way there, everything else that is due.
    fn turn(
        &mut self,
        calls: Pin<&mut Receiver<Call>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Call>> {
        if let Poll::Ready(call) = calls.poll_next(cx) {
            return Poll::Ready(call);
        }
        match self.pace {
            Pace::Events => self.pump(cx),
            Pace::Frames(span) => self.frame(span, cx),
            Pace::Never => {}
        }
        self.stream(cx);
        self.settle(cx);
        Poll::Pending
    }

    fn pump(&mut self, cx: &mut Context<'_>) {
        for _ in 0..EVENTS_PER_TURN {
            let Poll::Ready(entry) = self.poll_stack(cx) else {
                return;
            };
            self.note(entry);
        }
        cx.waker().wake_by_ref();
    }

    fn poll_stack(&mut self, cx: &mut Context<'_>) -> Poll<Entry> {
        loop {
            let now = self.platform.now();
            let (event, timeout) = self.stack.poll_next(now, cx);
            if event.is_ready() {
                return event;
            }
            // Only a lurker has one: the others put their wish on the backend's alarm.
            let Some(due) = timeout else {
                return Poll::Pending;
            };
            let mut timer = self.platform.sleep(due - now);
            if timer.as_mut().poll(cx).is_pending() {
                self.timeout = Some(timer);
                return Poll::Pending;
            }
        }
    }

    /// Polls once a frame, as a game does, deaf to wake-ups in between.
    fn frame(&mut self, span: Duration, cx: &mut Context<'_>) {
        loop {
            let timer = self.frame.get_or_insert_with(|| self.platform.sleep(span));
            if timer.as_mut().poll(cx).is_pending() {
                return;
            }
            self.frame = None;
            for entry in self.stack.poll_frame() {
                self.note(entry);
            }
        }
    }

    fn note(&mut self, entry: Entry) {
        match entry {
            Entry::Handshake(handshake) => self.handshakes.push(handshake),
            Entry::Event(event) => {
                self.greet(&event);
                self.listener.note(&event, self.platform.now());
                self.events.push(event);
            }
        }
    }

    /// Sends the greetings before anything else can happen: as early as an application can.
    fn greet(&mut self, event: &Observed) {
        for content in &self.greetings {
            match event {
                Observed::Mesh(Seen::Connected(peer)) => {
                    self.stack.greet_peer(*peer, content);
                }
                Observed::Link(link, LinkSeen::Opened { channel, .. }) => {
                    self.stack.greet_channel(*link, *channel, content);
                }
                Observed::Mesh(_)
                | Observed::Link(..)
                | Observed::Signaling(_)
                | Observed::Transport(_) => {}
            }
        }
    }

    /// Answers what can be answered by now.
    fn settle(&mut self, cx: &mut Context<'_>) {
        let mut index = 0;
        while let Some(waiting) = self.waiting.get_mut(index) {
            let is_due = waiting.timer.as_mut().poll(cx).is_ready();
            let what = waiting.what;
            let Some(reply) = self.reply_to(what, is_due) else {
                index += 1;
                continue;
            };
            // The channel has room for the one answer; who asked may be gone.
            let _ = self.waiting.swap_remove(index).answer.try_send(reply);
        }
    }

    fn reply_to(&self, what: What, is_due: bool) -> Option<Reply> {
        match what {
            What::Observe(Log::Handshakes, from) => self
                .handshakes
                .since(from, is_due)
                .map(|(first, items)| Reply::Handshakes { first, items }),
            What::Observe(Log::Events, from) => self
                .events
                .since(from, is_due)
                .map(|(first, items)| Reply::Events { first, items }),
            What::Sleep => is_due.then_some(Reply::Done),
        }
    }

    async fn take(&mut self, call: Call) {
        let Call { request, answer } = call;
        let reply = match request {
            Request::Observe { log, from, wait } => {
                match log {
                    Log::Handshakes => self.handshakes.forget(from),
                    Log::Events => self.events.forget(from),
                }
                return self.wait(What::Observe(log, from), wait, answer);
            }
            Request::Sleep(span) => return self.wait(What::Sleep, span, answer),
            Request::Stream(request) => return self.take_stream(request, answer),
            request => self.carry_out(request).await,
        };
        let reply = reply.unwrap_or_else(Reply::Refused);
        let _ = answer.try_send(reply);
    }

    fn wait(&mut self, what: What, span: Duration, answer: Sender<Reply>) {
        let timer = self.platform.sleep(span);
        self.waiting.push(Waiting {
            timer,
            what,
            answer,
        });
    }

    async fn carry_out(&mut self, request: Request) -> Result<Reply, Refusal> {
        match request {
            Request::Start(start) => self.start(start)?,
            Request::Drop => self.stack = Stack::Nothing,
            Request::Pace(pace) => {
                self.pace = pace;
                self.frame = None;
            }
            Request::Greet(contents) => self.greetings = contents,
            Request::Plant(fault) => self.fault = Some(fault),
            Request::Block(span) => self.platform.block(span),
            Request::Now => return Ok(Reply::now(self.platform.now())),
            Request::Vitals => return Ok(Reply::Vitals(self.platform.vitals())),
            Request::Seam(request) => return self.seam(request).await,
            Request::Mesh(request) => return self.mesh(request).await,
            Request::Api(request) => return self.api(request),
            Request::Lurker(request) => return self.lurker(request),
            Request::Transport(request) => return self.transport(request).await,
            Request::Weather(weather) => return Ok(Reply::Flag(self.platform.weather(weather)?)),
            Request::Spoilt { len } => {
                return Ok(Reply::Count(self.platform.spoilt(len).unwrap_or_default()));
            }
            Request::Observe { .. } | Request::Sleep(_) | Request::Stream(_) => {
                return Err(Refusal::Suite("this request waits".to_owned()));
            }
        }
        Ok(Reply::Done)
    }

    fn start(&mut self, start: Start) -> Result<(), Refusal> {
        self.stack = Stack::Nothing;
        self.handshakes.clear();
        self.events.clear();
        self.pace = Pace::Events;
        self.greetings.clear();
        self.sending = None;
        self.listener = Listener::default();
        self.stack = Stack::start(&self.platform, start, self.fault)?;
        Ok(())
    }

    fn lurker(&mut self, request: LurkerRequest) -> Result<Reply, Refusal> {
        let now = self.platform.now();
        self.stack.lurk(now, request)?;
        Ok(Reply::Done)
    }
}

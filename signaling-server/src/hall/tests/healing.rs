//! The library's own clients on servers that are killed and over connections that break: no signal is lost, and none comes twice.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use mesh_core::{
    LobbyEvent, LostReason, SdpType, SessionDescription, Signal, Signaling, SignalingError,
    SignalingEvent,
};
use proptest::test_runner::RngSeed;
use signaling::{Client, JoinRequest, Transport, TransportError, TransportEvent};

use super::*;
use crate::resume::ResumeKey;

const MEMBERS: usize = 3;

/// A history and the way back take less time than signals are kept, and the way back more than a member that has come back too
/// often must wait.
const STEPS: usize = 30;
const RECOVERY: Duration = Duration::from_secs(11);

#[derive(Clone, Debug)]
enum Step {
    /// One sends the other a signal.
    Say(usize, usize),
    /// Some texts of one arrive at the server.
    Carry(usize, usize),
    /// One looks at what has come.
    Poll(usize),
    /// The connection of one breaks; whether the server notices.
    Break(usize, bool),
    /// The server is killed, and started again.
    Restart,
    /// So many milliseconds pass.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let one = || 0..MEMBERS;
    prop_oneof![
        8 => (one(), 1..MEMBERS).prop_map(|(a, by)| Step::Say(a, (a + by) % MEMBERS)),
        6 => (one(), 0..4_usize).prop_map(|(a, count)| Step::Carry(a, count)),
        6 => one().prop_map(Step::Poll),
        2 => (one(), any::<bool>()).prop_map(|(a, noticed)| Step::Break(a, noticed)),
        1 => Just(Step::Restart),
        4 => (1..250_u64).prop_map(Step::Wait),
    ]
}

/// What is between a client and the server.
#[derive(Default)]
struct Line {
    /// The server's side.
    socket: Option<MemberId>,
    up: VecDeque<String>,
    down: VecDeque<TransportEvent>,
    is_open: bool,
}

/// The lines of all clients, as their transports see them.
type Lines = Rc<RefCell<Vec<Line>>>;

struct End {
    lines: Lines,
    index: usize,
}

impl Transport for End {
    fn send(&mut self, text: String) -> Result<(), TransportError> {
        let line = &mut self.lines.borrow_mut()[self.index];
        if !line.is_open {
            return Err(TransportError::NotOpen);
        }
        line.up.push_back(text);
        Ok(())
    }

    fn poll_event(&mut self, _cx: &mut Context<'_>) -> Poll<TransportEvent> {
        let line = &mut self.lines.borrow_mut()[self.index];
        let event = line.down.pop_front();
        line.is_open |= event == Some(TransportEvent::Opened);
        event.map_or(Poll::Pending, Poll::Ready)
    }

    fn close(&mut self) {}

    fn reopen(&mut self) -> Result<(), TransportError> {
        // The server's side of the old one may still be there.
        self.lines.borrow_mut()[self.index] = Line::default();
        Ok(())
    }
}

struct World {
    house: House,
    key: ResumeKey,
    now: Duration,
    started: Duration,
    lines: Lines,
    clients: Vec<Client<End>>,
    ids: Vec<Option<PeerId>>,
    /// What each has said to each, and heard of each.
    said: BTreeMap<(usize, usize), Vec<String>>,
    heard: BTreeMap<(usize, usize), Vec<String>>,
    words: u32,
}

impl World {
    fn new() -> Self {
        let key = ResumeKey::fixed();
        let lines = Lines::default();
        let mut world = Self {
            house: House::restarted(Config::default(), counting(), &key, Duration::ZERO),
            key,
            now: Duration::ZERO,
            started: Duration::ZERO,
            lines: Rc::clone(&lines),
            clients: Vec::new(),
            ids: Vec::new(),
            said: BTreeMap::new(),
            heard: BTreeMap::new(),
            words: 0,
        };
        for index in 0..MEMBERS {
            lines.borrow_mut().push(Line::default());
            let lines = Rc::clone(&lines);
            let end = End { lines, index };
            world
                .clients
                .push(Client::new(end, JoinRequest::mesh("demo")));
            world.ids.push(None);
        }
        world
    }

    fn at(&self) -> Instant {
        Instant::from_micros(0) + (self.now - self.started)
    }

    fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Say(from, to) => self.say(from, to)?,
            Step::Carry(index, count) => self.carry(index, count),
            Step::Poll(index) => self.poll(index)?,
            Step::Break(index, noticed) => self.cut(index, noticed),
            Step::Restart => {
                self.started = self.now;
                let start = self.now;
                let key = self.key.inherited();
                let config = Config::default();
                self.house = House::restarted(config, counting(), &key, start);
                for index in 0..MEMBERS {
                    self.lines.borrow_mut()[index].socket = None;
                    self.cut(index, true);
                }
            }
            Step::Wait(millis) => {
                self.now += Duration::from_millis(millis);
                self.house.handle_timeout(self.at());
                self.settle();
            }
        }
        Ok(())
    }

    fn say(&mut self, from: usize, to: usize) -> Result<(), TestCaseError> {
        let Some(id) = self.ids[to] else {
            return Ok(());
        };
        self.words += 1;
        let sdp = format!("{from} to {to}: {}", self.words);
        let signal = Signal::Description(SessionDescription {
            sdp_type: SdpType::Offer,
            sdp: sdp.clone(),
        });
        let now = Instant::from_micros(0) + self.now;
        let sent = self.clients[from].send(now, id, signal);
        if let Err(SignalingError::NotConnected | SignalingError::Unsendable(_)) = sent {
            // It is not in yet, or does not know the other yet.
            prop_assert!(self.said.get(&(from, to)).is_none_or(Vec::is_empty));
            return Ok(());
        }
        prop_assert_eq!(sent, Ok(()));
        self.said.entry((from, to)).or_default().push(sdp);
        Ok(())
    }

    /// Connects a line if need be, and brings some of its texts to the server.
    fn carry(&mut self, index: usize, count: usize) {
        let now = self.at();
        let is_new = {
            let line = &self.lines.borrow()[index];
            line.socket.is_none() && !line.is_open && line.down.is_empty()
        };
        if is_new {
            let socket = self.house.connect();
            let line = &mut self.lines.borrow_mut()[index];
            line.socket = Some(socket);
            line.down.push_back(TransportEvent::Opened);
        }
        for _ in 0..count {
            let (socket, text) = {
                let line = &mut self.lines.borrow_mut()[index];
                (line.socket, line.up.pop_front())
            };
            if let (Some(socket), Some(text)) = (socket, text) {
                self.house.handle_text(now, socket, &text);
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(action) = self.house.poll_action() {
            let (socket, event) = match action {
                Action::Tell { to, text, .. } => (to, TransportEvent::Text(text.to_string())),
                Action::Close { member, goodbye } => {
                    let (code, reason) = (goodbye.code(), goodbye.reason());
                    let reason = LostReason::Refused { code, reason };
                    (member, TransportEvent::Closed { reason })
                }
            };
            let mut lines = self.lines.borrow_mut();
            let line = lines.iter_mut().find(|line| line.socket == Some(socket));
            if let Some(line) = line {
                line.down.push_back(event);
            }
        }
    }

    fn poll(&mut self, index: usize) -> Result<(), TestCaseError> {
        let now = Instant::from_micros(0) + self.now;
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(event) = self.clients[index].poll_event(now, &mut cx) {
            match event {
                SignalingEvent::Joined { id, .. } => self.ids[index] = Some(id),
                SignalingEvent::Signal { from, signal } => {
                    let speaker = self.ids.iter().position(|id| *id == Some(from));
                    let speaker = speaker.ok_or_else(|| TestCaseError::fail("a stranger"))?;
                    let Signal::Description(description) = signal else {
                        return Err(TestCaseError::fail("a candidate"));
                    };
                    let heard = self.heard.entry((speaker, index)).or_default();
                    heard.push(description.sdp);
                }
                SignalingEvent::PeerJoined(_)
                | SignalingEvent::Lobby(LobbyEvent::Complete)
                | SignalingEvent::Interrupted { .. }
                | SignalingEvent::Resumed => {}
                other @ (SignalingEvent::PeerLeft(_)
                | SignalingEvent::Sealed
                | SignalingEvent::Lobby(_)
                | SignalingEvent::Lost { .. }
                | _) => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }
        Ok(())
    }

    /// What is on its way is lost.
    fn cut(&mut self, index: usize, is_noticed: bool) {
        let now = self.at();
        let socket = {
            let line = &mut self.lines.borrow_mut()[index];
            line.up.clear();
            let was_open = line.is_open || !line.down.is_empty();
            line.down.clear();
            line.is_open = false;
            if was_open || line.socket.is_some() {
                let reason = LostReason::Closed;
                line.down.push_back(TransportEvent::Closed { reason });
            }
            line.socket.take()
        };
        if let Some(socket) = socket.filter(|_| is_noticed) {
            self.house.cut(now, socket);
            self.settle();
        }
    }

    /// Lets everything arrive.
    fn calm_down(&mut self, time: Duration) -> Result<(), TestCaseError> {
        let until = self.now + time;
        while self.now < until {
            self.run(&Step::Wait(50))?;
            for index in 0..MEMBERS {
                self.carry(index, 200);
                self.poll(index)?;
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, rng_seed: RngSeed::Fixed(13), ..ProptestConfig::default() })]
    #[test]
    fn no_signal_is_lost_and_none_comes_twice(steps in proptest::collection::vec(step(), 1..STEPS)) {
        let mut world = World::new();
        world.calm_down(Duration::from_millis(200))?;
        for step in &steps {
            world.run(step)?;
        }
        world.calm_down(RECOVERY)?;
        world.said.retain(|_, said| !said.is_empty());
        prop_assert_eq!(&world.heard, &world.said);
        let ids: BTreeSet<_> = world.ids.iter().flatten().collect();
        prop_assert_eq!(ids.len(), MEMBERS);
        prop_assert_eq!(world.house.counts().members, MEMBERS);
    }
}

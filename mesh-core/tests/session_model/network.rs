//! A network of connections: two ends are connected when each has applied the other's description and a candidate of it.

use std::collections::{BTreeMap, BTreeSet};

use mesh_core::{
    ChannelIndex, ChannelParameters, CloseReason, Command, ConnectionState, Duration, IceCandidate,
    Instant, LinkEvent, LinkId, SdpType, SessionDescription,
};

/// A process; never used twice.
pub(crate) type Process = usize;

/// How long an end waits for its far side before it says "disconnected", and then "failed".
const SILENCE: Duration = Duration::from_secs(2);
const LATENCY: Duration = Duration::from_millis(20);

/// One end of a connection; its number is its name in descriptions and candidates.
#[derive(Debug)]
struct End {
    process: Process,
    link: LinkId,
    channels: Vec<(ChannelIndex, ChannelParameters)>,
    offers: bool,
    far: Option<u64>,
    has_candidate: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Apart,
    /// Becomes connected when the handshake is through.
    Securing,
    Connected,
    /// Does not hear its far side since then; whether "disconnected" was said.
    Silent(Instant, bool),
    /// Answers nobody any more, and goes on knowing who its far side was.
    Failed,
}

#[derive(Clone, Debug)]
enum Arrival {
    Event(Process, LinkEvent),
    /// The handshake of an end is through, if the way is still open.
    Secured(u64),
    /// A far side has said goodbye.
    Goodbye(u64),
    /// What the first end has taken, for the second one. It is sent again until it arrives.
    Taken(u64, u64, Vec<(u16, u64)>),
}

#[derive(Debug, Default)]
pub(crate) struct Network {
    ends: BTreeMap<u64, End>,
    names: u64,
    arrivals: BTreeMap<(Instant, u64), Arrival>,
    count: u64,
    /// Directed: nothing goes from the first process to the second.
    cuts: BTreeSet<(Process, Process)>,
    /// How long the process stays patient after "disconnected".
    patience: BTreeMap<Process, Duration>,
}

impl Network {
    pub(crate) fn set_patience(&mut self, process: Process, patience: Duration) {
        self.patience.insert(process, patience);
    }

    pub(crate) fn cut(&mut self, now: Instant, from: Process, to: Process) {
        self.cuts.insert((from, to));
        self.look(now);
    }

    pub(crate) fn heal(&mut self, now: Instant, a: Process, b: Process) {
        self.cuts.remove(&(a, b));
        self.cuts.remove(&(b, a));
        self.look(now);
    }

    pub(crate) fn heal_all(&mut self, now: Instant) {
        self.cuts.clear();
        self.look(now);
    }

    /// Connections that a process has open.
    pub(crate) fn open_ends(&self, process: Process) -> usize {
        self.ends
            .values()
            .filter(|end| end.process == process)
            .count()
    }

    /// Whether two links are the two ends of one connection.
    pub(crate) fn are_one(&self, a: (Process, LinkId), b: (Process, LinkId)) -> bool {
        match (self.find(a.0, a.1), self.find(b.0, b.1)) {
            (Some(a), Some(b)) => {
                let knows = |end: &End, far| end.far == Some(far) && end.state != State::Failed;
                knows(&self.ends[&a], b) && knows(&self.ends[&b], a)
            }
            _ => false,
        }
    }

    pub(crate) fn execute(&mut self, now: Instant, process: Process, command: Command) {
        let link = command.link();
        if let Command::Open { .. } = command {
            self.names += 1;
            let end = End {
                process,
                link,
                channels: Vec::new(),
                offers: false,
                far: None,
                has_candidate: false,
                state: State::Apart,
            };
            self.ends.insert(self.names, end);
            return;
        }
        let Some(name) = self.find(process, link) else {
            return;
        };
        let end = self.ends.get_mut(&name).unwrap();
        match command {
            Command::CreateChannel { channel, spec, .. } => {
                end.channels.push((channel, spec.parameters));
            }
            Command::CreateOffer { .. } => {
                end.offers = true;
                self.describe(now, name, SdpType::Offer);
            }
            Command::SetRemote { description, .. } => {
                end.far = Some(name_in(&description.sdp));
                if description.sdp_type == SdpType::Offer {
                    self.describe(now, name, SdpType::Answer);
                }
            }
            Command::AddCandidate { candidate, .. } => {
                let of = name_in(&candidate.candidate);
                assert_eq!(Some(of), end.far, "a candidate of another attempt");
                end.has_candidate = true;
            }
            Command::TellTaken { counts, .. } => {
                if let Some(far) = end.far {
                    self.arrive(now + LATENCY, Arrival::Taken(name, far, counts));
                }
            }
            Command::Close { .. } => {
                self.close(now, name);
                let reason = CloseReason::Local;
                self.tell(now, process, LinkEvent::Closed { link, reason });
            }
            _ => {}
        }
        self.look(now);
    }

    /// A backend gives a connection up.
    pub(crate) fn give_up(
        &mut self,
        now: Instant,
        process: Process,
        link: LinkId,
        reason: CloseReason,
    ) {
        if let Some(name) = self.find(process, link) {
            self.close(now, name);
            self.tell(now, process, LinkEvent::Closed { link, reason });
        }
    }

    /// A process ends; with `goodbye`, its far sides hear of it.
    pub(crate) fn end_process(&mut self, now: Instant, process: Process, goodbye: bool) {
        let names: Vec<u64> = self.ends.keys().copied().collect();
        for name in names {
            if self.ends[&name].process == process {
                if goodbye {
                    self.close(now, name);
                } else {
                    self.ends.remove(&name);
                }
            }
        }
        self.look(now);
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        let arrival = self.arrivals.first_key_value().map(|((due, _), _)| *due);
        let silences = self.ends.values().filter_map(|end| self.silent_until(end));
        arrival.into_iter().chain(silences).min()
    }

    /// What has happened by now, one event of one process at a time.
    pub(crate) fn take(&mut self, now: Instant) -> Option<(Process, LinkEvent)> {
        self.pass_silences(now);
        while *self.arrivals.first_key_value()?.0 <= (now, u64::MAX) {
            match self.arrivals.pop_first()?.1 {
                Arrival::Event(process, event) => return Some((process, event)),
                Arrival::Secured(name) => self.secured(now, name),
                Arrival::Taken(name, far, counts) => self.taken(now, name, far, counts),
                Arrival::Goodbye(name) => {
                    if let Some(end) = self.ends.remove(&name) {
                        let (link, reason) = (end.link, CloseReason::Remote);
                        self.tell(now, end.process, LinkEvent::Closed { link, reason });
                    }
                }
            }
        }
        None
    }

    fn find(&self, process: Process, link: LinkId) -> Option<u64> {
        let mut ends = self.ends.iter();
        ends.find(|(_, end)| end.process == process && end.link == link)
            .map(|(name, _)| *name)
    }

    fn arrive(&mut self, due: Instant, arrival: Arrival) {
        self.count += 1;
        self.arrivals.insert((due, self.count), arrival);
    }

    fn tell(&mut self, now: Instant, process: Process, event: LinkEvent) {
        self.arrive(now, Arrival::Event(process, event));
    }

    fn describe(&mut self, now: Instant, name: u64, sdp_type: SdpType) {
        let (process, link) = (self.ends[&name].process, self.ends[&name].link);
        let description = SessionDescription {
            sdp_type,
            sdp: format!(
                "v=0\r\no=- {name} 2 IN IP4 127.0.0.1\r\na=webrtc-multiplayer:2\r\n\
                 m=application\r\na=ice-ufrag:{name}\r\n"
            ),
        };
        self.tell(now, process, LinkEvent::Description { link, description });
        let candidate = IceCandidate {
            sdp_mid: String::from("0"),
            sdp_m_line_index: 0,
            candidate: format!("candidate:1 1 udp 1 192.0.2.1 9 typ host ufrag {name}"),
        };
        self.tell(now, process, LinkEvent::Candidate { link, candidate });
    }

    fn close(&mut self, now: Instant, name: u64) {
        let Some(end) = self.ends.remove(&name) else {
            return;
        };
        let far = end.far.and_then(|far| Some((far, self.ends.get(&far)?)));
        if let Some((far, far_end)) = far
            && far_end.far == Some(name)
            && far_end.state != State::Failed
            && !self.cuts.contains(&(end.process, far_end.process))
            && !matches!(end.state, State::Apart | State::Failed)
        {
            self.arrive(now + LATENCY, Arrival::Goodbye(far));
        }
        self.look(now);
    }

    /// Whether an end's far side is there, knows it, and is in reach both ways.
    fn answers(&self, name: u64, end: &End) -> bool {
        let Some(far) = end.far.and_then(|far| self.ends.get(&far)) else {
            return false;
        };
        far.far == Some(name)
            && end.state != State::Failed
            && far.state != State::Failed
            && far.offers != end.offers
            && end.has_candidate
            && far.has_candidate
            && !self.cuts.contains(&(end.process, far.process))
            && !self.cuts.contains(&(far.process, end.process))
    }

    /// Looks who hears whom, after something has changed.
    fn look(&mut self, now: Instant) {
        let names: Vec<u64> = self.ends.keys().copied().collect();
        for name in names {
            let end = &self.ends[&name];
            let (process, link) = (end.process, end.link);
            let answers = self.answers(name, end);
            let state = match (end.state, answers) {
                (State::Apart, true) => {
                    // The two ends are through at different times.
                    let lag = Duration::from_millis(40 + name % 3 * 30);
                    self.arrive(now + lag, Arrival::Secured(name));
                    State::Securing
                }
                (State::Connected, false) => State::Silent(now, false),
                (State::Silent(_, told), true) => {
                    if told {
                        let state = ConnectionState::Connected;
                        self.tell(now, process, LinkEvent::State { link, state });
                    }
                    State::Connected
                }
                (state, _) => state,
            };
            self.ends.get_mut(&name).unwrap().state = state;
        }
    }

    fn secured(&mut self, now: Instant, name: u64) {
        let Some(end) = self.ends.get(&name) else {
            return;
        };
        let answers = self.answers(name, end);
        let (process, link, channels) = (end.process, end.link, end.channels.clone());
        if !answers {
            self.ends.get_mut(&name).unwrap().state = State::Apart;
            return;
        }
        self.ends.get_mut(&name).unwrap().state = State::Connected;
        let state = ConnectionState::Connected;
        self.tell(now, process, LinkEvent::State { link, state });
        for (channel, actual) in channels {
            let remote = false;
            let opened = LinkEvent::ChannelOpened {
                link,
                channel,
                remote,
                actual,
            };
            self.tell(now, process, opened);
        }
    }

    fn taken(&mut self, now: Instant, name: u64, far: u64, counts: Vec<(u16, u64)>) {
        let (Some(end), Some(far_end)) = (self.ends.get(&name), self.ends.get(&far)) else {
            return;
        };
        if self.answers(name, end) && far_end.state == State::Connected {
            let (process, link) = (far_end.process, far_end.link);
            self.tell(now, process, LinkEvent::Taken { link, counts });
        } else if end.state != State::Failed && far_end.state != State::Failed {
            self.arrive(now + SILENCE / 4, Arrival::Taken(name, far, counts));
        }
    }

    fn silent_until(&self, end: &End) -> Option<Instant> {
        match end.state {
            State::Silent(since, false) => Some(since + SILENCE),
            State::Silent(since, true) => Some(since + SILENCE + self.patience[&end.process]),
            _ => None,
        }
    }

    fn pass_silences(&mut self, now: Instant) {
        let due: Vec<u64> = self
            .ends
            .iter()
            .filter(|(_, end)| self.silent_until(end).is_some_and(|due| due <= now))
            .map(|(name, _)| *name)
            .collect();
        for name in due {
            let end = self.ends.get_mut(&name).unwrap();
            let (process, link) = (end.process, end.link);
            let state = match &mut end.state {
                State::Silent(_, told @ false) => {
                    *told = true;
                    ConnectionState::Disconnected
                }
                _ => {
                    end.state = State::Failed;
                    ConnectionState::Failed
                }
            };
            self.tell(now, process, LinkEvent::State { link, state });
            self.look(now);
        }
    }
}

fn name_in(text: &str) -> u64 {
    let (_, rest) = text.rsplit_once("ufrag").unwrap();
    rest[1..].trim_end().parse().unwrap()
}

//! A session that talks, and what it has heard and seen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use webrtc_multiplayer::{Event, Packet, PeerId, Session, Target, TransferMode, join};

/// Far above what anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Player {
    pub(crate) session: Session,
    pub(crate) id: Option<PeerId>,
    pub(crate) connected: BTreeSet<PeerId>,
    /// Whether it tells everybody a number in every frame.
    pub(crate) is_talking: bool,
    pub(crate) interrupted: u32,
    pub(crate) resumed: u32,
    /// How often its signaling was lost for good.
    pub(crate) lost: u32,
    /// How many peers it has lost.
    pub(crate) ends: u32,
    pub(crate) sealed: bool,
    next: u64,
    /// The number that comes next from each, on the reliable channel.
    heard: BTreeMap<PeerId, u64>,
    /// How many packets came from each on the unreliable channel.
    unreliable: BTreeMap<PeerId, u64>,
    /// How many unreliable packets were refused, for each whom they were for.
    unsaid: BTreeMap<PeerId, u64>,
}

impl Player {
    pub(crate) fn join(url: &str) -> Self {
        Self {
            session: join(url, "demo").unwrap(),
            id: None,
            connected: BTreeSet::new(),
            is_talking: false,
            interrupted: 0,
            resumed: 0,
            lost: 0,
            ends: 0,
            sealed: false,
            next: 0,
            heard: BTreeMap::new(),
            unreliable: BTreeMap::new(),
            unsaid: BTreeMap::new(),
        }
    }

    /// A frame of its game.
    pub(crate) fn frame(&mut self) {
        while let Some(event) = self.session.poll() {
            self.see(event);
        }
        if !self.is_talking {
            return;
        }
        for mode in [TransferMode::Reliable, TransferMode::Unreliable] {
            let word = self.next.to_be_bytes().to_vec();
            let sent = self.session.send(Target::All, mode, word).unwrap();
            // A peer that a busy machine makes wait gets no unreliable ones.
            let is_taken = sent.refused.is_empty() || mode == TransferMode::Unreliable;
            assert!(is_taken, "{sent:?}");
            for refused in &sent.refused {
                *self.unsaid.entry(refused.peer).or_default() += 1;
            }
        }
        self.next += 1;
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is of no interest here"
    )]
    fn see(&mut self, event: Event) {
        match event {
            Event::Joined { id, .. } => self.id = Some(id),
            Event::PeerConnected(peer) => _ = self.connected.insert(peer),
            Event::PeerDisconnected { peer, .. } => {
                self.connected.remove(&peer);
                self.ends += 1;
            }
            Event::Packet(packet) => self.hear(&packet),
            Event::SignalingInterrupted(_) => self.interrupted += 1,
            Event::SignalingResumed => self.resumed += 1,
            Event::SignalingLost(_) => self.lost += 1,
            Event::Sealed => self.sealed = true,
            _ => {}
        }
    }

    fn hear(&mut self, packet: &Packet) {
        let number = u64::from_be_bytes(packet.payload.bytes().as_ref().try_into().unwrap());
        if packet.mode == TransferMode::Unreliable {
            *self.unreliable.entry(packet.from).or_default() += 1;
            return;
        }
        // Who comes later hears from then on.
        let next = self.heard.entry(packet.from).or_insert(number);
        assert_eq!(number, *next, "the next word of {}", packet.from);
        *next += 1;
    }

    /// Whether its signaling has ever been interrupted.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted > 0
    }

    /// Whether its signaling was interrupted and is there again.
    pub(crate) fn is_back(&self) -> bool {
        self.is_interrupted() && self.resumed == self.interrupted
    }

    /// How many words of all it has heard.
    pub(crate) fn heard(&self) -> u64 {
        self.heard.values().sum()
    }

    /// How many words of one it has heard, from the first.
    pub(crate) fn heard_of(&self, peer: PeerId) -> u64 {
        self.heard.get(&peer).copied().unwrap_or_default()
    }

    /// Who it is, and how many words it has said.
    pub(crate) fn told(&self) -> (PeerId, u64) {
        (self.id.unwrap(), self.next)
    }

    /// How many unreliable packets were refused that were for this one.
    pub(crate) fn unsaid_to(&self, peer: PeerId) -> u64 {
        self.unsaid.get(&peer).copied().unwrap_or_default()
    }

    /// How many words of others did not come on the unreliable channel.
    pub(crate) fn unreliable_lost(&self) -> u64 {
        let came = self.unreliable.iter();
        came.map(|(peer, came)| self.heard_of(*peer).saturating_sub(*came))
            .sum()
    }
}

/// Plays frames until that is so for each of them.
pub(crate) fn until(players: &mut [Player], what: &str, is_so: impl Fn(&Player) -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !players.iter().all(&is_so) {
        assert!(Instant::now() < deadline, "not {what} in time");
        players.iter_mut().for_each(Player::frame);
        std::thread::sleep(Duration::from_millis(5));
    }
}

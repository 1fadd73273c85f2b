//! The control channel: what two backends of ours tell each other, beside the channels of the game.
//!
//! It is a negotiated channel on the SCTP stream [`STREAM`], reliable and ordered. Each side [announces](announce) in its
//! description that it has one. A side says nothing on it before the far side has announced its own, so a peer of another
//! make never receives anything there. `docs/wire.md` has its messages byte by byte.
//!
//! [`Control`] is the part without I/O. A page that closes a channel sends how many messages it has sent on it, and closes
//! the channel when the far side has answered that all of them are there. It cannot learn that in another way: a browser does
//! not tell what was acknowledged. For the same reason it asks again and again how far a channel has come that gives way to others.

mod wire;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use self::wire::Message;
use super::LinkFault;
use crate::sdp::with_session_line;
use crate::{
    ChannelParameters, ChannelSpec, GivenReason, Goodbye, LinkEvent, LinkId, PeerId, Reliability,
    SendLimits,
};

/// The SCTP stream of the channel.
pub const STREAM: u16 = 1001;

/// The version that this side announces. From 2 on there is a [pulse](super::pulse), and what is taken is counted.
pub const VERSION: u16 = 2;

/// How a description says that there is a control channel; the version follows.
const ATTRIBUTE: &str = "a=webrtc-multiplayer:";

/// How many requests of the far side may wait for their messages: more than it can have channels.
const MAX_ASKED: usize = 512;

/// How many streams the requests that wait may name altogether: each message of the game has all of them looked at.
const MAX_COUNTS: usize = 1024;

/// What the channel is to be.
#[must_use]
pub fn spec() -> ChannelSpec {
    ChannelSpec {
        label: String::from("control"),
        parameters: ChannelParameters {
            id: STREAM,
            ordered: true,
            reliability: Reliability::Reliable,
        },
        limits: SendLimits::default(),
        bulk: false,
    }
}

/// A local description that says that this side has the channel.
#[must_use]
pub fn announce(sdp: &str) -> String {
    with_session_line(sdp, &alloc::format!("{ATTRIBUTE}{VERSION}"))
}

/// The version that a description announces; `None` if its side has no such channel.
#[must_use]
pub fn announced(sdp: &str) -> Option<u16> {
    let version = sdp.lines().find_map(|line| line.strip_prefix(ATTRIBUTE))?;
    version.trim_end().parse().ok()
}

/// How many kicks a far side may tell of on one link. Each is an event that waits for the game.
pub const MAX_KICKS: usize = 512;

/// What the far side tells the core on the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Why it ends the link.
    Goodbye(Goodbye),
    /// How many messages of each reliable stream its core has taken. A backend reports the first and the last one of those that
    /// wait.
    Taken(Vec<(u16, u64)>),
    /// It has kicked another peer.
    Kicked {
        /// Who was kicked.
        peer: PeerId,
        /// Why.
        reason: GivenReason,
    },
}

impl Word {
    /// The event that reports it.
    #[must_use]
    pub fn into_event(self, link: LinkId) -> LinkEvent {
        match self {
            Self::Goodbye(goodbye) => LinkEvent::Goodbye { link, goodbye },
            Self::Kicked { peer, reason } => LinkEvent::Kicked { link, peer, reason },
            Self::Taken(counts) => LinkEvent::Taken { link, counts },
        }
    }
}

/// What has been asked on both sides of one channel of control.
#[derive(Debug, Default)]
pub struct Control {
    is_announced: bool,
    last: u16,
    /// Requests of ours that are not answered.
    open: BTreeSet<u16>,
    /// Requests of the far side whose messages are not all here.
    asked: Vec<Asked>,
    /// Whether the far side has said goodbye, after which nothing of it counts.
    is_over: bool,
    /// How many kicks the far side has told of.
    kicks: usize,
}

#[derive(Debug)]
struct Asked {
    number: u16,
    counts: Vec<(u16, u32)>,
}

impl Control {
    /// The far side described itself.
    pub fn described(&mut self, sdp: &str) {
        self.is_announced = announced(sdp).is_some();
    }

    /// Whether the far side has the channel, so that it may be spoken to.
    #[must_use]
    pub const fn is_announced(&self) -> bool {
        self.is_announced
    }

    /// A request to tell when so many messages of these streams have arrived: its number, and its bytes. `counts` are those
    /// sent since the channel was made, modulo 2³².
    #[must_use]
    pub fn finish(&mut self, counts: Vec<(u16, u32)>) -> (u16, Vec<u8>) {
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last);
        let number = self.last;
        (number, Message::Finish { number, counts }.to_bytes())
    }

    /// Whether all messages that a request names are there.
    #[must_use]
    pub fn is_finished(&self, number: u16) -> bool {
        !self.open.contains(&number)
    }

    /// The bytes that tell the far side why the link ends. Nothing is said after them but a request.
    #[must_use]
    pub fn goodbye(goodbye: &Goodbye) -> Vec<u8> {
        Message::Bye(goodbye.clone()).to_bytes()
    }

    /// The bytes that tell the far side that we have kicked another peer.
    #[must_use]
    pub fn kick(peer: PeerId, reason: GivenReason) -> Vec<u8> {
        Message::Kick { peer, reason }.to_bytes()
    }

    /// The bytes that tell the far side how many messages of each reliable stream our core has taken.
    #[must_use]
    pub fn taken(counts: Vec<(u16, u64)>) -> Vec<u8> {
        Message::Taken(counts).to_bytes()
    }

    /// A request that is answered as soon as it is read: what was said on this channel before has arrived then. As
    /// [`finish`](Self::finish), it gives its number and its bytes.
    #[must_use]
    pub fn confirm(&mut self) -> (u16, Vec<u8>) {
        // The far side counts nothing on the stream of this channel, and so has nothing to wait for.
        self.finish(alloc::vec![(STREAM, 0)])
    }

    /// Takes a message of the far side; gives what the core is to hear of it. One of a kind that this version does not know is
    /// ignored, and so are words after a goodbye and kicks above [`MAX_KICKS`].
    ///
    /// # Errors
    ///
    /// [`LinkFault::Control`] for a message that breaks the rules of its kind, and for more requests than a peer can need.
    pub fn take(&mut self, message: &[u8]) -> Result<Option<Word>, LinkFault> {
        match Message::from_bytes(message)? {
            Some(Message::Finish { number, counts }) => {
                let named = |asked: &Asked| asked.counts.len();
                let before: usize = self.asked.iter().map(named).sum();
                if self.asked.len() >= MAX_ASKED || before + counts.len() > MAX_COUNTS {
                    return Err(LinkFault::Control("it asked for too much"));
                }
                self.asked.push(Asked { number, counts });
            }
            Some(Message::Finished { number }) => {
                self.open.remove(&number);
            }
            Some(Message::Bye(goodbye)) => {
                let is_first = !core::mem::replace(&mut self.is_over, true);
                return Ok(is_first.then_some(Word::Goodbye(goodbye)));
            }
            Some(Message::Kick { peer, reason }) => {
                self.kicks = self.kicks.saturating_add(1);
                let counts = !self.is_over && self.kicks <= MAX_KICKS;
                return Ok(counts.then_some(Word::Kicked { peer, reason }));
            }
            Some(Message::Taken(counts)) => {
                return Ok((!self.is_over).then_some(Word::Taken(counts)));
            }
            None => {}
        }
        Ok(None)
    }

    /// Whether a request of the far side waits for messages.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// The answers that can be given. Ask whenever a message has arrived, or a channel is gone, while
    /// [`is_asked`](Self::is_asked). `received` has how many messages have arrived on each stream, modulo 2³². On a stream that
    /// is not in it nothing will come any more.
    #[must_use]
    pub fn answers(&mut self, received: &BTreeMap<u16, u32>) -> Vec<Vec<u8>> {
        let has_all = |asked: &mut Asked| {
            let mut counts = asked.counts.iter();
            counts.all(|(stream, sent)| {
                let came = received.get(stream);
                came.is_none_or(|came| reaches(*came, *sent))
            })
        };
        let answered = self.asked.extract_if(.., has_all);
        answered
            .map(|Asked { number, .. }| Message::Finished { number }.to_bytes())
            .collect()
    }
}

/// Whether a count that goes round has come to another one.
const fn reaches(count: u32, other: u32) -> bool {
    count.wrapping_sub(other) < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n";

    #[test]
    fn an_announcement_is_a_line_of_the_session_and_is_found() {
        assert_eq!(announced(SDP), None);
        let sdp = announce(SDP);
        assert!(sdp.contains("BUNDLE 0\r\na=webrtc-multiplayer:2\r\nm=application"));
        assert_eq!(announced(&sdp), Some(VERSION));
        assert_eq!(sdp.replace("a=webrtc-multiplayer:2\r\n", ""), SDP);
        let mut control = Control::default();
        assert!(!control.is_announced());
        control.described(&sdp);
        assert!(control.is_announced());
        control.described(SDP);
        assert!(!control.is_announced());
    }

    #[test]
    fn a_later_version_is_known_and_nonsense_is_none() {
        let with = |version: &str| alloc::format!("v=0\r\na=webrtc-multiplayer:{version}\r\n");
        assert_eq!(announced(&with("7")), Some(7));
        for nonsense in ["", "-1", "70000", "one"] {
            assert_eq!(announced(&with(nonsense)), None, "{nonsense}");
        }
        assert_eq!(announce("no description"), "no description");
    }

    #[test]
    fn a_request_is_answered_when_all_is_there() {
        let (mut near, mut far) = (Control::default(), Control::default());
        let (number, request) = near.finish(alloc::vec![(1, 2), (4, 1)]);
        assert!(!near.is_finished(number));
        far.take(&request).unwrap();
        assert!(far.is_asked());
        assert!(far.answers(&BTreeMap::from([(1, 0), (4, 1)])).is_empty());
        // More than enough.
        let answers = far.answers(&BTreeMap::from([(1, 2), (4, 2)]));
        assert!(!far.is_asked());
        for answer in answers {
            near.take(&answer).unwrap();
        }
        assert!(near.is_finished(number));
    }

    #[test]
    fn requests_are_answered_in_the_order_of_their_messages() {
        let (mut near, mut far) = (Control::default(), Control::default());
        let requests = [(1, 5), (4, 0), (9, 1)].map(|count| near.finish(alloc::vec![count]));
        for (_, request) in &requests {
            far.take(request).unwrap();
        }
        // The channel of stream 9 is gone, and nothing has come on stream 1.
        for answer in far.answers(&BTreeMap::from([(1, 0), (4, 0)])) {
            near.take(&answer).unwrap();
        }
        let finished = requests.map(|(number, _)| near.is_finished(number));
        assert_eq!(finished, [false, true, true]);
    }

    #[test]
    fn counts_go_round() {
        assert!(reaches(3, u32::MAX) && reaches(7, 7));
        assert!(!reaches(u32::MAX, 3) && !reaches(6, 7));
        assert!(reaches((1 << 31) - 1, 0) && !reaches(1 << 31, 0));
    }

    #[test]
    fn a_far_side_that_asks_too_much_is_at_fault() {
        let mut asking = Control::default();
        let (_, short) = asking.finish(alloc::vec![(1, 1)]);
        let (_, long) = asking.finish((0..500).map(|stream| (stream, 1)).collect());
        for request in [short, long] {
            let mut control = Control::default();
            let taken = (0..MAX_ASKED + 1).map(|_| control.take(&request));
            let faults: Vec<_> = taken.filter_map(Result::err).collect();
            assert!(matches!(faults.as_slice(), [LinkFault::Control(_), ..]));
            assert!(control.asked.len() <= MAX_ASKED);
        }
    }

    #[test]
    fn a_goodbye_is_heard_once() {
        let mut far = Control::default();
        let first = Goodbye::Left("the end".into());
        let heard = far.take(&Control::goodbye(&first));
        assert_eq!(heard, Ok(Some(Word::Goodbye(first))));
        let again = far.take(&Control::goodbye(&Goodbye::InboxFull));
        assert_eq!(again, Ok(None));
        let peer = PeerId::new(7).unwrap();
        let late = far.take(&Control::kick(peer, GivenReason::default()));
        assert_eq!(late, Ok(None));
    }

    #[test]
    fn only_so_many_kicks_are_heard() {
        let mut far = Control::default();
        let (peer, reason) = (PeerId::new(7).unwrap(), GivenReason::from("idle"));
        let kick = Control::kick(peer, reason.clone());
        let heard = (0..MAX_KICKS + 9).filter_map(|_| far.take(&kick).unwrap());
        let heard: Vec<_> = heard.collect();
        assert_eq!(heard, alloc::vec![Word::Kicked { peer, reason }; MAX_KICKS]);
    }

    #[test]
    fn a_confirmation_waits_for_nothing() {
        let (mut near, mut far) = (Control::default(), Control::default());
        let (number, request) = near.confirm();
        far.take(&request).unwrap();
        for answer in far.answers(&BTreeMap::from([(1, 0)])) {
            near.take(&answer).unwrap();
        }
        assert!(near.is_finished(number));
    }

    #[test]
    fn an_answer_that_nobody_asked_for_does_nothing() {
        let mut control = Control::default();
        let (number, _) = control.finish(alloc::vec![(1, 1)]);
        let answer = Message::Finished { number: number + 1 }.to_bytes();
        control.take(&answer).unwrap();
        assert!(!control.is_finished(number));
    }

    #[test]
    fn requests_that_wait_name_so_many_streams_at_most() {
        let mut asking = Control::default();
        let streams = |count: u16| (0..count).map(|stream| (stream, 1)).collect();
        let requests = [512, 512, 1].map(|count| asking.finish(streams(count)).1);
        let mut control = Control::default();
        let taken = requests.map(|request| control.take(&request).is_ok());
        assert_eq!(taken, [true, true, false]);
    }

    #[test]
    fn what_is_taken_is_heard_until_the_goodbye() {
        let mut far = Control::default();
        let counts = alloc::vec![(1, 7)];
        let taken = Control::taken(counts.clone());
        assert_eq!(far.take(&taken), Ok(Some(Word::Taken(counts))));
        far.take(&Control::goodbye(&Goodbye::InboxFull)).unwrap();
        assert_eq!(far.take(&taken), Ok(None));
    }
}

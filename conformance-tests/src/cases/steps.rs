//! Steps that many cases begin or end with.

use std::future::Future;
use std::time::Duration;

use futures_util::future::{join_all, try_join, try_join_all};
use mesh_core::{
    BackendSendError, ChannelIndex, DisconnectReason, LinkId, SessionDescription, TransferMode,
};

use crate::environment::{Ask, Told};
use crate::failure::{ensure, ensure_eq};
use crate::observed::{LinkSeen, Seen};
use crate::request::{Settings, To};
use crate::stream::Weather;
use crate::{Body, Content, Failure, Kind, Matchmaker, Outcome, Participant};

/// Why a case with a hidden page is not run with these participants.
pub(super) const NO_PAGE: &str = "the participant that would be hidden is no page";

/// All become meshes with default settings.
pub(super) async fn start_meshes(cast: &[Participant]) -> Outcome {
    for participant in cast {
        participant.start_mesh().await?;
    }
    Ok(())
}

/// All become bare backends.
pub(super) async fn start_backends(cast: &[Participant]) -> Outcome {
    for participant in cast {
        participant.start_backend().await?;
    }
    Ok(())
}

/// Two meshes connect, the first of them offering.
pub(super) async fn connect(
    matchmaker: &Matchmaker<'_>,
    cast: &[Participant],
    offerer: usize,
    answerer: usize,
) -> Outcome<(LinkId, LinkId)> {
    let ends = matchmaker.introduce(offerer, answerer).await?;
    try_join(
        cast[offerer].connected(cast[answerer].id()),
        cast[answerer].connected(cast[offerer].id()),
    )
    .await?;
    Ok(ends)
}

/// Two bare backends connect, the first of them offering.
pub(super) async fn link(
    matchmaker: &Matchmaker<'_>,
    cast: &[Participant],
    offerer: usize,
    answerer: usize,
) -> Outcome<(LinkId, LinkId)> {
    let (near, far) = matchmaker.introduce(offerer, answerer).await?;
    try_join(cast[offerer].opened(near), cast[answerer].opened(far)).await?;
    Ok((near, far))
}

/// Every two meshes of the cast connect.
pub(super) async fn connect_all(matchmaker: &Matchmaker<'_>, cast: &[Participant]) -> Outcome {
    for offerer in 0..cast.len() {
        for answerer in 0..offerer {
            matchmaker.introduce(offerer, answerer).await?;
        }
    }
    try_join_all(
        cast.iter()
            .map(|participant| participant.connected_peers(cast.len() - 1)),
    )
    .await?;
    Ok(())
}

/// All become meshes, and every two connect.
pub(super) async fn connected_meshes(cast: &[Participant]) -> Outcome {
    start_meshes(cast).await?;
    let matchmaker = Matchmaker::new(cast);
    matchmaker.relaying(connect_all(&matchmaker, cast)).await
}

/// All meet as sessions in one lobby, the first as its host, and connect.
pub(super) async fn meet(cast: &[Participant]) -> Outcome {
    let settings = Settings::default();
    let Some((host, guests)) = cast.split_first() else {
        return Ok(());
    };
    let meeting = host.meeting().await?;
    ensure_eq!(
        host.join_with(&meeting, settings).await?,
        1,
        "the host's id"
    );
    try_join_all(
        guests
            .iter()
            .map(|guest| guest.join_with(&meeting, settings)),
    )
    .await?;
    all_connected(cast).await
}

/// Each of the cast waits for all others, and is told of each once.
pub(super) async fn all_connected(cast: &[Participant]) -> Outcome {
    let met = try_join_all(
        cast.iter()
            .map(|participant| participant.connected_peers(cast.len() - 1)),
    )
    .await?;
    for (participant, mut met) in cast.iter().zip(met) {
        let mut others: Vec<_> = cast
            .iter()
            .map(Participant::id)
            .filter(|id| *id != participant.id())
            .collect();
        others.sort_unstable();
        met.sort_unstable();
        ensure_eq!(met, others, "{} is connected with", participant.name());
    }
    Ok(())
}

/// Everybody tells everybody something, and it arrives once from each.
pub(super) async fn everybody_talks(cast: &[Participant]) -> Outcome {
    for participant in cast {
        let told = participant.say(participant.name()).await?;
        ensure_eq!(told, cast.len() - 1, "peers of {}", participant.name());
    }
    let heard = join_all(cast.iter().map(|participant| hear(participant, cast))).await;
    heard.into_iter().collect()
}

/// One hears of every other what [`everybody_talks`] has it say.
async fn hear(participant: &Participant, cast: &[Participant]) -> Outcome {
    let mut heard = Vec::new();
    for _ in 1..cast.len() {
        let (from, _, body) = participant.packet().await?;
        let speaker = cast.iter().find(|other| other.id() == from);
        let Some(speaker) = speaker.filter(|_| !heard.contains(&from)) else {
            return Err(participant.fail(format!("a second word of {from}, or a stranger's")));
        };
        let expected = Content::Text(speaker.name().to_owned()).body();
        ensure_eq!(body, expected, "the word of {}", speaker.name());
        heard.push(from);
    }
    Ok(())
}

/// One tells another something on the reliable channel, and waits until it has arrived: what came before it has come.
pub(super) async fn tell(from: &Participant, to: &Participant, word: &str) -> Outcome {
    let content = Content::Text(word.to_owned());
    let expected = content.body();
    from.send(To::One(to.id()), TransferMode::Reliable, content)
        .await?;
    to.find(&format!("to be told {word:?}"), |seen| match seen {
        Seen::Packet { body, .. } if *body == expected => Some(()),
        _ => None,
    })
    .await
}

/// Sends numbered messages, all of them: waits for room whenever the buffer is full.
pub(super) async fn send_series(
    from: &Participant,
    to: u32,
    mode: TransferMode,
    numbers: std::ops::Range<u64>,
    len: usize,
) -> Outcome {
    let mut next = numbers.start;
    while next < numbers.end {
        let content = Content::numbered(next, len);
        let sent = from
            .try_send(To::One(to), mode, content, numbers.end - next)
            .await?;
        let report = match sent {
            Ok(report) => report,
            Err(refusal) => return Err(from.fail(format!("could not send: {refusal}"))),
        };
        ensure!(
            report.not_connected.is_empty(),
            "{} lost {to} after {next} messages",
            from.name()
        );
        next += report.messages;
        if next < numbers.end {
            room(from, to, mode).await?;
        }
    }
    Ok(())
}

/// Waits until there is room again for a peer.
pub(super) async fn room(from: &Participant, to: u32, mode: TransferMode) -> Outcome {
    from.find(&format!("for room for {to}"), |seen| match seen {
        Seen::Low { peer, channel } if *peer == to && *channel == mode.channel() => Some(()),
        _ => None,
    })
    .await
}

/// The next so many things a participant is told, whatever they are.
pub(super) async fn told(participant: &Participant, count: usize) -> Outcome<Vec<Seen>> {
    let mut told = Vec::new();
    while told.len() < count {
        told.push(participant.seen().await?);
    }
    Ok(told)
}

/// Waits until this peer is gone, which must be for this reason.
pub(super) async fn gone(observer: &Participant, peer: u32, why: DisconnectReason) -> Outcome {
    let reason = observer.disconnected(peer).await?;
    ensure_eq!(
        reason,
        why,
        "why {} is told that {peer} is gone",
        observer.name()
    );
    Ok(())
}

/// A peer is ended by `end`, and both observers are told, why, and each within its own limit. Side by side: one kind of
/// observer needs longer than another.
pub(super) async fn told_of_end(
    observers: [&Participant; 2],
    peer: u32,
    end: impl Future<Output = Outcome>,
    why: &[DisconnectReason],
    limit: impl Fn(Kind) -> Duration,
) -> Outcome {
    let [a, b] = observers;
    let began = [a.now().await?, b.now().await?];
    end.await?;
    let told = observers
        .into_iter()
        .zip(began)
        .map(async |(observer, began)| {
            let reason = observer.disconnected(peer).await?;
            let took = observer.now().await? - began;
            ensure!(
                why.contains(&reason),
                "{} is told {reason:?} and not one of {why:?}",
                observer.name()
            );
            let limit = limit(observer.kind());
            ensure!(
                took <= limit,
                "{} was told after {took:?} instead of {limit:?}",
                observer.name()
            );
            Ok(())
        });
    try_join_all(told).await.map(drop)
}

/// The number of a message that is as it was sent.
pub(super) fn number(participant: &Participant, body: &Body) -> Outcome<u64> {
    body.number()
        .ok_or_else(|| participant.fail(format!("a damaged message: {body:?}")))
}

/// A platform may put the candidates it knows already into its description.
pub(super) fn without_candidates(mut description: SessionDescription) -> SessionDescription {
    description.sdp = description
        .sdp
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("a=candidate:"))
        .collect();
    description
}

/// What can make the path bad.
pub(super) enum Spoiler<'a> {
    /// A participant, with its sockets.
    Sockets(&'a Participant),
    /// The world around, between the participants. It is asked through one of them.
    Detour(&'a Participant),
}

impl Spoiler<'_> {
    /// Makes the path as bad as this, in each direction.
    pub(super) async fn weather(&self, weather: Weather) -> Outcome {
        let (participant, obeys) = match self {
            Self::Sockets(participant) => (participant, participant.weather(weather).await?),
            Self::Detour(participant) => {
                let told = participant.wish(Ask::Weather(weather)).await?;
                (participant, told == Told::Done)
            }
        };
        ensure!(
            obeys,
            "{} cannot make the path bad any more",
            participant.name()
        );
        Ok(())
    }
}

impl Spoiler<'_> {
    /// How many messages of so many bytes can have been in what the path has lost or held up so far.
    pub(super) async fn spoilt(&self, len: usize) -> Outcome<u64> {
        match self {
            Self::Sockets(participant) => participant.spoilt(len).await,
            Self::Detour(participant) => match participant.wish(Ask::Spoilt { len }).await? {
                Told::Spoilt(count) => Ok(count),
                told => Err(participant.fail(format!("got {told:?} for what was spoilt"))),
            },
        }
    }
}

/// What can make the path bad, asked before anybody has a socket or a link. Where no participant can, because a browser's
/// sockets are its own, their links go a way round from now on, through a path of the world's.
pub(super) async fn spoiler(cast: &[Participant]) -> Outcome<Spoiler<'_>> {
    for participant in cast {
        if participant.weather(Weather::default()).await? {
            return Ok(Spoiler::Sockets(participant));
        }
    }
    let Some(first) = cast.first() else {
        return Err(Failure::new("nobody is there to make the path bad"));
    };
    match first.wish(Ask::Detour).await? {
        Told::Detour(relay) => {
            for participant in cast {
                participant.use_links(relay.clone().link_config());
            }
            Ok(Spoiler::Detour(first))
        }
        _ => Err(first.fail(
            "neither side can make the path bad, and there is no turnserver: install coturn, or run `cargo ci setup`",
        )),
    }
}

/// From now on the network loses and reorders, where that takes no real time. What real paths do is in [`super::loss`].
pub(super) async fn bad_weather(participant: &Participant) -> Outcome {
    if participant.kind() == Kind::Mock {
        let weather = Weather {
            loss_percent: 5,
            reorder_percent: 20,
            ..Weather::default()
        };
        participant.weather(weather).await?;
    }
    Ok(())
}

/// Hands numbered messages to a channel, all of them: waits for room whenever it is full.
pub(super) async fn send_all_on(
    from: &Participant,
    link: LinkId,
    channel: ChannelIndex,
    count: u64,
    len: usize,
) -> Outcome {
    let mut next = 0;
    while next < count {
        let content = Content::numbered(next, len);
        match from
            .try_send_on(link, channel, content, count - next)
            .await?
        {
            Ok(report) => next += report.messages,
            Err(BackendSendError::Full) => {}
            Err(error) => return Err(from.fail(format!("message {next}: {error}"))),
        }
        if next < count {
            room_on(from, link, channel).await?;
        }
    }
    Ok(())
}

pub(super) async fn room_on(from: &Participant, link: LinkId, channel: ChannelIndex) -> Outcome {
    from.find_on(link, "for room", |seen| {
        (*seen == LinkSeen::Low(channel)).then_some(())
    })
    .await
}

/// One tells another something on the reliable channel; all that the other sees before it is given to `note`.
pub(super) async fn flush(
    from: &Participant,
    to: &Participant,
    mut note: impl FnMut(&Seen),
) -> Outcome {
    let word = Content::Text("flush".to_owned());
    let expected = word.body();
    from.send(To::One(to.id()), TransferMode::Reliable, word)
        .await?;
    to.find("the last word", |seen| match seen {
        Seen::Packet { body, .. } if *body == expected => Some(()),
        seen => {
            note(seen);
            None
        }
    })
    .await
}

/// All packets until that peer is gone, which must be by its own wish.
pub(super) async fn until_it_leaves(participant: &Participant, leaver: u32) -> Outcome<Vec<Body>> {
    let (heard, reason) = until_it_is_gone(participant, leaver).await?;
    ensure_eq!(reason, DisconnectReason::Closed, "why it is gone");
    Ok(heard)
}

/// All packets until that peer is gone, and why it is.
pub(super) async fn until_it_is_gone(
    participant: &Participant,
    leaver: u32,
) -> Outcome<(Vec<Body>, DisconnectReason)> {
    let mut heard = Vec::new();
    let reason = participant
        .find(&format!("for {leaver} to leave"), |seen| match seen {
            Seen::Packet { from, body, .. } if *from == leaver => {
                heard.push(body.clone());
                None
            }
            Seen::Disconnected { peer, reason } if *peer == leaver => Some(reason.clone()),
            _ => None,
        })
        .await?;
    Ok((heard, reason))
}

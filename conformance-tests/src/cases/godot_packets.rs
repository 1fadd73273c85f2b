//! Sections 5 and 6 of reference/godot.md: the order in which things are told, sending, and fairness.

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_core::{DisconnectReason, SendError, TransferMode};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Seen;
use crate::refusal::{Refusal, peer_id};
use crate::request::{Pace, Settings, Setup, To};
use crate::{Content, Matchmaker, Outcome, Participant};

/// How many messages each of two senders has ready for a receiver that does not listen yet.
const READY: u64 = 8;

/// Nothing of a peer before its "connected", nothing after its "disconnected", and all it said in between: also for a game
/// that looks only now and then.
pub async fn godot_5_poll_order(cast: [Participant; 3]) -> Outcome {
    let [a, b, c] = &cast;
    steps::start_meshes(&cast).await?;
    let words = [Content::numbered(0, 16), Content::numbered(1, 16)];
    for speaker in [b, c] {
        // In the answer to "connected": as early as a packet can be.
        speaker.greet(&words).await?;
    }
    a.pace(Pace::Frames(Duration::from_millis(50))).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            matchmaker.introduce(1, 0).await?;
            matchmaker.introduce(2, 0).await?;
            for speaker in [b, c] {
                speaker.connected(a.id()).await?;
                let last = Content::numbered(2, 16);
                speaker
                    .send(To::One(a.id()), TransferMode::Reliable, last)
                    .await?;
                ensure!(speaker.remove_peer(a.id()).await?, "a was not there");
            }
            let mut present: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
            let mut gone = 0;
            while gone < 2 {
                match a.seen().await? {
                    Seen::Connected(peer) => {
                        ensure!(
                            present.insert(peer, Vec::new()).is_none(),
                            "{peer} came twice"
                        );
                    }
                    Seen::Packet {
                        from, mode, body, ..
                    } => {
                        let number = steps::number(a, &body)?;
                        let Some(heard) = present.get_mut(&from) else {
                            return Err(a.fail(format!("message {number} of a stranger")));
                        };
                        if mode.is_reliable() {
                            heard.push(number);
                        }
                    }
                    Seen::Disconnected { peer, reason } => {
                        ensure_eq!(reason, DisconnectReason::Closed, "why {peer} is gone");
                        // What is reliable is all there, before the end is told.
                        ensure_eq!(
                            present.remove(&peer),
                            Some(vec![0, 1, 2]),
                            "what {peer} had said"
                        );
                        gone += 1;
                    }
                    other => return Err(a.fail(format!("saw {other:?}"))),
                }
            }
            Ok(())
        })
        .await
}

/// Whom a message reaches, and whose fault it is when it does not.
pub async fn godot_6_1_sending(cast: [Participant; 3]) -> Outcome {
    let [a, b, c] = &cast;
    a.start_unset(Settings::default()).await?;
    for participant in [b, c] {
        participant.start_mesh().await?;
    }
    let send = |to, content| send(a, to, content);
    let word = || Content::Text("word".to_owned());
    ensure_eq!(
        send(To::All, word()).await?,
        Err(Refusal::Send(SendError::NotInitialized)),
        "before it is set up"
    );
    let set_up = a.try_set_up(Setup::Mesh(a.id())).await?;
    ensure_eq!(set_up, Ok(()), "setting up");
    ensure_eq!(
        send(To::All, word()).await?,
        Ok((0, vec![])),
        "with nobody there"
    );
    let stranger = |peer| -> Outcome<_> {
        let peer = peer_id(peer).map_err(|why| a.fail(why.to_string()))?;
        Ok(Err(Refusal::Send(SendError::UnknownPeer { peer })))
    };
    for nobody in [77, a.id()] {
        ensure_eq!(
            send(To::One(nobody), word()).await?,
            stranger(nobody)?,
            "to {nobody}"
        );
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 0, 1).await?;
            matchmaker.pair(0, 2).await?;
            // Not connected yet: refused by name where it is named, passed over where all are meant.
            ensure_eq!(
                send(To::One(c.id()), word()).await?,
                Ok((0, vec![c.id()])),
                "to one that is not there yet"
            );
            for to in [To::All, To::AllExcept(77), To::AllExcept(c.id())] {
                ensure_eq!(send(to, word()).await?, Ok((1, vec![])), "to {to:?}");
                ensure_eq!(b.packet().await?.2, word().body(), "what b got");
            }
            ensure_eq!(
                send(To::AllExcept(b.id()), word()).await?,
                Ok((0, vec![])),
                "to all but the one"
            );
            // An empty message is a message; a text is told from bytes.
            for content in [
                Content::Binary(Vec::new()),
                Content::Text(String::new()),
                Content::Binary(b"word".to_vec()),
                word(),
            ] {
                ensure_eq!(
                    send(To::One(b.id()), content.clone()).await?,
                    Ok((1, vec![])),
                    "sending {content:?}"
                );
                ensure_eq!(b.packet().await?.2, content.body(), "what b got");
            }
            Ok(())
        })
        .await
}

/// How many took it, and who was not there; or whose fault it is.
async fn send(
    from: &Participant,
    to: To,
    content: Content,
) -> Outcome<Result<(usize, Vec<u32>), Refusal>> {
    let mode = TransferMode::Reliable;
    let sent = from.try_send(to, mode, content, 1).await?;
    Ok(sent.map(|report| (report.accepted, report.not_connected)))
}

/// Two that have much to say are heard in turn: one message of each.
pub async fn godot_6_2_fairness(cast: [Participant; 3]) -> Outcome {
    let [a, b, c] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            steps::connect(&matchmaker, &cast, 2, 0).await?;
            // Nobody can tell when all is there for one that does not listen, so a try that was too early is made again. A
            // receiver that is not fair fails each.
            let mut heard = Vec::new();
            for attempt in 1..=5 {
                a.pace(Pace::Never).await?;
                for speaker in [b, c] {
                    let first = Content::numbered(0, 16);
                    let to = To::One(a.id());
                    speaker
                        .try_send(to, TransferMode::Reliable, first, READY)
                        .await?
                        .map_err(|refusal| speaker.fail(refusal.to_string()))?;
                }
                a.sleep(Duration::from_millis(200 * attempt)).await?;
                a.pace(Pace::Events).await?;
                heard.clear();
                for _ in 0..2 * READY {
                    heard.push(a.packet().await?.0);
                }
                if heard.windows(2).all(|pair| pair[0] != pair[1]) {
                    return Ok(());
                }
            }
            Err(a.fail(format!("never heard them in turn: {heard:?}")))
        })
        .await
}

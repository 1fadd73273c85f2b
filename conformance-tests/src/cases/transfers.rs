//! What is larger than a message.

use std::time::Duration;

use futures_util::future::try_join;

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Moved;
use crate::reply::Reply;
use crate::request::{MeshRequest, Pace};
use crate::{Content, Outcome, Participant};

/// As large as a transfer may be by default.
const LARGE: usize = 16 * 1024 * 1024;

/// The largest transfer in both directions at once: each side tells how far it is, and all bytes are those that were sent.
pub async fn large_ones_go_both_ways_at_once(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::meet(&cast).await?;
    let content = |number| Content::numbered(number, LARGE);
    let there = a.transfer(b.id(), "there", content(1)).await?;
    let back = b.transfer(a.id(), "and back", content(2)).await?;
    let is_there = both(a, b, there, "and back", content(2));
    let is_back = both(b, a, back, "there", content(1));
    try_join(is_there, is_back).await?;
    steps::everybody_talks(&cast).await
}

/// One hears that its own transfer was sent, and has the other's in full.
async fn both(
    one: &Participant,
    other: &Participant,
    own: u32,
    name: &str,
    content: Content,
) -> Outcome {
    let (mut is_sent, mut is_begun, mut is_received) = (false, false, false);
    while !(is_sent && is_received) {
        match one.moved(other.id()).await? {
            (id, Moved::Sent) if id == own => is_sent = true,
            (_, Moved::Begun { name: told, bytes }) => {
                ensure_eq!((told.as_str(), bytes), (name, LARGE), "what begins");
                is_begun = true;
            }
            (_, Moved::Received(body)) => {
                ensure!(is_begun, "it is there before it has begun");
                ensure_eq!(body, content.body(), "what was received");
                is_received = true;
            }
            other => return Err(one.fail(format!("a transfer did something else: {other:?}"))),
        }
    }
    Ok(())
}

/// A transfer that its sender gives up is cancelled at the other side; one that its receiver does not want is refused. The next
/// one comes after them.
pub async fn one_is_given_up_and_one_is_refused(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::meet(&cast).await?;
    // A game that does not poll takes nothing in, so that this one cannot be there before it is given up.
    b.pace(Pace::Never).await?;
    let content = Content::numbered(1, LARGE);
    let first = a.transfer(b.id(), "first", content).await?;
    let (peer, transfer) = (b.id(), first);
    let cancel = MeshRequest::CancelTransfer { peer, transfer };
    ensure_eq!(a.mesh(cancel).await?, Reply::Flag(true), "giving it up");
    b.pace(Pace::Events).await?;
    begun(b, a, first, "first").await?;
    let told = b.moved(a.id()).await?;
    ensure_eq!(told, (first, Moved::Cancelled), "the one that was given up");
    // How much may be under way doubles once a poll, so that one that polls seldom takes seconds for it.
    a.pace(Pace::Frames(Duration::from_secs(1))).await?;
    let content = Content::numbered(2, LARGE);
    let second = a.transfer(b.id(), "second", content).await?;
    begun(b, a, second, "second").await?;
    let (peer, transfer) = (a.id(), second);
    let refuse = MeshRequest::RefuseTransfer { peer, transfer };
    ensure_eq!(b.mesh(refuse).await?, Reply::Flag(true), "refusing it");
    let content = Content::numbered(3, 100_000);
    let third = a.transfer(b.id(), "third", content.clone()).await?;
    a.pace(Pace::Events).await?;
    let told = a.moved(b.id()).await?;
    ensure_eq!(told, (second, Moved::Refused), "the one that is refused");
    begun(b, a, third, "third").await?;
    let all = Moved::Received(content.body());
    ensure_eq!(b.moved(a.id()).await?, (third, all), "the third one");
    ensure_eq!(
        a.moved(b.id()).await?,
        (third, Moved::Sent),
        "the third one"
    );
    Ok(())
}

async fn begun(to: &Participant, from: &Participant, transfer: u32, name: &str) -> Outcome {
    let (id, moved) = to.moved(from.id()).await?;
    let is_it = matches!(&moved, Moved::Begun { name: told, .. } if told == name);
    ensure!(id == transfer && is_it, "{id} did this: {moved:?}");
    Ok(())
}

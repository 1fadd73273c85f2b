//! Small messages that are sent in one go, which may share a packet.

use futures_util::future::try_join;
use mesh_core::TransferMode;

use super::steps;
use crate::content::Body;
use crate::failure::{ensure, ensure_eq};
use crate::observed::{Moved, Seen};
use crate::{Content, Matchmaker, Outcome, Participant};

/// Small ones, empty ones, text, some that look like batches, and some that are too large to share a packet: whatever travels together, each
/// comes as it was sent, and in order where the channel has one.
pub async fn what_is_sent_in_one_go_comes_apart(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let words = words();
    steps::start_meshes(&cast).await?;
    for participant in &cast {
        participant.greet(&words).await?;
    }
    let sent: Vec<_> = words.iter().map(Content::body).collect();
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            matchmaker.introduce(1, 0).await?;
            try_join(hears(a, &sent), hears(b, &sent)).await?;
            Ok(())
        })
        .await
}

fn words() -> Vec<Content> {
    let small = |number| Content::numbered(number, 64);
    let binary = |bytes: &[u8]| Content::Binary(bytes.to_vec());
    let mut words = vec![
        small(1),
        small(2),
        binary(b""),
        binary(b"\xf8BAT\x01\0\x02ab"),
        small(3),
        Content::Text("text".into()),
        binary(b""),
        Content::Text(String::new()),
        binary(b"\xf8BAT"),
        Content::numbered(4, 1093),
        small(5),
        Content::numbered(6, 1200),
        binary(b"\xf8BAT\x01\xff\xff"),
    ];
    words.extend((7..40).map(|number| Content::numbered(number, 90)));
    words
}

/// All of it on the reliable channel; on the others nothing that was not sent, and on the ordered one nothing out of order.
async fn hears(participant: &Participant, sent: &[Body]) -> Outcome {
    let (mut reliable, mut ordered) = (sent.iter(), sent.iter());
    while reliable.len() > 0 {
        let (mode, body) = participant
            .find("for a packet", |seen| match seen {
                Seen::Packet { mode, body, .. } => Some((*mode, body.clone())),
                _ => None,
            })
            .await?;
        match mode {
            TransferMode::Reliable => ensure_eq!(reliable.next(), Some(&body), "the next one"),
            TransferMode::UnreliableOrdered => {
                let is_later = ordered.any(|one| *one == body);
                ensure!(is_later, "{body:?} is not what was sent next");
            }
            TransferMode::Unreliable => {
                ensure!(sent.contains(&body), "{body:?} was never sent");
            }
        }
    }
    Ok(())
}

/// The bytes of a transfer are nobody's batch, whatever they begin with.
pub async fn a_transfer_that_looks_like_a_batch_is_none(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::meet(&cast).await?;
    for (from, to) in [(a, b), (b, a)] {
        for bytes in [
            &b"\xf8BAT\x01\xff\xff"[..],
            b"\xf8BAT",
            b"\xf8BAT\0\xf8BAT\0\0",
        ] {
            let content = Content::Binary(bytes.to_vec());
            let body = content.body();
            from.transfer(to.id(), "a batch?", content).await?;
            loop {
                match to.moved(from.id()).await? {
                    (_, Moved::Begun { .. } | Moved::Sent) => {}
                    (_, Moved::Received(received)) => {
                        ensure_eq!(received, body, "what was received");
                        break;
                    }
                    other => {
                        return Err(to.fail(format!("a transfer did something else: {other:?}")));
                    }
                }
            }
        }
    }
    Ok(())
}

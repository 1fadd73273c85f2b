//! Channels that a far side makes in-band (DCEP, RFC 8832), as Godot's `create_data_channel` does unless it is told otherwise.

use std::time::Duration;

use mesh_core::{
    ChannelIndex, ChannelParameters, ChannelState, Command, Reliability, TransferMode,
};

use crate::failure::ensure_eq;
use crate::observed::{LinkSeen, Seen};
use crate::request::To;
use crate::{Content, Matchmaker, Outcome, Participant};

/// Where it is on the side that makes it: behind the planned ones.
const IN_BAND: ChannelIndex = ChannelIndex(3);

/// A channel that the far side makes in-band is told of before its first message, is what the far side made it, carries messages both
/// ways, and goes without the peer.
pub async fn channels_made_in_band_are_received(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    a.start_backend().await?;
    b.start_mesh().await?;
    let near = a.open().await?;
    let wanted = ChannelParameters {
        // Not asked for: the connection chooses. The mock takes it.
        id: 20,
        ordered: false,
        reliability: Reliability::Reliable,
    };
    a.create_in_band(near, IN_BAND, wanted).await?;
    // In its `onopen`: the far side may not know of it yet.
    let word = Content::Text("in band".to_owned());
    a.greet(std::slice::from_ref(&word)).await?;
    let far = b.create_connection().await?;
    b.add_peer(far, a.id()).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker.connect((0, near), (1, far));
    matchmaker
        .relaying(async {
            matchmaker.offer(0, near).await?;
            let channel = received(b, a.id(), &word).await?;

            let channels = b.channels(a.id()).await?;
            let Some(report) = channels.get(usize::from(channel.0)) else {
                return Err(b.fail(format!("{channel:?} is not among {channels:?}")));
            };
            let parameters = (report.parameters.ordered, report.parameters.reliability);
            let expected = (wanted.ordered, wanted.reliability);
            ensure_eq!(parameters, expected, "what the channel is");
            let standing = (report.negotiated, report.state);
            ensure_eq!(
                standing,
                (false, ChannelState::Open),
                "negotiated, and its state"
            );

            let answer = Content::Text("answer".to_owned());
            let sent = b.try_send_on_channel(To::One(a.id()), channel, answer.clone());
            ensure_eq!(sent.await?.map(|sent| sent.accepted), Ok(1), "who takes it");
            let expected = answer.body();
            a.find_on(near, "for the answer", |seen| match seen {
                LinkSeen::Message { channel, body } if *channel == IN_BAND => Some(body.clone()),
                _ => None,
            })
            .await
            .and_then(|heard| {
                ensure_eq!(heard, expected, "the answer");
                Ok(())
            })?;

            let link = near;
            let channel = IN_BAND;
            a.execute(Command::CloseChannel { link, channel }).await?;
            closed(b, a.id()).await?;
            let last = Content::numbered(7, 8);
            a.send_on(near, TransferMode::Reliable, last.clone())
                .await?;
            b.find("for a word on another channel", |seen| match seen {
                Seen::Packet { body, .. } if *body == last.body() => Some(()),
                _ => None,
            })
            .await
        })
        .await
}

/// Waits for the channel and then for its first word.
async fn received(b: &Participant, from: u32, word: &Content) -> Outcome<ChannelIndex> {
    let is_planned = |channel: ChannelIndex| channel.0 < IN_BAND.0;
    let channel = b
        .find("for the channel", |seen| match seen {
            Seen::ChannelReceived { peer, channel } if *peer == from => Some(Ok(*channel)),
            Seen::Packet { channel, .. } if !is_planned(*channel) => Some(Err(*channel)),
            _ => None,
        })
        .await?
        .map_err(|channel| {
            b.fail(format!(
                "a message on {channel:?}, of which nothing was told"
            ))
        })?;
    let heard = b.find("for its first word", |seen| match seen {
        Seen::Packet {
            channel: of, body, ..
        } if *of == channel => Some(body.clone()),
        _ => None,
    });
    ensure_eq!(heard.await?, word.body(), "its first word");
    Ok(channel)
}

/// Waits until the last channel of a peer is closed. Nobody is told of that.
async fn closed(b: &Participant, peer: u32) -> Outcome {
    loop {
        let channels = b.channels(peer).await?;
        let last = channels.last().map(|channel| channel.state);
        if last == Some(ChannelState::Closed) {
            return Ok(());
        }
        b.sleep(Duration::from_millis(20)).await?;
    }
}

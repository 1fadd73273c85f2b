//! A member whose lobby another instance has: what it says goes there, and what it is told comes from there.

use std::io;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::Config;
use crate::cluster::HEADER;
use crate::goodbye::Goodbye;
use crate::outbox::Outgoing;
use crate::relay::{Destination, Place};
use crate::socket::{Sink, Stream, unreadable};
use crate::wire::SharedMeter;

/// How long the other instance may take to answer.
const CONNECT: Duration = Duration::from_secs(3);

/// How an owner begins to say that our extension is spoken: it writes the type first.
const WELCOME: &str = r#"{"type":34,"#;

type Owner = WebSocketStream<TcpStream>;

/// How a member's socket ends that is forwarded.
enum End {
    /// It is gone, or has been closed with the owner's words.
    Done,
    /// It is to be told why.
    Why(Goodbye),
}

/// Carries texts between a member and the owner of its lobby, until one of them ends; gives what the member is still to be told.
///
/// The owner reads what the member says as if it were connected there: its limits, its seats and its answers hold. A member whose
/// connection breaks breaks the one to the owner, which keeps its seat then.
pub(crate) async fn forward(
    config: &Config,
    place: &Place,
    meter: &SharedMeter,
    (sink, stream): (&mut Sink, &mut Stream),
    to: Destination,
    first: Utf8Bytes,
) -> Option<Goodbye> {
    let connected = timeout(CONNECT, connect(config, &to)).await;
    let Ok(Ok(mut owner)) = connected else {
        tracing::debug!(member = place.number(), owner = %to.address, "cannot be forwarded");
        return Some(Goodbye::OwnerGone);
    };
    tracing::debug!(member = place.number(), owner = %to.address, "forwarded");
    if !send(config, &mut owner, Message::Text(first)).await {
        return Some(Goodbye::OwnerGone);
    }
    let (mut to_owner, mut from_owner) = owner.split();
    let end = tokio::select! {
        end = upwards(config, meter, stream, &mut to_owner) => end,
        end = downwards(config, place, &mut from_owner, sink) => end,
    };
    match end {
        End::Done => None,
        End::Why(goodbye) => Some(goodbye),
    }
}

async fn connect(config: &Config, to: &Destination) -> Result<Owner, Error> {
    let mut request = format!("ws://{}/", to.address).into_client_request()?;
    let introduction = HeaderValue::from_str(&to.introduction).map_err(io::Error::other)?;
    request.headers_mut().insert(HEADER, introduction);
    let stream = TcpStream::connect(to.address).await?;
    stream.set_nodelay(true)?;
    // What the owner says of a lobby may be longer than what a member may say.
    let limit = config.max_message_size.saturating_mul(2).max(64 * 1024);
    let websocket = WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
    let (owner, _) = client_async_with_config(request, stream, Some(websocket)).await?;
    Ok(owner)
}

/// What the member says. The owner reads slowly where it wants the member to be slow.
async fn upwards(
    config: &Config,
    meter: &SharedMeter,
    stream: &mut Stream,
    owner: &mut SplitSink<Owner, Message>,
) -> End {
    let within = config.ping_deadline;
    let silence = config.ping_interval.saturating_add(within);
    loop {
        let message = match timeout(silence, stream.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => {
                let Some(goodbye) = unreadable(config, meter, &error) else {
                    return End::Done;
                };
                if !goodbye.keeps_seat() {
                    send(config, owner, farewell()).await;
                }
                return End::Why(goodbye);
            }
            Ok(None) => return End::Done,
            Err(_) => return End::Why(Goodbye::Silent { within }),
        };
        let is_close = matches!(message, Message::Close(_));
        match message {
            Message::Text(_) | Message::Binary(_) | Message::Close(_) => {
                if !send(config, owner, message).await {
                    return End::Why(Goodbye::OwnerGone);
                }
            }
            // Each connection has its own.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        if is_close {
            return End::Done;
        }
    }
}

/// What the owner says.
async fn downwards(
    config: &Config,
    place: &Place,
    owner: &mut SplitStream<Owner>,
    sink: &mut Sink,
) -> End {
    // tokio panics at an interval of nothing.
    let mut ping = interval(config.ping_interval.max(Duration::from_millis(1)));
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ping.reset();
    // The owner pings, too.
    let silence = config.ping_interval.saturating_add(config.ping_deadline);
    let mut heard = Instant::now();
    let mut is_welcome = false;
    loop {
        // Our own pings must not begin it anew. One that is too far away never comes.
        let told = async {
            match heard.checked_add(silence) {
                Some(due) => timeout_at(due, owner.next()).await,
                None => Ok(owner.next().await),
            }
        };
        let message = tokio::select! {
            told = told => match told {
                Ok(Some(Ok(message))) => {
                    heard = Instant::now();
                    match &message {
                        Message::Text(text) if !is_welcome && text.starts_with(WELCOME) => {
                            is_welcome = true;
                            place.is_welcome_elsewhere();
                        }
                        Message::Text(_) | Message::Close(_) => {}
                        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                            continue;
                        }
                    }
                    message
                }
                Ok(Some(Err(_)) | None) | Err(_) => return End::Why(Goodbye::OwnerGone),
            },
            outgoing = place.outbox().next() => match outgoing {
                // This instance itself stops.
                Outgoing::Text(text) => Message::text(&*text),
                Outgoing::Close(goodbye) => return End::Why(goodbye),
            },
            _ = ping.tick() => Message::Ping(Vec::new().into()),
        };
        let is_last = matches!(message, Message::Close(_));
        if !matches!(
            timeout(config.ping_deadline, sink.send(message)).await,
            Ok(Ok(()))
        ) || is_last
        {
            return End::Done;
        }
    }
}

/// A member that has broken a rule does not come back.
fn farewell() -> Message {
    Message::Close(Some(CloseFrame {
        code: CloseCode::Normal,
        reason: Utf8Bytes::default(),
    }))
}

/// Whether it was sent in time.
async fn send<S>(config: &Config, sink: &mut S, message: Message) -> bool
where
    S: SinkExt<Message> + Unpin,
{
    matches!(
        timeout(config.ping_deadline, sink.send(message)).await,
        Ok(Ok(()))
    )
}

#[cfg(test)]
mod tests {
    use signaling::Notice;

    use super::*;

    #[test]
    fn a_welcome_is_known_by_its_beginning() {
        let welcome = Notice::Welcome {
            token: "t".to_owned(),
            term: 60,
        };
        for (notice, expected) in [(welcome, true), (Notice::Pong, false)] {
            let text = signaling::encode(&signaling::Message::from(notice));
            assert_eq!(text.starts_with(WELCOME), expected, "{text}");
        }
    }
}

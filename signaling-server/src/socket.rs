//! One WebSocket, from its opening to its end.

use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{MissedTickBehavior, interval, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::Config;
use crate::door::Visitor;
use crate::forward::forward;
use crate::goodbye::Goodbye;
use crate::outbox::Outgoing;
use crate::relay::{Destination, Place, Relay, Visit};
use crate::sender::Sender;
use crate::wire::{SharedMeter, Wire};

/// What is sent to a socket.
pub(crate) type Sink = SplitSink<WebSocketStream<Wire>, Message>;
/// What comes from it.
pub(crate) type Stream = SplitStream<WebSocketStream<Wire>>;

/// Why a socket is read no more.
enum End {
    /// It is gone.
    Gone,
    /// Another instance has its lobby, and is to have this text and all that follow.
    Elsewhere(Destination, Utf8Bytes),
}

/// Serves a socket until it is closed.
pub(crate) async fn serve(
    relay: Relay,
    visit: Visit,
    meter: SharedMeter,
    socket: WebSocketStream<Wire>,
) {
    tokio::select! {
        () = run(&relay, &visit, &meter, socket) => {}
        () = relay.aborted() => {}
    }
}

async fn run(relay: &Relay, visit: &Visit, meter: &SharedMeter, socket: WebSocketStream<Wire>) {
    let (mut sink, mut stream) = socket.split();
    let config = relay.config();
    match relay.connect(visit) {
        Ok(place) => {
            tracing::debug!(member = place.number(), "connected");
            let end = {
                let mut sender = Sender::new(relay, &place, meter);
                let mut writing = pin!(write(config, &place, &mut sink));
                tokio::select! {
                    end = read(config, &place, meter, &mut sender, &mut stream) => Some(end),
                    () = &mut writing => None,
                }
            };
            match end {
                Some(End::Gone) => return,
                Some(End::Elsewhere(to, text)) => {
                    let socket = (&mut sink, &mut stream);
                    // Most sockets are not forwarded, and do without the memory that it takes.
                    let forwarding = Box::pin(forward(config, &place, meter, socket, to, text));
                    if let Some(goodbye) = forwarding.await {
                        // Counts it, unless the server has closed it itself and has counted it.
                        place.refuse(goodbye.clone());
                        meter.lock().give_up(goodbye.clone());
                        close(config, &mut sink, &goodbye).await;
                    }
                }
                None => {}
            }
            tracing::debug!(member = place.number(), "closed");
        }
        Err(goodbye) => {
            tracing::debug!(reason = goodbye.name(), "refused");
            relay.metrics().goodbye(&goodbye);
            meter.lock().give_up(goodbye.clone());
            close(config, &mut sink, &goodbye).await;
        }
    }
    // TCP would take back the close frame if we closed while something of theirs is unread.
    meter.lock().give_up(Goodbye::ShuttingDown);
    if let Ok(mut socket) = sink.reunite(stream) {
        let _ = timeout(config.close_deadline, socket.get_mut().drain()).await;
    }
}

/// Does what the socket asks for, until it ends. What it says after it has been sent away is passed over.
async fn read(
    config: &Config,
    place: &Place,
    meter: &SharedMeter,
    sender: &mut Sender<'_>,
    stream: &mut Stream,
) -> End {
    let mut visitor = Visitor::new(config);
    let within = config.ping_deadline;
    let silence = config.ping_interval.saturating_add(within);
    let started = tokio::time::Instant::now();
    loop {
        let waiting = match visitor.has_joined() {
            true => timeout(silence, stream.next()).await,
            false => {
                let due = started.checked_add(config.join_deadline);
                let silent = tokio::time::Instant::now() + silence;
                timeout_at(due.map_or(silent, |due| due.min(silent)), stream.next()).await
            }
        };
        let received = match waiting {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => {
                tracing::debug!(member = place.number(), %error, "unreadable");
                let Some(goodbye) = unreadable(config, meter, &error) else {
                    return End::Gone;
                };
                place.refuse(goodbye);
                return std::future::pending().await;
            }
            Ok(None) => return End::Gone,
            Err(_) => {
                place.refuse(match visitor.has_joined() {
                    true => Goodbye::Silent { within },
                    false => Goodbye::JoinDeadline,
                });
                return std::future::pending().await;
            }
        };
        let answer = match received {
            Message::Text(text) => match sender.handle(&mut visitor, &text).await {
                Ok(Some(destination)) => return End::Elsewhere(destination, text),
                done => done.map(drop),
            },
            Message::Binary(_) => Err(Goodbye::Binary),
            // The answer is on its way; the stream ends after it.
            Message::Close(frame) => {
                if is_farewell(frame.as_ref()) {
                    place.leave();
                }
                Ok(())
            }
            // They have been paid for.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        };
        if let Err(goodbye) = answer {
            place.refuse(goodbye);
            return std::future::pending().await;
        }
    }
}

/// Whether a close is a member's own, who comes back no more: it has finished, or its page has been left. Others come from
/// what is between it and us.
fn is_farewell(frame: Option<&CloseFrame>) -> bool {
    frame.is_none_or(|frame| matches!(frame.code, CloseCode::Normal | CloseCode::Away))
}

/// Why nothing more can be read, unless the connection is simply gone.
pub(crate) fn unreadable(config: &Config, meter: &SharedMeter, error: &Error) -> Option<Goodbye> {
    if let Some(goodbye) = meter.lock().verdict() {
        return Some(goodbye.clone());
    }
    let reset = ProtocolError::ResetWithoutClosingHandshake;
    if let Error::Utf8(_) = error {
        Some(Goodbye::NotUtf8)
    } else if let Error::Capacity(CapacityError::MessageTooLong { .. }) = error {
        let limit = config.max_message_size;
        Some(Goodbye::TooLarge { limit })
    } else if let Error::Io(_) | Error::ConnectionClosed | Error::AlreadyClosed = error {
        None
    } else if matches!(error, Error::Protocol(error) if *error == reset) {
        None
    } else {
        // Whatever else it is, it is no WebSocket any more.
        Some(Goodbye::Unreadable)
    }
}

/// Sends what waits and pings, until it has sent a close or cannot send.
async fn write(config: &Config, place: &Place, sink: &mut Sink) {
    // tokio panics at an interval of nothing.
    let mut ping = interval(config.ping_interval.max(Duration::from_millis(1)));
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ping.reset();
    loop {
        let message = tokio::select! {
            outgoing = place.outbox().next() => match outgoing {
                Outgoing::Text(text) => match place.translate(text) {
                    Some(text) => Message::text(&*text),
                    None => continue,
                },
                Outgoing::Close(goodbye) => return close(config, sink, &goodbye).await,
            },
            _ = ping.tick() => Message::Ping(Vec::new().into()),
        };
        match timeout(config.ping_deadline, sink.send(message)).await {
            Ok(Ok(())) => place.relieve(),
            // Nothing can be told to one that takes nothing.
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// Says goodbye. Gives up after the time that a member has to answer a ping, because one that reads nothing takes no farewell either.
async fn close(
    config: &Config,
    sink: &mut (impl futures_util::Sink<Message> + Unpin),
    goodbye: &Goodbye,
) {
    let frame = CloseFrame {
        code: goodbye.code().into(),
        reason: goodbye.reason().into(),
    };
    let sent = sink.send(Message::Close(Some(frame)));
    let _ = timeout(config.ping_deadline, sent).await;
}

#[cfg(test)]
mod tests {
    use core::pin::Pin;
    use core::task::{Context, Poll};

    use super::*;

    /// What leads to a member that reads nothing, and whose buffers are full.
    struct Full;

    impl futures_util::Sink<Message> for Full {
        type Error = Error;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Pending
        }

        fn start_send(self: Pin<&mut Self>, _: Message) -> Result<(), Error> {
            unreachable!("there is no room")
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Pending
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_farewell_that_is_not_taken_is_waited_for_no_longer_than_an_answer() {
        let config = Config {
            ping_deadline: Duration::from_millis(20),
            ..Config::default()
        };
        let before = tokio::time::Instant::now();
        let mut sink = Full;
        let closed = close(&config, &mut sink, &Goodbye::NoLobby);
        let patience = Duration::from_secs(10);
        assert!(timeout(patience, closed).await.is_ok());
        assert!(before.elapsed() >= config.ping_deadline);
    }

    #[test]
    fn only_a_close_of_the_members_own_is_a_farewell() {
        let close = |code| {
            let reason = "".into();
            Some(CloseFrame { code, reason })
        };
        for (frame, expected) in [
            (None, true),
            (close(CloseCode::Normal), true),
            (close(CloseCode::Away), true),
            (close(CloseCode::Error), false),
            (close(CloseCode::Restart), false),
            (close(CloseCode::Library(4000)), false),
        ] {
            assert_eq!(is_farewell(frame.as_ref()), expected, "{frame:?}");
        }
    }
}

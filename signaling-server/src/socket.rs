//! One WebSocket, from its opening to its end.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{MissedTickBehavior, interval, sleep_until, timeout};

use crate::Config;
use crate::goodbye::Goodbye;
use crate::outbox::Outgoing;
use crate::relay::{Place, Relay, Task};

/// Serves a socket until it is closed.
pub(crate) async fn serve(relay: Relay, task: Task, remote: Option<SocketAddr>, socket: WebSocket) {
    let _task = task;
    tokio::select! {
        () = run(&relay, remote, socket) => {}
        () = relay.aborted() => {}
    }
}

async fn run(relay: &Relay, remote: Option<SocketAddr>, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let config = relay.config();
    match relay.connect() {
        Ok(place) => {
            tracing::debug!(socket = ?place.socket(), ?remote, "connected");
            {
                let mut writing = pin!(write(config, &place, &mut sink));
                tokio::select! {
                    () = read(config, &place, &mut stream) => return,
                    () = &mut writing => {}
                }
            }
            tracing::debug!(socket = ?place.socket(), "closed");
        }
        Err(goodbye) => {
            tracing::debug!(?remote, %goodbye, "refused");
            close(config, &mut sink, &goodbye).await;
        }
    }
    // TCP would take back the close frame if we closed while something of theirs is unread.
    let _ = timeout(config.close_deadline, drain(&mut stream)).await;
}

/// Hands the hub what the socket says, until it ends. What it says after the hub has sent it away is passed over.
async fn read(config: &Config, place: &Place, stream: &mut SplitStream<WebSocket>) {
    let within = config.ping_deadline;
    let silence = config.ping_interval.saturating_add(within);
    loop {
        let Ok(received) = timeout(silence, stream.next()).await else {
            place.refuse(Goodbye::Silent { within });
            return std::future::pending().await;
        };
        match received {
            Some(Ok(Message::Text(text))) => place.handle_text(&text),
            Some(Ok(Message::Binary(_))) => place.refuse(Goodbye::Binary),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => place.handle_control(),
            // The answer to a close is on its way; the stream ends after it.
            Some(Ok(Message::Close(_))) => {}
            Some(Err(error)) => {
                tracing::debug!(socket = ?place.socket(), %error, "unreadable");
                place.refuse(Goodbye::Unreadable);
                return std::future::pending().await;
            }
            None => return,
        }
    }
}

/// Sends what waits, pings, and keeps the socket's deadlines, until it has sent a close or cannot send.
async fn write(config: &Config, place: &Place, sink: &mut SplitSink<WebSocket, Message>) {
    // tokio panics at an interval of nothing.
    let mut ping = interval(config.ping_interval.max(Duration::from_millis(1)));
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ping.reset();
    loop {
        // Asked again each time: joining ends a deadline, a seal sets one, and both come with something to send.
        let due = place.poll_timeout();
        let message = tokio::select! {
            outgoing = place.outbox().next() => match outgoing {
                Outgoing::Text(text) => Message::Text((&*text).into()),
                Outgoing::Close(goodbye) => return close(config, sink, &goodbye).await,
            },
            () = wait_until(due) => {
                place.handle_timeout();
                continue;
            }
            _ = ping.tick() => Message::Ping(Vec::new().into()),
        };
        if !matches!(
            timeout(config.ping_deadline, sink.send(message)).await,
            Ok(Ok(()))
        ) {
            return;
        }
    }
}

async fn wait_until(due: Option<tokio::time::Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn close(config: &Config, sink: &mut SplitSink<WebSocket, Message>, goodbye: &Goodbye) {
    let frame = CloseFrame {
        code: goodbye.code(),
        reason: goodbye.reason().into(),
    };
    let sent = sink.send(Message::Close(Some(frame)));
    let _ = timeout(config.ping_deadline, sent).await;
}

async fn drain(stream: &mut SplitStream<WebSocket>) {
    while let Some(Ok(_)) = stream.next().await {}
}

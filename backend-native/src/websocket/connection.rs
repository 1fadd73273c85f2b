//! The task behind a [`WebSocketTransport`](super::WebSocketTransport): connects, carries texts both ways, says goodbye.

use core::pin::pin;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use mesh_core::LostReason;
use signaling::{TransportEvent, TransportOptions};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::{Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use crate::dial::dial;
use crate::tls::{self, RootCertificates};

/// How long a goodbye may take: what was accepted, the close frame, and the server's answer to it.
const GOODBYE: Duration = Duration::from_secs(1);

/// How long the server may be silent before it is asked for a sign of life. A proxy sees that the connection is in use, too.
const IDLE: Duration = Duration::from_secs(4);

/// How long it may take to give that sign.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it may be silent before it is dead: less than 10 s, with any server of WebSocket.
const DEAD: Duration = IDLE.saturating_add(PATIENCE);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(super) struct Connection {
    pub(super) request: Request,
    pub(super) options: TransportOptions,
    pub(super) roots: RootCertificates,
    /// Ends when the transport is closed or dropped.
    pub(super) texts: mpsc::Receiver<String>,
    /// Closed when the transport is closed or dropped.
    pub(super) events: mpsc::Sender<TransportEvent>,
    /// Set before `texts` ends if the server is not to be told that we leave.
    pub(super) abandoned: Arc<AtomicBool>,
}

impl Connection {
    pub(super) async fn run(self) {
        let Self {
            request,
            options,
            roots,
            texts,
            events,
            abandoned,
        } = self;
        let limit = options.connect_timeout;
        let host = request.uri().host().unwrap_or_default().to_owned();
        let connected = tokio::select! {
            connected = timeout(limit, connect(request, options, roots)) => connected
                .unwrap_or_else(|_| Err(format!("no answer from {host} within {} s", limit.as_secs_f32()))),
            () = events.closed() => return,
        };
        let last = match connected {
            Ok(socket) => carry(socket, texts, &events, &abandoned).await,
            Err(why) => Some(closed(LostReason::Unreachable(why))),
        };
        if let Some(last) = last {
            // The transport may be gone; then nobody wants to know.
            let _ = events.send(last).await;
        }
    }
}

/// Connects, says these texts and closes. Nobody hears what becomes of it.
pub(super) async fn say(
    request: Request,
    options: TransportOptions,
    roots: RootCertificates,
    texts: Vec<String>,
) {
    let connected = timeout(options.connect_timeout, connect(request, options, roots)).await;
    let Ok(Ok(mut socket)) = connected else {
        return;
    };
    let said = async {
        for text in texts {
            socket.feed(Message::text(text)).await?;
        }
        socket.send(Message::Close(Some(farewell()))).await?;
        // Closing before everything is read would reset the connection.
        while let Some(Ok(_)) = socket.next().await {}
        Ok::<(), WsError>(())
    };
    let _ = timeout(GOODBYE, said).await;
}

const fn farewell() -> CloseFrame {
    CloseFrame {
        code: CloseCode::Normal,
        reason: Utf8Bytes::from_static(""),
    }
}

const fn closed(reason: LostReason) -> TransportEvent {
    TransportEvent::Closed { reason }
}

/// Name resolution, TCP, TLS, upgrade; the error is for a player.
async fn connect(
    request: Request,
    options: TransportOptions,
    roots: RootCertificates,
) -> Result<Socket, String> {
    let uri = request.uri();
    let secure = uri.scheme_str() == Some("wss");
    let host = uri.host().unwrap_or_default();
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });

    let connector = if secure {
        Connector::Rustls(roots.client_config().await?)
    } else {
        Connector::Plain
    };
    let addresses = lookup_host((host.as_str(), port))
        .await
        .map_err(|error| format!("the name {host} was not found ({error})"))?;
    let stream = dial(addresses)
        .await
        .map_err(|error| format!("{host} port {port}: {error}"))?;
    // Signals are small and each may hold a handshake up.
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    // So that the connection does not outlive its network by hours while the application takes no events, and nothing is
    // read. A system that cannot do it does without.
    let socket = SockRef::from(&stream);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(IDLE).with_interval(IDLE));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let _ = socket.set_tcp_user_timeout(Some(DEAD));

    let config = WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .max_message_size(Some(options.max_message_size))
        .max_frame_size(Some(options.max_message_size));
    client_async_tls_with_config(request, stream, Some(config), Some(connector))
        .await
        .map(|(socket, _response)| socket)
        .map_err(|error| {
            let what = if let WsError::Http(response) = &error {
                format!("HTTP {} instead of a WebSocket", response.status())
            } else if let (WsError::Io(error), true) = (&error, secure) {
                tls::words(error)
            } else {
                error.to_string()
            };
            format!("{host} port {port}: {what}")
        })
}

/// Carries texts both ways until an end. Gives back the last event if the queue had no room for it.
///
/// Reading and writing go side by side: each side of a connection whose buffers are full would otherwise wait for the
/// other to read.
async fn carry(
    socket: Socket,
    texts: mpsc::Receiver<String>,
    events: &mpsc::Sender<TransportEvent>,
    abandoned: &AtomicBool,
) -> Option<TransportEvent> {
    // An error means that we were closed while it opened; what has been accepted still goes out below.
    let _ = events.send(TransportEvent::Opened).await;
    let (sink, mut stream) = socket.split();
    let ask = Notify::new();
    let mut writing = pin!(write(sink, texts, &ask, abandoned));
    let mut wrote = false;
    let reason = {
        let mut reading = pin!(read(&mut stream, events, &ask));
        tokio::select! {
            biased;
            reason = &mut reading => Some(reason),
            error = &mut writing => {
                wrote = true;
                match error {
                    Ok(()) => None,
                    // Why the server hung up may already be here to read, and says more.
                    Err(error) => Some(timeout(GOODBYE, reading).await.unwrap_or_else(|_| lost(error))),
                }
            }
            () = events.closed() => None,
        }
    };
    let ours = reason.is_none();
    // Before the goodbye, which a server may let run into its limit.
    let unreported = reason.and_then(|reason| events.try_send(closed(reason)).err());
    // Ours: the rest and a close frame go out, and the server's answer is read, because dropping a TCP socket with unread
    // bytes resets it and can take the close frame along. Theirs: the answer to their close frame goes out.
    let rest = async {
        if ours && !wrote {
            let _ = writing.await;
        }
    };
    let answer = async { while let Some(Ok(_)) = stream.next().await {} };
    let _ = timeout(GOODBYE, join(rest, answer)).await;
    unreported.map(TrySendError::into_inner)
}

/// Sends until the queue ends, and asks the server for a sign of life when it is told to. At the end it sends the close frame,
/// unless the connection is abandoned.
async fn write(
    mut sink: SplitSink<Socket, Message>,
    mut texts: mpsc::Receiver<String>,
    ask: &Notify,
    abandoned: &AtomicBool,
) -> Result<(), WsError> {
    loop {
        let message = tokio::select! {
            text = texts.recv() => match text {
                Some(text) => Message::text(text),
                None => break,
            },
            () = ask.notified() => Message::Ping(Bytes::new()),
        };
        sink.send(message).await?;
    }
    if abandoned.load(Ordering::Acquire) {
        return Ok(());
    }
    sink.send(Message::Close(Some(farewell()))).await
}

/// Reports what the server sends until it ends the connection; reads nothing while the application's queue is full.
///
/// Before a silent server is given up, the writer is told to ask it: a process that was stopped sees the time leap, and its own
/// silence is not the server's. A writer that is stuck cannot ask, and the server is given up at the same time.
async fn read(
    stream: &mut SplitStream<Socket>,
    events: &mpsc::Sender<TransportEvent>,
    ask: &Notify,
) -> LostReason {
    let mut asked = false;
    loop {
        let Ok(room) = events.reserve().await else {
            // Ours to end; the caller has noticed, too.
            return core::future::pending().await;
        };
        let limit = if asked { PATIENCE } else { IDLE };
        let Ok(next) = timeout(limit, stream.next()).await else {
            if asked {
                let why = format!("the server has been silent for {} s", DEAD.as_secs());
                return LostReason::Unreachable(why);
            }
            asked = true;
            ask.notify_one();
            continue;
        };
        asked = false;
        match next {
            Some(Ok(Message::Text(text))) => {
                room.send(TransportEvent::Text(text.as_str().to_owned()))
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Binary(_))) => {
                return LostReason::Protocol("a binary message".into());
            }
            Some(Ok(Message::Close(frame))) => {
                return LostReason::Refused {
                    code: frame.as_ref().map_or(0, |frame| frame.code.into()),
                    reason: frame.map_or_else(String::new, |frame| frame.reason.as_str().into()),
                };
            }
            None => return LostReason::Closed,
            Some(Err(error)) => return lost(error),
        }
    }
}

/// What an error after the upgrade says about the server.
fn lost(error: WsError) -> LostReason {
    if let WsError::Io(error) = &error {
        let hung_up = matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof
        );
        return if hung_up {
            LostReason::Closed
        } else {
            LostReason::Unreachable(error.to_string())
        };
    }
    let hung_up = matches!(
        error,
        WsError::ConnectionClosed
            | WsError::AlreadyClosed
            | WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake)
    );
    if hung_up {
        LostReason::Closed
    } else {
        LostReason::Protocol(error.to_string())
    }
}

//! A WebSocket client that waits with a deadline, and knows no more of the protocol than a script does.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use signaling_server::{AddressLimits, Config, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Far above what anything here takes, far below what a person waits.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) const JOIN: &str = r#"{"type":0,"id":0,"data":"demo"}"#;
pub(crate) const SEAL: &str = r#"{"type":7,"id":0,"data":""}"#;

pub(crate) struct Peer(WebSocketStream<MaybeTlsStream<TcpStream>>);

pub(crate) async fn server(config: Config) -> Server {
    Server::bind(([127, 0, 0, 1], 0).into(), config)
        .await
        .expect("a free port")
}

/// Closes soon, gives a busy machine time to join, and lets one address, which is everybody's here, do what it likes.
pub(crate) fn quick() -> Config {
    Config {
        address: AddressLimits::unlimited(),
        join_deadline: DEADLINE,
        close_deadline: Duration::from_millis(200),
        ..Config::default()
    }
}

impl Peer {
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::connect_to(&format!("ws://{}", server.local_addr())).await
    }

    pub(crate) async fn connect_to(url: &str) -> Self {
        Self::request(url, &[]).await.expect("a server")
    }

    /// Connects with headers of its own; the HTTP status if the server does not want it.
    pub(crate) async fn request(url: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = url.into_client_request().expect("an address");
        for (name, value) in headers {
            let value = value.parse().expect("a value");
            request.headers_mut().insert(*name, value);
        }
        match timeout(DEADLINE, connect_async(request))
            .await
            .expect("in time")
        {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Connects and asks to join; what comes first. On a busy machine a broker may not answer the server in time: then it is asked again.
    pub(crate) async fn ask_to_join(url: &str, text: &str) -> (Self, String) {
        let asking = async {
            loop {
                let mut peer = Self::connect_to(url).await;
                peer.send(text).await;
                let answer = peer.answer().await;
                if !answer.starts_with("1013 No new lobby can be made or found now") {
                    return (peer, answer);
                }
            }
        };
        timeout(DEADLINE * 2, asking).await.expect("in time")
    }

    /// Connects and joins `demo`; its id and the ids it was told.
    pub(crate) async fn join(server: &Server) -> (Self, u32, Vec<u32>) {
        let url = format!("ws://{}", server.local_addr());
        let (mut peer, first) = Self::ask_to_join(&url, JOIN).await;
        let (_, own) = ids(&first);
        let mut others = Vec::new();
        loop {
            match ids(&peer.text().await) {
                (0, _) => return (peer, own, others),
                (2, other) => others.push(other),
                (kind, _) => panic!("a message of type {kind} before the lobby's name"),
            }
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.frame(Message::text(text)).await;
    }

    pub(crate) async fn frame(&mut self, message: Message) {
        let sent = timeout(DEADLINE, self.0.send(message)).await;
        sent.expect("in time").expect("an open socket");
    }

    /// Sends, whether or not the server still listens.
    pub(crate) async fn send_anyway(&mut self, text: &str) {
        let sent = timeout(DEADLINE, self.0.send(Message::text(text))).await;
        let _closed = sent.expect("in time");
    }

    /// Sends a frame, whether or not the server still listens. Whether it could be sent.
    pub(crate) async fn frame_anyway(&mut self, frame: Message) -> bool {
        let sent = timeout(DEADLINE, self.0.send(frame)).await;
        sent.expect("in time").is_ok()
    }

    /// Waits until the server has ended the connection, with a close or without.
    pub(crate) async fn ended(&mut self) {
        while let Some(Ok(_)) = self.next().await {}
    }

    /// The next text.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Some(Ok(Message::Text(text))) => text.as_str().to_owned(),
            other => panic!("{other:?} is no text"),
        }
    }

    /// The close, past the texts that come before it.
    pub(crate) async fn close(&mut self) -> String {
        loop {
            match self.next().await {
                Some(Ok(Message::Text(_))) => {}
                Some(Ok(Message::Close(Some(frame)))) => {
                    let close = format!("{} {}", u16::from(frame.code), frame.reason);
                    // The answer goes out with the next read, and nothing comes after it.
                    assert!(!matches!(self.next().await, Some(Ok(_))));
                    return close;
                }
                other => panic!("{other:?} instead of a close"),
            }
        }
    }

    /// What comes first, a text or the words of a close.
    pub(crate) async fn answer(&mut self) -> String {
        match self.next().await {
            Some(Ok(Message::Text(text))) => text.as_str().to_owned(),
            Some(Ok(Message::Close(Some(frame)))) => {
                format!("{} {}", u16::from(frame.code), frame.reason)
            }
            other => panic!("{other:?} is no answer"),
        }
    }

    /// Leaves with WebSocket's manners.
    pub(crate) async fn leave(mut self) {
        let closed = timeout(DEADLINE, self.0.close(None)).await;
        closed.expect("in time").expect("an open socket");
        while let Some(Ok(_)) = self.next().await {}
    }

    /// What comes next, pings aside. They do not begin the deadline anew: a server pings for ever.
    async fn next(&mut self) -> Option<Result<Message, Error>> {
        let coming = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => return other,
                }
            }
        };
        timeout(DEADLINE, coming).await.expect("in time")
    }
}

/// The answer to a GET, head and body.
pub(crate) async fn get(addr: std::net::SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    ask(addr, &request).await
}

/// The answer to a request that closes its connection.
pub(crate) async fn ask(addr: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.expect("a server");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("an open socket");
    let mut answer = String::new();
    let read = timeout(DEADLINE, stream.read_to_string(&mut answer)).await;
    read.expect("in time").expect("an answer");
    answer
}

/// Type and id of a message.
pub(crate) fn ids(text: &str) -> (u32, u32) {
    let number = |name: &str| {
        let (_, rest) = text.split_once(&format!(r#""{name}":"#)).expect("a field");
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a number")
    };
    (number("type"), number("id"))
}

pub(crate) fn notice(kind: u32, id: u32, data: &str) -> String {
    format!(r#"{{"type":{kind},"id":{id},"data":"{data}"}}"#)
}

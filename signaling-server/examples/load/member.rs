//! One socket of ours.

use std::error::Error;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A client with small buffers: there are thousands of them.
pub(crate) struct Member(WebSocketStream<TcpStream>);

impl Member {
    pub(crate) async fn connect(addr: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(1024)
            .write_buffer_size(0);
        let url = format!("ws://{addr}/");
        let (socket, _) = client_async_with_config(url, stream, Some(config)).await?;
        Ok(Self(socket))
    }

    /// Joins a lobby and waits until everybody who was there is known; its id.
    pub(crate) async fn join(&mut self, lobby: &str) -> Result<u32, Failure> {
        self.send(format!(r#"{{"type":0,"id":0,"data":"{lobby}","v":1}}"#))
            .await?;
        let mut id = 0;
        loop {
            let text = self.text().await?;
            match field(&text, "type") {
                Some(1) => id = field(&text, "id").unwrap_or_default(),
                Some(0) => return Ok(id),
                _ => {}
            }
        }
    }

    pub(crate) async fn send(&mut self, text: impl Into<String>) -> Result<(), Failure> {
        self.0.send(Message::text(text.into())).await?;
        Ok(())
    }

    /// The next text. Pings are answered meanwhile.
    pub(crate) async fn text(&mut self) -> Result<String, Failure> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => return Err(format!("closed: {frame:?}").into()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err("the socket has ended".into()),
            }
        }
    }

    /// Leaves.
    pub(crate) async fn leave(mut self) -> Result<(), Failure> {
        self.0.close(None).await?;
        while let Some(Ok(_)) = self.0.next().await {}
        Ok(())
    }
}

/// A number of a message.
pub(crate) fn field(text: &str, name: &str) -> Option<u32> {
    let (_, rest) = text.split_once(&format!(r#""{name}":"#))?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest.get(..end)?.parse().ok()
}

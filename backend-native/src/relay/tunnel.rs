//! TURN over TCP and TLS (RFC 8656, section 2.1): a stream that carries what the crate believes to be datagrams.
//! docs/upstream.md, "TURN over TCP and TLS is skipped".

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::book::{Book, Server, Transport};
use super::socket::{Reply, refuse};
use super::stun::framed;
use crate::dial::dial;
use crate::tls::{self, RootCertificates};

/// How long name, TCP and TLS may take together. Gathering ends soon after.
const CONNECT: Duration = Duration::from_secs(6);

/// How many datagrams may wait for the stream; more are lost, as a kernel's full buffer would lose them.
const WAITING: usize = 256;

/// How many bytes are expected to be written or read at once.
const WRITE: usize = 16 * 1024;

/// How many datagrams are written at once at most.
const BATCH: usize = 16;

/// The way into the stream. Dropping it closes the stream.
pub(super) struct Tunnel(mpsc::Sender<Bytes>);

impl Tunnel {
    pub(super) fn send(&self, datagram: &[u8]) {
        let _ = self.0.try_send(Bytes::copy_from_slice(datagram));
    }
}

/// Begins to connect to a server; what it sends arrives at `replies` as if from `placeholder`.
///
/// Where it cannot be reached, or hangs up, requests are refused from then on.
pub(super) fn open(
    book: Arc<Book>,
    index: usize,
    roots: RootCertificates,
    placeholder: SocketAddr,
    replies: mpsc::Sender<Reply>,
) -> Tunnel {
    let (sender, mut outgoing) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let Some(server) = book.server(index) else {
            return;
        };
        let serving = async {
            if let Err(why) = serve(server, roots, placeholder, &mut outgoing, &replies).await {
                server.set_trouble(why);
            }
        };
        tokio::select! {
            () = serving => {}
            // The socket is gone.
            () = replies.closed() => return,
        }
        while let Some(datagram) = outgoing.recv().await {
            refuse(&replies, placeholder, &datagram);
        }
    });
    Tunnel(sender)
}

/// Connects and carries until an end. The error is for a player; there is none once the tunnel is not needed any more.
async fn serve(
    server: &Server,
    roots: RootCertificates,
    placeholder: SocketAddr,
    outgoing: &mut mpsc::Receiver<Bytes>,
    replies: &mpsc::Sender<Reply>,
) -> Result<(), String> {
    let too_late = || Err(String::from("no answer"));
    let ended = match timeout(CONNECT, connect(server, roots))
        .await
        .unwrap_or_else(|_| too_late())?
    {
        Stream::Plain(stream) => carry(stream, placeholder, outgoing, replies).await,
        Stream::Secure(stream) => carry(*stream, placeholder, outgoing, replies).await,
    };
    ended.map_err(|error| format!("the connection was lost ({error})"))
}

enum Stream {
    Plain(tokio::net::TcpStream),
    Secure(Box<tokio_rustls::client::TlsStream<tokio::net::TcpStream>>),
}

async fn connect(server: &Server, roots: RootCertificates) -> Result<Stream, String> {
    let (known, addresses) = oneshot::channel();
    server.once_known(|addresses| {
        let _ = known.send(addresses.to_vec());
    });
    let addresses = addresses.await.unwrap_or_default();
    if addresses.is_empty() {
        return Err(server
            .trouble()
            .unwrap_or_else(|| "the name has no address".into()));
    }
    let stream = dial(addresses).await.map_err(|error| error.to_string())?;
    // A message that waits for others is late.
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    if server.transport != Transport::Tls {
        return Ok(Stream::Plain(stream));
    }
    let config = roots.client_config().await?;
    let name = ServerName::try_from(server.host.clone())
        .map_err(|_| format!("{} is no name for a certificate", server.host))?;
    let stream = TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|error| tls::words(&error))?;
    Ok(Stream::Secure(Box::new(stream)))
}

async fn carry(
    stream: impl AsyncRead + AsyncWrite,
    placeholder: SocketAddr,
    outgoing: &mut mpsc::Receiver<Bytes>,
    replies: &mpsc::Sender<Reply>,
) -> io::Result<()> {
    let (reader, writer) = split(stream);
    tokio::select! {
        ended = write(writer, outgoing) => ended,
        ended = read(reader, placeholder, replies) => ended,
    }
}

async fn write(
    mut stream: impl AsyncWrite + Unpin,
    outgoing: &mut mpsc::Receiver<Bytes>,
) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(WRITE);
    let mut datagrams = Vec::with_capacity(BATCH);
    while outgoing.recv_many(&mut datagrams, BATCH).await > 0 {
        for datagram in datagrams.drain(..) {
            put(&mut buffer, &datagram);
        }
        stream.write_all(&buffer).await?;
        stream.flush().await?;
        buffer.clear();
    }
    stream.shutdown().await
}

/// Channel data are padded to four bytes in a stream; STUN always is.
fn put(buffer: &mut BytesMut, datagram: &[u8]) {
    buffer.extend_from_slice(datagram);
    buffer.resize(buffer.len().next_multiple_of(4), 0);
}

/// Cuts the stream into messages. The buffer holds one at most, and what came with it.
async fn read(
    mut stream: impl AsyncRead + Unpin,
    placeholder: SocketAddr,
    replies: &mpsc::Sender<Reply>,
) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(WRITE);
    loop {
        while let Some(datagram) = take(&mut buffer)? {
            let reply = Reply {
                from: placeholder,
                datagram,
                is_genuine: true,
            };
            if replies.send(reply).await.is_err() {
                return Ok(());
            }
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The first message, if it is whole.
pub(super) fn take(buffer: &mut BytesMut) -> io::Result<Option<Bytes>> {
    let Some(length) = framed(buffer).map_err(|()| io::Error::from(io::ErrorKind::InvalidData))?
    else {
        return Ok(None);
    };
    let padded = length.next_multiple_of(4);
    if buffer.len() < padded {
        return Ok(None);
    }
    let datagram = buffer.split_to(length).freeze();
    buffer.advance(padded - length);
    Ok(Some(datagram))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_is_cut_into_messages_wherever_it_was_cut_before() {
        let mut stream = BytesMut::new();
        let data = [0x40, 0x01, 0, 5, b'h', b'e', b'l', b'l', b'o'];
        let binding = [
            0x00, 0x01, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
        ];
        for message in [&data[..], &binding[..], &data[..]] {
            put(&mut stream, message);
        }
        let from = "240.0.0.1:1".parse().expect("an address");
        for size in 1..=stream.len() {
            let (replies, mut read_here) = mpsc::channel(8);
            let chunks = stream.chunks(size).map(Bytes::copy_from_slice);
            let (mut near, far) = tokio::io::duplex(1024);
            for chunk in chunks {
                near.write_all(&chunk).await.expect("room");
            }
            drop(near);
            let ended = read(far, from, &replies).await;
            assert_eq!(
                ended.expect_err("the end").kind(),
                io::ErrorKind::UnexpectedEof
            );
            drop(replies);
            let mut found = Vec::new();
            while let Some(reply) = read_here.recv().await {
                found.push(reply.datagram);
            }
            assert_eq!(found, [&data[..], &binding[..], &data[..]]);
        }
    }

    #[tokio::test]
    async fn a_stream_of_something_else_is_an_error() {
        let (replies, _read_here) = mpsc::channel(8);
        let from = "240.0.0.1:1".parse().expect("an address");
        let ended = read(&[0x16, 3, 3, 0x80, 0x80, 0, 0, 0][..], from, &replies).await;
        assert!(ended.is_err());
        let ended = read(&[0xff; 8][..], from, &replies).await;
        assert_eq!(
            ended.expect_err("no message").kind(),
            io::ErrorKind::InvalidData
        );
    }
}

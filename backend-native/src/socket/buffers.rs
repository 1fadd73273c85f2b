//! Sockets with large buffers in the kernel.
//!
//! The kernel's default of 208 KiB overflows in a burst, and each loss costs a fast retransmit or a second (native.md §2.5). The
//! kernel clamps what it does not allow; a smaller buffer is slower, not wrong.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use socket2::SockRef;
use webrtc::runtime::AsyncUdpSocket;

use super::SocketSource;

/// Enlarges the buffers of every socket before it is taken over.
#[derive(Debug)]
pub(crate) struct BufferedSockets {
    /// For what is sent, in bytes.
    pub(crate) send: usize,
    /// For what is received, in bytes.
    pub(crate) receive: usize,
    /// What makes the sockets underneath.
    pub(crate) source: Arc<dyn SocketSource>,
}

impl SocketSource for BufferedSockets {
    fn wrap(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let buffers = SockRef::from(&socket);
        let _ = buffers.set_recv_buffer_size(self.receive);
        let _ = buffers.set_send_buffer_size(self.send);
        self.source.wrap(socket)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::socket::SharedSockets;

    /// Keeps a second handle of each socket.
    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<UdpSocket>>);

    impl SocketSource for Kept {
        fn wrap(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
            let second = socket.try_clone()?;
            self.0.lock().expect("no panic").push(second);
            SharedSockets { source: None }.wrap(socket)
        }
    }

    #[tokio::test]
    async fn a_socket_gets_larger_buffers() {
        let kept = Arc::new(Kept::default());
        let sockets = BufferedSockets {
            send: 4 * 1024 * 1024,
            receive: 4 * 1024 * 1024,
            source: kept.clone(),
        };
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        let sizes = |socket: &UdpSocket| {
            let socket = SockRef::from(socket);
            (
                socket.send_buffer_size().expect("a size"),
                socket.recv_buffer_size().expect("a size"),
            )
        };
        let before = sizes(&socket);
        let _socket = sockets.wrap(socket).expect("a socket");
        let after = sizes(&kept.0.lock().expect("no panic")[0]);
        assert!(
            after.0 > before.0 && after.1 > before.1,
            "{before:?}, {after:?}"
        );
    }
}

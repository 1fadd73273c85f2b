//! The runtime a peer connection runs on: tokio's, with our sockets under it.

use core::fmt;
use core::pin::Pin;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::runtime::Handle;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    TokioRuntime,
};

use crate::aboard::Aboard;
use crate::guard::{Driver, Guard};
use crate::socket::{CuredSocket, SocketControl, SocketOptions};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What one peer connection of the `webrtc` crate runs on. One for each connection.
///
/// It delegates to [`TokioRuntime`], except that
///
/// - every UDP socket is one of ours, with the cures; [`SocketControl`] steers them;
/// - it carries its own handle, so a connection can be made and closed on any thread;
/// - sleeps have a lower bound while a connection looks for a route in vain, so that its checks become rarer;
/// - after a sleep a relayed connection's driver goes round once more;
/// - the connection's driver is guarded: a panic of it, and too much work in it, end the link alone;
/// - its clock is tokio's, so that a test with a paused clock reaches the timers of ICE, DTLS and SCTP; but it stands still
///   while the far side is silent, and leaps when it answers again.
pub struct LinkRuntime {
    handle: Handle,
    options: SocketOptions,
    control: SocketControl,
    watched: Option<Watched>,
}

/// What the driver of a link has with it.
struct Watched {
    guard: Guard,
    aboard: Aboard,
}

impl LinkRuntime {
    /// A runtime for one connection, and what steers its sockets.
    #[must_use]
    pub fn new(handle: Handle, options: SocketOptions) -> (Arc<Self>, SocketControl) {
        Self::with(handle, options, None)
    }

    /// As [`new`](Self::new), for a link that is told when the driver panics or computes for too long, and whose tasks ride on it.
    pub(crate) fn guarded(
        handle: Handle,
        options: SocketOptions,
        guard: Guard,
        aboard: Aboard,
    ) -> (Arc<Self>, SocketControl) {
        Self::with(handle, options, Some(Watched { guard, aboard }))
    }

    fn with(
        handle: Handle,
        options: SocketOptions,
        watched: Option<Watched>,
    ) -> (Arc<Self>, SocketControl) {
        let control = SocketControl::new(options.cures, crate::relay::is_server);
        let runtime = Arc::new(Self {
            handle,
            options,
            control: control.clone(),
            watched,
        });
        (runtime, control)
    }

    /// The kernel's default of 208 KiB overflows in a burst, and each loss costs a fast retransmit or a second
    /// (native.md §2.5). The kernel clamps what it does not allow; a smaller buffer is slower, not wrong.
    fn enlarge_buffers(&self, socket: &std::net::UdpSocket) {
        let socket = SockRef::from(socket);
        let _ = socket.set_recv_buffer_size(self.options.receive_buffer);
        let _ = socket.set_send_buffer_size(self.options.send_buffer);
    }
}

impl Runtime for LinkRuntime {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Box<dyn JoinHandle> {
        let Some(Watched { guard, aboard }) = &self.watched else {
            return Box::new(Task(self.handle.spawn(future)));
        };
        let future = aboard.clone().drive(future);
        let driver = Driver::new(future, guard.clone(), self.control.workload().clone());
        Box::new(Task(self.handle.spawn(driver)))
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let _context = self.handle.enter();
        if self.options.cures.socket_buffers {
            self.enlarge_buffers(&socket);
        }
        let socket = match &self.options.source {
            Some(source) => source.wrap(socket)?,
            None => TokioRuntime.wrap_udp_socket(socket)?,
        };
        Ok(Arc::new(CuredSocket::new(socket, &self.control)))
    }

    fn wrap_tcp_listener(
        &self,
        listener: std::net::TcpListener,
    ) -> io::Result<Arc<dyn AsyncTcpListener>> {
        let _context = self.handle.enter();
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        remote: SocketAddr,
    ) -> BoxFuture<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        TokioRuntime.connect_tcp(remote)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        // The servers of our links have names of ours. Whatever waits here stops the driver.
        if let Some(addresses) = crate::relay::resolve(host) {
            return Box::pin(async { Ok(addresses) });
        }
        Box::pin(async move { Ok(tokio::net::lookup_host(host).await?.collect()) })
    }

    fn now(&self) -> Instant {
        self.control.now().into_std()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let _context = self.handle.enter();
        let sleep = TokioRuntime.sleep(duration.max(self.control.shortest_sleep()));
        if !self.control.is_relaying() {
            return sleep;
        }
        let control = self.control.clone();
        Box::pin(async move {
            sleep.await;
            control.timer_fired();
        })
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        let _context = self.handle.enter();
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.handle.block_on(future);
    }

    fn yield_now(&self) -> BoxFuture<'static, ()> {
        TokioRuntime.yield_now()
    }

    fn name(&self) -> &'static str {
        "link"
    }
}

impl fmt::Debug for LinkRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkRuntime")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// A task of the handle's runtime. Dropping it detaches, as the trait asks and tokio does.
struct Task(tokio::task::JoinHandle<()>);

impl JoinHandle for Task {
    fn detach(&self) {}

    fn abort(&self) {
        self.0.abort();
    }

    fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

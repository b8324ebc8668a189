//! Binds the port, starts the API's threads, and stops them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use log::info;

use crate::api::accept_loop::{accept, join};
use crate::api::backend_socket::BackendSocket;
use crate::api::connection_limit::ConnectionLimit;
use crate::api::gateway_state::Gateway;
use crate::api::request_log::RequestLog;
use crate::api::service_settings::Service;
use crate::api::stranger_rate::StrangerRate;
use crate::api::tiny_http_backend::attend;
use crate::clock::Clock;
use crate::error::{Context, Result};
use crate::sys::socket;

/// Binds the port; on `::` every address, IPv6 and IPv4 alike, also where the kernel has no IPv6.
pub fn listen(host: IpAddr, port: u16) -> io::Result<TcpListener> {
    let listener = on_either(host, |host| TcpListener::bind(SocketAddr::new(host, port)))?;
    socket::backlog(listener.as_fd(), BACKLOG)?;
    Ok(listener)
}

/// A flood of connections that are refused a moment later must not have the one that matters wait for its second try.
const BACKLOG: i32 = 4096;

fn on_either<T>(host: IpAddr, bind: impl Fn(IpAddr) -> io::Result<T>) -> io::Result<T> {
    bind(host).or_else(|error| match error.kind() {
        // What is taken or forbidden is so on IPv4 too.
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
        _ if host == Ipv6Addr::UNSPECIFIED => bind(Ipv4Addr::UNSPECIFIED.into()),
        _ => Err(error),
    })
}

/// A running API; stops when dropped.
pub struct Server {
    port: u16,
    gateway: Arc<Gateway>,
    /// The listener, as something that can be shut (see `backend_socket.rs`).
    listener: TcpStream,
    threads: Vec<JoinHandle<()>>,
}

/// Serves from threads of its own until stopped.
pub fn serve(listener: TcpListener, service: Service, clock: Clock) -> Result<Server> {
    let port = listener.local_addr().context("asking for the port")?.port();
    let handle = listener
        .try_clone()
        .context("keeping a handle on the port")?;
    listener
        .set_nonblocking(true)
        .context("preparing the port")?;
    let grace = match service.acceptor {
        Some(_) => service.limits.handshake_grace,
        None => service.limits.grace,
    };
    let (backend, behind) = BackendSocket::open().context("opening the API's own socket")?;
    let gateway = Arc::new(Gateway {
        backend,
        lobby: ConnectionLimit::new(service.limits.connections, grace, clock.clone()),
        stranger_rate: StrangerRate::new(service.engine.is_some()),
        body_memory: Default::default(),
        log: RequestLog::new(clock.clone()),
        clock,
        service: Arc::new(service),
    });
    let mut server = Server {
        port,
        gateway: Arc::clone(&gateway),
        listener: TcpStream::from(OwnedFd::from(handle)),
        threads: Vec::new(),
    };
    let own = Arc::clone(&gateway);
    if own.service.engine.is_some() {
        server.spawn("api-server", move || attend(&own, behind))?;
    }
    server.spawn("api-accept", move || accept(&gateway, &listener))?;
    Ok(server)
}

impl Server {
    /// The port that was bound; asked for as 0 it is any free one.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Takes no new request, gives the running ones [`crate::api::Limits::stop`], and joins the threads. A request
    /// that waits for a command still running is cut off, and its thread is left to the command.
    pub fn stop(self) {
        drop(self);
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
        let thread = thread.with_context(|| format!("starting the thread {name}"))?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.gateway.lobby.close();
        // A listener that broke by itself is as good.
        let _ = self.listener.shutdown(Shutdown::Both);
        self.gateway
            .lobby
            .empty_within(self.gateway.service.limits.stop);
        self.gateway.backend.shut();
        join(self.threads.drain(..));
        info!("the API on port {} has stopped", self.port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYWHERE: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

    #[test]
    fn by_default_both_families_reach_the_port() {
        let listener = listen(EVERYWHERE, 0).expect("some port is free");
        let port = listener.local_addr().expect("it is bound").port();
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        if listener.local_addr().is_ok_and(|address| address.is_ipv6()) {
            assert!(TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok());
        }
        let error = listen(EVERYWHERE, port).expect_err("the port is taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_kernel_without_ipv6_is_listened_on_all_the_same() {
        // ipv6.disable=1 on the kernel command line: EAFNOSUPPORT
        let bind = |host: IpAddr| match host {
            IpAddr::V4(_) => Ok(host),
            IpAddr::V6(_) => Err(io::Error::from_raw_os_error(97)),
        };
        let bound = on_either(EVERYWHERE, bind).expect("IPv4 is left");
        assert_eq!(bound, Ipv4Addr::UNSPECIFIED);
        assert!(on_either(Ipv6Addr::LOCALHOST.into(), bind).is_err());
    }
}

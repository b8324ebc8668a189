//! The port, and the API as a thing that runs and can be stopped.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use log::info;

use super::Service;
use super::front::{Front, join};
use super::hatch::Hatch;
use super::lobby::Lobby;
use crate::clock::Clock;
use crate::error::{Context, Result};

/// Binds the port; on `::` every address, IPv6 and IPv4 alike, also where the kernel has no IPv6.
pub fn listen(host: IpAddr, port: u16) -> io::Result<TcpListener> {
    on_either(host, |host| TcpListener::bind(SocketAddr::new(host, port)))
}

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
    front: Arc<Front>,
    /// The listener, as something that can be shut (see `hatch.rs`).
    listener: TcpStream,
    threads: Vec<JoinHandle<()>>,
}

/// Serves from threads of its own until stopped.
pub fn serve(listener: TcpListener, service: Service, clock: Clock) -> Result<Server> {
    let port = listener.local_addr().context("asking for the port")?.port();
    let handle = listener
        .try_clone()
        .context("keeping a handle on the port")?;
    let (hatch, behind) = Hatch::open().context("opening the API's own socket")?;
    let front = Arc::new(Front {
        hatch,
        lobby: Lobby::new(service.limits.connections, clock.clone()),
        clock,
        service: Arc::new(service),
    });
    let mut server = Server {
        port,
        front: Arc::clone(&front),
        listener: TcpStream::from(OwnedFd::from(handle)),
        threads: Vec::new(),
    };
    let own = Arc::clone(&front);
    server.spawn("api-server", move || super::attend(&own, behind))?;
    server.spawn("api-front", move || front.receive(&listener))?;
    Ok(server)
}

impl Server {
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Takes no new request, gives the running ones [`super::Limits::stop`], and joins the threads. A request
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
        self.front.lobby.close();
        // A listener that broke by itself is as good.
        let _ = self.listener.shutdown(Shutdown::Both);
        self.front
            .lobby
            .empty_within(self.front.service.limits.stop);
        self.front.hatch.shut();
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

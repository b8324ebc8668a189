//! Sockets the standard library does not make: netlink, raw packets, UDP tied to one link; and waiting on several.

use std::io;
use std::mem::size_of;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::checked;

/// Waits until one of `files` can be read, or for `timeout` (none: for ever).
/// The answer says which; none of them after a timeout or an interruption.
pub fn readable<const N: usize>(
    files: [BorrowedFd<'_>; N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    poll(files.map(|file| (file, libc::POLLIN)), timeout)
}

/// That of [`readable`], for as many files as there are.
pub fn readable_each(files: &[BorrowedFd<'_>], timeout: Duration) -> io::Result<Vec<bool>> {
    let mut polled: Vec<_> = files.iter().map(|file| entry(file, libc::POLLIN)).collect();
    let heard = poll_some(&mut polled, Some(timeout))?;
    let mine = |file: &libc::pollfd| heard && file.revents != 0;
    Ok(polled.iter().map(mine).collect())
}

/// Waits until `file` can be read, or the other side of `connection` has closed it or is lost: which of the two, as above.
pub fn readable_or_closed(file: BorrowedFd, connection: BorrowedFd) -> io::Result<[bool; 2]> {
    // poll(2): loss and an end of both directions are always told, an end of the other side's when asked for.
    poll([(file, libc::POLLIN), (connection, libc::POLLRDHUP)], None)
}

/// Waits for `timeout`, or until the other side of `connection` has closed it or is lost: true.
pub fn closed_within(connection: BorrowedFd, timeout: Duration) -> io::Result<bool> {
    poll([(connection, libc::POLLRDHUP)], Some(timeout)).map(|[closed]| closed)
}

/// Is the whole connection over, both directions of it?
pub fn is_over(connection: BorrowedFd) -> bool {
    // poll(2): that is told without being asked for.
    poll([(connection, 0)], Some(Duration::ZERO)).is_ok_and(|[over]| over)
}

/// Lets so many connections be made before anybody accepts them, as far as the machine allows (net.core.somaxconn); the
/// standard library lets 128. A further one is tried again by its kernel a second later.
pub fn backlog(listener: BorrowedFd, connections: libc::c_int) -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe { libc::listen(listener.as_raw_fd(), connections) }).map(drop)
}

/// Finds out within half a minute that the other side of an idle connection is gone without a word.
pub fn keep_alive(connection: BorrowedFd) -> io::Result<()> {
    let set = |level, name, value: libc::c_int| {
        level_option(connection, level, name, &value.to_ne_bytes())
    };
    set(libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)?;
    // tcp(7): seconds of silence, seconds between two questions, and how many of these nobody answers.
    set(libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, 15)?;
    set(libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, 5)?;
    set(libc::IPPROTO_TCP, libc::TCP_KEEPCNT, 3)
}

/// The kernel takes in no more than about so many bytes before they are read, and the other side sends no more; it may take in more by
/// itself otherwise. Its own least and most hold.
pub fn receive_buffer(connection: BorrowedFd, bytes: usize) -> io::Result<()> {
    let bytes = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    let bytes = bytes.to_ne_bytes();
    level_option(connection, libc::SOL_SOCKET, libc::SO_RCVBUF, &bytes)
}

fn poll<const N: usize>(
    files: [(BorrowedFd<'_>, libc::c_short); N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    let mut polled = files.map(|(file, events)| entry(&file, events));
    let heard = poll_some(&mut polled, timeout)?;
    Ok(polled.map(|file| heard && file.revents != 0))
}

fn entry(file: &BorrowedFd<'_>, events: libc::c_short) -> libc::pollfd {
    libc::pollfd {
        fd: file.as_raw_fd(),
        events,
        revents: 0,
    }
}

/// False after an interruption: the entries then say nothing.
fn poll_some(polled: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<bool> {
    // A wait of a fraction of a millisecond must not spin.
    let timeout = timeout.map_or(-1, |time| {
        let rounded = time.as_millis() + u128::from(!time.is_zero());
        libc::c_int::try_from(rounded).unwrap_or(libc::c_int::MAX)
    });
    // SAFETY: there are as many entries as is said, and they live until the call returns.
    match checked(unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, timeout) })
    {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
        Ok(_) => Ok(true),
    }
}

/// A netlink socket that talks to the kernel and hears only the kernel.
pub struct Netlink(OwnedFd);

impl Netlink {
    /// Links, addresses and routes; `groups` is a mask of the multicast groups 1 to 32.
    pub fn route(groups: u32) -> io::Result<Self> {
        Self::open(libc::NETLINK_ROUTE, groups)
    }

    /// What the kernel tells about devices that come and go.
    pub fn device_events() -> io::Result<Self> {
        // lib/kobject_uevent.c: group 1 is the kernel's own events, 2 is udev's.
        Self::open(libc::NETLINK_KOBJECT_UEVENT, 1)
    }

    /// The kernel's part of iSCSI.
    pub fn iscsi() -> io::Result<Self> {
        // scsi/iscsi_if.h: group 1 is who logs in.
        Self::open(libc::NETLINK_ISCSI, 1)
    }

    fn open(protocol: libc::c_int, groups: u32) -> io::Result<Self> {
        let socket = socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol)?;
        // Bursts of a cold start must fit; best effort, the default works for most machines.
        let _ = option(&socket, libc::SO_RCVBUFFORCE, &(4i32 << 20).to_ne_bytes());
        // SAFETY: all zeros is a valid address: the kernel picks the port.
        let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_groups = groups;
        bind(&socket, &address)?;
        Ok(Netlink(socket))
    }

    /// Sends one message, which may hold several.
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        // SAFETY: the kernel reads `message.len()` bytes.
        checked(unsafe {
            libc::send(
                self.0.as_raw_fd(),
                message.as_ptr().cast(),
                message.len(),
                0,
            )
        })
        .map(drop)
    }

    /// One datagram without waiting; `WouldBlock` when there is none, empty when it was not the kernel's.
    pub fn receive<'b>(&self, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
        // SAFETY: all zeros is a valid address to be overwritten.
        let mut from: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        let length = receive(&self.0, buffer, &mut from)?;
        match from.nl_pid {
            0 => Ok(&buffer[..length]),
            _ => Ok(&[]),
        }
    }
}

/// Packets of one Ethernet type on one link, without their Ethernet header.
pub struct Packets {
    socket: OwnedFd,
    link: u32,
    ethertype: u16,
}

impl Packets {
    /// An error if the link is gone or this is not root.
    pub fn open(link: u32, ethertype: u16) -> io::Result<Self> {
        // Protocol 0 hears nothing until the bind below ties the socket to its link.
        let socket = socket(libc::AF_PACKET, libc::SOCK_DGRAM, 0)?;
        let packets = Packets {
            socket,
            link,
            ethertype,
        };
        bind(&packets.socket, &packets.address([0; 6]))?;
        Ok(packets)
    }

    /// From the link's own address, to the Ethernet address `to`.
    pub fn send(&self, to: [u8; 6], packet: &[u8]) -> io::Result<()> {
        let address = self.address(to);
        // SAFETY: the kernel reads `packet.len()` bytes and one address of the given size.
        checked(unsafe {
            libc::sendto(
                self.socket.as_raw_fd(),
                packet.as_ptr().cast(),
                packet.len(),
                0,
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        })
        .map(drop)
    }

    /// One packet without waiting; `WouldBlock` when there is none. One too long is cut to the buffer.
    pub fn receive<'b>(&self, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
        let length = receive(&self.socket, buffer, &mut self.address([0; 6]))?;
        Ok(&buffer[..length])
    }

    fn address(&self, to: [u8; 6]) -> libc::sockaddr_ll {
        // SAFETY: all zeros is a valid sockaddr_ll.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as libc::sa_family_t;
        address.sll_protocol = self.ethertype.to_be();
        address.sll_ifindex = self.link as libc::c_int;
        address.sll_halen = 6;
        address.sll_addr[..6].copy_from_slice(&to);
        address
    }
}

/// A UDP socket on `port` that sends and hears on the link called `link` only, broadcasts included.
pub fn udp_on_link(link: &str, port: u16) -> io::Result<UdpSocket> {
    let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    option(&socket, libc::SO_BINDTODEVICE, link.as_bytes())?;
    option(&socket, libc::SO_BROADCAST, &1i32.to_ne_bytes())?;
    // SAFETY: all zeros is a valid address: any of ours.
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_port = port.to_be();
    address.sin_addr.s_addr = u32::from(Ipv4Addr::UNSPECIFIED).to_be();
    bind(&socket, &address)?;
    Ok(socket.into())
}

/// That of [`udp_on_link`] for IPv6.
pub fn udp6_on_link(link: &str, port: u16) -> io::Result<UdpSocket> {
    let socket = socket(libc::AF_INET6, libc::SOCK_DGRAM, 0)?;
    let only = 1i32.to_ne_bytes();
    level_option(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, &only)?;
    option(&socket, libc::SO_BINDTODEVICE, link.as_bytes())?;
    // SAFETY: all zeros is a valid address: any of ours.
    let mut address: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
    address.sin6_family = libc::AF_INET6 as libc::sa_family_t;
    address.sin6_port = port.to_be();
    bind(&socket, &address)?;
    Ok(socket.into())
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for Packets {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

pub(super) fn socket(
    family: libc::c_int,
    kind: libc::c_int,
    protocol: libc::c_int,
) -> io::Result<OwnedFd> {
    // SAFETY: takes numbers.
    let fd = checked(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) })?;
    // SAFETY: the kernel just gave us this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets an option of the level SOL_SOCKET.
fn option(socket: &OwnedFd, name: libc::c_int, value: &[u8]) -> io::Result<()> {
    level_option(socket.as_fd(), libc::SOL_SOCKET, name, value)
}

pub(super) fn level_option(
    socket: BorrowedFd,
    level: libc::c_int,
    name: libc::c_int,
    value: &[u8],
) -> io::Result<()> {
    let length = value.len() as libc::socklen_t;
    let (fd, value) = (socket.as_raw_fd(), value.as_ptr().cast());
    // SAFETY: the kernel reads `length` bytes of the value.
    checked(unsafe { libc::setsockopt(fd, level, name, value, length) }).map(drop)
}

/// A socket address as the kernel lays it out: plain data, any bytes of it are valid.
pub(super) trait Address: Copy {}
impl Address for libc::sockaddr_nl {}
impl Address for libc::sockaddr_ll {}
impl Address for libc::sockaddr_in {}
impl Address for libc::sockaddr_in6 {}

pub(super) fn bind<A: Address>(socket: &OwnedFd, address: &A) -> io::Result<()> {
    let length = size_of::<A>() as libc::socklen_t;
    let address: *const A = address;
    // SAFETY: the kernel reads one address of the given size.
    checked(unsafe { libc::bind(socket.as_raw_fd(), address.cast(), length) }).map(drop)
}

/// One datagram and its sender, without waiting.
pub(super) fn receive<A: Address>(
    socket: &OwnedFd,
    buffer: &mut [u8],
    from: &mut A,
) -> io::Result<usize> {
    let mut length = size_of::<A>() as libc::socklen_t;
    let from: *mut A = from;
    // SAFETY: the kernel writes at most `buffer.len()` bytes and at most `length` bytes of an address.
    let received = checked(unsafe {
        libc::recvfrom(
            socket.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            libc::MSG_DONTWAIT,
            from.cast(),
            &mut length,
        )
    })?;
    Ok(received as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_netlink_socket_opens_and_has_nothing_to_say() {
        let netlink = Netlink::route(0).expect("netlink needs no privilege");
        let waited = readable([netlink.as_fd()], Some(Duration::ZERO)).expect("poll");
        assert_eq!(waited, [false]);
        let heard = netlink.receive(&mut [0; 16]).expect_err("an error");
        assert_eq!(heard.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn udp_on_a_link_that_is_not_there_fails() {
        assert!(udp_on_link("no-such-link", 0).is_err());
    }
}

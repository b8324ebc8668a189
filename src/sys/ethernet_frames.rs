//! Whole Ethernet frames of one type that come in by one link, those to groups of receivers included.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::socket::{bind, level_option, receive, socket};

/// The socket; what the card lets through for it ends with it.
pub struct Frames(OwnedFd);

impl Frames {
    /// Hears frames of `ethertype` that reach `link`. The card is asked to let through those to `groups`, and for good
    /// measure everything: some filter groups wrongly. The kernel takes both back when the socket is closed, however
    /// that happens. An error if the link is gone or this is not root.
    pub fn open(link: u32, ethertype: u16, groups: &[[u8; 6]]) -> io::Result<Self> {
        // Protocol 0 hears nothing until the bind below ties the socket to its link.
        let socket = socket(libc::AF_PACKET, libc::SOCK_RAW, 0)?;
        // SAFETY: all zeros is a valid sockaddr_ll.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as libc::sa_family_t;
        address.sll_protocol = ethertype.to_be();
        address.sll_ifindex = link as libc::c_int;
        bind(&socket, &address)?;
        let groups = groups
            .iter()
            .map(|group| (libc::PACKET_MR_MULTICAST, *group));
        for (kind, group) in groups.chain([(libc::PACKET_MR_PROMISC, [0; 6])]) {
            // A card that cannot do the one may do the other.
            if let Err(error) = join(&socket, link, kind, group) {
                log::debug!("link {link} lets no more frames through ({kind}): {error}");
            }
        }
        Ok(Frames(socket))
    }

    /// One frame without waiting, and whether it is for somebody else: for another's address, or whatever its address, for
    /// a VLAN that this machine is not in (the tag itself is gone). `WouldBlock` when there is none. One too long is cut to
    /// the buffer; one that this machine sent is empty.
    pub fn receive<'b>(&self, buffer: &'b mut [u8]) -> io::Result<(&'b [u8], bool)> {
        // SAFETY: all zeros is a valid address to be overwritten.
        let mut from: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        let length = receive(&self.0, buffer, &mut from)?;
        Ok(match from.sll_pkttype {
            libc::PACKET_OUTGOING => (&[], false),
            kind => (&buffer[..length], kind == libc::PACKET_OTHERHOST),
        })
    }
}

impl AsFd for Frames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// packet(7): PACKET_ADD_MEMBERSHIP.
fn join(socket: &OwnedFd, link: u32, kind: libc::c_int, group: [u8; 6]) -> io::Result<()> {
    // struct packet_mreq: index i32, type u16, length u16, address of 8 bytes.
    const MREQ: usize = size_of::<libc::packet_mreq>();
    let mut request = [0; MREQ];
    request[..4].copy_from_slice(&link.to_ne_bytes());
    request[4..6].copy_from_slice(&(kind as u16).to_ne_bytes());
    request[6..8].copy_from_slice(&6u16.to_ne_bytes());
    request[8..14].copy_from_slice(&group);
    level_option(
        socket.as_fd(),
        libc::SOL_PACKET,
        libc::PACKET_ADD_MEMBERSHIP,
        &request,
    )
}

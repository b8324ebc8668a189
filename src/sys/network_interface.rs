//! Questions to network interfaces that only the kernel answers: permanent address, link modes, IP addresses.

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::sys::checked;

// linux/sockios.h
const SIOCETHTOOL: libc::Ioctl = 0x8946;
// linux/ethtool.h
const ETHTOOL_GPERMADDR: u32 = 0x20;
const ETHTOOL_GLINKSETTINGS: u32 = 0x4c;
// linux/netdevice.h: MAX_ADDR_LEN
const ADDRESS_LENGTH: usize = 32;
// The word count is an i8 (struct ethtool_link_settings), and there are three masks.
const MASK_WORDS: usize = 3 * i8::MAX as usize;

/// struct ethtool_perm_addr with room for the longest address.
#[repr(C)]
struct PermanentAddress {
    command: u32,
    size: u32,
    data: [u8; ADDRESS_LENGTH],
}

/// struct ethtool_link_settings with room for the longest masks: supported, advertised, partner's.
#[repr(C)]
struct LinkSettings {
    command: u32,
    speed: u32,
    duplex_port_address_autonegotiation: [u8; 4],
    mdio_and_crossover: [u8; 3],
    mask_words: i8,
    transceiver_and_roles: [u8; 4],
    reserved: [u32; 7],
    masks: [u32; MASK_WORDS],
}

/// The address burnt into the card, which bonding or an operator may have replaced on the link.
pub fn permanent_address(interface: &str) -> io::Result<Vec<u8>> {
    let mut answer = PermanentAddress {
        command: ETHTOOL_GPERMADDR,
        size: ADDRESS_LENGTH as u32,
        data: [0; ADDRESS_LENGTH],
    };
    // SAFETY: the structure has the layout ETHTOOL_GPERMADDR takes, and `size` says how much room it has.
    unsafe { ethtool(interface, &mut answer) }?;
    let size = (answer.size as usize).min(ADDRESS_LENGTH);
    Ok(answer.data[..size].to_vec())
}

/// The link modes the hardware can do: a bit mask in words of 32, bits as in linux/ethtool.h.
pub fn supported_link_modes(interface: &str) -> io::Result<Vec<u32>> {
    let mut answer = LinkSettings {
        command: ETHTOOL_GLINKSETTINGS,
        speed: 0,
        duplex_port_address_autonegotiation: [0; 4],
        mdio_and_crossover: [0; 3],
        mask_words: 0,
        transceiver_and_roles: [0; 4],
        reserved: [0; 7],
        masks: [0; MASK_WORDS],
    };
    // Asked with no words, the kernel answers the number it has, negated; asked with that, it fills them.
    // SAFETY: the structure has the layout ETHTOOL_GLINKSETTINGS takes; with no words it writes no mask.
    unsafe { ethtool(interface, &mut answer) }?;
    answer.mask_words = answer
        .mask_words
        .checked_neg()
        .filter(|words| *words > 0)
        .ok_or_else(|| io::Error::other("the kernel does not say how long its link masks are"))?;
    answer.command = ETHTOOL_GLINKSETTINGS;
    // SAFETY: as above, and there is room for three masks of the greatest word count an i8 can hold.
    unsafe { ethtool(interface, &mut answer) }?;
    let words = usize::try_from(answer.mask_words).map_err(io::Error::other)?;
    Ok(answer.masks[..words].to_vec())
}

/// # Safety
/// `question` must have the layout its ethtool command takes and writes to.
unsafe fn ethtool<T>(interface: &str, question: &mut T) -> io::Result<()> {
    // SAFETY: takes no pointers; a fresh descriptor is owned by nobody else.
    let socket = unsafe {
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
        OwnedFd::from_raw_fd(checked(libc::socket(libc::AF_INET, kind, 0))?)
    };
    // SAFETY: all zeros is a valid ifreq: an empty name and a null pointer.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays zero: the name ends there at the latest.
    if interface.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_data = std::ptr::from_mut(question).cast();
    // SAFETY: the request lives until the call returns; what its data pointer means is the caller's promise.
    checked(unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &mut request) }).map(drop)
}

/// An address an interface has now. `scope` is the interface's index for link-local IPv6, else 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// As the kernel calls it.
    pub interface: String,
    /// IPv4 or IPv6.
    pub address: IpAddr,
    /// The interface's index where the address is link-local IPv6, else 0.
    pub scope: u32,
}

/// All IP addresses of all interfaces, in the kernel's order.
pub fn addresses() -> io::Result<Vec<Address>> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: getifaddrs(3) stores the head of a list it allocates.
    checked(unsafe { libc::getifaddrs(&mut list) })?;
    let mut found = Vec::new();
    let mut next = list;
    // SAFETY: `next` is null or an entry of the list, which is not freed before the loop ends.
    while let Some(entry) = unsafe { next.as_ref() } {
        // SAFETY: the entry's address is null or a sockaddr whose family tells its type.
        if let Some((address, scope)) = unsafe { ip(entry.ifa_addr) } {
            found.push(Address {
                // SAFETY: the name is a NUL-terminated string that lives as long as the list.
                interface: unsafe { CStr::from_ptr(entry.ifa_name) }
                    .to_string_lossy()
                    .into_owned(),
                address,
                scope,
            });
        }
        next = entry.ifa_next;
    }
    // SAFETY: the head came from getifaddrs, is freed once, and nothing refers to it any more.
    unsafe { libc::freeifaddrs(list) };
    Ok(found)
}

/// # Safety
/// `address` must be null or point at a sockaddr as long as its family says.
unsafe fn ip(address: *const libc::sockaddr) -> Option<(IpAddr, u32)> {
    // SAFETY: the caller's promise.
    match i32::from(unsafe { address.as_ref() }?.sa_family) {
        libc::AF_INET => {
            // SAFETY: the family says it is a sockaddr_in; unaligned reads need no alignment.
            let v4 = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some((Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr)).into(), 0))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says it is a sockaddr_in6; unaligned reads need no alignment.
            let v6 = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some((
                Ipv6Addr::from(v6.sin6_addr.s6_addr).into(),
                v6.sin6_scope_id,
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_layouts_have_their_sizes() {
        // linux/ethtool.h: 2 × u32 + data; 48 bytes before the masks.
        assert_eq!(size_of::<PermanentAddress>(), 8 + ADDRESS_LENGTH);
        assert_eq!(std::mem::offset_of!(LinkSettings, mask_words), 15);
        assert_eq!(std::mem::offset_of!(LinkSettings, masks), 48);
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        assert!(permanent_address("nosuchnic").is_err());
        assert!(supported_link_modes("nosuchnic").is_err());
        assert!(permanent_address("a name too long for any interface").is_err());
    }

    #[test]
    fn the_loopback_address_is_listed() {
        let all = addresses().expect("getifaddrs works");
        let up = std::net::UdpSocket::bind("127.0.0.1:0").is_ok();
        let listed = all.iter().any(|a| a.address.is_loopback());
        assert_eq!(listed, up, "{all:?}");
    }
}

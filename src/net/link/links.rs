//! Network links: which there are, up and down, MTU, and word of every change.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use crate::error::{Context, Error, Result};
use crate::net::link::rtnetlink::{BUFFER, Message, attributes, dump, field, messages, tell};
use crate::sys::socket::Netlink;
use crate::system_root::SystemRoot;

// linux/rtnetlink.h
pub(super) const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
pub(super) const RTM_GETLINK: u16 = 18;
const RTMGRP_LINK: u32 = 1;
// linux/if_link.h
pub(super) const IFLA_ADDRESS: u16 = 1;
pub(super) const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
pub(super) const IFLA_MASTER: u16 = 10;
pub(super) const IFLA_LINKINFO: u16 = 18;
pub(super) const IFLA_INFO_KIND: u16 = 1;
// linux/if.h
const IFF_UP: u32 = 0x1;
const IFF_RUNNING: u32 = 0x40;
const IFF_LOWER_UP: u32 = 0x1_0000;
// linux/if_arp.h
const ARPHRD_ETHER: u16 = 1;
/// struct ifinfomsg: family u8, pad, type u16, index i32, flags u32, change u32.
pub(super) const IFINFOMSG: usize = 16;

/// Messages of changes taken in one go.
const AT_ONCE: usize = 256;

/// An Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

/// One link, as the kernel last told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's index of it.
    pub index: u32,
    /// As the kernel calls it.
    pub name: String,
    /// Its Ethernet address; zeros where it has none.
    pub mac: Mac,
    /// In bytes.
    pub mtu: u32,
    /// As set by us or others.
    pub up: bool,
    /// Up, and the other end is there.
    pub carrier: bool,
    /// An Ethernet card of its own: not lo, no bond, bridge or VLAN, and not part of one.
    pub card: bool,
    /// A bond or a VLAN.
    pub made: bool,
    /// It was told to be removed.
    pub gone: bool,
}

/// Every link, in the kernel's order.
pub fn list() -> Result<Vec<Link>> {
    let messages = dump(RTM_GETLINK, &[0; IFINFOMSG]).context("listing the network links")?;
    Ok(messages.iter().filter_map(Link::read).collect())
}

/// Is this machine's network ours to change?
pub fn must_be_ours(host: &SystemRoot) -> Result<()> {
    match host.is_ramdisk() {
        true => Ok(()),
        false => Err(Error::plain(
            "this is not a ramdisk: its network stays as it is",
        )),
    }
}

/// Sets it up; an error on a host that is not ours.
pub fn set_up(host: &SystemRoot, link: &Link) -> Result<()> {
    must_be_ours(host)?;
    change(link, IFF_UP).with_context(|| format!("setting {} up", link.name))
}

/// Sets it down; an error on a host that is not ours.
pub fn set_down(host: &SystemRoot, link: &Link) -> Result<()> {
    must_be_ours(host)?;
    change(link, 0).with_context(|| format!("setting {} down", link.name))
}

/// Sets its MTU; an error on a host that is not ours.
pub fn set_mtu(host: &SystemRoot, link: &Link, mtu: u32) -> Result<()> {
    must_be_ours(host)?;
    // The flags field changes nothing where the change mask is zero.
    let mtu = mtu.to_ne_bytes();
    tell(
        RTM_NEWLINK,
        0,
        |request| request.attribute(IFLA_MTU, &mtu),
        &ifinfomsg(link.index, 0, 0),
    )
    .with_context(|| format!("setting the MTU of {}", link.name))
}

/// Takes every card down: nobody reaches this machine any more.
pub fn all_down(host: &SystemRoot) -> Result<()> {
    must_be_ours(host)?;
    let mut failure = None;
    for link in list()?.iter().filter(|link| link.up && link.name != "lo") {
        if let Err(error) = change(link, 0) {
            log::error!("{} stays up: {error}", link.name);
            failure = Some(Error::from(error)).or(failure);
        }
    }
    match failure {
        Some(error) => Err(error).context("taking the network links down"),
        None => Ok(()),
    }
}

fn change(link: &Link, flags: u32) -> io::Result<()> {
    tell(
        RTM_NEWLINK,
        0,
        |request| request,
        &ifinfomsg(link.index, flags, IFF_UP),
    )
}

pub(super) fn ifinfomsg(index: u32, flags: u32, mask: u32) -> [u8; IFINFOMSG] {
    let mut body = [0; IFINFOMSG];
    body[4..8].copy_from_slice(&index.to_ne_bytes());
    body[8..12].copy_from_slice(&flags.to_ne_bytes());
    body[12..16].copy_from_slice(&mask.to_ne_bytes());
    body
}

/// Word of changes, from the moment it is opened.
pub struct Changes {
    socket: Netlink,
    buffer: Vec<u8>,
}

impl Changes {
    /// Of links, and of the further multicast groups in `groups`.
    pub fn open(groups: u32) -> Result<Self> {
        let socket =
            Netlink::route(RTMGRP_LINK | groups).context("listening for network changes")?;
        Ok(Changes {
            socket,
            buffer: vec![0; BUFFER],
        })
    }

    /// What has arrived, without waiting. None: so much that some of it is lost, look for yourself.
    pub fn take(&mut self) -> Option<Vec<Message>> {
        let mut heard = Vec::new();
        // A flood of them must not keep us here: what is left comes the next time.
        for _ in 0..AT_ONCE {
            match self.socket.receive(&mut self.buffer) {
                Ok(datagram) => heard.extend(messages(datagram)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Some(heard),
                // ENOBUFS: the socket's buffer overflowed. Whatever else it was, a fresh look cures it.
                Err(_) => return None,
            }
        }
        Some(heard)
    }
}

impl AsFd for Changes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Link {
    /// From word of a new, changed or gone link; none from any other message.
    pub fn read(message: &Message) -> Option<Link> {
        let body = &message.body;
        // A bridge speaks of its ports in the same kind of message, with a family other than 0.
        let [kind @ (RTM_NEWLINK | RTM_DELLINK), 0] = [message.kind, u16::from(*body.first()?)]
        else {
            return None;
        };
        let family = u16::from_ne_bytes(field(body, 2)?);
        let flags = u32::from_ne_bytes(field(body, 8)?);
        let mut link = Link {
            index: u32::from_ne_bytes(field(body, 4)?),
            name: String::new(),
            mac: Mac([0; 6]),
            mtu: 0,
            up: flags & IFF_UP != 0,
            carrier: flags & IFF_RUNNING != 0 && flags & IFF_LOWER_UP != 0,
            card: family == ARPHRD_ETHER,
            made: false,
            gone: kind == RTM_DELLINK,
        };
        for (kind, value) in attributes(body.get(IFINFOMSG..)?) {
            match kind {
                IFLA_IFNAME => link.name = text(value),
                IFLA_ADDRESS => link.mac = Mac(field(value, 0).unwrap_or_default()),
                IFLA_MTU => link.mtu = field(value, 0).map_or(0, u32::from_ne_bytes),
                IFLA_MASTER => link.card = false,
                // A pair of veths stands for two cards and a cable, in containers and in tests.
                IFLA_LINKINFO => {
                    let kind = kind_of(value);
                    link.card &= kind.as_deref().is_none_or(|kind| kind == "veth");
                    link.made = matches!(kind.as_deref(), Some("bond" | "vlan"));
                }
                _ => {}
            }
        }
        Some(link)
    }
}

fn kind_of(linkinfo: &[u8]) -> Option<String> {
    attributes(linkinfo)
        .find(|(kind, _)| *kind == IFLA_INFO_KIND)
        .map(|(_, value)| text(value))
}

fn text(value: &[u8]) -> String {
    let text = value.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

impl Mac {
    /// Six bytes in hex with `:` or `-` between them; in the PXE form the hardware type, `01-`, goes before.
    pub fn parse(text: &str) -> Option<Mac> {
        let mut bytes = text
            .split([':', '-'])
            .map(|part| match part.len() {
                2 if part.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                    u8::from_str_radix(part, 16).ok()
                }
                _ => None,
            })
            .collect::<Option<Vec<u8>>>()?;
        if bytes.len() == 7 && bytes[0] == 1 {
            bytes.remove(0);
        }
        bytes.try_into().ok().map(Mac)
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_link_is_always_there_and_is_no_card() {
        let links = list().expect("links can be listed");
        let lo = links.iter().find(|link| link.name == "lo").expect("lo");
        assert!(!lo.card && lo.index > 0, "{lo:?}");
    }

    #[test]
    fn a_network_that_is_not_ours_stays_as_it_is() {
        let host = SystemRoot::new("/nonexistent");
        let lo = list().expect("links").remove(0);
        for refused in [
            all_down(&host),
            set_up(&host, &lo),
            set_mtu(&host, &lo, 1280),
        ] {
            assert!(
                refused
                    .expect_err("an error")
                    .details()
                    .contains("not a ramdisk")
            );
        }
    }

    #[test]
    fn every_form_of_bootif_is_a_mac() {
        let mac = Some(Mac([0x52, 0x54, 0, 0x12, 0xab, 0xcd]));
        for (text, expected) in [
            ("52:54:00:12:ab:cd", mac),
            ("52:54:00:12:AB:CD", mac),
            ("52-54-00-12-ab-cd", mac),
            ("01-52-54-00-12-ab-cd", mac),
            ("01:52:54:00:12:ab:cd", mac),
            ("20-52-54-00-12-ab-cd", None),
            ("52:54:00:12:ab", None),
            ("52:54:00:12:ab:+d", None),
            ("5254.0012.abcd", None),
            ("", None),
        ] {
            assert_eq!(Mac::parse(text), expected, "{text}");
        }
        assert_eq!(
            Mac([0x52, 0x54, 0, 0x12, 0xab, 0xcd]).to_string(),
            "52:54:00:12:ab:cd"
        );
    }
}

//! What IPv6 routers say of DHCPv6 on each link: the two flags of their advertisements, as the kernel last heard them.

use crate::error::{Context, Result};
use crate::net::link::links::{IFINFOMSG, RTM_GETLINK, RTM_NEWLINK};
use crate::net::link::rtnetlink::{Message, attributes, dump, field};

// linux/if_link.h
const IFLA_PROTINFO: u16 = 12;
const IFLA_INET6_FLAGS: u16 = 1;
// net/if_inet6.h
const IF_RA_MANAGED: u32 = 0x40;
const IF_RA_OTHERCONF: u32 = 0x80;
// linux/socket.h
const AF_INET6: u8 = 10;

/// What DHCPv6 has on a link, by what routers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterFlags {
    /// The kernel's index of the link.
    pub link: u32,
    /// Addresses: "managed".
    pub addresses: bool,
    /// Whatever else there is: "other configuration".
    pub other: bool,
}

/// Of every link that has IPv6.
pub fn list() -> Result<Vec<RouterFlags>> {
    let mut body = [0; IFINFOMSG];
    body[0] = AF_INET6;
    let messages = dump(RTM_GETLINK, &body).context("asking what IPv6 routers say")?;
    Ok(messages.iter().filter_map(RouterFlags::read).collect())
}

impl RouterFlags {
    /// From word of a link's IPv6; none from any other message.
    pub fn read(message: &Message) -> Option<RouterFlags> {
        let body = &message.body;
        if (message.kind, *body.first()?) != (RTM_NEWLINK, AF_INET6) {
            return None;
        }
        let find = |bytes, wanted| attributes(bytes).find(|(kind, _)| *kind == wanted);
        let (_, ipv6) = find(body.get(IFINFOMSG..)?, IFLA_PROTINFO)?;
        let (_, flags) = find(ipv6, IFLA_INET6_FLAGS)?;
        let flags = u32::from_ne_bytes(field(flags, 0)?);
        Some(RouterFlags {
            link: u32::from_ne_bytes(field(body, 4)?),
            addresses: flags & IF_RA_MANAGED != 0,
            other: flags & IF_RA_OTHERCONF != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_stand_in_the_ipv6_part_of_a_link() {
        use crate::net::link::rtnetlink::nest;
        let message = |flags: u32, family| {
            let inner = nest(&[(IFLA_INET6_FLAGS, &flags.to_ne_bytes())]);
            let mut body = vec![0; IFINFOMSG];
            (body[0], body[4]) = (family, 7);
            body.extend(nest(&[(3, b"eth0\0"), (IFLA_PROTINFO, &inner)]));
            Message {
                kind: RTM_NEWLINK,
                body,
            }
        };
        for (flags, addresses, other) in [
            (0x10, false, false),
            (0x30 | IF_RA_MANAGED, true, false),
            (IF_RA_OTHERCONF, false, true),
        ] {
            let read = RouterFlags::read(&message(flags, AF_INET6)).expect("a link's flags");
            assert_eq!(
                (read.link.to_ne_bytes()[0], read.addresses, read.other),
                (7, addresses, other)
            );
        }
        assert_eq!(
            RouterFlags::read(&message(IF_RA_MANAGED, 0)),
            None,
            "of another family"
        );
        assert!(list().is_ok());
    }
}

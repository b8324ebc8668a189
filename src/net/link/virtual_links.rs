//! Links made of others: VLANs and bonds. The kernel has to have its modules for them: `8021q` and `bonding`.

use crate::error::{Context, Result};
use crate::net::link::links::{
    IFLA_ADDRESS, IFLA_IFNAME, IFLA_INFO_KIND, IFLA_LINKINFO, IFLA_MASTER, Link, Mac, RTM_NEWLINK,
    ifinfomsg, must_be_ours, set_down, set_up,
};
use crate::net::link::rtnetlink::{NLM_F_CREATE, NLM_F_EXCL, Request, nest, tell};
use crate::system_root::SystemRoot;

// linux/if_link.h
const IFLA_LINK: u16 = 5;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_VLAN_ID: u16 = 1;
const IFLA_BOND_MODE: u16 = 1;
const IFLA_BOND_MIIMON: u16 = 3;
const IFLA_BOND_XMIT_HASH_POLICY: u16 = 14;
/// linux/if.h: IFNAMSIZ, and the NUL at its end.
const LONGEST_NAME: usize = 15;

/// How a bond spreads packets; numbers are the kernel's (linux/if_bonding.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BondMode {
    /// 0 is balance-rr, 1 active-backup, 4 802.3ad.
    pub mode: u8,
    /// Milliseconds between two looks at the carriers of its ports.
    pub miimon: u32,
    /// By what 802.3ad and balance-xor choose a port.
    pub hash: Option<u8>,
}

/// What a VLAN is called, as upstream and `ip` have it; one too long is called by its number alone.
pub fn vlan_name(parent: &str, number: u16) -> String {
    let name = format!("{parent}.{number}");
    match name.len() > LONGEST_NAME {
        true => format!("vlan{number}"),
        false => name,
    }
}

/// May a link be called so?
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let length = (1..=LONGEST_NAME).contains(&name.len());
    length && name.bytes().all(plain) && !name.starts_with(['.', '-'])
}

/// Makes the VLAN `number` (1 to 4094) of `parent`; it is down then.
pub fn add_vlan(
    host: &SystemRoot,
    parent: &Link,
    number: u16,
    name: &str,
    mac: Option<Mac>,
) -> Result<()> {
    must_be_ours(host)?;
    let data = nest(&[(IFLA_VLAN_ID, &number.to_ne_bytes())]);
    let parent_index = parent.index.to_ne_bytes();
    let with = |request: Request| request.attribute(IFLA_LINK, &parent_index);
    add("vlan", name, &data, mac, with)
        .with_context(|| format!("making the VLAN {number} of {}", parent.name))
}

/// Makes a bond without ports; it is down then.
pub fn add_bond(host: &SystemRoot, name: &str, mode: BondMode, mac: Option<Mac>) -> Result<()> {
    must_be_ours(host)?;
    let (number, miimon) = ([mode.mode], mode.miimon.to_ne_bytes());
    let hash = mode.hash.map(|hash| [hash]);
    let mut options: Vec<(u16, &[u8])> =
        vec![(IFLA_BOND_MODE, &number), (IFLA_BOND_MIIMON, &miimon)];
    if let Some(hash) = &hash {
        options.push((IFLA_BOND_XMIT_HASH_POLICY, hash));
    }
    add("bond", name, &nest(&options), mac, |request| request)
        .with_context(|| format!("making the bond {name}"))
}

/// Makes `port` a port of `bond`: it goes down for that, and comes up again with the bond.
pub fn add_port(host: &SystemRoot, bond: &Link, port: &Link) -> Result<()> {
    let doing = || format!("making {} a port of {}", port.name, bond.name);
    set_down(host, port).with_context(doing)?;
    let master = bond.index.to_ne_bytes();
    let with = |request: Request| request.attribute(IFLA_MASTER, &master);
    tell(RTM_NEWLINK, 0, with, &ifinfomsg(port.index, 0, 0)).with_context(doing)?;
    set_up(host, port).with_context(doing)
}

fn add(
    kind: &str,
    name: &str,
    data: &[u8],
    mac: Option<Mac>,
    with: impl FnOnce(Request) -> Request,
) -> std::io::Result<()> {
    let name = [name.as_bytes(), b"\0"].concat();
    let info = nest(&[(IFLA_INFO_KIND, kind.as_bytes()), (IFLA_INFO_DATA, data)]);
    let with = |request: Request| {
        let request = with(request)
            .attribute(IFLA_IFNAME, &name)
            .attribute(IFLA_LINKINFO, &info);
        match mac {
            Some(mac) => request.attribute(IFLA_ADDRESS, &mac.0),
            None => request,
        }
    };
    tell(
        RTM_NEWLINK,
        NLM_F_CREATE | NLM_F_EXCL,
        with,
        &ifinfomsg(0, 0, 0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vlan_is_called_by_its_parent_while_that_fits() {
        assert_eq!(vlan_name("eth0", 100), "eth0.100");
        assert_eq!(vlan_name("enp129s0f0", 4094), "enp129s0f0.4094");
        assert_eq!(vlan_name("enp129s0f0np0", 4094), "vlan4094");
        for (name, fits) in [
            ("bond0", true),
            ("a name", false),
            ("", false),
            ("..", false),
            ("sixteen-letters1", false),
            ("a/b", false),
        ] {
            assert_eq!(is_name(name), fits, "{name}");
        }
    }

    #[test]
    fn a_network_that_is_not_ours_gets_no_links() {
        let host = SystemRoot::new("/nonexistent");
        let lo = crate::net::link::links::list().expect("links").remove(0);
        let mode = BondMode {
            mode: 1,
            miimon: 100,
            hash: None,
        };
        for refused in [
            add_vlan(&host, &lo, 7, "lo.7", None),
            add_bond(&host, "bond7", mode, None),
            add_port(&host, &lo, &lo),
        ] {
            let error = refused.expect_err("an error");
            assert!(error.details().contains("not a ramdisk"), "{error}");
        }
    }
}

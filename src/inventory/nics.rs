//! Network interfaces: the `interfaces` of the inventory, and the addresses a lookup asks with.

use std::net::IpAddr;
use std::path::Path;

use crate::codec::json::{Value, number, object, text, text_or_null};
use crate::inventory::ethernet_speed;
use crate::sys::network_interface;
use crate::sys::network_interface::Address;
use crate::system_root::{SystemRoot, attribute, link_name, names};

/// One network interface, in the words of protocol/inventory.md §3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// As the kernel calls it.
    pub name: String,
    /// Lower case, with colons.
    pub mac: String,
    /// Its first one.
    pub ipv4: Option<String>,
    /// With `%name` when it is link-local.
    pub ipv6: Option<String>,
    /// Is there a link?
    pub carrier: bool,
    /// PCI numbers as `0x8086`.
    pub vendor: Option<String>,
    /// PCI device id: `0x1572`.
    pub product: Option<String>,
    /// InfiniBand's stand-in for a MAC in DHCP.
    pub client_id: Option<String>,
    /// By where it sits, if the inventory asked for that.
    pub biosdevname: Option<String>,
    /// What the hardware can do at best, in Mbit/s.
    pub speed_mbps: Option<u32>,
    /// The bus address: PCI's, or `virtio0`.
    pub pci_address: Option<String>,
    /// The kernel module that drives it.
    pub driver: Option<String>,
}

/// Hardware interfaces, bonds and VLANs, by name; those without a usable MAC are left out.
pub fn interfaces(host: &SystemRoot) -> Vec<Interface> {
    let addresses = match host.is_here() {
        true => network_interface::addresses().unwrap_or_else(|error| {
            log::warn!("listing IP addresses: {error}");
            Vec::new()
        }),
        false => Vec::new(),
    };
    names(host.sys("class/net"))
        .iter()
        .filter(|name| is_listed(&host.sys("class/net").join(name), name))
        .filter_map(|name| interface(host, name, &addresses))
        .collect()
}

/// The MACs of all of them, in their order: what a lookup asks with.
pub fn macs(interfaces: &[Interface]) -> Vec<String> {
    interfaces.iter().map(|nic| nic.mac.clone()).collect()
}

impl Interface {
    pub(super) fn object(&self) -> Value {
        let known = |text: &Option<String>| text_or_null(text.as_deref());
        let speed = self.speed_mbps.map(|mbps| number(mbps.into()));
        object([
            ("name", text(self.name.as_str())),
            ("mac_address", text(self.mac.as_str())),
            ("ipv4_address", known(&self.ipv4)),
            ("ipv6_address", known(&self.ipv6)),
            ("has_carrier", Value::Bool(self.carrier)),
            ("lldp", Value::Null),
            ("vendor", known(&self.vendor)),
            ("product", known(&self.product)),
            ("client_id", known(&self.client_id)),
            ("biosdevname", known(&self.biosdevname)),
            ("speed_mbps", speed.unwrap_or(Value::Null)),
            ("pci_address", known(&self.pci_address)),
            ("driver", known(&self.driver)),
        ])
    }
}

fn is_listed(directory: &Path, name: &str) -> bool {
    let digits = |tag: &str| !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_digit());
    directory.join("device").exists()
        || directory.join("bonding").exists()
        // A VLAN has no device; upstream goes by its name.
        || name.split_once('.').is_some_and(|(_, tag)| digits(tag))
}

fn interface(host: &SystemRoot, name: &str, addresses: &[Address]) -> Option<Interface> {
    let directory = host.sys("class/net").join(name);
    let vendor = attribute(directory.join("device/vendor"));
    let address = hardware_address(host, name, &directory)?;
    let (mac, client_id) = match infiniband(&address, vendor.as_deref()) {
        Some((mac, client)) => (mac, Some(client)),
        None => (address, None),
    };
    if mac.starts_with("fa:") {
        log::warn!("leaving out {name}: {mac} is an address made up for a virtual machine");
        return None;
    }
    let address = |v4: bool| {
        let own = addresses.iter().filter(|a| a.interface == name);
        own.clone().find(|a| a.address.is_ipv4() == v4).map(shown)
    };
    Some(Interface {
        name: name.to_owned(),
        mac,
        ipv4: address(true),
        ipv6: address(false),
        carrier: attribute(directory.join("carrier")).is_some_and(|carrier| carrier == "1"),
        vendor,
        product: attribute(directory.join("device/device")),
        client_id,
        biosdevname: None,
        speed_mbps: best_speed(host, name, &directory),
        pci_address: link_name(directory.join("device")),
        driver: link_name(directory.join("device/driver")),
    })
}

/// The permanent address where there is one: bonding gives all its ports the address of one of them.
fn hardware_address(host: &SystemRoot, name: &str, directory: &Path) -> Option<String> {
    let permanent = match host.is_here() {
        true => network_interface::permanent_address(name).ok(),
        false => None,
    };
    match permanent.filter(|bytes| bytes.iter().any(|byte| *byte != 0)) {
        Some(bytes) => {
            let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(pairs.join(":"))
        }
        None => attribute(directory.join("address")).map(|address| address.to_lowercase()),
    }
}

/// The MAC and the DHCP client identifier Ironic expects for an InfiniBand port of this maker.
fn infiniband(address: &str, vendor: Option<&str>) -> Option<(String, String)> {
    const MELLANOX: &str = "0x15b3";
    // protocol/inventory.md §3
    const CLIENT_PREFIX: &str = "ff:00:00:00:00:00:02:00:00:02:c9:00:";
    // linux/if_infiniband.h: INFINIBAND_ALEN 20 bytes, the last 8 of them the port's GUID.
    let bytes: Vec<&str> = address.split(':').collect();
    let guid = bytes.get(12..20).filter(|_| bytes.len() == 20)?;
    if vendor != Some(MELLANOX) {
        return None;
    }
    let mac = [&guid[..3], &guid[5..]].concat().join(":");
    Some((mac, format!("{CLIENT_PREFIX}{}", guid.join(":"))))
}

/// What the hardware can do at best. Upstream's lshw tells none of bonds and VLANs, which have no hardware.
fn best_speed(host: &SystemRoot, name: &str, directory: &Path) -> Option<u32> {
    if !directory.join("device").exists() {
        return None;
    }
    if host.is_here() {
        let modes = network_interface::supported_link_modes(name).unwrap_or_default();
        return ethernet_speed::fastest(&modes);
    }
    // Who cannot be asked has at least its present speed: -1 (older kernels: 65535) is one that is unknown.
    let now = attribute(directory.join("speed"))?;
    now.parse().ok().filter(|mbps| *mbps != 0 && *mbps != 65535)
}

fn shown(of: &Address) -> String {
    match of.address {
        IpAddr::V6(_) if of.scope != 0 => format!("{}%{}", of.address, of.interface),
        address => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_infiniband_port_has_a_mac_made_of_its_guid() {
        let address = "a0:00:02:20:fe:80:00:00:00:00:00:00:7c:fe:90:03:00:29:26:52";
        assert_eq!(
            infiniband(address, Some("0x15b3")),
            Some((
                "7c:fe:90:29:26:52".into(),
                "ff:00:00:00:00:00:02:00:00:02:c9:00:7c:fe:90:03:00:29:26:52".into()
            ))
        );
        assert_eq!(infiniband(address, Some("0x8086")), None);
        assert_eq!(infiniband("52:54:00:00:00:01", Some("0x15b3")), None);
    }

    #[test]
    fn a_link_local_address_names_its_link() {
        let address = |ip: &str, scope| Address {
            interface: "eth0".into(),
            address: ip.parse().expect("an address"),
            scope,
        };
        assert_eq!(shown(&address("fe80::1", 2)), "fe80::1%eth0");
        assert_eq!(shown(&address("2001:db8::1", 0)), "2001:db8::1");
    }
}

//! What pid 1 itself wants from the kernel command line. Pure.

use crate::net::address::ip_parameter::Ip;
use crate::net::link::links::Mac;
use crate::rescue::accounts;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    pub debug: bool,
    /// The card the machine booted from.
    pub boot: Option<Mac>,
    /// Every `ip=`, in order.
    pub ips: Vec<Ip>,
    /// Modules not to be loaded for a device.
    pub denied: Vec<String>,
    /// Public SSH keys whose owners may log in.
    pub ssh_keys: Vec<String>,
    /// Somebody said what this machine is to do.
    pub purpose: bool,
    /// What could not be understood, in words for the console.
    pub troubles: Vec<String>,
}

/// Any of these gives the agent something to do.
const PURPOSES: &[&str] = &[
    "ipa-api-url",
    "ipa-use-mdns",
    "ipa-inspection-callback-url",
    "ironlet.image",
    "ironlet.order",
    // The rest of the parameters is on the virtual medium.
    "boot_method",
];

impl Parameters {
    pub fn parse(command_line: &str) -> Self {
        let mut parameters = Parameters::default();
        for value in quoted(command_line, "sshkey=") {
            match accounts::key(value) {
                Ok(key) => parameters.ssh_keys.push(key),
                Err(error) => parameters.troubles.push(error.to_string()),
            }
        }
        for word in command_line.split_ascii_whitespace() {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            parameters.purpose |= PURPOSES.contains(&key) && !value.is_empty();
            match key {
                "ipa-debug" => parameters.debug = matches!(value, "1" | "true" | "yes" | "on"),
                "BOOTIF" => match Mac::parse(value) {
                    Some(mac) => parameters.boot = Some(mac),
                    None => parameters
                        .troubles
                        .push(format!("{word}: not a MAC address")),
                },
                "ip" => match Ip::parse(value) {
                    Ok(ip) => parameters.ips.push(ip),
                    Err(error) => parameters.troubles.push(error.to_string()),
                },
                "modprobe.blacklist" | "module_blacklist" => {
                    parameters
                        .denied
                        .extend(value.split(',').map(str::to_owned));
                }
                _ => {}
            }
        }
        parameters
    }

    /// Is this card to ask for an address?
    pub fn wants_dhcp(&self, card: &str) -> bool {
        let named = |device: &Option<String>| device.as_deref() == Some(card);
        let refused = self.ips.iter().any(|ip| match ip {
            Ip::Off(device) | Ip::Ipv6(device) => named(device),
            Ip::Fixed(fixed) => named(&fixed.device) && fixed.address.ip.is_ipv4(),
            Ip::Dhcp(_) => false,
        });
        let asked = self.ips.iter().any(|ip| match ip {
            Ip::Dhcp(device) => device.is_none() || named(device),
            _ => false,
        });
        (self.ips.is_empty() || asked) && !refused
    }

    /// The same of IPv6, where a router says that there is a server: unless this card was named to be left alone.
    pub fn wants_dhcpv6(&self, card: &str) -> bool {
        let off = Ip::Off(Some(card.to_owned()));
        !self.ips.contains(&off)
    }
}

/// Values of a parameter that may have blanks in it, between double quotes, as the kernel reads them.
fn quoted<'a>(command_line: &'a str, name: &'static str) -> impl Iterator<Item = &'a str> {
    let starts = command_line.match_indices(name).filter(|(at, _)| {
        let before = command_line[..*at].chars().next_back();
        before.is_none_or(char::is_whitespace)
    });
    starts.map(move |(at, _)| {
        let value = &command_line[at + name.len()..];
        match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default(),
            None => value.split_whitespace().next().unwrap_or_default(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read() {
        let read = Parameters::parse(
            "console=ttyS0 ipa-debug=1 BOOTIF=01-52-54-00-00-00-01 ip=dhcp ip=banana \
             modprobe.blacklist=a,b ipa-api-url=http://192.0.2.1:6385 quiet BOOTIF=x",
        );
        assert!(read.debug && read.purpose);
        assert_eq!(read.boot, Some(Mac([0x52, 0x54, 0, 0, 0, 1])));
        assert_eq!(read.ips, [Ip::Dhcp(None)]);
        assert_eq!(read.denied, ["a", "b"]);
        assert_eq!(read.troubles.len(), 2, "{:?}", read.troubles);
        assert!(!Parameters::parse("quiet ipa-api-url= ipa-debug=0").purpose);
    }

    #[test]
    fn keys_have_blanks_in_them_and_nothing_else_is_a_key() {
        const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2ka5kZ0t me@home";
        for (command_line, keys, troubles) in [
            (format!("quiet sshkey=\"{KEY}\" ip=dhcp"), 1, 0),
            (format!("sshkey=\"{KEY}\" sshkey=\"{KEY}\""), 2, 0),
            (format!("sshkey={KEY}"), 0, 1),
            (format!("mysshkey=\"{KEY}\" sshkeys=\"{KEY}\""), 0, 0),
            ("sshkey=".to_owned(), 0, 1),
            (
                "sshkey=\"command=\"id\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\"".to_owned(),
                0,
                1,
            ),
            ("sshkey=\"ssh-ed25519 AAAA:x\"".to_owned(), 0, 1),
            ("sshkey=\"ssh-dss AAAAC3NzaC1lZDI1NTE5AAAA".to_owned(), 0, 1),
        ] {
            let read = Parameters::parse(&command_line);
            let found = (read.ssh_keys.len(), read.troubles.len());
            assert_eq!(found, (keys, troubles), "{command_line}");
            assert!(read.ssh_keys.iter().all(|key| key == KEY));
        }
    }

    #[test]
    fn which_cards_ask_for_an_address() {
        for (command_line, eth0, eth1) in [
            ("", true, true),
            ("ip=dhcp", true, true),
            ("ip=off", false, false),
            ("ip=dhcp6", false, false),
            ("ip=eth1:dhcp", false, true),
            ("ip=eth1:off ip=dhcp", true, false),
            ("ip=192.0.2.9::192.0.2.1:24::eth0:off", false, false),
            ("ip=192.0.2.9::192.0.2.1:24::eth0:off ip=dhcp", false, true),
            ("ip=[2001:db8::9]::::::", false, false),
        ] {
            let read = Parameters::parse(command_line);
            let wanted = (read.wants_dhcp("eth0"), read.wants_dhcp("eth1"));
            assert_eq!(wanted, (eth0, eth1), "{command_line}");
            let ipv6 = command_line != "ip=eth1:off ip=dhcp";
            assert_eq!(read.wants_dhcpv6("eth1"), ipv6, "{command_line}");
        }
    }
}

//! What a DHCPv6 server says, out of the options of its message (RFC 8415 §21). Pure; every byte is somebody else's.
//!
//! An option that makes no sense costs what it was to give, never the address.

use std::net::Ipv6Addr;

use crate::net::address::dns_message;
use crate::net::dhcp::option_value::{LIST, name};
use crate::net::dhcpv6::options::{
    DNS_SERVERS, DOMAINS, IA_ADDRESS, IA_NA, NTP, NTP_ADDRESS, PREFERENCE, REFRESH, SNTP_SERVERS,
    STATUS, options,
};

/// Addresses of one grant we take.
pub const ADDRESSES: usize = 4;

/// An address for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// One that a machine can have beyond its link.
    pub ip: Ipv6Addr,
    /// Seconds; all ones are for ever, none take it back.
    pub valid: u32,
}

/// What a server said, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// An offer only, which has to be requested.
    pub advertised: bool,
    /// Identifier of who said it.
    pub server: Vec<u8>,
    /// 255 is a server that is not to be compared with others.
    pub preference: u8,
    /// What went wrong: a number (RFC 8415 §21.13) and the server's words.
    pub status: Option<(u16, String)>,
    /// Ours for a time.
    pub addresses: Vec<Granted>,
    /// Seconds until the server, and any server, is to be asked for more time; 0 leaves it to us.
    pub renew_rebind: (u32, u32),
    /// The best first.
    pub name_servers: Vec<Ipv6Addr>,
    /// Domains in which names are looked for.
    pub search: Vec<String>,
    /// The best first.
    pub time_servers: Vec<Ipv6Addr>,
    /// Seconds until what has no time of its own is to be asked for again.
    pub refresh: Option<u32>,
}

impl Answer {
    /// What the options of a message to the association `association` say, and what of it made no sense. The rest of the
    /// answer is the caller's to fill in.
    pub fn read(body: &[u8], association: &[u8]) -> (Answer, Vec<String>) {
        let mut reader = Reader {
            answer: Answer::default(),
            faults: Vec::new(),
        };
        for (number, data) in options(body) {
            reader.read(number, data, association);
        }
        (reader.answer, reader.faults)
    }

    /// Its addresses alone.
    pub fn ips(&self) -> Vec<Ipv6Addr> {
        self.addresses.iter().map(|granted| granted.ip).collect()
    }

    /// The server for people: of the usual identifiers, the Ethernet address at the end.
    pub fn who(&self) -> String {
        let tail = &self.server[self.server.len().saturating_sub(6)..];
        let pairs: Vec<String> = tail.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("the DHCPv6 server …{}", pairs.join(":"))
    }
}

struct Reader {
    answer: Answer,
    faults: Vec<String>,
}

impl Reader {
    fn read(&mut self, number: u16, data: &[u8], association: &[u8]) {
        match number {
            PREFERENCE => self.answer.preference = data.first().copied().unwrap_or_default(),
            STATUS => self.answer.status = status(data).or(self.answer.status.take()),
            IA_NA if data.get(..4) == Some(association) => self.association(&data[4..]),
            REFRESH => {
                self.answer.refresh = data.first_chunk().map(|time| u32::from_be_bytes(*time))
            }
            DNS_SERVERS => self.answer.name_servers = self.hosts("23 (name servers)", data),
            SNTP_SERVERS if self.answer.time_servers.is_empty() => {
                self.answer.time_servers = self.hosts("31 (time servers)", data);
            }
            NTP => {
                let addresses = options(data).filter(|(kind, _)| *kind == NTP_ADDRESS);
                let addresses: Vec<u8> = addresses.flat_map(|(_, ip)| ip).copied().collect();
                // Names of servers stand there as well.
                if !addresses.is_empty() {
                    self.answer.time_servers = self.hosts("56 (time servers)", &addresses);
                }
            }
            DOMAINS => match search(data) {
                Some(domains) => self.answer.search = domains,
                None => self.fault("24 (domains)"),
            },
            _ => {}
        }
    }

    fn association(&mut self, data: &[u8]) {
        let Some((times, inner)) = data.split_first_chunk::<8>() else {
            return self.fault("3 (association)");
        };
        let [a, b, c, d, e, f, g, h] = *times;
        self.answer.renew_rebind = (
            u32::from_be_bytes([a, b, c, d]),
            u32::from_be_bytes([e, f, g, h]),
        );
        for (number, data) in options(inner) {
            match number {
                STATUS => self.answer.status = status(data).or(self.answer.status.take()),
                IA_ADDRESS => match granted(data) {
                    Some(granted) if self.answer.addresses.len() < ADDRESSES => {
                        self.answer.addresses.push(granted);
                    }
                    Some(_) => {}
                    None => self.fault("5 (address)"),
                },
                _ => {}
            }
        }
    }

    fn hosts(&mut self, option: &str, data: &[u8]) -> Vec<Ipv6Addr> {
        let (addresses, rest) = data.as_chunks::<16>();
        let hosts = addresses.iter().map(|ip| Ipv6Addr::from(*ip));
        let hosts: Vec<_> = hosts.filter(is_host).take(LIST).collect();
        if hosts.is_empty() || !rest.is_empty() {
            self.fault(option);
        }
        hosts
    }

    /// Each option once, however often it came.
    fn fault(&mut self, option: &str) {
        let told = format!("option {option} makes no sense: passed over");
        if !self.faults.contains(&told) {
            self.faults.push(told);
        }
    }
}

/// RFC 8415 §21.6: address, preferred and valid lifetime, of which the second is the longer one.
fn granted(data: &[u8]) -> Option<Granted> {
    let (ip, rest) = data.split_first_chunk::<16>()?;
    let ([a, b, c, d, e, f, g, h], inner) = rest.split_first_chunk()?;
    let preferred = u32::from_be_bytes([*a, *b, *c, *d]);
    let valid = u32::from_be_bytes([*e, *f, *g, *h]);
    let refused = options(inner).any(|(number, data)| number == STATUS && status(data).is_some());
    let ip = Ipv6Addr::from(*ip);
    // RFC 4291 §2.5.5: those with an IPv4 address in them go over no wire.
    let is_ipv4 = ip.segments()[..5] == [0; 5];
    let reaches = is_host(&ip) && !ip.is_unicast_link_local() && !is_ipv4;
    let sane = reaches && preferred <= valid && !refused;
    sane.then_some(Granted { ip, valid })
}

/// None for success.
fn status(data: &[u8]) -> Option<(u16, String)> {
    let (code, words) = data.split_first_chunk()?;
    let code = u16::from_be_bytes(*code);
    let words: String = String::from_utf8_lossy(words).chars().take(100).collect();
    (code != 0).then(|| (code, words.escape_debug().to_string()))
}

fn search(data: &[u8]) -> Option<Vec<String>> {
    let names = dns_message::names(data)?;
    let names = names.iter().map(|text| name(text.as_bytes())).take(LIST);
    names.collect()
}

/// An address one machine can have.
fn is_host(ip: &Ipv6Addr) -> bool {
    !ip.is_multicast() && !ip.is_unspecified() && !ip.is_loopback()
}

/// What a status means (RFC 8415 §21.13).
pub fn meaning(code: u16) -> String {
    match code {
        1 => "it fails, and does not say why".to_owned(),
        2 => "it has no address to give".to_owned(),
        3 => "it does not know our lease".to_owned(),
        4 => "our address does not belong to this link".to_owned(),
        code => format!("status {code}"),
    }
}

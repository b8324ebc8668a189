//! What a server grants: an address for a time, and what goes with it. Pure; every value is somebody else's.
//!
//! An option that makes no sense costs what it was to give, never the lease.

use std::net::Ipv4Addr;

use crate::net::address::dns_message;
use crate::net::dhcp::lease_times::Times;
use crate::net::dhcp::option_value::{
    LIST, Route, addresses, classless_routes, hosts, is_host, name, natural_prefix, prefix,
};
use crate::net::dhcp::options::Options;

/// What a server granted, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Ours, for a time.
    pub address: Ipv4Addr,
    /// Length of the network's prefix.
    pub prefix: u8,
    /// None when the server does not say who it is: whoever that is, it hears broadcasts.
    pub server: Option<Ipv4Addr>,
    /// Where packets go.
    pub routes: Vec<Route>,
    /// The best first.
    pub name_servers: Vec<Ipv4Addr>,
    /// The best first.
    pub time_servers: Vec<Ipv4Addr>,
    /// Domains in which names are looked for.
    pub search: Vec<String>,
    /// What this machine is to be called.
    pub hostname: Option<String>,
    /// Of the link, if it is to be changed.
    pub mtu: Option<u16>,
    /// None when the server does not say for how long.
    pub times: Option<Times>,
}

/// What was read of a message's options, and what was left out.
struct Reader<'a> {
    options: &'a Options,
    faults: &'a mut Vec<String>,
}

impl Lease {
    /// None when the address is not one that a machine can have. An option that makes no sense is left out and
    /// told in `faults`.
    pub fn read(address: Ipv4Addr, options: &Options, faults: &mut Vec<String>) -> Option<Lease> {
        let mut reader = Reader { options, faults };
        // RFC 2132, by number; 119 is RFC 3397, 121 is RFC 3442.
        let seconds = |data: &[u8]| data.first_chunk().map(|data| u32::from_be_bytes(*data));
        let [renew, rebind] =
            [(58, "T1"), (59, "T2")].map(|(n, what)| reader.value(n, what, seconds));
        let expire = reader.value(51, "lease time", |data| {
            seconds(data).filter(|time| *time > 0)
        });
        let mask = reader.value(1, "mask", |data| prefix(addresses(data).next()?));
        let lease = Lease {
            address,
            prefix: mask.unwrap_or_else(|| natural_prefix(address)),
            server: reader.value(54, "server", |data| {
                hosts(&data[..data.len().min(4)])?.pop()
            }),
            routes: reader.routes(),
            name_servers: reader.value(6, "name servers", hosts).unwrap_or_default(),
            time_servers: reader.value(42, "time servers", hosts).unwrap_or_default(),
            search: reader.search(),
            hostname: reader.value(12, "host name", name),
            // RFC 791: every link carries 576 bytes; an MTU below that is a mistake or malice.
            mtu: reader.value(26, "MTU", |data| {
                let mtu = u16::from_be_bytes(*data.first_chunk()?);
                (mtu >= 576).then_some(mtu)
            }),
            times: expire.map(|expire| Times::new(expire, renew, rebind)),
        };
        is_host(address).then_some(lease)
    }

    /// The same grant, for whatever time.
    pub fn same(&self, other: &Lease) -> bool {
        let times = None;
        let [one, other] = [self, other].map(|lease| Lease {
            times,
            ..lease.clone()
        });
        one == other
    }

    /// Does it say everything a client needs to ask for it and to keep it?
    pub fn is_complete(&self) -> bool {
        self.server.is_some() && self.times.is_some()
    }
}

impl Reader<'_> {
    fn value<T>(&mut self, number: u8, what: &str, read: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let value = read(self.options.get(number)?);
        if value.is_none() {
            self.fault(format!(
                "option {number} ({what}) makes no sense: passed over"
            ));
        }
        value
    }

    /// RFC 3442: with classless routes the router option is ignored; not so when they are broken and lead nowhere.
    fn routes(&mut self) -> Vec<Route> {
        let any = Ipv4Addr::UNSPECIFIED;
        let (mut routes, whole) = match self.options.get(121) {
            None => (Vec::new(), false),
            Some(data) => {
                let (routes, whole) = classless_routes(data);
                if !whole {
                    let count = routes.len();
                    self.fault(format!(
                        "option 121 (routes) is broken after {count} routes"
                    ));
                }
                (routes, whole)
            }
        };
        if !whole && routes.iter().all(|(_, prefix, _)| *prefix > 0) {
            let router = self.value(3, "router", |data| hosts(data)?.into_iter().next());
            routes.extend(router.map(|router| (any, 0, router)));
        }
        routes
    }

    /// The domain comes last: it is not among the others only where it is not to be searched first.
    fn search(&mut self) -> Vec<String> {
        let listed = self.value(119, "search domains", |data| {
            let names = dns_message::names(data)?;
            names
                .iter()
                .map(|text| name(text.as_bytes()))
                .collect::<Option<Vec<_>>>()
        });
        // Some servers have several in it, and resolv.conf takes them so.
        let domain = self.value(15, "domain", |data| {
            let words = data
                .split(|byte| *byte == b' ')
                .filter(|word| !word.is_empty());
            words.map(name).collect::<Option<Vec<_>>>()
        });
        let mut search: Vec<String> = Vec::new();
        for domain in [listed, domain].into_iter().flatten().flatten() {
            if search.len() < LIST && !search.contains(&domain) {
                search.push(domain);
            }
        }
        search
    }

    fn fault(&mut self, told: String) {
        self.faults.push(told);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::net::dhcp::options::put;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

    /// A lease with these options beside the usual ones, and what was told of it.
    fn with(more: &[(u8, &[u8])]) -> (Lease, String) {
        let mut message = Vec::new();
        let usual: [(u8, &[u8]); 3] = [
            (54, &[192, 0, 2, 1]),
            (51, &[0, 0, 14, 16]),
            (1, &[255, 255, 254, 0]),
        ];
        let instead = |number: u8| more.iter().any(|(other, _)| *other == number);
        let usual = usual.iter().filter(|(number, _)| !instead(*number));
        for (number, data) in usual.chain(more) {
            data.chunks(255)
                .for_each(|piece| put(&mut message, *number, piece));
            if data.is_empty() {
                put(&mut message, *number, data);
            }
        }
        let mut faults = Vec::new();
        let lease = Lease::read(ADDRESS, &Options::read(&message, &[], &[]), &mut faults);
        (lease.expect("a lease"), faults.join("; "))
    }

    fn ip(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(192, 0, 2, last)
    }

    fn default(last: u8) -> Route {
        (Ipv4Addr::UNSPECIFIED, 0, ip(last))
    }

    #[test]
    fn everything_a_server_grants_is_read() {
        let (lease, faults) = with(&[
            (3, &[192, 0, 2, 254]),
            (6, &[192, 0, 2, 53, 0, 0, 0, 0, 8, 8, 8, 8]),
            (12, b"node-7"),
            (15, b"example.com.\0"),
            (26, &[0x23, 0x28]),
            (42, &[192, 0, 2, 123]),
            (119, b"\x03lab\x07example\x03com\0\xc0\x04"),
        ]);
        assert_eq!((lease.prefix, &faults[..]), (23, ""));
        assert_eq!(lease.routes, [default(254)]);
        assert_eq!(lease.name_servers.len(), 2, "0.0.0.0 is no server");
        assert_eq!(lease.hostname.as_deref(), Some("node-7"));
        assert_eq!(lease.search, ["lab.example.com", "example.com"]);
        assert_eq!(lease.mtu, Some(9000));
        assert_eq!(lease.time_servers, [ip(123)]);
        let (times, hour) = (lease.times.expect("times"), Duration::from_secs(3600));
        assert_eq!((times.renew, times.expire), (hour / 2, hour));
        assert_eq!(times.rebind, hour * 7 / 8);
        assert_eq!(with(&[(51, &[255; 4])]).0.times, Some(Times::FOR_EVER));
        // Said twice, in one piece once it is read.
        let (twice, _) = with(&[
            (54, &[192, 0, 2, 1, 192, 0, 2, 1]),
            (51, &[0, 0, 14, 16, 0, 0, 14, 16]),
        ]);
        assert_eq!((twice.server, twice.times), (Some(ip(1)), lease.times));
        assert_eq!(
            with(&[(15, b"a.test b.test")]).0.search,
            ["a.test", "b.test"]
        );
    }

    #[test]
    fn classless_routes_replace_the_router() {
        let some = [
            0, 192, 0, 2, 1, 20, 10, 1, 255, 192, 0, 2, 2, 32, 169, 254, 169, 254, 0, 0, 0, 0,
        ];
        let (lease, _) = with(&[(3, &[192, 0, 2, 254]), (121, &some)]);
        let four = Ipv4Addr::new;
        let routes = [
            default(1),
            (four(10, 1, 240, 0), 20, ip(2)),
            (four(169, 254, 169, 254), 32, four(0, 0, 0, 0)),
        ];
        assert_eq!(lease.routes, routes);
        // 42 of them, in two pieces one of which ends inside a route.
        let many: Vec<u8> = (0..42)
            .flat_map(|net| [24, 10, 1, net, 192, 0, 2, 1])
            .collect();
        let (lease, faults) = with(&[(121, &many)]);
        assert_eq!((lease.routes.len(), &faults[..]), (42, ""));
        assert_eq!(lease.routes[41], (four(10, 1, 41, 0), 24, ip(1)));
    }

    #[test]
    fn what_makes_no_sense_costs_itself_alone() {
        let good = with(&[(3, &[192, 0, 2, 254])]).0;
        let class = Lease {
            prefix: 24,
            ..good.clone()
        };
        let unrouted = Lease {
            routes: Vec::new(),
            ..good.clone()
        };
        let untimed = Lease {
            times: None,
            ..good.clone()
        };
        let unnamed = Lease {
            server: None,
            ..good.clone()
        };
        let table: &[(u8, &[u8], &Lease)] = &[
            (1, &[255, 0, 255, 0], &class),
            (1, &[255], &class),
            (1, &[0; 4], &class),
            (3, &[192, 0, 2], &unrouted),
            (3, &[0; 4], &unrouted),
            (121, &[33, 1, 2, 3, 4, 5, 1, 2, 3, 4], &good),
            (121, &[24, 10, 1], &good),
            (121, &[0], &good),
            (121, &[], &good),
            (51, &[0; 4], &untimed),
            (51, &[0, 14, 16], &untimed),
            (54, &[255; 4], &unnamed),
            (54, &[192, 0, 2], &unnamed),
            (6, &[192, 0, 2], &good),
            (6, &[0; 4], &good),
            (42, &[1], &good),
            (26, &[0, 68], &good),
            (26, &[9], &good),
            (12, b"a b\n", &good),
            (15, b"x\nnameserver 6.6.6.6", &good),
            (119, b"\x03lab", &good),
            (119, b"\x01\n\0", &good),
            (58, &[1], &good),
            (59, &[], &good),
        ];
        for (number, data, wanted) in table {
            let router: &[(u8, &[u8])] = &[(3, &[192, 0, 2, 254]), (*number, data)];
            let (lease, faults) = with(&router[usize::from(*number == 3)..]);
            assert_eq!(&&lease, wanted, "option {number}: {data:?}");
            assert!(
                faults.contains(&format!("option {number} (")),
                "{number}: {faults}"
            );
        }
        // What came before the fault counts; the router only where that leads nowhere else.
        let broken = [24, 10, 1, 1, 192, 0, 2, 1, 0, 192, 0, 2, 2, 24, 10];
        for (length, way) in [(9, default(254)), (15, default(2))] {
            let (lease, _) = with(&[(3, &[192, 0, 2, 254]), (121, &broken[..length])]);
            assert_eq!(lease.routes.last(), Some(&way), "{length}");
            assert_eq!(lease.routes.len(), 2);
        }
        for address in [[0; 4], [255; 4], [127, 0, 0, 1], [224, 0, 0, 1]] {
            let read = Lease::read(address.into(), &Options::default(), &mut Vec::new());
            assert_eq!(read, None, "{address:?}");
        }
    }
}

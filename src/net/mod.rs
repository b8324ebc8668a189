//! The network: links and who is at their other end, addresses, leases, TLS and HTTP.

pub mod address;
pub mod dhcp;
pub mod dhcpv6;
pub mod http;
pub mod link;
pub mod lldp;
pub mod mdns;
pub mod network_data;
pub mod sntp;
pub mod tls;

//! The network: links and who is at their other end, addresses, leases, TLS and HTTP.

pub mod address;
pub mod dhcp;
pub mod http;
pub mod link;
pub mod lldp;
pub mod sntp;
pub mod tls;

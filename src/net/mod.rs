//! The network: links, addresses, leases, TLS and HTTP.

pub mod address;
pub mod dhcp;
pub mod http;
pub mod link;
pub mod sntp;
pub mod tls;

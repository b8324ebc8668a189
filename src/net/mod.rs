//! The network: links, addresses, leases, TLS and HTTP.

pub mod addresses;
pub mod dhcp;
pub mod fixed;
pub mod links;
pub mod resolver;
pub mod rtnetlink;
pub mod sntp;

//! The network: links, addresses, leases, TLS and HTTP.

pub mod addresses;
pub mod certificate;
pub mod dhcp;
pub mod dial;
pub mod exchange;
pub mod fault;
pub mod fixed;
pub mod http;
pub mod links;
pub mod proxy;
pub mod redirect;
pub mod resolver;
pub mod rtnetlink;
pub mod sntp;
pub mod tls;
pub mod trust;
pub mod url;

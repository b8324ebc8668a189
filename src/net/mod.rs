//! The network: links, addresses, leases, TLS and HTTP.

pub mod certificate;
pub mod dial;
pub mod fault;
pub mod http;
pub mod proxy;
pub mod redirect;
pub mod tls;
pub mod trust;
pub mod url;

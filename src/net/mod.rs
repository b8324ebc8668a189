//! The network: links, addresses, leases, TLS and HTTP.

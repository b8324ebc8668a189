//! HTTP to the outside: URLs, proxies, redirects, connections, one exchange after the other.

pub mod client;
pub mod dial;
pub mod exchange;
pub mod fault;
pub mod proxy;
pub mod redirect;
pub mod url;

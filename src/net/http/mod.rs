//! HTTP to the outside: URLs, proxies, redirects, connections, one exchange after the other.

pub mod body;
pub mod chunked;
pub mod client;
pub mod content_coding;
pub mod date;
pub mod dial;
pub mod exchange;
pub mod fault;
mod host_port;
mod percent_encoding;
pub mod proxy;
pub mod redirect;
pub mod response_head;
pub mod retry_after;
pub mod socket;
pub mod url;

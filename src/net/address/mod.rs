//! Addresses, routes and name servers: set by hand or by a lease, and which one we are called back on.

pub mod addresses;
pub mod ip_parameter;
pub mod resolv_conf;

//! Addresses, routes and name servers: set by hand or by a lease, which one we are called back on, and those a name has.

pub mod address_order;
pub mod configure;
pub mod dns_message;
pub mod dns_query;
pub mod ip_parameter;
pub mod names;
pub mod resolv_conf;
pub mod router_advertisement;

//! Network interfaces as the kernel has them: which there are, up and down, by rtnetlink.

pub mod links;
pub mod router_flags;
pub mod rtnetlink;
pub mod virtual_links;

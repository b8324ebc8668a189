//! Sockets the standard library does not make: netlink and raw packets.

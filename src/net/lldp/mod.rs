//! LLDP (IEEE 802.1AB): who says of itself that it is at the other end of a cable. Heard only, never spoken.

pub mod firmware_agent;
pub mod frame;
pub mod listen;

pub use frame::Tlv;
pub use listen::{Neighbours, listen};

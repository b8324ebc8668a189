//! UEFI boot entries, by the firmware's variables alone: no efibootmgr, nothing is mounted.

pub mod menu;
pub mod option;
pub mod path;
pub mod pattern;
pub mod variable;

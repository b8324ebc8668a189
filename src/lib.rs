//! ironlet: a deploy agent for OpenStack Ironic in one static binary.
//!
//! ```text
//!  kernel ─▶ init (pid 1) ─▶ agent ─▶ conductor: lookup, heartbeat
//!                              │
//!           Ironic ─▶ api ─▶ command ─▶ image ─▶ disk
//! ```
//!
//! Modules stand by floor: a file imports lower floors or its own folder, never up, never sideways.

// F0: words everybody uses
pub mod clock;
pub mod error;
pub mod secret;
pub mod small_sort;
pub mod system_root;
pub mod units;

// F1: the kernel's interface, pure bytes → bytes, and how far the work has come
pub mod codec;
pub mod gauge;
pub mod sys;

// F2: the machine as files, and the log
pub mod logger;
pub mod memory;

// F3: the network, the parameters, and the power switch
pub mod config;
pub mod net;
pub mod power;

// F4: disks
pub mod disk;

// F5: what the machine is, the image path, and who boots what it wrote
pub mod efi;
pub mod image;
pub mod inventory;

// F6: Ironic, as the agent sees it
pub mod conductor;
pub mod steps;

// F7: the agent, as Ironic sees it
pub mod command;

// F8: the two ways in: the API and the kernel
pub mod api;
pub mod init;

// F9: the whole
pub mod agent;

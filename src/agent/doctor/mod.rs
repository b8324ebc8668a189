//! Says what is wrong first between this machine and its work: for a person who asks (`ironlet doctor`), and on the console by itself
//! where nothing has worked for minutes.
//!
//! ```text
//!  examination ─▶ network (link, address), ways (name, route, proxy, TLS to each server), services (Ironic, image, order), the disk
//!       ▼
//!  findings ─▶ by hand: printed; by itself: log and screen
//! ```
//!
//! Everything is asked by the code that does the work, and nothing is changed: no lease, no clock, no disk.

pub mod by_hand;
pub mod by_itself;
mod disk_choice;
mod examination;
mod findings;
mod network;
mod parameters;
mod services;
pub(in crate::agent) mod signs_of_life;
mod ways;

pub(in crate::agent) use disk_choice::chosen;
pub(in crate::agent) use examination::impatient;

//! What an order is held against: the machine, its names, and what parameters say.

use crate::order::machine_names::Names;
use crate::order::words::Then;
use crate::steps::step_context::Settings;
use crate::system_root::SystemRoot;

/// What an order is held against.
pub struct Facts<'a> {
    /// What parameters say of images.
    pub settings: &'a Settings,
    /// The machine.
    pub host: &'a SystemRoot,
    /// What it is called.
    pub names: &'a Names,
    /// A lower serial is not taken; above 0 none is not either.
    pub least_serial: u64,
    /// Must be signed whatever is not held against a digest?
    pub signed: bool,
    /// Where the order does not say it.
    pub then: Then,
}

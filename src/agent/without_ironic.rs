//! What steps ask of the agent where there is no Ironic behind it: in an order, and in a step run by hand.

use crate::drivers::modules;
use crate::error::{Error, Kind, Result};
use crate::power;
use crate::steps::node::Node;
use crate::steps::step_context::Agent;
use crate::system_root::SystemRoot;

/// There is nobody to ask: what was said of the node stays so, and the machine stays on.
pub(super) struct WithoutIronic {
    host: SystemRoot,
    node: Node,
}

impl WithoutIronic {
    /// `node` is what would be Ironic's word on it.
    pub fn new(host: &SystemRoot, node: &Node) -> Self {
        WithoutIronic {
            host: host.clone(),
            node: node.clone(),
        }
    }
}

impl Agent for WithoutIronic {
    fn look_up(&self) -> Result<Node> {
        Ok(self.node.clone())
    }

    fn flush(&self) -> Result<()> {
        power::flush_disks(&self.host);
        Ok(())
    }

    fn power_off(&self) -> Result<()> {
        nobody()
    }

    fn reboot(&self) -> Result<()> {
        nobody()
    }

    // On a host somebody else does.
    fn load_module(&self, name: &str) {
        if self.host.is_ramdisk() {
            modules::load_named(&self.host, name);
        }
    }

    fn lock_down(&self) {}

    fn hand_over(&self) {}
}

/// An order says what comes last, and no step.
fn nobody<T>() -> Result<T> {
    let why = "there is no Ironic here to switch the machine for: an order says by 'then' what comes last, and a step run by hand leaves it on";
    Err(Error::new(Kind::CommandExecutionError, why))
}

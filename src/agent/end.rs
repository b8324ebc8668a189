//! How the agent ends its talk with Ironic: locked down, or the machine left to its tenant.

use log::{error, info, warn};

use crate::agent::saved_identity;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::logger::status::{self, Row, set};
use crate::net::link::links;
use crate::system_root::SystemRoot;

/// Why nothing is served any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nobody is to reach this machine.
    LockDown,
    /// It is its tenant's.
    Rescue,
    /// Ironic knows neither the token nor the node any more.
    Forgotten,
}

impl End {
    /// Says so, before anything is stopped, also to whoever gets reports.
    pub fn say(self, clock: &Clock) {
        match self {
            End::LockDown => {
                warn!("locking down: no more commands, no network");
                set(Row::State, "locked down");
            }
            End::Rescue => {
                info!("rescue: no more commands, this machine is its tenant's");
                set(Row::State, "rescue: log in as 'rescue'");
            }
            End::Forgotten => {
                warn!("Ironic does not know this agent any more: starting afresh");
                set(Row::State, "starting afresh");
                return;
            }
        }
        status::end(clock);
    }

    /// The last thing an agent does. Locked down it ends well also if a card refuses: an agent that failed would be started again.
    pub fn leave(self, host: &SystemRoot) -> Result<()> {
        if self == End::Forgotten {
            saved_identity::SavedIdentity::forget(host);
            let why = "Ironic has forgotten this agent; a new one asks which node this is";
            return Err(Error::plain(why));
        }
        if self == End::LockDown {
            links::must_be_ours(host)?;
            if let Err(error) = links::all_down(host) {
                error!("{error}; nobody listens there any more all the same");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_agent_that_ironic_forgot_ends_to_be_started_again_and_leaves_nothing() {
        let root = std::env::temp_dir().join(format!("ironlet-end-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        fs::create_dir_all(host.run("")).expect("a temporary directory");
        for name in ["session", "command", "written"] {
            fs::write(host.run(name), "{}").expect("a temporary directory");
        }
        let error = End::Forgotten.leave(&host).expect_err("a new one is due");
        assert!(error.details().contains("forgotten"), "{error}");
        let left = fs::read_dir(host.run("")).expect("a directory").count();
        assert_eq!(left, 0);
        fs::remove_dir_all(root).expect("it was made here");
    }
}

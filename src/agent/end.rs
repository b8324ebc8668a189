//! How the agent ends its talk with Ironic: locked down, or the machine left to its tenant.

use log::{error, info, warn};

use crate::agent::saved_identity::SavedIdentity;
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
    /// Ironic knows the token or the node no more, as far as it says.
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
            if let Err(error) = SavedIdentity::note_refusal(host) {
                error!("{error}");
            }
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
    use crate::agent::saved_identity::Left;
    use crate::secret::Secret;

    #[test]
    fn an_agent_that_ironic_forgot_ends_to_be_started_again_and_leaves_its_token() {
        let root = std::env::temp_dir().join(format!("ironlet-end-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        let life = Secret::new("life");
        let token = Some(Secret::new("token"));
        let mut session = SavedIdentity::new(life.clone());
        session.token = token.clone();
        session.keep(&host).expect("a temporary directory");
        let error = End::Forgotten.leave(&host).expect_err("a new one is due");
        assert!(error.details().contains("forgotten"), "{error}");
        let Ok(Left::Identity(left)) = SavedIdentity::restore(&host, &life) else {
            panic!("nobody is left");
        };
        assert!(left.is_refused && left.token == token);
        fs::remove_dir_all(root).expect("it was made here");
    }
}

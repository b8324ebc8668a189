//! The phases of a node's life in which steps run: cleaning, deploying, servicing.

use crate::error::Kind;

/// What a step is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before a node is free.
    Clean,
    /// Before it is in use.
    Deploy,
    /// While it is in use.
    Service,
}

impl Phase {
    /// The word in the names of commands, arguments and results.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Clean => "clean",
            Phase::Deploy => "deploy",
            Phase::Service => "service",
        }
    }

    /// The kind of error a failed step of this phase is.
    pub fn failure(self) -> Kind {
        match self {
            Phase::Clean => Kind::CleaningError,
            Phase::Deploy => Kind::DeploymentError,
            Phase::Service => Kind::ServicingError,
        }
    }
}

//! What a command is: its name, what it takes, what it does.

use crate::codec::json::{Object, Value};
use crate::command::started_command::Entry;
use crate::error::{Error, Kind, Result};
use crate::steps::step_context::Machine;

/// One command: what it is called, what it takes and what it does.
pub(super) struct Command {
    /// `<extension>.<command>`
    pub name: &'static str,
    pub mode: Mode,
    /// Parameters that must be there.
    pub needs: &'static [&'static str],
    /// Parameters that may be there as well.
    pub takes: &'static [&'static str],
    /// Further parameters are the business of `run`.
    pub open: bool,
    /// Refuses a request before anything runs.
    pub check: Option<fn(&Machine, &Object) -> Result<()>>,
    pub run: fn(&Machine, &Entry, Object) -> Result<Value>,
    /// Its parameters list other commands, which are what runs.
    pub is_flow: bool,
    /// Follows a success once the reply is out.
    pub after: Option<fn(&Machine)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The reply comes when it is done.
    Sync,
    /// The reply comes at once; a thread does the work.
    Async,
}

pub(super) type Run = fn(&Machine, &Entry, Object) -> Result<Value>;
pub(super) type Names = &'static [&'static str];

/// What a command has unless it says otherwise.
pub(super) const fn plain(
    name: &'static str,
    mode: Mode,
    needs: Names,
    takes: Names,
    run: Run,
) -> Command {
    Command {
        name,
        mode,
        needs,
        takes,
        open: false,
        check: None,
        run,
        is_flow: false,
        after: None,
    }
}

impl Command {
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or(("", self.name))
    }

    /// Parameters are named arguments: one too many is an error, and so is one too few.
    pub fn accepts(&self, params: &Object) -> Result<()> {
        let (_, bare) = self.parts();
        let known =
            |name: &str| self.open || self.needs.contains(&name) || self.takes.contains(&name);
        let missing = self.needs.iter().find(|name| !params.contains_key(**name));
        let stranger = params.keys().find(|name| !known(name));
        let why = match (missing, stranger) {
            (Some(missing), _) => format!("{bare} needs an argument '{missing}'"),
            (None, Some(stranger)) => format!("{bare} has no argument '{stranger:.100}'"),
            (None, None) => return Ok(()),
        };
        Err(Error::new(Kind::CommandExecutionError, why))
    }
}

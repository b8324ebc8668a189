//! `rescue.finalize_rescue`: who may log in from now on; then the machine is its tenant's.

use log::info;

use super::Entry;
use crate::codec::json::{Fields, Object, Value};
use crate::error::{Context, Error, Kind, Result};
use crate::rescue;
use crate::rescue::{accounts, password_hash};
use crate::steps::step_context::Machine;
use crate::sys::kernel;

/// A failure is told Ironic as one of the command: a refusal of the request it would take for an agent that is too old.
pub(super) fn finalize_rescue(machine: &Machine, _: &Entry, params: Object) -> Result<Value> {
    settle(machine, &params).kind(Kind::CommandExecutionError)?;
    Ok(Value::Null)
}

fn settle(machine: &Machine, params: &Object) -> Result<()> {
    if let Some(why) = rescue::lacking(&machine.host) {
        return Err(Error::new(Kind::CommandExecutionError, why));
    }
    let given = |error: Error| Error::new(Kind::CommandExecutionError, error.details());
    let password = params.string("rescue_password").map_err(given)?;
    let password = password.unwrap_or_default();
    let hash = match params.boolean("hashed").map_err(given)? {
        Some(true) => password_hash::taken(password)?,
        Some(false) | None => {
            let mut salt = [0; password_hash::SALT];
            kernel::random(&mut salt).context("drawing a salt")?;
            password_hash::made(password, salt)?
        }
    };
    accounts::make(&machine.host, Some(&hash)).context("making the account 'rescue'")?;
    rescue::mark(&machine.host)?;
    info!("the account 'rescue' has its password");
    Ok(())
}

//! What the outcome of a step says beside what was done or why it was not: that something was wished for in vain.

use crate::codec::json::{Object, Value, text};
use crate::error::Error;

/// `warnings` as a list of that name, if there are any; Ironic keeps what it does not know.
pub fn warn_of(result: &mut Object, warnings: &[String]) {
    if !warnings.is_empty() {
        let list = warnings.iter().map(|warning| text(warning.as_str()));
        result.insert("warnings".to_owned(), Value::Array(list.collect()));
    }
}

/// The same behind what went wrong: Ironic shows no more of a step that failed.
pub fn failed_with(error: Error, warnings: &[String]) -> Error {
    match warnings.is_empty() {
        true => error,
        false => {
            let warnings = warnings.join("; ");
            Error::new(
                error.kind(),
                format!("{} (warnings: {warnings})", error.details()),
            )
        }
    }
}

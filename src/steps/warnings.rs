//! What the result of a step says beside what was done: that something was wished for in vain.

use crate::codec::json::{Object, Value, text};

/// `warnings` as a list of that name, if there are any; Ironic keeps what it does not know.
pub fn warn_of(result: &mut Object, warnings: &[String]) {
    if !warnings.is_empty() {
        let list = warnings.iter().map(|warning| text(warning.as_str()));
        result.insert("warnings".to_owned(), Value::Array(list.collect()));
    }
}

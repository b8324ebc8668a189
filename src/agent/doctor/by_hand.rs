//! The examination for a person at the machine (`ironlet doctor`).

use crate::agent::Surroundings;
use crate::agent::doctor::examination::{Patient, examine};

/// What was found, as lines or JSON, and whether all of it is fine.
pub fn run(surroundings: &Surroundings, as_json: bool) -> (String, bool) {
    let findings = examine(&Patient::read(surroundings));
    let told = match as_json {
        true => findings.json(),
        false => findings.text(),
    };
    (told, findings.first().is_none())
}

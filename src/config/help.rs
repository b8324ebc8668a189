//! The table of parameters for people: `--help-parameters`.

use super::table::{Effect, TABLE};
use super::values;

/// The table for people: `--help-parameters`.
pub fn parameters_help() -> String {
    let mut text = String::from(
        "Parameters of the kernel command line, as name=value; most also go into [DEFAULT] of\n\
         /etc/ironic-python-agent.d/*.conf, where they win. The last of several wins.\n\n",
    );
    for parameter in TABLE {
        text += parameter.title();
        if !parameter.key.is_empty() && parameter.key != parameter.title() {
            text += &format!(" (in files: {})", parameter.key);
        }
        if parameter.name.is_empty() {
            text += " (in files only)";
        }
        text += &format!(
            "\n    {}\n    {}",
            parameter.help,
            values::describe(parameter.kind)
        );
        if !parameter.default.is_empty() {
            text += &format!("; default {}", parameter.default);
        }
        if parameter.effect == Effect::Ignored {
            text += "; accepted, but has no effect";
        }
        text += "\n";
    }
    text
}

//! Parameters that protect something: whoever misspells one is told at once, for without it less is protected than they think.

use crate::codec::near_miss::near_miss;
use crate::config::table::TABLE;
use crate::error::{Error, Result};

/// By the names of the command line, or where there is none by those of files.
const PROTECTING: [&str; 14] = [
    "ironlet.order-key",
    "ironlet.order-serial",
    "ironlet.checksum",
    "ironlet.image-key",
    "ironlet.signature",
    "ironlet.disk",
    "ironlet.medium",
    "ironlet.verify",
    "ipa-guard-special-filesystems",
    "ipa-agent-token",
    "ipa-tls-min-version",
    "ipa-tls-cipher-suites",
    "cafile",
    "fail_if_clock_not_set",
];

/// An error if `name`, which nobody knows, is almost one that protects.
pub fn check(origin: &str, name: &str) -> Result<()> {
    let meant = TABLE
        .iter()
        .filter(|parameter| PROTECTING.contains(&parameter.title()));
    let names = meant.flat_map(|parameter| [parameter.name, parameter.key]);
    match near_miss(name, names.filter(|name| !name.is_empty())) {
        None => Ok(()),
        // Ironic's agent knows no such word either, and goes on.
        Some(meant) if !meant.starts_with("ironlet.") && meant.eq_ignore_ascii_case(name) => Ok(()),
        Some(meant) => Err(Error::plain(format!(
            "{origin} sets {}, which nobody knows; {meant} protects something, and will be meant: correct it or take it away",
            name.escape_debug()
        ))),
    }
}

/// An error if a word of `command_line` that sets nothing is one that protects.
pub fn check_bare(origin: &str, command_line: &str) -> Result<()> {
    let mut bare = command_line
        .split_whitespace()
        .filter(|word| !word.contains('='));
    // Ironic's own are passed over by its agent.
    let named = bare.find(|word| wants_value(word));
    match named {
        None => Ok(()),
        Some(word) => Err(Error::plain(format!(
            "{origin} names {word} without a value: {word}=… is needed, or take it away"
        ))),
    }
}

/// Must `title` have a value where it is named? One of Ironic's own may be written empty; ours is empty where what was to fill it in had nothing.
pub fn wants_value(title: &str) -> bool {
    title.starts_with("ironlet.") && PROTECTING.contains(&title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_protects_is_in_the_table_and_is_near_no_other_parameter() {
        for protecting in PROTECTING {
            assert!(
                TABLE.iter().any(|p| p.title() == protecting),
                "{protecting}"
            );
        }
        for parameter in TABLE {
            for name in [parameter.name, parameter.key] {
                let near = check("here", name);
                assert!(near.is_ok(), "{name}: {near:?}");
            }
        }
    }
}

//! Text as udev writes it into a device's properties, where blanks and most signs become underscores. Pure.

/// Ends trimmed, runs of blanks one underscore, then [`replaced`]: how udev's helpers print serial numbers and models.
pub fn spelled(text: &str) -> String {
    let words: Vec<_> = text
        .split(|c: char| c.is_ascii_whitespace() || c == '\x0b')
        .filter(|word| !word.is_empty())
        .collect();
    replaced(&words.join("_"))
}

/// Every character that udev does not allow in a device name is an underscore: how its rules print what they join.
pub fn replaced(text: &str) -> String {
    let mut rest = text.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = rest.next() {
        // `\x20` and the like are left as they are, whatever follows.
        if c == '\\' && rest.as_str().starts_with('x') {
            rest.next();
            out.push_str("\\x");
            continue;
        }
        out.push(match c {
            '#' | '+' | '-' | '.' | ':' | '=' | '@' | '_' => c,
            _ if c.is_ascii_alphanumeric() => c,
            // What was no UTF-8 has been made this.
            char::REPLACEMENT_CHARACTER => '_',
            _ if !c.is_ascii() => c,
            _ => '_',
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_spelled_as_udev_spells_it() {
        // As recorded from udev 252: model and serial number of disks made to be awkward.
        for (given, expected) in [
            ("SCSI 0001", "SCSI_0001"),
            ("  Slot  A \t", "Slot_A"),
            ("Reader&Co", "Reader_Co"),
            ("Old/Disk #1", "Old_Disk_#1"),
            ("27842-0000:00:04.0-2", "27842-0000:00:04.0-2"),
            ("a\\x20b\\y", "a\\x20b_y"),
            ("größe\u{fffd}", "größe_"),
            ("", ""),
        ] {
            assert_eq!(spelled(given), expected, "{given:?}");
        }
        assert_eq!(
            replaced("QEMU NVMe Ctrl_NVME 3/x_7"),
            "QEMU_NVMe_Ctrl_NVME_3_x_7"
        );
        assert_eq!(replaced("two  blanks"), "two__blanks");
    }
}

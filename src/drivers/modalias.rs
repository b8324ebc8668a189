//! modules.alias: which modules drive a device, by patterns. Pure.

use std::collections::HashMap;

/// Patterns by what stands before their first colon ("pci", "virtio"): a device is compared with its own bus only.
pub struct Aliases {
    by_bus: HashMap<String, Vec<(String, String)>>,
}

/// The bus of patterns that leave theirs open ("acpi*:PNP0A08:*").
const ANY: &str = "*";

impl Aliases {
    /// Lines of `alias <pattern> <module>`; others are passed over.
    pub fn parse(text: &str) -> Self {
        let mut by_bus: HashMap<String, Vec<_>> = HashMap::new();
        for line in text.lines() {
            let words: Vec<_> = line.split_ascii_whitespace().collect();
            if let ["alias", pattern, module] = words[..] {
                let bus = match bus(pattern) {
                    open if open.contains(['*', '?', '[']) => ANY,
                    bus => bus,
                };
                let entry = (pattern.to_owned(), module.to_owned());
                by_bus.entry(bus.to_owned()).or_default().push(entry);
            }
        }
        Aliases { by_bus }
    }

    /// The modules for a device, in the file's order; several may claim one device.
    pub fn modules<'a>(&'a self, device: &'a str) -> impl Iterator<Item = &'a str> {
        let listed = [bus(device), ANY];
        let listed = listed.into_iter().filter_map(|bus| self.by_bus.get(bus));
        listed
            .flatten()
            .filter(move |(pattern, _)| matches(pattern, device))
            .map(|(_, module)| module.as_str())
    }
}

fn bus(alias: &str) -> &str {
    alias.split(':').next().unwrap_or(alias)
}

/// fnmatch(3) without flags: `*`, `?`, `[a-z]` and `[!a-z]`. On a mismatch only the last `*` takes one
/// character more, so the time is at most the product of the two lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
            continue;
        }
        if let Some(taken) = one(&pattern[p..], text[t]) {
            p += taken;
            t += 1;
            continue;
        }
        let Some((at, from)) = star else { return false };
        star = Some((at, from + 1));
        (p, t) = (at + 1, from + 1);
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// How much of the pattern one character uses up, if it fits.
fn one(pattern: &[u8], character: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', set @ ..] => {
            let end = set.iter().skip(1).position(|byte| *byte == b']')? + 1;
            let (set, inverted) = match &set[..end] {
                [b'!' | b'^', set @ ..] => (set, true),
                set => (set, false),
            };
            (in_set(set, character) != inverted).then_some(end + 2)
        }
        [byte, ..] => (*byte == character).then_some(1),
        [] => None,
    }
}

fn in_set(mut set: &[u8], character: u8) -> bool {
    loop {
        match set {
            [low, b'-', high, rest @ ..] => {
                if (*low..=*high).contains(&character) {
                    return true;
                }
                set = rest;
            }
            [byte, rest @ ..] => {
                if *byte == character {
                    return true;
                }
                set = rest;
            }
            [] => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_fnmatch_does() {
        for (pattern, text, matched) in [
            (
                "pci:v00001AF4d*sv*sd*bc*sc*i*",
                "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00",
                true,
            ),
            (
                "pci:v00008086d*sv*sd*bc*sc*i*",
                "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00",
                false,
            ),
            ("virtio:d00000001v*", "virtio:d00000001v00001AF4", true),
            (
                "usb:v*p*d*dc*dsc*dp*ic08isc06ip50in*",
                "usb:v0781p5567d0100dc00dsc00dp00ic08isc06ip50in00",
                true,
            ),
            ("usb:v0B95p772[ABab]*", "usb:v0B95p772B0001", true),
            ("usb:v0B95p772[0-9]*", "usb:v0B95p772B0001", false),
            ("a[!b]c", "axc", true),
            ("a[!b]c", "abc", false),
            ("a[]]c", "a]c", true),
            ("a[bc", "abc", false),
            ("*a*b", "xaxbxab", true),
            ("a?", "a", false),
            ("", "", true),
            ("*", "", true),
            ("a", "", false),
        ] {
            assert_eq!(matches(pattern, text), matched, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&"*a".repeat(2000), &"a".repeat(1999)));
        assert!(!matches(&("*a".repeat(50) + "b"), &"a".repeat(20_000)));
    }

    #[test]
    fn a_device_gets_every_module_that_claims_it() {
        let aliases = Aliases::parse(
            "# Aliases extracted from modules themselves.\n\
             alias pci:v00008086d* first\n\
             alias acpi*:PNP0501:* serial\n\
             alias pci:v00008086d00001572sv* second\n\
             alias broken\n",
        );
        let modules = |device| aliases.modules(device).collect::<Vec<_>>();
        assert_eq!(modules("pci:v00008086d00001572sv1"), ["first", "second"]);
        assert_eq!(modules("acpi:PNP0501:"), ["serial"]);
        assert_eq!(modules("virtio:d00000001v00001AF4"), [""; 0]);
    }
}

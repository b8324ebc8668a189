//! Regular expressions of operators, looked for in device paths. They are written for Python's `re`.

use regex_lite::{Regex, RegexBuilder};

use crate::error::{Error, Kind, Result};

/// Regular expressions, one of which must be found.
pub struct Patterns(Vec<Regex>);

/// The reference agent's own: what systems leave behind, and neither the network nor the firmware's own.
pub const DEFAULT: &[&str] = &[r"^HD\(", r"shim.*\.efi", r"grub.*\.efi"];

/// Bounds on what one request makes us hold: patterns, bytes of one, and bytes of what it becomes.
const COUNT: usize = 100;
const LENGTH: usize = 1000;
const SIZE: usize = 256 << 10;

impl Patterns {
    /// Letter case does not count. The error names the pattern that cannot be used.
    pub fn new<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> Result<Self> {
        let invalid = |why: String| Error::new(Kind::InvalidCommandParamsError, why);
        if texts.len() > COUNT {
            return Err(invalid(format!("there may be {COUNT} patterns at most")));
        }
        let patterns = texts.map(|text| {
            if text.len() > LENGTH {
                let why = format!("pattern '{text:.100}…' is longer than {LENGTH} bytes");
                return Err(invalid(why));
            }
            let built = RegexBuilder::new(text).case_insensitive(true).size_limit(SIZE).build();
            built.map_err(|error| {
                invalid(format!(
                    "pattern '{text}' is no regular expression of this build: {error} (of Python's, \
                     look-around, back-references and \\Z are not in it)"
                ))
            })
        });
        patterns.collect::<Result<_>>().map(Patterns)
    }

    /// Is any of them found anywhere in `text`?
    pub fn find(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_found_anywhere_in_any_case() {
        for (pattern, text, found) in [
            (DEFAULT[0], "HD(1,GPT,00112233)/File(\\a)", true),
            (DEFAULT[0], "hd(1,GPT)", true),
            (DEFAULT[0], "PciRoot(0x0)/Pci(0x1,0x0)/HD(1)", false),
            (DEFAULT[1], r"VenHw(99)/File(\EFI\SHIMX64.EFI)", true),
            (DEFAULT[2], r"HD(1)/File(\EFI\grub\core.efi)", true),
            (DEFAULT[2], r"HD(1)/File(\EFI\grub)", false),
            (
                r"(?i)mac\(5254[0-9a-f]{8},1\)",
                "PciRoot(0x0)/MAC(525400123456,1)",
                true,
            ),
            ("", "anything", true),
        ] {
            let patterns = Patterns::new([pattern].into_iter()).expect(pattern);
            assert_eq!(patterns.find(text), found, "{pattern} in {text}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let long = "a".repeat(LENGTH + 1);
        for pattern in [
            "(",
            r"(a)\1",
            "(?=a)",
            "(?<!a)b",
            r"a\Z",
            "a{1000}{1000}",
            &long,
            &"(".repeat(900),
        ] {
            let error = Patterns::new([pattern].into_iter()).err().expect(pattern);
            assert_eq!(error.kind(), Kind::InvalidCommandParamsError);
            assert!(
                error.details().contains(&pattern[..pattern.len().min(100)]),
                "{error}"
            );
        }
        assert!(Patterns::new(vec!["a"; COUNT + 1].into_iter()).is_err());
    }
}

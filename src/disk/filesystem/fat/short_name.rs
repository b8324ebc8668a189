//! Short names for the files of one folder of a FAT file system: eight letters and three, no two the same.

use std::collections::{BTreeMap, BTreeSet};

/// Letters of the base, those of the extension behind them, blanks at the end of each.
pub type ShortName = [u8; 11];
const BASE: usize = 8;

/// Which are taken, and where to look for one that is not.
#[derive(Default)]
pub struct ShortNames {
    taken: BTreeSet<ShortName>,
    /// Of names that begin alike, with `~` and as many digits, the next number to try.
    next: BTreeMap<(ShortName, usize), u32>,
}

impl ShortNames {
    pub fn take(&mut self, short: ShortName) {
        self.taken.insert(short);
    }

    /// One that nobody has: the name itself where it is short, else with `~number`. It costs no more the more there are.
    pub fn find(&mut self, name: &str) -> Option<ShortName> {
        let (base, extension, whole) = letters(name);
        let own = joined(&base, &extension);
        if whole && self.taken.insert(own) {
            return Some(own);
        }
        for digits in 1..BASE - 1 {
            let stem = &base[..base.len().min(BASE - 1 - digits)];
            let (first, end) = (10u32.pow(digits as u32 - 1), 10u32.pow(digits as u32));
            let start = (joined(stem, &extension), digits);
            let next = self.next.entry(start).or_insert(first);
            while *next < end {
                let numbered = [stem, b"~", next.to_string().as_bytes()].concat();
                *next += 1;
                let short = joined(&numbered, &extension);
                if self.taken.insert(short) {
                    return Some(short);
                }
            }
        }
        None
    }
}

/// Base and extension in letters that short names have, and whether that is all of the name.
fn letters(name: &str) -> (Vec<u8>, Vec<u8>, bool) {
    let (base, extension) = match name.rsplit_once('.') {
        Some((base, extension)) if !base.is_empty() => (base, extension),
        _ => (name, ""),
    };
    let mut whole = true;
    let mut part = |text: &str, most: usize| -> Vec<u8> {
        let fit = |c: char| c.is_ascii_alphanumeric() || "$%'-_@~`!(){}^#&".contains(c);
        let letters = text.chars().filter(|c| !matches!(c, ' ' | '.'));
        let mut letters: Vec<u8> = letters
            .map(|c| if fit(c) { c as u8 } else { b'_' })
            .collect();
        whole &= letters.len() <= most && text.chars().all(fit);
        letters.truncate(most);
        letters.to_ascii_uppercase()
    };
    let (base, extension) = (part(base, BASE), part(extension, 3));
    (base, extension, whole)
}

fn joined(base: &[u8], extension: &[u8]) -> ShortName {
    let mut short = [b' '; 11];
    short[..base.len()].copy_from_slice(base);
    short[BASE..BASE + extension.len()].copy_from_slice(extension);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_alike_are_numbered() {
        let mut names = ShortNames::default();
        names.take(*b"LONGNA~2TXT");
        for (name, short) in [
            ("file.txt", b"FILE    TXT"),
            ("FILE.TXT", b"FILE~1  TXT"),
            ("longname one.txt", b"LONGNA~1TXT"),
            ("longname two.txt", b"LONGNA~3TXT"),
            ("größe", b"GR__E~1    "),
            (".profile", b"PROFIL~1   "),
            ("a.b.c", b"AB~1    C  "),
            ("~1", b"~1         "),
        ] {
            assert_eq!(names.find(name), Some(*short), "{name}");
        }
        for number in 4..10 {
            assert_eq!(
                names.find("longname x.txt").map(|s| s[7]),
                Some(b'0' + number)
            );
        }
        assert_eq!(names.find("longname x.txt"), Some(*b"LONGN~10TXT"));
        assert_eq!(names.find("longn.txt"), Some(*b"LONGN   TXT"));
    }
}

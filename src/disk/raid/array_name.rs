//! The names an array goes by, and whether a person meant it: by its volume, with or without a machine's name before it, by the link
//! udev makes of that, or by what the kernel calls it now.

use crate::system_root::device_name;

/// What an array is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArrayName {
    /// As its superblocks have it: `data`, or `host:data`. Superblocks 0.90 have none.
    pub full: String,
    /// What the kernel calls it, if it is put together.
    pub kernels: Vec<String>,
}

/// A name without the machine's before it.
pub fn volume(full: &str) -> &str {
    own(full).rsplit(':').next().unwrap_or_default()
}

/// What mdadm adds when it tells a name is no part of it; blanks may be.
fn own(full: &str) -> &str {
    full.split(" (local").next().unwrap_or_default().trim()
}

impl ArrayName {
    /// The volume's name, without the machine's before it (protocol/inventory.md §8); empty if there is none.
    pub fn volume(&self) -> &str {
        volume(&self.full)
    }

    /// Is it what is meant by `word`: `data`, `host:data`, `/dev/md/data`, `/dev/md/host:data`, `md127` or `/dev/md127`? Letter case does
    /// not matter. An array of no machine's is that of any machine; upstream knows the first spelling alone.
    pub fn is(&self, word: &str) -> bool {
        let word = word.trim().to_lowercase();
        let named = word.strip_prefix(&device_name("md/"));
        let word = named
            .or(word.strip_prefix(&device_name("")))
            .unwrap_or(&word);
        if word.is_empty() {
            return false;
        }
        let full = own(&self.full).to_lowercase();
        match word.rsplit_once(':') {
            Some((_, rest)) if !full.contains(':') => !rest.is_empty() && full == rest,
            Some(_) => full == word,
            None => {
                volume(&full) == word
                    || named.is_none() && self.kernels.iter().any(|own| own == word)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_meant_by_every_spelling_there_is_of_it_and_by_no_other() {
        let name = |full: &str, kernel: &str| ArrayName {
            full: full.to_owned(),
            kernels: vec![kernel.to_owned()],
        };
        let (hosted, bare) = (name("host:data", "md127"), name("data (local)", "md126"));
        let nameless = name("", "md125");
        let blank = name("host:a b\tc", "md124");
        for (word, meant) in [
            ("a b\tc", true),
            ("host:A b\tc ", true),
            ("a", false),
            ("a b", false),
        ] {
            assert_eq!(blank.is(word), meant, "{word}");
        }
        for (word, meant) in [
            ("data", "hosted bare"),
            ("DATA ", "hosted bare"),
            ("host:data", "hosted bare"),
            ("other:data", "bare"),
            ("/dev/md/data", "hosted bare"),
            ("/dev/md/host:data", "hosted bare"),
            ("md127", "hosted"),
            ("/dev/md127", "hosted"),
            ("/dev/md126", "bare"),
            ("md125", "nameless"),
            ("/dev/md125", "nameless"),
            // There is no such link.
            ("/dev/md/md127", ""),
            ("host", ""),
            ("dat", ""),
            ("host:", ""),
            (":", ""),
            ("", ""),
            ("/dev/", ""),
            ("/dev/md/", ""),
        ] {
            let all = [
                ("hosted", &hosted),
                ("bare", &bare),
                ("nameless", &nameless),
            ];
            let found = all.iter().filter(|(_, array)| array.is(word));
            let found: Vec<_> = found.map(|(name, _)| *name).collect();
            assert_eq!(found.join(" "), meant, "{word}");
        }
        assert_eq!(
            [hosted.volume(), bare.volume(), nameless.volume()],
            ["data", "data", ""]
        );
    }
}

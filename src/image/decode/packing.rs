//! How an image may be packed: by the name of its file, and by its first bytes.

/// How a raw image is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The .xz file format 1.2.
    Xz,
    /// Of bzip2 1.0.
    Bzip2,
}

impl Packing {
    /// By the ending of a file's name; beside it the name of what is inside.
    pub fn named(file: &str) -> Option<(Self, &str)> {
        let endings = [
            (".gz", Packing::Gzip),
            (".gzip", Packing::Gzip),
            (".zst", Packing::Zstd),
            (".zstd", Packing::Zstd),
            (".xz", Packing::Xz),
            (".bz2", Packing::Bzip2),
            (".bzip2", Packing::Bzip2),
        ];
        endings.into_iter().find_map(|(ending, packing)| {
            let (inside, last) = file.split_at_checked(file.len().checked_sub(ending.len())?)?;
            last.eq_ignore_ascii_case(ending)
                .then_some((packing, inside))
        })
    }

    /// By the first bytes.
    pub fn begun_by(head: &[u8]) -> Option<Self> {
        match head {
            // RFC 1952, 2.3.1: two bytes and the one method there is.
            [0x1f, 0x8b, 8, ..] => Some(Packing::Gzip),
            // RFC 8878, 3.1.1 and 3.1.2: a frame, or one to skip before it as pzstd writes it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                Some(Packing::Zstd)
            }
            // xz-file-format 1.2.1, 2.1.1.1
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Packing::Xz),
            // Its level, and where the first block begins.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, ..] => Some(Packing::Bzip2),
            _ => None,
        }
    }

    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
            Packing::Xz => "xz",
            Packing::Bzip2 => "bzip2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_how_its_file_is_packed() {
        for (name, packed) in [
            ("a.raw.gz", Some((Packing::Gzip, "a.raw"))),
            ("a.Gzip", Some((Packing::Gzip, "a"))),
            ("a.ZST", Some((Packing::Zstd, "a"))),
            ("a.img.zstd", Some((Packing::Zstd, "a.img"))),
            (".xz", Some((Packing::Xz, ""))),
            ("a.raw", None),
            ("gz", None),
            ("ä€z", None),
            ("", None),
        ] {
            assert_eq!(Packing::named(name), packed, "{name}");
        }
    }
}

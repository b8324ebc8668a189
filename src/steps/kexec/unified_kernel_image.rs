//! Where the kernel, the initramfs and the command line lie in a unified kernel image: the sections of a PE file. Pure.

/// Bytes of the file to read for [`sections`].
pub const HEAD: usize = 4096;

/// The most sections looked at: systemd-stub's have a dozen.
const MOST_SECTIONS: usize = 64;

/// One section: where its content begins in the file, and how many bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// From the file's beginning, in bytes.
    pub at: u64,
    /// In bytes.
    pub len: u64,
}

/// What a unified kernel image is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sections {
    /// `.linux`
    pub linux: Section,
    /// `.initrd`
    pub initrd: Option<Section>,
    /// `.cmdline`
    pub command_line: Option<Section>,
}

/// From the beginning of a file; none if it is no unified kernel image.
pub fn sections(head: &[u8]) -> Option<Sections> {
    // Microsoft's PE Format: the offset of the signature is at 0x3c; behind the signature the COFF header of 20 bytes, with the number of
    // sections at 2 and the size of the optional header at 16; then the table, 40 bytes each.
    let word = |at: usize| Some(u16::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let long = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
    if head.get(..2)? != b"MZ" {
        return None;
    }
    let pe = long(0x3c)? as usize;
    if head.get(pe..pe.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    let (count, optional) = (word(pe + 6)? as usize, word(pe + 20)? as usize);
    let table = pe + 24 + optional;
    let (mut linux, mut initrd, mut command_line) = (None, None, None);
    for index in 0..count.min(MOST_SECTIONS) {
        let at = table + 40 * index;
        let name = head.get(at..at + 8)?;
        // What is in memory may be shorter than what is in the file, which is filled up.
        let len = long(at + 8)?.min(long(at + 16)?) as u64;
        let section = Some(Section {
            at: long(at + 20)? as u64,
            len,
        });
        match name {
            b".linux\0\0" => linux = section,
            b".initrd\0" => initrd = section,
            b".cmdline" => command_line = section,
            _ => {}
        }
    }
    Some(Sections {
        linux: linux?,
        initrd,
        command_line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PE head with these sections: name, bytes in memory, bytes in the file, offset.
    fn image(sections: &[(&[u8; 8], u32, u32, u32)]) -> Vec<u8> {
        let mut head = vec![0; 0x80];
        head[..2].copy_from_slice(b"MZ");
        head[0x3c] = 0x80;
        head.extend(b"PE\0\0");
        head.extend([0x64, 0x86]);
        head.extend((sections.len() as u16).to_le_bytes());
        head.extend([0; 12]);
        head.extend(16u16.to_le_bytes());
        head.extend([0; 2 + 16]);
        for (name, memory, file, at) in sections {
            head.extend(*name);
            for number in [*memory, 0, *file, *at] {
                head.extend(number.to_le_bytes());
            }
            head.extend([0; 16]);
        }
        head
    }

    #[test]
    fn sections_lie_where_the_table_says() {
        let whole = image(&[
            (b".text\0\0\0", 1, 512, 512),
            (b".cmdline", 20, 512, 1024),
            (b".linux\0\0", 600, 1024, 1536),
            (b".initrd\0", 700, 1024, 2560),
        ]);
        let found = sections(&whole).expect("a unified kernel image");
        assert_eq!(found.linux, Section { at: 1536, len: 600 });
        assert_eq!(found.initrd, Some(Section { at: 2560, len: 700 }));
        assert_eq!(found.command_line, Some(Section { at: 1024, len: 20 }));
        for len in 0..whole.len() {
            assert_eq!(
                sections(&whole[..len]).filter(|_| len < whole.len() - 40),
                None
            );
        }
        assert_eq!(sections(&image(&[(b".text\0\0\0", 1, 512, 512)])), None);
        let mut wild = whole.clone();
        wild[0x3c..0x40].copy_from_slice(&[0xff; 4]);
        assert_eq!(sections(&wild), None);
    }
}

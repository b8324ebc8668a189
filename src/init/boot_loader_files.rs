//! Files of a boot medium as its boot loader laid them behind the ramdisk: one file of the ramdisk, cut here into what they were.
//!
//! GRUB can make an archive of files by itself (`initrd newc:…`), but before 2.12 leaves out the NUL behind their names, and kernels
//! have refused such archives since 6.1.120. So the media bring the head of an archive's last file, larger than what follows.

use std::fs;

use crate::error::{Context, Error, Result};
use crate::system_root::{SystemRoot, read_bytes};

/// The one file there is, named by the head (`initramfs/media.sh` makes it).
const JOINED: &str = "/ironlet.conf";
/// What stands before each further one, and its name here.
const NEXT: [(&[u8], &str); 2] = [
    (b"\n==> ironlet: ca.pem <==\n", "/ca.pem"),
    (b"   \n==> ironlet: order.json <==\n", "/order.json"),
];
/// What the head says is the size of all.
const HEAD_SAYS: u64 = 512 << 10;

/// Cuts the file, if there is one that was laid there so. Files of a ramdisk that was built with them stay as they are.
///
/// # Errors
/// There is no room, or there was more than the head takes.
pub fn cut(host: &SystemRoot) -> Result<()> {
    let path = host.seen(JOINED);
    if fs::metadata(&path).is_ok_and(|data| data.len() == HEAD_SAYS) {
        let bytes = read_bytes(&path, HEAD_SAYS).map_err(Error::from);
        let bytes = bytes.with_context(|| format!("reading {JOINED}"))?;
        for (name, content) in parts(&bytes.unwrap_or_default()) {
            let written = fs::write(host.seen(name), content);
            written.with_context(|| format!("writing {name}"))?;
        }
    }
    Ok(())
}

/// Name and content of each.
fn parts(mut bytes: &[u8]) -> Vec<(&'static str, &[u8])> {
    let (mut name, mut parts) = (JOINED, Vec::new());
    for (mark, next) in NEXT {
        let at = bytes.windows(mark.len()).position(|here| here == mark);
        if let Some(at) = at {
            parts.push((name, without_padding(&bytes[..at])));
            (name, bytes) = (next, &bytes[at + mark.len()..]);
        }
    }
    parts.push((name, without_padding(bytes)));
    parts
}

/// Boot loaders lay files at multiples of four, and the kernel's file is as long as its head says.
fn without_padding(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    // The last character of UTF-16 has a NUL of its own.
    let is_wide = bytes.starts_with(&[0xff, 0xfe]) && end % 2 == 1;
    &bytes[..(end + usize::from(is_wide)).min(bytes.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_what_they_were() {
        let laid = |conf: &[u8], further: [Option<&[u8]>; NEXT.len()]| {
            let mut bytes = conf.to_vec();
            bytes.resize(conf.len().next_multiple_of(4), 0);
            for ((mark, _), file) in NEXT.iter().zip(further) {
                if let Some(file) = file {
                    bytes.extend(*mark);
                    bytes.resize(bytes.len().next_multiple_of(4), 0);
                    bytes.extend(file);
                    bytes.resize(bytes.len().next_multiple_of(4), 0);
                }
            }
            bytes.resize(HEAD_SAYS as usize, 0);
            bytes
        };
        let wide = b"\xff\xfea\0=\0b\0\n\0";
        for conf in [
            &b""[..],
            b"a",
            b"ab=c\r\n",
            b"a\0b",
            wide,
            b"\xfe\xff\0a",
            b"\xff\xfe",
        ] {
            assert_eq!(parts(&laid(conf, [None; 2])), [(JOINED, conf)]);
            for order in [&wide[..], b"{}", b"\xef\xbb\xbf{\"then\": \"wait\"}\r\n"] {
                let alone = laid(conf, [None, Some(order)]);
                assert_eq!(parts(&alone), [(JOINED, conf), ("/order.json", order)]);
                let all = laid(conf, [Some(b"-----BEGIN"), Some(order)]);
                assert_eq!(parts(&all)[2], ("/order.json", order));
                assert_eq!(parts(&all)[0], (JOINED, conf));
            }
            let both = laid(conf, [Some(b"-----BEGIN"), None]);
            let found = parts(&both);
            assert_eq!(found[0], (JOINED, conf));
            let pem = String::from_utf8_lossy(found[1].1).into_owned();
            assert_eq!(
                (found[1].0, pem.trim_matches('\0')),
                ("/ca.pem", "-----BEGIN")
            );
        }
    }

    #[test]
    fn only_what_a_boot_loader_laid_there_is_cut() {
        let root = std::env::temp_dir().join(format!("boot-loader-files-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        assert!(cut(&host).is_ok(), "there is none");
        fs::create_dir_all(&root).expect("writable");
        let file = host.seen(JOINED);
        for (size, left) in [(100, 100), (HEAD_SAYS as usize, 4)] {
            let mut bytes = b"a=b\n".to_vec();
            bytes.resize(size, 0);
            fs::write(&file, bytes).expect("writable");
            cut(&host).expect("readable and writable");
            assert_eq!(fs::metadata(&file).expect("there").len(), left);
        }
        fs::remove_dir_all(&root).expect("ours");
    }
}

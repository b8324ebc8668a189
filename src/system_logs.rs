//! What somebody needs to find out why a deployment or an inspection failed, as one archive: for `log.collect_system_logs` and
//! the collector `logs`.
//!
//! Ironic stores it on every failed deploy; it holds no token, password or signed URL.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;

use log::warn;

use crate::clock::Clock;
use crate::codec::tar::Archive;
use crate::codec::{self, gzip};
use crate::error::{Context, Result};
use crate::logger;
use crate::secret::redacted;
use crate::sys::kernel;
use crate::system_root::{SystemRoot, attribute, names};
use crate::units::{KIB, MIB};

/// All members together, before compression. The ring and the kernel's buffer fit with room to spare.
const WHOLE: u64 = 4 * MIB;
/// One file of the kernel's; a machine with a thousand disks fills a few hundred KiB.
const ONE: u64 = 512 * KIB;

/// Files of /proc that say what the machine is and how it stands.
const PROC: [&str; 14] = [
    "cmdline",
    "version",
    "uptime",
    "loadavg",
    "meminfo",
    "mounts",
    "partitions",
    "diskstats",
    "modules",
    "mdstat",
    "net/dev",
    "net/route",
    "net/ipv6_route",
    "self/status",
];

/// Attributes of /sys worth a line for each device of a class.
const SYS: [(&str, &[&str]); 2] = [
    (
        "block",
        &[
            "size",
            "ro",
            "removable",
            "queue/logical_block_size",
            "queue/physical_block_size",
            "queue/rotational",
            "device/vendor",
            "device/model",
            "device/state",
        ],
    ),
    (
        "class/net",
        &["address", "operstate", "carrier", "mtu", "speed"],
    ),
];

/// A gzipped tar, as base64; at most [`WHOLE`] before both.
pub fn archive(host: &SystemRoot, clock: &Clock) -> Result<String> {
    // The clock of a machine may stand before 1970; tar's cannot.
    let now = clock.unix().max(0.0) as u64;
    let mut archive = Archive::default();
    for (name, content) in members(host) {
        let content = clean(&content);
        if (archive.size() + content.len()) as u64 > WHOLE {
            warn!("{name} is left out, the archive is full");
            continue;
        }
        archive.add(&name, now, content.as_bytes());
    }
    let packed = gzip::pack(&archive.finish()).context("packing logs")?;
    Ok(codec::base64::encode(&packed))
}

/// Names and contents, the most telling first. What is not there is left out.
fn members(host: &SystemRoot) -> Vec<(String, Vec<u8>)> {
    let mut members = vec![("agent.log".to_owned(), logger::ring())];
    // The kernel of a machine that is only a directory is not this one.
    if host.is_here() {
        match kernel::kernel_log() {
            Ok(log) => members.push(("kernel.log".to_owned(), newest(log))),
            Err(error) => warn!("reading the kernel log: {error}"),
        }
    }
    for name in PROC {
        let mut content = Vec::new();
        let file = File::open(host.proc(name));
        if file
            .and_then(|file| file.take(ONE).read_to_end(&mut content))
            .is_ok()
        {
            members.push((format!("proc/{name}"), content));
        }
    }
    for (class, attributes) in SYS {
        let name = format!("sys/{class}");
        members.push((name, devices(host, class, attributes).into_bytes()));
    }
    members
}

/// `sda size=2097152 ro=0 …`, a line each.
fn devices(host: &SystemRoot, class: &str, attributes: &[&str]) -> String {
    let mut lines = String::new();
    for device in names(host.sys(class)) {
        lines.push_str(&device);
        for name in attributes {
            let value = attribute(host.sys(class).join(&device).join(name));
            if let Some(value) = value {
                // Writing to a string does not fail.
                let _ = write!(lines, " {name}={value:.200}");
            }
        }
        lines.push('\n');
    }
    lines
}

/// Of a log that is too long, the end is worth more. It begins with a whole line: from half a name
/// nobody could tell that a secret follows.
fn newest(mut log: Vec<u8>) -> Vec<u8> {
    let surplus = log.len().saturating_sub(2 * ONE as usize);
    if surplus > 0 {
        let line = log[surplus - 1..].iter().position(|byte| *byte == b'\n');
        log.drain(..line.map_or(log.len(), |end| surplus + end));
    }
    log
}

/// Text without secrets: the kernel's log repeats the command line, token and all.
fn clean(content: &[u8]) -> String {
    let content = String::from_utf8_lossy(content);
    let words = content.split_inclusive(char::is_whitespace);
    words.fold(String::with_capacity(content.len()), |mut clean, word| {
        let bare = word.trim_end();
        match bare.split_once('=') {
            Some((key, _)) if is_secret(key) => {
                clean.push_str(key);
                clean.push_str("=(secret)");
            }
            Some((key, value)) if value.contains("://") => {
                clean.push_str(key);
                clean.push('=');
                clean.push_str(&redacted(value));
            }
            _ if bare.contains("://") => clean.push_str(&redacted(bare)),
            _ => clean.push_str(bare),
        }
        clean.push_str(&word[bare.len()..]);
        clean
    })
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["token", "passw", "secret", "credential"]
        .iter()
        .any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_and_the_rest_stays() {
        for (line, shown) in [
            (
                "quiet ipa-agent-token=abc console=ttyS0\n",
                "quiet ipa-agent-token=(secret) console=ttyS0\n",
            ),
            (
                "Command line: ipa-api-url=http://u:p@h:6385/x?sig=1  ro",
                "Command line: ipa-api-url=http://h:6385/x  ro",
            ),
            (
                "ironlet.image=http://h/i,https://u:p@g/i",
                "ironlet.image=http://h/i,https://g/i",
            ),
            (
                "ipa-image-server-password=a=b",
                "ipa-image-server-password=(secret)",
            ),
            (
                "fetching https://h/i.raw?temp_url_sig=1\r\n\n",
                "fetching https://h/i.raw\r\n\n",
            ),
            ("MemFree:  1 kB\n", "MemFree:  1 kB\n"),
        ] {
            assert_eq!(clean(line.as_bytes()), shown);
        }
    }

    #[test]
    fn a_long_log_keeps_its_last_lines_whole() {
        let whole = 2 * ONE as usize;
        let long =
            |begin: &str| [begin.as_bytes(), &vec![b'a'; whole - 9], b"\nthe end\n"].concat();
        assert_eq!(newest(long("")).len(), whole);
        assert_eq!(newest(long("token=x")), b"the end\n");
        let fits = newest(long("cut\n"));
        assert_eq!((fits.len(), fits[0]), (whole, b'a'));
        assert!(newest(vec![b'a'; whole + 1]).is_empty());
    }
}

//! What somebody needs to find out why a deployment or an inspection failed, as one archive: for `log.collect_system_logs` and
//! the collector `logs`.
//!
//! Ironic stores it on every failed deploy; it holds no token, password or signed URL.

mod devices;
mod disks;
mod network;

use std::fs::File;
use std::io::Read;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use log::warn;

use crate::clock::Clock;
use crate::codec::tar::Archive;
use crate::codec::{self, gzip, json};
use crate::error::{Context, Result};
use crate::inventory::dmi_decode;
use crate::logger;
use crate::redaction::clean;
use crate::sys::kernel;
use crate::system_root::SystemRoot;
use crate::units::{KIB, MIB};

/// All members together, before compression.
const WHOLE: u64 = 4 * MIB;
/// One file of the kernel's; a machine with a thousand disks fills a few hundred KiB.
const ONE: u64 = 512 * KIB;
/// What Ironic is sent, base64: the least telling members go until it fits.
const SENT: usize = 2 << 20;
/// How long disks may take to say who they are: one that is dying may never.
const PATIENCE: Duration = Duration::from_secs(1);

/// Files of /proc that say what the machine is and how it stands.
const PROC: [&str; 27] = [
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
    "net/arp",
    "net/snmp",
    "self/status",
    "sys/kernel/tainted",
    "swaps",
    "vmstat",
    "buddyinfo",
    "consoles",
    "filesystems",
    "iomem",
    "ioports",
    "softirqs",
    "interrupts",
    "cpuinfo",
];

/// A gzipped tar, as base64; at most [`SENT`] bytes.
pub fn archive(host: &SystemRoot, clock: &Clock) -> Result<String> {
    // The clock of a machine may stand before 1970; tar's cannot.
    let now = clock.unix().max(0.0) as u64;
    let members = members(host);
    let mut members: Vec<(String, String)> = members
        .into_iter()
        .map(|(name, content)| (name, clean(&content)))
        .collect();
    loop {
        let mut archive = Archive::default();
        for (name, content) in &members {
            if (archive.size() + content.len()) as u64 > WHOLE {
                warn!("{name} is left out, the archive is full");
                continue;
            }
            archive.add(name, now, content.as_bytes());
        }
        let packed = gzip::pack(&archive.finish()).context("packing logs")?;
        let sent = codec::base64::encode(&packed);
        if sent.len() <= SENT || members.len() < 2 {
            return Ok(sent);
        }
        if let Some((name, _)) = members.pop() {
            warn!("{name} is left out, the archive is too large");
        }
    }
}

/// Names and contents, the most telling first. What is not there is left out.
fn members(host: &SystemRoot) -> Vec<(String, Vec<u8>)> {
    let mut members = vec![("agent.log".to_owned(), logger::ring())];
    let mut add = |name: &str, content: String| {
        if !content.is_empty() {
            members.push((name.to_owned(), content.into_bytes()));
        }
    };
    // The kernel of a machine that is only a directory is not this one.
    if host.is_here() {
        match kernel::kernel_log() {
            Ok(log) => add(
                "kernel.log",
                String::from_utf8_lossy(&newest(log)).into_owned(),
            ),
            Err(error) => warn!("reading the kernel log: {error}"),
        }
        add("ip_addr", network::addresses());
        add("ip_route", network::routes());
    }
    let told = host.clone();
    let described = within(PATIENCE, move || disks::description(&told));
    add(
        "lsblk",
        described.unwrap_or_else(|| {
            "some disk did not say who it is within a second: sys/block has what the kernel knows\n"
                .to_owned()
        }),
    );
    add("efibootmgr", devices::boot_entries(host));
    add("threads", devices::threads(host));
    for (class, listed) in devices::classes(host) {
        add(&format!("sys/{class}"), listed);
    }
    // What a switch said, while it is fresh: nobody listens for half a minute here.
    add("lldp", file(host.run("lldp")));
    match dmi_decode::collect(host) {
        Ok(decoded) => add("dmidecode", json::print(&decoded)),
        Err(error) => warn!("reading SMBIOS: {error}"),
    }
    for name in PROC {
        add(&format!("proc/{name}"), file(host.proc(name)));
    }
    members
}

/// As much of a file as one member may have; empty if it cannot be read.
fn file(path: impl AsRef<std::path::Path>) -> String {
    let mut content = Vec::new();
    let read = File::open(path).and_then(|file| file.take(ONE).read_to_end(&mut content));
    match read {
        Ok(_) => String::from_utf8_lossy(&content).into_owned(),
        Err(_) => String::new(),
    }
}

/// What `work` finds, if it comes back in time. A disk may keep its thread for ever; no second one is started then.
fn within(time: Duration, work: impl FnOnce() -> String + Send + 'static) -> Option<String> {
    use std::sync::atomic::{AtomicBool, Ordering};
    static AWAY: AtomicBool = AtomicBool::new(false);
    if AWAY.swap(true, Ordering::AcqRel) {
        return None;
    }
    let (tell, told) = mpsc::channel();
    let named = thread::Builder::new().name("disk-names".to_owned());
    let spawned = named.spawn(move || {
        // Nobody may be waiting any more.
        let _ = tell.send(work());
        AWAY.store(false, Ordering::Release);
    });
    if spawned.is_err() {
        AWAY.store(false, Ordering::Release);
    }
    told.recv_timeout(time).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn who_does_not_answer_holds_nobody_up() {
        let (finish, wait) = mpsc::channel::<()>();
        let stuck = move || {
            let _ = wait.recv();
            String::new()
        };
        assert_eq!(within(Duration::from_millis(10), stuck), None);
        // The thread of the first is still away: nobody waits for a second one.
        assert_eq!(within(Duration::from_secs(60), || "x".to_owned()), None);
        drop(finish);
    }
}

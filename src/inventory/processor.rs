//! Processors, as upstream's `lscpu` sums them up.

use std::collections::BTreeSet;
use std::fs;

use crate::codec::json::{Value, number, object, text};
use crate::system_root::{SystemRoot, attribute, names};

/// The `cpu` of the inventory.
pub(super) fn object_of(host: &SystemRoot) -> Value {
    // Every processor of the same kind repeats the same lines: the first one's are enough, and a
    // machine with a thousand of them has megabytes.
    let info = fs::read_to_string(host.proc("cpuinfo")).unwrap_or_default();
    let first = |keys: &[&str]| {
        let mut lines = info.lines().take_while(|line| !line.trim().is_empty());
        lines.find_map(|line| {
            let (key, value) = line.split_once(':')?;
            keys.contains(&key.trim()).then(|| value.trim().to_owned())
        })
    };
    // x86 says "flags", Arm "Features", RISC-V "isa".
    let flags = first(&["flags", "Features", "isa"]).unwrap_or_default();
    let (sockets, frequency) = topology(host);
    object([
        (
            "model_name",
            text(first(&["model name", "Model Name", "cpu model"]).unwrap_or_default()),
        ),
        ("frequency", text(frequency)),
        ("count", number(count(host, &info))),
        // The binary runs on no other architecture than its own, and names it as uname does.
        ("architecture", text(std::env::consts::ARCH)),
        (
            "flags",
            Value::Array(flags.split_whitespace().map(text).collect()),
        ),
        ("socket_count", number(sockets)),
    ])
}

/// Threads present.
fn count(host: &SystemRoot, info: &str) -> u64 {
    attribute(host.sys("devices/system/cpu/present"))
        .and_then(|list| members(&list))
        .unwrap_or_else(|| {
            info.lines()
                .filter(|line| line.starts_with("processor"))
                .count() as u64
        })
}

/// How many numbers a list like `0-3,8` has; none if it is no such list.
fn members(list: &str) -> Option<u64> {
    list.split(',').try_fold(0u64, |sum, range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        sum.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

/// Packages, and the highest frequency in MHz as text: empty where the kernel does not scale it.
fn topology(host: &SystemRoot) -> (u64, String) {
    let all = host.sys("devices/system/cpu");
    let mut packages = BTreeSet::new();
    let mut fastest: Option<u64> = None;
    for name in names(&all) {
        let is_one = name
            .strip_prefix("cpu")
            .is_some_and(|number| number.parse::<u32>().is_ok());
        if !is_one {
            continue;
        }
        let cpu = all.join(name);
        packages.extend(attribute(cpu.join("topology/physical_package_id")));
        // Documentation/admin-guide/pm/cpufreq.rst: kHz.
        let khz = attribute(cpu.join("cpufreq/cpuinfo_max_freq")).and_then(|khz| khz.parse().ok());
        fastest = fastest.max(khz);
    }
    let mhz = |khz: u64| format!("{}.{:03}0", khz / 1000, khz % 1000);
    (packages.len() as u64, fastest.map(mhz).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_counted() {
        for (list, count) in [
            ("0", Some(1)),
            ("0-3", Some(4)),
            ("0-3,8,10-11", Some(7)),
            ("3-0", None),
            ("", None),
            ("a-b", None),
            ("0-18446744073709551615", None),
        ] {
            assert_eq!(members(list), count, "{list}");
        }
    }
}

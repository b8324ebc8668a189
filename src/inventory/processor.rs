//! Processors, as upstream's agent reads them out of util-linux's lscpu: of several kinds, the last one's words.

use std::fs;

use crate::codec::json::{Value, number, object, text};
use crate::inventory::arm_processors;
use crate::inventory::dmi::{PROCESSOR, Tables};
use crate::small_sort;
use crate::system_root::{SystemRoot, attribute};

/// What of them is in the inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processors {
    /// `-` if nobody knows, as lscpu says it.
    pub model: String,
    /// The highest frequency in MHz, as text; empty where the kernel does not scale it.
    pub frequency: String,
    /// Threads present.
    pub count: u64,
    /// What they can do, in the kernel's words.
    pub flags: Vec<String>,
    /// Packages.
    pub sockets: u64,
}

/// The `cpu` of the inventory.
pub fn object_of(host: &SystemRoot, firmware: &Tables) -> Value {
    // The binary runs on no other architecture than its own, and names it as uname does.
    let architecture = std::env::consts::ARCH;
    let found = Processors::read(host, architecture, firmware);
    let flags = found.flags.into_iter().map(text).collect();
    object([
        ("model_name", text(found.model)),
        ("frequency", text(found.frequency)),
        ("count", number(found.count)),
        ("architecture", text(architecture)),
        ("flags", Value::Array(flags)),
        ("socket_count", number(found.sockets)),
    ])
}

impl Processors {
    /// Those of a machine of this architecture.
    pub fn read(host: &SystemRoot, architecture: &str, firmware: &Tables) -> Self {
        let info = fs::read_to_string(host.proc("cpuinfo")).unwrap_or_default();
        let (kinds, members) = kinds(&info);
        let all = host.sys("devices/system/cpu");
        let present = attribute(all.join("present")).and_then(|list| numbers(&list));
        let present = present.unwrap_or_else(|| {
            let named = info
                .lines()
                .filter_map(|line| line.strip_prefix("processor")?.split_once(':'));
            named
                .filter_map(|(_, cpu)| cpu.trim().parse().ok())
                .collect()
        });
        let last = kinds.len().saturating_sub(1);
        // Those that /proc/cpuinfo does not name are of the first kind.
        let kind_of = |cpu: u32| {
            members
                .iter()
                .find(|(other, _)| *other == cpu)
                .map_or(0, |(_, kind)| *kind)
        };
        let shown = present
            .iter()
            .filter(|cpu| last == 0 || kind_of(**cpu) == last);
        let mut packages: Vec<Vec<u32>> = Vec::new();
        let mut fastest: Option<f32> = None;
        for cpu in shown {
            let cpu = all.join(format!("cpu{cpu}"));
            let siblings =
                attribute(cpu.join("topology/core_siblings")).and_then(|mask| words(&mask));
            // lscpu counts the sets that have nothing in common.
            if let Some(siblings) = siblings
                && packages.iter().all(|other| !overlap(other, &siblings))
            {
                packages.push(siblings);
            }
            // Documentation/admin-guide/pm/cpufreq.rst: kHz.
            let khz = attribute(cpu.join("cpufreq/cpuinfo_max_freq"))
                .and_then(|khz| khz.parse::<u32>().ok());
            fastest = fastest
                .into_iter()
                .chain(khz.map(|khz| khz as f32 / 1000.0))
                .reduce(f32::max);
        }
        let kind = kinds.into_iter().next_back().unwrap_or_default();
        let by_firmware = firmware
            .structures()
            .filter(|one| one.kind() == PROCESSOR)
            .count();
        // Without ACPI's table of the topology, an Arm kernel takes clusters for packages.
        let has_clusters = architecture == "aarch64"
            && last == 0
            && !host.sys("firmware/acpi/tables/PPTT").exists();
        Processors {
            model: kind.model_name().unwrap_or_else(|| "-".to_owned()),
            frequency: fastest.map(|mhz| format!("{mhz:.4}")).unwrap_or_default(),
            count: present.len() as u64,
            flags: kind.flags.split_whitespace().map(str::to_owned).collect(),
            sockets: match by_firmware {
                1.. if has_clusters => by_firmware as u64,
                _ => packages.len() as u64,
            },
        }
    }
}

/// What lscpu tells one kind of processor from another by, and their flags.
#[derive(Clone, Debug, Default, PartialEq)]
struct Kind {
    identity: [Option<String>; 4],
    flags: String,
}

// Places in a kind's identity, in the order in which lscpu sorts by them.
const VENDOR: usize = 0;
const MODEL: usize = 1;
const MODEL_NAME: usize = 2;
const STEPPING: usize = 3;

/// Lines of /proc/cpuinfo, on x86 and on Arm.
const KEYS: &[(&str, usize)] = &[
    ("vendor_id", VENDOR),
    ("CPU implementer", VENDOR),
    ("model", MODEL),
    ("CPU part", MODEL),
    ("model name", MODEL_NAME),
    ("stepping", STEPPING),
    ("CPU variant", STEPPING),
];

impl Kind {
    /// By its number on Arm, else as the kernel says.
    fn model_name(&self) -> Option<String> {
        let number = |at: usize| {
            let digits = self.identity[at].as_ref()?.strip_prefix("0x")?;
            u32::from_str_radix(digits, 16).ok()
        };
        let arm = number(VENDOR).zip(number(MODEL));
        let named = arm.and_then(|(implementer, part)| arm_processors::name(implementer, part));
        named
            .map(str::to_owned)
            .or_else(|| self.identity[MODEL_NAME].clone())
    }
}

/// The kinds in lscpu's order, and of which each processor is. Pure.
fn kinds(info: &str) -> (Vec<Kind>, Vec<(u32, usize)>) {
    // A machine with a thousand processors repeats the same lines a thousand times.
    let mut kinds: Vec<Kind> = Vec::new();
    let mut members: Vec<(u32, usize)> = Vec::new();
    let (mut cpu, mut kind): (Option<u32>, Kind) = (None, Kind::default());
    let mut end = |cpu: &mut Option<u32>, kind: &Kind, is_last: bool| {
        let is_known = kind.identity.iter().any(Option::is_some);
        // Old Arm kernels tell the kind once, at the end, for all of them.
        let Some(number) = cpu.take() else { return };
        if !is_known && !is_last {
            return;
        }
        let found = kinds
            .iter()
            .position(|other| other.identity == kind.identity);
        let found = found.unwrap_or_else(|| {
            kinds.push(kind.clone());
            kinds.len() - 1
        });
        members.push((number, found));
    };
    for line in info.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let (key, value) = (key.trim_end(), value.trim());
        if key == "processor" {
            end(&mut cpu, &kind, false);
            cpu = value.parse().ok();
            kind = Kind::default();
        } else if let Some((_, place)) = KEYS.iter().find(|(name, _)| *name == key) {
            kind.identity[*place].get_or_insert_with(|| value.to_owned());
        } else if matches!(key, "flags" | "Features") && kind.flags.is_empty() {
            kind.flags = value.to_owned();
        }
    }
    end(&mut cpu, &kind, true);
    let mut order: Vec<usize> = (0..kinds.len()).collect();
    small_sort::by(&mut order, |one, other| {
        kinds[*one].identity < kinds[*other].identity
    });
    let place = |of: usize| order.iter().position(|kind| *kind == of).unwrap_or(0);
    let members = members
        .into_iter()
        .map(|(cpu, kind)| (cpu, place(kind)))
        .collect();
    (
        order.iter().map(|kind| kinds[*kind].clone()).collect(),
        members,
    )
}

/// The numbers in a list like `0-3,8`; none if it is no such list, or longer than any machine's.
fn numbers(list: &str) -> Option<Vec<u32>> {
    // linux/threads.h, CONFIG_NR_CPUS: 8192 at most.
    const MOST: u32 = 1 << 16;
    let mut all = Vec::new();
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if last < first || last >= MOST || all.len() >= MOST as usize {
            return None;
        }
        all.extend(first..=last);
    }
    Some(all)
}

/// A mask like `000000ff,ffff0000`, lowest word first.
fn words(mask: &str) -> Option<Vec<u32>> {
    let words = mask.split(',').rev();
    words
        .map(|word| u32::from_str_radix(word, 16).ok())
        .collect()
}

fn overlap(one: &[u32], other: &[u32]) -> bool {
    one.iter().zip(other).any(|(one, other)| one & other != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_read() {
        for (list, count) in [
            ("0", Some(1)),
            ("0-3", Some(4)),
            ("0-3,8,10-11", Some(7)),
            ("3-0", None),
            ("", None),
            ("a-b", None),
            ("0-18446744073709551615", None),
            ("0-4294967295", None),
        ] {
            assert_eq!(numbers(list).map(|all| all.len()), count, "{list}");
        }
    }

    #[test]
    fn masks_of_processors_are_read_from_their_end() {
        assert_eq!(words("1,00000002"), Some(vec![2, 1]));
        assert_eq!(words("x"), None);
        assert!(overlap(&[2, 1], &[0, 3]) && !overlap(&[2, 1], &[1]));
    }

    #[test]
    fn processors_are_told_apart_by_who_made_them_and_as_what() {
        let arm = |number: u32, part: &str| {
            format!(
                "processor\t: {number}\nFeatures : a b\nCPU implementer\t: 0x41\nCPU part : {part}\n\n"
            )
        };
        let (found, members) = kinds(&[arm(0, "0xd4e"), arm(1, "0xd46"), arm(2, "0xd4e")].concat());
        let names: Vec<_> = found.iter().map(Kind::model_name).collect();
        assert_eq!(
            names,
            [Some("Cortex-A510".to_owned()), Some("Cortex-X3".to_owned())]
        );
        assert_eq!(members, [(0, 1), (1, 0), (2, 1)]);
        assert_eq!(kinds("nonsense\n: \nprocessor: x\n"), (vec![], vec![]));
    }
}

//! Is the ramdisk all there? The kernel goes on with what it could unpack, and whatever came after is missing.

use std::fs;
use std::path::Path;

use crate::drivers::kernel_log;
use crate::sys::kernel;
use crate::system_root::{SystemRoot, attribute, names};
use crate::units::{MIB, align_up};

/// Bytes of all modules, each up to the end of its last page. The build writes it beside modules.dep, and packs
/// both before the modules themselves.
const SIZE: &str = "modules.size";
const PAGE: u64 = 4096;
/// What the ramdisk's file system needs beside its files, and a little to write to.
const SPARE: u64 = 2 * MIB;
/// Memory comes in such steps, and virtual machines' people think in them.
const STEP: u64 = 16 * MIB;

/// What was lost while the kernel unpacked the ramdisk, and what would help; none if nothing was, or if this is no
/// ramdisk. `log` is the kernel's.
pub fn cut(host: &SystemRoot, log: &str) -> Option<String> {
    let directory = match host.is_here() {
        true if host.is_ramdisk() => host.modules(&kernel::release().ok()?),
        true => return None,
        // A directory that stands for a machine has the modules of one kernel at most.
        false => host.modules(names(host.modules("")).first()?),
    };
    let space = match host.is_here() {
        true => kernel::space(Path::new("/")).ok(),
        false => None,
    };
    let modules = Modules::read(&directory);
    let found = Found {
        // init/initramfs.c
        failure: kernel_log::lines(log)
            .find_map(|line| line.strip_prefix("Initramfs unpacking failed: ")),
        space,
        memory: memory(host),
        modules,
    };
    found.words()
}

/// The modules the ramdisk should have and has.
#[derive(Debug, Default, PartialEq, Eq)]
struct Modules {
    /// Zero if the list itself is missing.
    listed: usize,
    missing: usize,
    /// Bytes to come; none if nobody wrote down how many there are.
    rest: Option<u64>,
}

impl Modules {
    fn read(directory: &Path) -> Self {
        let list = fs::read_to_string(directory.join("modules.dep")).unwrap_or_default();
        let (mut modules, mut there) = (Modules::default(), 0);
        for (file, _) in list.lines().filter_map(|line| line.split_once(':')) {
            modules.listed += 1;
            match fs::metadata(directory.join(file)) {
                Ok(found) => there += align_up(found.len(), PAGE),
                Err(_) => modules.missing += 1,
            }
        }
        let whole = attribute(directory.join(SIZE)).and_then(|size| size.parse::<u64>().ok());
        modules.rest = whole.map(|whole| whole.saturating_sub(there));
        modules
    }
}

struct Found<'a> {
    failure: Option<&'a str>,
    modules: Modules,
    /// Of the ramdisk's file system: bytes it may hold, bytes free. A tmpfs holds half of the memory there was
    /// when it was mounted (mm/shmem.c).
    space: Option<(u64, u64)>,
    /// Bytes of RAM the machine has.
    memory: Option<u64>,
}

impl Found<'_> {
    fn words(&self) -> Option<String> {
        let Modules {
            listed, missing, ..
        } = self.modules;
        if self.failure.is_none() && missing == 0 {
            return None;
        }
        let lost = match (listed, missing) {
            (0, _) => "the list of its modules is missing".to_owned(),
            (_, 0) if self.modules.rest.is_some_and(|rest| rest > 0) => {
                format!("one of its {listed} modules is not whole")
            }
            (_, 0) => {
                "all its modules are there, but what was appended to it may not be".to_owned()
            }
            _ => format!("{missing} of its {listed} modules are missing"),
        };
        Some(match self.memory {
            Some(memory) if self.is_full() => format!(
                "this ramdisk was cut while it was unpacked, {lost}: {} MiB of RAM are too little, {}",
                memory.div_ceil(MIB),
                self.advice(memory)
            ),
            _ => format!(
                "this ramdisk is damaged ({}), {lost}: check that the boot loader gets the whole file",
                self.failure.unwrap_or("the kernel does not say why")
            ),
        })
    }

    /// Did the memory run out? "write error" is the file system's; decompressors say so in words of their own.
    fn is_full(&self) -> bool {
        match self.failure {
            Some(failure) => failure == "write error" || failure.contains("memory"),
            None => self.space.is_some_and(|(_, free)| free < PAGE),
        }
    }

    fn advice(&self, memory: u64) -> String {
        match (self.space, self.modules.rest) {
            (Some((whole, free)), Some(rest)) => {
                let short = rest.saturating_sub(free.min(whole));
                let enough = align_up(memory + 2 * short + SPARE, STEP);
                format!("{} MiB would do", enough / MIB)
            }
            _ => "give it more".to_owned(),
        }
    }
}

/// Bytes of RAM, from /proc/iomem; what the kernel keeps for itself counts, as it does on the invoice.
fn memory(host: &SystemRoot) -> Option<u64> {
    let ranges = fs::read_to_string(host.proc("iomem")).unwrap_or_default();
    let ram = ranges.lines().filter_map(|line| {
        let (from, to) = line.strip_suffix(" : System RAM")?.split_once('-')?;
        let at = |hex| u64::from_str_radix(hex, 16).ok();
        at(to)?.checked_sub(at(from)?)?.checked_add(1)
    });
    // Who may not see addresses sees zeros.
    let sum = ram.fold(0u64, u64::saturating_add);
    (sum >= MIB).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(failure: Option<&str>, listed: usize, missing: usize) -> Found<'_> {
        Found {
            failure,
            modules: Modules {
                listed,
                missing,
                rest: Some(5 * MIB),
            },
            space: Some((46 * MIB, 0)),
            memory: Some(160 * MIB - 500_000),
        }
    }

    #[test]
    fn a_cut_is_told_apart_from_damage() {
        for (failure, listed, missing, words) in [
            (None, 174, 0, None),
            (
                Some("write error"),
                174,
                131,
                Some(
                    "cut while it was unpacked, 131 of its 174 modules are missing: 160 MiB of RAM are too little, 176 MiB would do",
                ),
            ),
            (
                Some("write error"),
                0,
                0,
                Some("the list of its modules is missing: 160 MiB of RAM"),
            ),
            (
                Some("XZ decompressor ran out of memory"),
                9,
                9,
                Some("too little"),
            ),
            (None, 9, 1, Some("too little")),
            (
                Some("XZ-compressed data is corrupt"),
                9,
                4,
                Some("damaged (XZ-compressed data is corrupt), 4 of its 9 modules are missing"),
            ),
            (
                Some("invalid magic at start of compressed archive"),
                9,
                0,
                Some("damaged (invalid magic at start of compressed archive)"),
            ),
        ] {
            let told = found(failure, listed, missing).words();
            let fits = match (&told, words) {
                (Some(told), Some(words)) => told.contains(words),
                (told, words) => told.is_none() && words.is_none(),
            };
            assert!(fits, "{failure:?} {listed} {missing}: {told:?}");
        }
        let mut whole = found(Some("write error"), 9, 0);
        assert!(whole.words().expect("words").contains("is not whole"));
        whole.modules.rest = Some(0);
        assert!(whole.words().expect("words").contains("was appended"));
        let mut unknown = found(Some("write error"), 9, 1);
        unknown.modules.rest = None;
        assert!(unknown.words().expect("words").ends_with("give it more"));
    }
}

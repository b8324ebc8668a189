#![no_main]
use ironlet::drivers::modalias::Aliases;
use ironlet::init::device_drivers::added;

// modules.alias, and an event of the kernel's after a line "--".
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let line = bytes.windows(3).position(|three| three == b"--\n");
    let (table, event) = line.map_or(bytes.split_at(bytes.len() / 2), |at| (&bytes[..at], &bytes[at + 3..]));
    let aliases = Aliases::parse(&String::from_utf8_lossy(table));
    added(event).map(|device| aliases.modules(device).count());
});

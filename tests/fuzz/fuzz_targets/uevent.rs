#![no_main]
use ironlet::drivers::modalias::Aliases;
use ironlet::init::device_drivers::added;

// modules.alias, and an event of the kernel's after a line "--".
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let at = bytes.windows(3).position(|three| three == b"--\n").unwrap_or(bytes.len() / 2);
    let aliases = Aliases::parse(&String::from_utf8_lossy(&bytes[..at]));
    added(&bytes[at..]).map(|device| aliases.modules(device).count());
});

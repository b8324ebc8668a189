#![no_main]
use ironlet::disk::filesystem::probe::{FileSystem, driver, label, publisher, uuid};

// How a file system begins, whose bytes another wrote: each of what is told is short, and that of one is told by all.
libfuzzer_sys::fuzz_target!(|start: &[u8]| {
    // Where the magics are, without the zeros before them.
    let far = [&start[..start.len().min(512)], &vec![0; 32 << 10], start, &vec![0; 32 << 10], start].concat();
    for start in [start, &far] {
        let found = FileSystem::find(start);
        assert!(found.as_ref().is_none_or(|found| found.unit.is_power_of_two() && found.label.len() <= 32 * 3));
        assert!(label(start).len() <= 256 * 3 && publisher(start).is_none_or(|name| name.len() <= 128 * 3));
        assert!(uuid(start).is_none_or(|uuid| [9, 36].contains(&uuid.len())));
        assert!(driver(start).is_some() || found.is_none_or(|found| found.unit == 2048), "no driver for it");
    }
});

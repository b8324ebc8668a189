#![no_main]
use ironlet::{disk::table::Table, error::Error};

// The first sector and, for a chain of records, those after it: partitions lie on the disk, an added one apart from all.
libfuzzer_sys::fuzz_target!(|disk: &[u8]| {
    let mut head = disk.to_vec();
    let size = disk.len() as u64 * 100_000;
    let Ok(Some(Table::Mbr(mut mbr))) = Table::read(&head, &[512], size) else { return };
    for partition in mbr.logical(|at, sector| {
        let start = disk.len().min(at as usize);
        let bytes = disk.get(start..start + sector.len()).ok_or_else(|| Error::plain("beyond"))?;
        sector.copy_from_slice(bytes);
        Ok(())
    }) {
        assert!(partition.start <= partition.end && partition.end <= size);
    }
    if mbr.add(64 << 20, &mut head).is_ok() {
        Table::read(&head, &[512], size).expect("a good table");
    }
});

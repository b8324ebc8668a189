#![no_main]
use ironlet::disk::wipe::partition_ranges::Places;
use ironlet::disk::wipe::zeroing_order::plan;
use ironlet::error::Error;

// A disk, however wrong its tables: places lie on it, and what is erased covers no more than it.
libfuzzer_sys::fuzz_target!(|disk: &[u8]| {
    let size = disk.len() as u64 / 512 * 512;
    let places = Places::read(size, 512, &mut |at, bytes| {
        let found = disk[disk.len().min(at as usize)..].get(..bytes.len());
        bytes.copy_from_slice(found.ok_or_else(|| Error::plain("beyond"))?);
        Ok(())
    });
    assert!(places.partitions.len() <= 512 && places.partitions.iter().all(|own| own.start < own.end && own.end <= size));
    let (middle, ends) = plan(size, 512, &places);
    assert!(middle.iter().chain(&ends).all(|range| range.start <= range.end && range.end <= size));
});

#![no_main]
use ironlet::image::verify::block_map::BlockMap;
use ironlet::image::verify::checksum::Wanted;

// The file a server has where the map of an image should be.
libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let is_one = BlockMap::is_one(&String::from_utf8_lossy(file));
    if let Ok(map) = BlockMap::parse(file, Wanted::Any) {
        assert!(is_one);
        assert!(map.ranges().iter().all(|range| range.bytes.start < range.bytes.end && range.bytes.end <= map.size().0));
    }
});

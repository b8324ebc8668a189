#![no_main]
use ironlet::image::layout::config_drive::{ConfigDrive, LIMIT, Source};
use ironlet::units::Bytes;

// Whatever is at the URL of a config drive: a drive of the size it says, within the limit, or an error.
libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    // A small one may be too large as well.
    assert!(ConfigDrive::read(file, Bytes(1 << 12)).map_or(true, |drive| drive.size().0 <= 1 << 12));
    let _ = Source::new(&String::from_utf8_lossy(file), LIMIT);
    let Ok(drive) = ConfigDrive::read(file, LIMIT) else { return };
    let mut size = 0;
    drive.each_piece(1 << 16, |bytes| { size += bytes.len() as u64; Ok(()) }).expect("it was whole");
    assert!(size == drive.size().0 && size > 0 && size <= LIMIT.0);
    let _ = drive.fit(4096);
});

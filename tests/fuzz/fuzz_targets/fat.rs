#![no_main]
use ironlet::disk::filesystem::fat::Volume;
use std::io::Cursor;

// A damaged file system: its files are told and read, and one is added, in bounded time and memory.
libfuzzer_sys::fuzz_target!(|image: &[u8]| {
    let mut device = Cursor::new(image.to_vec());
    let Ok(volume) = Volume::open(&mut device) else { return };
    let _ = volume.label();
    let _ = volume.files(&mut |path, _| volume.read(path, 1 << 20).map(drop));
    let Ok(count) = volume.add("EFI/a long name/file.txt", &mut &image[..image.len().min(5000)]) else { return };
    let back = volume.read("efi/A LONG NAME/file.TXT", 5000);
    // A file system that has one place twice may have overwritten it.
    assert!(back.map_or(true, |back| back.len() as u64 == count));
});

#![no_main]
use ironlet::disk::filesystem::fat::{Volume, format};
use std::collections::BTreeSet;
use std::io::Cursor;

// One name a line, all of them in one folder: those that are taken are there afterwards, each once, whatever their short names became.
libfuzzer_sys::fuzz_target!(|names: &[u8]| {
    const SIZE: u64 = 1 << 20;
    let mut device = Cursor::new(vec![0; SIZE as usize]);
    format(&mut device, SIZE, 512, "FUZZ", 7).expect("a size that it can be made in");
    let volume = Volume::open(&mut device).expect("it was made just now");
    let text = String::from_utf8_lossy(names);
    let mut taken = BTreeSet::new();
    for name in text.lines().filter(|name| !name.contains('/')).take(300) {
        if volume.add(name, &mut name.as_bytes()).is_ok() {
            assert!(taken.insert(name.to_owned()), "{name:?} was taken twice");
        }
    }
    let mut found = BTreeSet::new();
    let listed = volume.files(&mut |path, _| {
        assert!(found.insert(path.to_owned()), "{path:?} is there twice");
        Ok(())
    });
    listed.expect("it is whole");
    assert_eq!(found, taken);
    for name in taken {
        assert_eq!(volume.read(&name, 5000).as_deref(), Ok(name.as_bytes()));
    }
});

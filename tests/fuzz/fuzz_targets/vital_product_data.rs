#![no_main]
use ironlet::disk::identity::vpd::{ata, identification, serial};

// What a disk says of itself.
libfuzzer_sys::fuzz_target!(|page: &[u8]| {
    let wwn = identification(page).wwn.or(ata(page).and_then(|drive| drive.wwn));
    assert!(wwn.is_none_or(|wwn| wwn.len() == 18 && wwn.starts_with("0x")));
    assert!(serial(page).is_none_or(|serial| serial == serial.trim()));
});

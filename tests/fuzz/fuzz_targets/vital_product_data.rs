#![no_main]
use ironlet::disk::identity::serial_spellings;
use ironlet::disk::identity::vpd::{ata, identification, identified, serial};

// What a disk says of itself, and how udev would spell it.
libfuzzer_sys::fuzz_target!(|page: &[u8]| {
    let drive = ata(page).or_else(|| identified(page));
    let named = identification(page);
    let wwn = named.wwn.clone().or(drive.as_ref().and_then(|drive| drive.wwn.clone()));
    assert!(wwn.is_none_or(|wwn| wwn.len() == 18 && wwn.starts_with("0x")));
    let unit = serial(page);
    assert!(unit.as_deref().is_none_or(|serial| serial == serial.trim()));
    let own = unit.as_deref();
    let mut spelled = serial_spellings::scsi(own.unwrap_or("ACME"), "Disk", own, &named);
    if let Some(drive) = &drive {
        spelled.extend(serial_spellings::ata(drive, own));
    }
    spelled.extend(serial_spellings::nvme(own, own, own));
    let longest = 4 * page.len() + 64;
    assert!(spelled.len() <= 16 && spelled.iter().all(|text| text.len() <= longest));
});

#![no_main]
use ironlet::disk::secure_erase::nvme_identify as nvme;
use ironlet::disk::secure_erase::ata_security_state::Security;
use ironlet::disk::secure_erase::scsi_sense::{Registers, Sense};

// What a disk says of erasing itself: no answer ends in a panic, and no progress is more than all.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let page: [u8; 4096] = std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0));
    let formatted = nvme::Namespace::parse(&page).formatted;
    assert!(Sense::parse(bytes).and_then(|sense| sense.progress).max(formatted).unwrap_or(0) <= 1000);
    let _ = (Security::parse(page.first_chunk().expect("a page is longer")), Registers::parse(bytes), nvme::namespaces(&page), nvme::Controller::parse(&page));
});

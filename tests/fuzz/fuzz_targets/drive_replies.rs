#![no_main]
use std::io;
use std::time::Duration;

use ironlet::disk::burnin::self_test;
use ironlet::disk::secure_erase::State;
use ironlet::disk::secure_erase::nvme::Controller;
use ironlet::disk::secure_erase::nvme_identify as nvme;
use ironlet::disk::secure_erase::scsi::Wire;
use ironlet::sys::nvme::Command;
use ironlet::sys::scsi::{Answer, Data};
use ironlet::disk::secure_erase::ata_security_state::Security;
use ironlet::disk::secure_erase::scsi_sense::{Registers, Sense};

/// Says these bytes, whatever it is asked.
struct Disk<'a>(&'a [u8]);

impl Disk<'_> {
    fn say(&self, into: &mut [u8]) {
        let length = into.len().min(self.0.len());
        into[..length].copy_from_slice(&self.0[..length]);
    }
}

impl Wire for Disk<'_> {
    fn send(&self, _: &[u8], data: Data, _: Duration) -> io::Result<Answer> {
        if let Data::In(bytes) = data {
            self.say(bytes);
        }
        Ok(Answer::default())
    }
}

impl Controller for Disk<'_> {
    fn admin(&self, _: &Command, data: &mut [u8]) -> io::Result<u16> {
        self.say(data);
        Ok(0)
    }
}

// What a disk says of erasing or testing itself: no answer ends in a panic, and no progress is more than all.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let page: [u8; 4096] = std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0));
    let (sanitized, action) = nvme::Sanitize::parse(page.first_chunk().expect("a page is longer"));
    assert!(action < 8 && !matches!(sanitized, nvme::Sanitize::Busy(1000..)));
    assert!(Sense::parse(bytes).is_none_or(|sense| sense.to_string().len() < 200));
    let formatted = nvme::Namespace::parse(&page).formatted;
    assert!(Sense::parse(bytes).and_then(|sense| sense.progress).max(formatted).unwrap_or(0) <= 1000);
    let _ = (Security::parse(page.first_chunk().expect("a page is longer")), Registers::parse(bytes), nvme::namespaces(&page), nvme::Controller::parse(&page));
    let disk = Disk(bytes);
    for state in [self_test::state_of_ata(&disk), self_test::state_of_scsi(&disk), self_test::state_of_nvme(&disk)] {
        assert!(!matches!(state, Ok(State::Busy(Some(1271..)))), "seven bits of a percentage");
    }
});

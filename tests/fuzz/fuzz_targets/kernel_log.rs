//! The kernel's log: drivers print what devices tell them.
#![no_main]

use ironlet::drivers::Faults;
use ironlet::drivers::nics_and_disk_controllers::Purpose;
use ironlet::drivers::firmware_requests_in_log::requests;
use ironlet::system_root::SystemRoot;

libfuzzer_sys::fuzz_target!(|log: &[u8]| {
    let log = String::from_utf8_lossy(log);
    for request in requests(&log) {
        assert!((3..=128).contains(&request.file.len()));
        assert!(request.file.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    // Nothing of a log leads out of the tree.
    let nowhere = SystemRoot::new("/nonexistent");
    for purpose in [Purpose::Network, Purpose::Disk] {
        for line in Faults::of(&nowhere, purpose, &log).lines() {
            assert!(line.len() < 1024, "{line}");
        }
    }
});

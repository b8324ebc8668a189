#![no_main]

use ironlet::codec::json::{Value, parse};
use ironlet::disk::identity::serial_and_wwn::Identity;
use ironlet::disk::{Disk, Hints};
use ironlet::units::{Bytes, GIB};

// A node's root device hints, as anybody with access to the node may have set them, and what they make of a disk.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(Value::Object(object)) = parse(text) else { return };
    let Ok(hints) = Hints::parse(&object) else { return };
    assert!(!hints.to_string().is_empty());
    let some = |text: &str| Some(text.to_owned());
    let identity = Identity { model: some("10"), vendor: some("ACME"), serials: vec!["a".to_owned(), "10".to_owned()], wwn: some("0x5000"), ..Identity::default() };
    let disk = Disk { name: "/dev/sda".to_owned(), size: Bytes(10 * GIB), identity, hctl: some("0:0:0:0"), by_path: vec!["x".to_owned()], ..Disk::default() };
    for disk in [disk, Disk::default()] {
        let _ = (hints.fit(&disk), hints.spare(&disk), hints.is_of_volumes());
    }
});

#![no_main]
use ironlet::efi::device_path::{HardDrive, Signature};
use ironlet::efi::{boot_current, csv, device_path};
use ironlet::efi::load_option::LoadOption;

// A boot entry as firmware holds it: its path has words, however broken, and what is understood is written as it was.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = csv::first(data);
    let _ = boot_current::sign(data);
    let words = device_path::text(data);
    assert!(words.len() <= 8 * data.len() + 8 * 1024, "too many words");
    // What is made for a partition's file tells that partition.
    let file = String::from_utf8_lossy(&data[..data.len().min(200)]);
    let drive = HardDrive { number: 1, start: 2048, sectors: 8, signature: Signature::Gpt([data.len() as u8; 16]) };
    assert!(boot_current::sign(&device_path::to_file(&drive, &file)).is_some());
    let Some(option) = LoadOption::parse(data) else { return };
    let again = LoadOption::parse(&option.to_bytes()).expect("a whole option");
    assert_eq!(again, option);
});

#![no_main]
use ironlet::disk::ibft::table::{is_name, parse};

// A table of the firmware's, with a checksum that fits: whatever it names has a name and an address, and no two secrets are told apart
// from what lies beside them by reading beyond the table.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = parse(bytes);
    let mut table = bytes.to_vec();
    if table.len() >= 48 {
        table[..4].copy_from_slice(b"iBFT");
        let length = table.len() as u32;
        table[4..8].copy_from_slice(&length.to_le_bytes());
        (table[8], table[9]) = (1, 0);
        table[9] = table.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg();
    }
    for disk in parse(&table).unwrap_or_default() {
        assert!(is_name(&disk.target) && !disk.portal.ip().is_unspecified() && disk.portal.port() > 0);
        assert!(!disk.to_string().contains(char::is_control));
    }
});

#![no_main]
use ironlet::inventory::dmi::Tables;

// Firmware tables: every structure, every field that may name a text.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let tables = Tables::new(bytes.to_vec());
    let texts = tables.structures().flat_map(|one| (0..256).filter_map(move |at| one.text(at)));
    assert!(texts.count() <= bytes.len());
    let _ = tables.memory();
});

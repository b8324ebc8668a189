#![no_main]
use ironlet::inventory::dmi::Tables;
use ironlet::inventory::dmi_decode::decode;

// Firmware tables: every structure, every field that may name a text, and all of them in dmidecode's words.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (version, bytes) = bytes.split_at(bytes.len().min(2));
    let version = version.iter().fold(0, |version, byte| version << 8 | u16::from(*byte));
    let tables = Tables::new(bytes.to_vec()).of_version(version);
    let texts = tables.structures().flat_map(|one| (0..256).filter_map(move |at| one.text(at)));
    assert!(texts.count() <= bytes.len());
    let _ = tables.memory();
    // A structure of four bytes and its end have a row of 40 characters; one with every field there is has 50 such rows.
    let shown = ironlet::codec::json::print(&decode(&tables));
    assert!(shown.len() <= 100 + bytes.len() * 100, "{} bytes of {}", shown.len(), bytes.len());
});

#![no_main]
use ironlet::image::verify::checksum::{Checksum, Wanted};
use ironlet::image::verify::checksum_file::find;

// A checksum as given, and a file of them as a server sends it.
libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(sum) = Checksum::parse(text) {
        assert!(matches!(sum.clone().without_md5(), Checksum::At { wanted: Wanted::AnyButMd5, .. }) == matches!(sum, Checksum::At { wanted: Wanted::Any | Wanted::AnyButMd5, .. }));
        let _ = sum.is_md5();
    }
    let _ = find(text, "image", Wanted::AnyButMd5);
    let _ = find(text, text.split_whitespace().last().unwrap_or("image"), Wanted::Any);
});

#![no_main]
use ironlet::image::verify::checksum::{Checksum, Wanted};
use ironlet::image::verify::checksum_file::find;

// A checksum as given, and a file of them as a server sends it.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = Checksum::parse(text);
    let _ = find(text, text.split_whitespace().last().unwrap_or("image"), Wanted::Any);
});

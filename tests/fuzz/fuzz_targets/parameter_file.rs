#![no_main]

// The file of parameters on a boot medium, which any editor may have written.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for word in ironlet::config::parameter_file::words(bytes).unwrap_or_default() {
        assert!(word.contains('=') && !word.contains(char::is_whitespace));
    }
});

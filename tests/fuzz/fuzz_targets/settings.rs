#![no_main]

// A configuration file, as virtual media or a customised ramdisk brings it.
libfuzzer_sys::fuzz_target!(|text: &str| {
    for (key, value) in ironlet::config::ini::parse(text).unwrap_or_default() {
        assert!(key.len() + value.len() <= text.len() + 1);
        assert!(ironlet::config::ini::titled(&key).len() <= key.len() + 2);
    }
    let _ = ironlet::config::ini::parse_sectionless(text);
});

#![no_main]

// A time server's answer, to our question as far as it says (at 24).
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(answer) = bytes.first_chunk() else { return };
    let cookie = std::array::from_fn(|at| answer[24 + at]);
    let Ok(time) = ironlet::net::sntp::read(answer, cookie) else { return };
    assert!((1_577_836_800..2_208_988_800 + (1 << 32)).contains(&time.as_secs()) && answer[40..44] != [0; 4]);
});

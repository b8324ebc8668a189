#![no_main]
use ironlet::api::request_log::shown;
use ironlet::secret::Secret;

// A token, an end of line, and what somebody asks for: the log never has the token, and no line of it is long or more than one.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let Some((token, target)) = text.split_once('\n') else { return };
    let line = shown(target, Some(&Secret::new(token)));
    assert!(line.len() <= 400 && !line.contains(|c: char| c.is_control()), "{line:?}");
    // A shorter one than Ironic's would be in any line.
    if token.len() >= 32 {
        assert!(!line.to_ascii_lowercase().contains(&token.to_ascii_lowercase()), "{line:?}");
    }
    assert!(!line.contains('?') && !line.contains("agent_token"));
});

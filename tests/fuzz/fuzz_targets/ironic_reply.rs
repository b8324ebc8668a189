#![no_main]
use ironlet::conductor::reply::{Token, default_version, enrolment, error_text, is_ironics_error};

// An answer of whatever stands where Ironic should: what it says of an error is a line, and an enrolment is whole.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = (default_version(text), is_ironics_error(text));
    let line = error_text(text);
    assert!(line.chars().count() <= 301 && !line.contains(['\n', '\r']), "{line:?}");
    let Ok((found, token)) = enrolment(text) else { return };
    assert!(!found.uuid.is_empty() && (1..=604_800).contains(&found.heartbeat_timeout.as_secs()));
    if let Token::New(token) = token {
        assert!(token.expose().len() >= 32);
    }
});

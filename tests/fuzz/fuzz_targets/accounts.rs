#![no_main]
use ironlet::rescue::{accounts, password_hash};

// What becomes a line of shadow or of authorized_keys is a line, and a field of its own.
libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(hash) = password_hash::taken(text) {
        assert!(hash.expose() == text && !text.contains([':', '\n', ' ']));
    }
    if let Ok(key) = accounts::key(text) {
        assert!(!key.contains(char::is_control));
        assert!(["ssh-", "ecdsa-", "sk-"].iter().any(|kind| key.starts_with(kind)));
    }
});

#![no_main]
use ironlet::net::link::rtnetlink::{attributes, messages};

// Datagrams of the kernel's: none is read twice.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let bodies: usize = messages(bytes).map(|message| message.body.len() + 16).sum();
    let values: usize = attributes(bytes).map(|(_, value)| value.len() + 4).sum();
    assert!(bodies <= bytes.len() && values <= bytes.len());
});

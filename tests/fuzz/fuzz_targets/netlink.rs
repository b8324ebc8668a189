#![no_main]
use ironlet::net::link::router_flags::RouterFlags;
use ironlet::net::link::rtnetlink::{attributes, messages, nest};

// Datagrams of the kernel's: none is read twice, and what is nested is read as it was.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let bodies: usize = messages(bytes).map(|message| message.body.len() + 16).sum();
    let values: usize = attributes(bytes).map(|(_, value)| value.len() + 4).sum();
    assert!(bodies <= bytes.len() && values <= bytes.len());
    messages(bytes).filter_map(|message| RouterFlags::read(&message)).count();
    let pieces: Vec<(u16, &[u8])> = bytes.chunks(40).enumerate().map(|(at, bytes)| (at as u16, bytes)).collect();
    assert!(attributes(&nest(&pieces)).eq(pieces), "not what was put in");
});

#![no_main]
use std::time::Duration;

use ironlet::net::address::router_advertisement::{Advertised, Advertisement};
use ironlet::net::link::rtnetlink::Message;

// The options of two advertisements, one after the other, as the kernel passes them on.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut known = Advertised::default();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for (seconds, options) in [(0, first), (60, second)] {
        let mut body = vec![0; 16];
        body[2..4].copy_from_slice(&(options.len().min(65535) as u16).to_ne_bytes());
        body[4] = 7;
        body.extend(options);
        let Some(said) = Advertisement::read(&Message { kind: 68, body }) else { continue };
        known.hear(Duration::from_secs(seconds), said);
        let names = known.names(7, "eth0", Duration::from_secs(seconds));
        assert!(names.servers.len() <= 3 && names.search.len() <= 6);
        assert!(!names.search.iter().any(|name| name.contains([' ', '\n'])));
    }
});

#![no_main]
use ironlet::net::mdns::message::answer;

// Somebody's answer to a question of ours: its number is right.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(id) = bytes.first_chunk() else { return };
    let Some(service) = answer(bytes, *id, "baremetal._openstack._tcp.local") else { return };
    assert!(service.host.len() <= 253 && service.port != 0);
    assert!(service.addresses.len() <= 16 && service.text.len() <= 32);
    assert!(service.addresses.iter().all(|ip| !ip.is_loopback() && !ip.is_multicast()));
});

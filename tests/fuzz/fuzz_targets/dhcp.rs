#![no_main]
use ironlet::net::dhcp::message::{Reply, reply};
use ironlet::net::link::links::Mac;

// A server's answer, its card (at 28) and transaction (at 4) ours.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((id, mac)) = bytes.get(4..8).zip(bytes.get(28..).and_then(|tail| tail.first_chunk())) else { return };
    let id = id.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let Some(Reply::Offer(lease) | Reply::Ack(lease)) = reply(bytes, Mac(*mac), id) else { return };
    assert!(lease.prefix <= 32 && lease.routes.iter().all(|(_, prefix, _)| *prefix <= 32));
});

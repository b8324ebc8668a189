#![no_main]
use ironlet::net::dhcp::message::{Heard, Reply, hear, hear_packet};
use ironlet::net::link::links::Mac;

// A server's answer, its card (at 28) and transaction (at 4) ours; and whatever packet, also one to our port.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hear_packet(bytes, Mac([0; 6]), 0);
    if let Some((lengths, message)) = bytes.split_first_chunk::<4>() {
        let [total, own] = [&lengths[..2], &lengths[2..]].map(|two| [two[0] & 1, two[1]]);
        let packet = [&[0x45, 0][..], &total, &[0; 5], &[17], &[0; 12], &[0, 67, 0, 68], &own, &[0; 2], message].concat();
        hear_packet(&packet, Mac([0; 6]), 0);
    }
    let Some((id, mac)) = bytes.get(4..8).zip(bytes.get(28..).and_then(|tail| tail.first_chunk())) else { return };
    let id = id.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let Heard::Reply(Reply::Offer(lease) | Reply::Ack(lease), faults) = hear(bytes, Mac(*mac), id) else { return };
    assert!(lease.prefix <= 32 && lease.routes.iter().all(|(_, prefix, _)| *prefix <= 32) && faults.len() < 32);
    assert!(lease.times.is_none_or(|times| times.renew <= times.rebind && times.rebind <= times.expire));
    assert!(!lease.search.iter().chain(&lease.hostname).any(|name| name.contains([' ', '\n'])));
});

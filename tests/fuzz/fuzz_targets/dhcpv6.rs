#![no_main]
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::net::dhcpv6::exchange::Exchange;
use ironlet::net::dhcpv6::step::{Mode, Step};
use ironlet::net::dhcpv6::message::{Heard, hear};
use ironlet::net::link::links::Mac;

// Servers' answers to card 02:00:00:00:00:07, each after two bytes of length: to whatever question is open then.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (mac, clock) = (Mac([2, 0, 0, 0, 0, 7]), Clock::fake());
    let mode = match bytes.first() {
        Some(first) if first & 1 == 1 => Mode::Stateless,
        _ => Mode::Stateful,
    };
    let mut exchange = Exchange::new(clock.clone(), mode, [0; 3]);
    let mut rest = bytes.get(1..).unwrap_or_default();
    for _ in 0..64 {
        match exchange.step() {
            // What is held for ever is waited for as long as no machine runs.
            Step::Wait(until) => clock.sleep(until.min(Duration::from_secs(1 << 36)).saturating_sub(clock.elapsed())),
            Step::Send(_) | Step::Expire => {}
        }
        let Some(([high, low], after)) = rest.split_first_chunk() else { return };
        let length = usize::from(u16::from_be_bytes([*high & 0x3f, *low])).min(after.len());
        let mut message = after[..length].to_vec();
        rest = &after[length..];
        if message.len() >= 4 {
            message[1..4].copy_from_slice(&exchange.transaction);
        }
        if let Heard::Answer(answer, faults) = hear(&message, mac, exchange.transaction) {
            assert!(answer.addresses.len() <= 4 && answer.name_servers.len() <= 16 && faults.len() < 16);
            assert!(!answer.search.iter().any(|name| name.contains([' ', '\n'])));
            assert!(answer.addresses.iter().all(|granted| !granted.ip.is_multicast() && !granted.ip.is_unspecified()));
            exchange.hear(answer);
        }
        assert!(exchange.addresses().len() <= 4);
        // The cable was out; somebody else has the address.
        if high & 0x80 != 0 {
            exchange.reconnected();
        }
        if high & 0x40 != 0 && let Some(ip) = exchange.addresses().first().copied() {
            assert!(exchange.decline(ip).is_some_and(|ask| ask.addresses == [ip]) && exchange.addresses().is_empty());
        }
        assert!(exchange.waited() <= clock.elapsed() && exchange.tries() < 1000);
    }
});

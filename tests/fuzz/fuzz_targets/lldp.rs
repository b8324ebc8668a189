#![no_main]
use ironlet::net::lldp::frame::{ETHERTYPE, Frame, GROUPS, name_and_port, vlans};

// What follows a frame's Ethernet header, and whatever frame.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    Frame::read(bytes);
    let frame = [&GROUPS[0], &[2, 0, 0, 0, 0, 9][..], &ETHERTYPE.to_be_bytes(), bytes].concat();
    let Some(read) = Frame::read(&frame) else { return };
    assert!(read.tlvs.iter().all(|tlv| tlv.kind < 128 && tlv.value.len() < 512));
    assert!(read.tlvs.iter().map(|tlv| tlv.value.len() + 2).sum::<usize>() <= bytes.len());
    assert!(read.tlvs.iter().rev().skip(1).all(|tlv| tlv.kind != 0));
    assert!(vlans(&read.tlvs).iter().all(|number| (1..4095).contains(number)));
    assert!(name_and_port(&read.tlvs).is_none_or(|(name, port)| name.len() + port.len() <= 3 * bytes.len()));
    (read.is_of_switch(), read.is_whole());
});

//! One LLDP frame: its TLVs, what kind of thing sent it, and the VLANs it offers. Pure; every byte is somebody else's.

use crate::net::link::links::Mac;

/// IEEE 802.1AB: the Ethernet type.
pub const ETHERTYPE: u16 = 0x88cc;
/// Where LLDP goes (IEEE 802.1AB-2016 table 7-1): to the nearest bridge, past two-port relays, to the nearest customer's
/// bridge. No bridge that keeps to the standard forwards the first one.
pub const GROUPS: [[u8; 6]; 3] = [
    [0x01, 0x80, 0xc2, 0, 0, 0x0e],
    [0x01, 0x80, 0xc2, 0, 0, 0x03],
    [0x01, 0x80, 0xc2, 0, 0, 0x00],
];
/// Destination, source, type.
const HEADER: usize = 14;

// IEEE 802.1AB-2016 table 8-1
const END: u8 = 0;
const CHASSIS_ID: u8 = 1;
const PORT_ID: u8 = 2;
const TIME_TO_LIVE: u8 = 3;
const SYSTEM_NAME: u8 = 5;
const CAPABILITIES: u8 = 7;
const ORGANISATION: u8 = 127;
/// IEEE 802.1AB-2016 table 8-4: MAC bridge and router.
const BRIDGE_OR_ROUTER: u16 = 1 << 2 | 1 << 4;
/// IEEE 802.1Q annex D: its organisation's number, and the subtype of a VLAN's name.
const VLAN_NAME: [u8; 4] = [0x00, 0x80, 0xc2, 3];

/// One type and its value, as it stood in the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlv {
    /// 0 to 127.
    pub kind: u8,
    /// At most 511 bytes.
    pub value: Vec<u8>,
}

/// A frame that the standard lets a receiver take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whose it is.
    pub from: Mac,
    /// To the nearest bridge, so that no other bridge has forwarded it.
    pub nearest: bool,
    /// Chassis, port and time to live first; the end marker last, if it is there.
    pub tlvs: Vec<Tlv>,
}

impl Frame {
    /// From the whole of an Ethernet frame. None for what is no LLDP, lacks one of the three TLVs that every frame begins
    /// with, or says that its sender is about to leave. Of a frame that is cut, what is whole.
    pub fn read(bytes: &[u8]) -> Option<Frame> {
        let (header, mut rest) = bytes.split_first_chunk::<HEADER>()?;
        if header[12..] != ETHERTYPE.to_be_bytes() {
            return None;
        }
        let mut tlvs = Vec::new();
        // IEEE 802.1AB-2016 §8.4.1: seven bits of type, nine of length.
        while let Some(([high, low], after)) = rest.split_first_chunk() {
            let kind = high >> 1;
            let length = usize::from(high & 1) << 8 | usize::from(*low);
            let Some((value, after)) = after.split_at_checked(length) else {
                break;
            };
            let value = value.to_vec();
            tlvs.push(Tlv { kind, value });
            rest = after;
            // What follows is padding.
            if kind == END {
                break;
            }
        }
        let [chassis, port, ttl, ..] = &tlvs[..] else {
            return None;
        };
        // Each of the first two has a subtype and at least a byte more.
        let named = |tlv: &Tlv, kind| tlv.kind == kind && tlv.value.len() >= 2;
        let lives = ttl.kind == TIME_TO_LIVE
            && ttl
                .value
                .first_chunk()
                .is_some_and(|ttl: &[u8; 2]| *ttl != [0, 0]);
        let whole = named(chassis, CHASSIS_ID) && named(port, PORT_ID) && lives;
        whole.then(|| Frame {
            from: Mac([
                header[6], header[7], header[8], header[9], header[10], header[11],
            ]),
            nearest: header[..6] == GROUPS[0],
            tlvs,
        })
    }

    /// Is there an end marker? A frame that was cut has none.
    pub fn is_whole(&self) -> bool {
        self.tlvs.last().is_some_and(|tlv| tlv.kind == END)
    }

    /// Does it come from a switch or router? One that does not tell what it is may be.
    pub fn is_of_switch(&self) -> bool {
        let told = self.tlvs.iter().find(|tlv| tlv.kind == CAPABILITIES);
        // What the system has, then what of it is enabled.
        let enabled = told.and_then(|tlv| tlv.value.get(2..)?.first_chunk().copied());
        enabled.is_none_or(|enabled| u16::from_be_bytes(enabled) & BRIDGE_OR_ROUTER != 0)
    }
}

/// For people: what the neighbour is called, or its Ethernet address, and its port by whatever it says of that.
pub fn name_and_port(tlvs: &[Tlv]) -> Option<(String, String)> {
    let value = |kind| {
        tlvs.iter()
            .find(|tlv| tlv.kind == kind)
            .map(|tlv| &tlv.value[..])
    };
    // Chassis and port have a subtype first; 4 is an address of the chassis, 3 one of the port.
    let id = |kind, address| match value(kind)? {
        [subtype, id @ ..] if *subtype == address => {
            let pairs: Vec<String> = id.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(pairs.join(":"))
        }
        [_, id @ ..] => Some(String::from_utf8_lossy(id).into_owned()),
        [] => None,
    };
    let name = value(SYSTEM_NAME).filter(|name| !name.is_empty());
    let name = name.map(|name| String::from_utf8_lossy(name).into_owned());
    Some((name.or_else(|| id(CHASSIS_ID, 4))?, id(PORT_ID, 3)?))
}

/// The numbers of the VLANs that a neighbour names at its port, each once, in its order.
pub fn vlans(tlvs: &[Tlv]) -> Vec<u16> {
    let mut found = Vec::new();
    for tlv in tlvs.iter().filter(|tlv| tlv.kind == ORGANISATION) {
        let number = tlv.value.strip_prefix(&VLAN_NAME);
        let number = number.and_then(|rest| rest.first_chunk());
        let number = number.map_or(0, |number| u16::from_be_bytes(*number));
        // IEEE 802.1Q: 0 is no VLAN and 4095 is reserved.
        if (1..4095).contains(&number) && !found.contains(&number) {
            found.push(number);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &[u8] = b"\x02\x07\x04\x02\0\0\0\0\x09\x04\x03\x05p7\x06\x02\0\x78";

    fn frame(to: [u8; 6], tlvs: &[&[u8]]) -> Vec<u8> {
        [&to, &[2, 0, 0, 0, 0, 9][..], &[0x88, 0xcc], &tlvs.concat()].concat()
    }

    fn read(tlvs: &[&[u8]]) -> Option<Frame> {
        Frame::read(&frame(GROUPS[0], tlvs))
    }

    #[test]
    fn tlvs_are_read_up_to_the_end_marker() {
        let read = read(&[USUAL, b"\xfe\x01x", b"\0\0", &[0; 20]]).expect("a frame");
        let kinds: Vec<u8> = read.tlvs.iter().map(|tlv| tlv.kind).collect();
        assert_eq!(kinds, [1, 2, 3, 127, 0], "the padding is no TLV");
        assert_eq!(read.tlvs[1].value, b"\x05p7");
        assert_eq!(read.from.to_string(), "02:00:00:00:00:09");
        assert!(read.nearest);
        let named = |tlvs| name_and_port(tlvs).expect("both");
        assert_eq!(named(&read.tlvs), ("02:00:00:00:00:09".into(), "p7".into()));
        let name = Tlv {
            kind: 5,
            value: b"rack".to_vec(),
        };
        let named = named(&[&read.tlvs[..], &[name]].concat());
        assert_eq!(named, ("rack".into(), "p7".into()));
        let longest = [&[0x0b, 0xff][..], &[7; 511]].concat();
        let long = super::Frame::read(&frame(GROUPS[2], &[USUAL, &longest])).expect("a frame");
        assert_eq!((long.tlvs[3].kind, long.tlvs[3].value.len()), (5, 511));
        assert!(read.is_whole() && !long.is_whole() && !long.nearest);
    }

    #[test]
    fn what_is_no_frame_of_a_neighbour_is_left_alone() {
        let good = frame(GROUPS[0], &[USUAL]);
        for length in 0..good.len() {
            assert_eq!(Frame::read(&good[..length]), None, "{length}");
        }
        let mut other = good.clone();
        other[13] = 0xcd;
        assert_eq!(Frame::read(&other), None, "another type");
        for (why, tlvs) in [
            ("leaves", &b"\x02\x02\x04\x02\x04\x02\x05p\x06\x02\0\0"[..]),
            ("order", b"\x04\x02\x05p\x02\x02\x04\x02\x06\x02\0\x78"),
            ("empty port", b"\x02\x02\x04\x02\x04\x01\x05\x06\x02\0\x78"),
            ("zeros", &[0; 46]),
            ("ones", &[0xff; 46]),
        ] {
            assert_eq!(read(&[tlvs]), None, "{why}");
        }
        // One TLV that is longer than the frame costs itself alone.
        assert_eq!(read(&[USUAL, b"\x09\xffabc"]).expect("cut").tlvs.len(), 3);
    }

    #[test]
    fn a_switch_is_told_from_a_host() {
        for (capabilities, expected) in [
            (&b"\x0e\x04\0\x14\0\x04"[..], true),
            (b"\x0e\x04\0\x14\0\x10", true),
            (b"\x0e\x04\0\x94\0\x80", false),
            (b"\x0e\x04\0\x14\0\0", false),
            (b"\x0e\x02\0\x14", true),
            (b"", true),
        ] {
            let frame = read(&[USUAL, capabilities]).expect("a frame");
            assert_eq!(frame.is_of_switch(), expected, "{capabilities:?}");
        }
    }

    #[test]
    fn vlans_are_those_the_neighbour_names() {
        let vlan = |value: &[u8]| Tlv {
            kind: 127,
            value: value.to_vec(),
        };
        let told = [
            vlan(b"\0\x80\xc2\x03\0\x64\x04prod"),
            vlan(b"\0\x80\xc2\x03\x0f\xfe\0"),
            vlan(b"\0\x80\xc2\x03\0\x64\0"),
            vlan(b"\0\x80\xc2\x01\0\x07"),
            vlan(b"\0\x80\xc2\x03\0\0\0"),
            vlan(b"\0\x80\xc2\x03\x0f\xff\0"),
            vlan(b"\0\x80\xc2\x03\0"),
            vlan(b"\0\x12\x0f\x03\0\x09\0"),
        ];
        assert_eq!(vlans(&told), [100, 4094]);
    }
}

//! What a firmware says of the iSCSI disk it boots from: iPXE's own table as QEMU's BIOS and UEFI machines had it, what the kernel's module
//! shows of it, and broken ones.

#[path = "support/machine.rs"]
#[allow(dead_code)]
mod machine;

use ironlet::codec::hex;
use ironlet::disk::ibft::{self, BootDisk, Chap, table};
use ironlet::disk::{Wishes, root};
use ironlet::secret::Secret;
use machine::Machine;

const IPXE: &[u8] = include_bytes!("fixtures/ibft/ipxe.bin");
/// Where its target's block is.
const TARGET: usize = 0x180;
const NAME: &str = "iqn.2026-11.org.example:root";

fn expected() -> BootDisk {
    BootDisk {
        initiator: "iqn.2026-11.org.example:machine".to_owned(),
        target: NAME.to_owned(),
        portal: "10.0.2.2:3260".parse().expect("an address"),
        lun: 1,
        chap: None,
    }
}

/// The table with these bytes there, and a checksum that fits.
fn changed(changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut table = IPXE.to_vec();
    for (at, bytes) in changes {
        table[*at..][..bytes.len()].copy_from_slice(bytes);
    }
    summed(table)
}

fn summed(mut table: Vec<u8>) -> Vec<u8> {
    table[9] = 0;
    let sum = table.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    table[9] = sum.wrapping_neg();
    table
}

#[test]
fn ipxes_table_names_its_disk() {
    assert_eq!(table::parse(IPXE), Ok(vec![expected()]));
    assert_eq!(
        expected().to_string(),
        "iqn.2026-11.org.example:root (LUN 1) at 10.0.2.2:3260"
    );
}

#[test]
fn what_a_table_may_say_otherwise() {
    let v6 = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    for (what, changes, disks) in [
        (
            "IPv6",
            &[(TARGET + 6, &v6[..])][..],
            vec![BootDisk {
                portal: "[fd00::9]:3260".parse().expect("an address"),
                ..expected()
            }],
        ),
        (
            "no port is the usual",
            &[(TARGET + 22, &[0, 0])],
            vec![expected()],
        ),
        (
            "a LUN above 255",
            &[(TARGET + 24, &[0x41, 0x02])],
            vec![BootDisk {
                lun: 0x4102,
                ..expected()
            }],
        ),
        ("not booted from", &[(TARGET + 5, &[1])], vec![expected()]),
        ("not valid", &[(TARGET + 5, &[2])], vec![]),
        ("a target beyond the end", &[(60, &[0xff, 0x7f])], vec![]),
        ("a target within another block", &[(60, &[0x50, 0])], vec![]),
    ] {
        assert_eq!(table::parse(&changed(changes)), Ok(disks), "{what}");
    }
    for (what, changes) in [
        ("no address", &[(TARGET + 6, &[0; 16][..])]),
        ("no name", &[(TARGET + 34, &[0, 0])]),
        ("a name beyond the end", &[(TARGET + 36, &[0xff, 0xff])]),
        ("a name in the head", &[(TARGET + 36, &[4, 0])]),
        ("CHAP without a name", &[(TARGET + 32, &[1])]),
    ] {
        let error = table::parse(&changed(changes)).expect_err(what);
        assert!(
            error.details().contains("cannot be used"),
            "{what}: {error}"
        );
    }
}

#[test]
fn secrets_are_read_and_never_shown() {
    let mut table = IPXE.to_vec();
    let mut place = |text: &str| {
        let at = table.len() as u16;
        table.extend(text.bytes().chain([0]));
        [(text.len() as u16).to_le_bytes(), at.to_le_bytes()].concat()
    };
    let places: Vec<_> = ["machine7", "Sesame-open-1", "target9", "Sesame-open-2"]
        .map(&mut place)
        .into();
    for (field, place) in places.iter().enumerate() {
        table[TARGET + 38 + 4 * field..][..4].copy_from_slice(place);
    }
    let length = table.len() as u32;
    table[4..8].copy_from_slice(&length.to_le_bytes());
    for kind in [1, 2] {
        table[TARGET + 32] = kind;
        let disks = table::parse(&summed(table.clone())).expect("a good table");
        let back = (kind == 2).then(|| ("target9".to_owned(), Secret::new("Sesame-open-2")));
        let chap = Chap {
            user: "machine7".to_owned(),
            secret: Secret::new("Sesame-open-1"),
            back,
        };
        assert_eq!(disks[0].chap, Some(chap));
        assert!(!format!("{:?} {}", disks[0], disks[0]).contains("Sesame"));
    }
}

#[test]
fn damage_is_an_error_or_no_disk() {
    let why = |table: &[u8]| {
        table::parse(table)
            .map(|_| ())
            .map_err(|error| error.details().to_owned())
    };
    for (what, table, said) in [
        ("nothing", Vec::new(), "long"),
        (
            "a length beyond the end",
            changed(&[(4, &[0xff, 0xff])]),
            "long",
        ),
        ("a length below the head", changed(&[(4, &[40, 0])]), "long"),
        ("another table", changed(&[(0, b"SSDT")]), "name"),
        ("another revision", changed(&[(8, &[9])]), "revision 9"),
        ("no control", changed(&[(48, &[7])]), "control"),
        ("a short control", changed(&[(50, &[7, 0])]), "control"),
        (
            "a control beyond the end",
            changed(&[(50, &[0xff, 0xff])]),
            "control",
        ),
    ] {
        let why = why(&table).expect_err(what);
        assert!(why.contains("iBFT") && why.contains(said), "{what}: {why}");
    }
    for at in 0..IPXE.len() {
        assert!(why(&IPXE[..at]).is_err(), "cut to {at}");
        let mut table = IPXE.to_vec();
        table[at] ^= 0x55;
        assert!(why(&table).is_err(), "byte {at} is another");
        // The same with a checksum that fits: no panic, whatever it means.
        let _ = why(&summed(table));
    }
}

/// As the kernel's module showed iPXE's table, and a second target that was not booted from.
fn shown(lun: &str) -> Machine {
    let target = |number, flags, name: &str, lun| {
        let at = format!("/sys/firmware/ibft/target{number}");
        format!(
            "{at}/flags = {flags}\n{at}/index = {number}\n{at}/ip-addr = 10.0.2.2\n{at}/port = 3260\n{at}/lun = {lun}\n{at}/chap-type = 0\n\
             {at}/nic-assoc = 0\n{at}/target-name = {name}\n"
        )
    };
    let initiator =
        "/sys/firmware/ibft/initiator/initiator-name = iqn.2026-11.org.example:machine\n";
    Machine::empty().with(
        &[
            initiator,
            &target(0, 1, "iqn.2026-11.org.example:other", "00000000"),
            &target(1, 3, NAME, lun),
        ]
        .concat(),
    )
}

#[test]
fn the_kernels_module_shows_the_same() {
    for (text, lun) in [
        ("01000000", 1),
        ("00000000", 0),
        ("0ff000000", 255),
        ("412000000", 0x4102),
        ("41ff000000", 0x41ff),
    ] {
        let disks = ibft::read(&shown(text).host()).expect("it can be read");
        assert_eq!(
            disks.first(),
            Some(&BootDisk { lun, ..expected() }),
            "{text}"
        );
        assert_eq!(disks.len(), 2);
    }
    for text in ["", "1", "x1000000", "01000001", "010203040", "é000000"] {
        let disks = ibft::read(&shown(text).host()).expect("it can be read");
        assert_eq!(disks.len(), 1, "{text}: no LUN is made up");
    }
}

#[test]
fn a_disk_that_is_not_connected_is_named_where_one_is_looked_for() {
    let acpi = |table: &[u8]| {
        Machine::empty().with(&format!(
            "/sys/firmware/acpi/tables/iBFT hex {}\n",
            hex::encode(table)
        ))
    };
    for machine in [acpi(IPXE), shown("01000000")] {
        let error = root(&machine.host(), &Wishes::default()).expect_err("there is no disk");
        let told = error.details();
        assert!(
            told.contains(
                "boots from the iSCSI disk iqn.2026-11.org.example:root (LUN 1) at 10.0.2.2:3260"
            ),
            "{told}"
        );
    }
    let session = "/sys/class/iscsi_session/session1";
    let connected = format!("{session}/targetname = {NAME}\n{session}/state = LOGGED_IN\n");
    let machine = acpi(IPXE).with(&connected);
    assert_eq!(ibft::missing(&machine.host()), None);
    let machine = acpi(IPXE)
        .with(&connected)
        .with(&format!("{session}/state = FAILED\n"));
    assert!(ibft::missing(&machine.host()).is_some());
    assert_eq!(ibft::missing(&Machine::empty().host()), None);
    let told = ibft::missing(&acpi(&IPXE[..100]).host()).expect("a damaged table");
    assert!(told.contains("iBFT"), "{told}");
}

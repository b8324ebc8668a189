//! SMBIOS tables in dmidecode's words, beside dmidecode: real tables of QEMU's, and made-up ones of every length with every
//! value in their fields. Needs dmidecode.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use ironlet::codec::json::{self, Fields, Object, Value, number, object, text};
use ironlet::inventory::dmi::Tables;
use ironlet::inventory::dmi_decode::{collect, decode};

#[path = "support/machine.rs"]
mod machine;
use machine::Machine;

/// What dmidecode prints of a table, as it stands in a dump of the version `version`.
fn dmidecode(table: &[u8], version: u16, name: &str) -> String {
    // SMBIOS 5.2.2, the 64-bit entry point; dmidecode wants the table behind it.
    let [major, minor] = version.to_be_bytes();
    let mut entry = vec![b'_', b'S', b'M', b'3', b'_', 0, 24, major, minor, 0, 1, 0];
    entry.extend((table.len() as u32).to_le_bytes());
    entry.extend(32u64.to_le_bytes());
    entry[5] = 0u8.wrapping_sub(
        entry
            .iter()
            .fold(0, |sum: u8, byte| sum.wrapping_add(*byte)),
    );
    entry.resize(32, 0);
    entry.extend(table);
    let path =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::write(&path, entry).expect("the target directory is writable");
    let said = Command::new("dmidecode")
        .args([
            "-t",
            "bios",
            "-t",
            "processor",
            "-t",
            "memory",
            "--from-dump",
        ])
        .arg(&path)
        .output()
        .expect("dmidecode");
    let _ = std::fs::remove_file(&path);
    String::from_utf8(said.stdout).expect("dmidecode prints ASCII")
}

/// What upstream's agent makes of that.
fn as_upstream(printed: &str) -> Value {
    let mut found: BTreeMap<u64, Vec<Object>> = BTreeMap::new();
    for block in printed
        .split("\n\n")
        .filter(|block| block.starts_with("Handle 0x"))
    {
        let kind = block
            .split(',')
            .nth(1)
            .and_then(|part| part.trim().strip_prefix("DMI type "));
        let kind = kind.and_then(|digits| digits.parse().ok()).expect("a type");
        let (mut rows, mut list) = (Object::new(), None);
        for line in block.lines().map(str::trim) {
            if let Some((name, value)) = line.split_once(':') {
                let name = name.trim().to_owned();
                let is_list = value.trim().is_empty();
                let value = match is_list {
                    true => Value::Array(Default::default()),
                    false => text(value.trim()),
                };
                rows.insert(name.clone(), value);
                list = is_list.then_some(name);
            } else if line.contains("Handle 0x") {
                rows.insert("Handle".to_owned(), text(line));
            } else if let Some(Value::Array(items)) =
                list.as_ref().and_then(|name| rows.get_mut(name))
            {
                items.push(text(line));
            }
        }
        found.entry(kind).or_default().push(rows);
    }
    let mut take = |kind| found.remove(&kind).unwrap_or_default();
    let list = |all: Vec<Object>| Value::Array(all.into_iter().map(Value::Object).collect());
    let (firmware, processors, arrays, devices) = (take(0), take(4), take(16), take(17));
    let count = |one: &Object| one.string("Number Of Devices").ok()??.parse::<u64>().ok();
    let places: u64 = arrays.iter().filter_map(count).sum();
    let mut memory = Object::new();
    if let Some(first) = arrays.into_iter().next() {
        memory = first;
        memory.remove("Handle");
        memory.insert("Number Of Devices".to_owned(), number(places));
    } else {
        memory.insert("devices".to_owned(), list(Vec::new()));
    }
    if !devices.is_empty() {
        memory.insert("devices".to_owned(), list(devices));
    }
    object([
        (
            "bios",
            Value::Object(firmware.into_iter().next_back().unwrap_or_default()),
        ),
        ("cpu", list(processors)),
        ("memory", Value::Object(memory)),
    ])
}

fn same(table: &[u8], version: u16, name: &str) {
    let theirs = as_upstream(&dmidecode(table, version, name));
    let ours = decode(&Tables::new(table.to_vec()).of_version(version));
    let found = difference(&ours, &theirs, name);
    assert!(found.is_none(), "{}", found.unwrap_or_default());
}

/// The first place where two values differ, and both.
fn difference(ours: &Value, theirs: &Value, place: &str) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => one
            .iter()
            .find_map(|(key, ours)| difference(ours, &other[key], &format!("{place}/{key}"))),
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other.iter()).enumerate();
            pairs
                .find_map(|(at, (ours, theirs))| difference(ours, theirs, &format!("{place}/{at}")))
        }
        _ => {
            let (ours, theirs) = (json::print(ours), json::print(theirs));
            let short = |text: &str| text.chars().take(1500).collect::<String>();
            (ours != theirs).then(|| {
                format!(
                    "{place}: {}, dmidecode says {}",
                    short(&ours),
                    short(&theirs)
                )
            })
        }
    }
}

/// Marsaglia's xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    /// Often what stands for none or unknown.
    fn byte(&mut self) -> u8 {
        match self.next(6) {
            0 => 0,
            1 => 0xFF,
            2 => 0xFE,
            3 => self.next(16) as u8,
            _ => self.next(256) as u8,
        }
    }
}

/// (type, shortest with anything to tell, longest, places of texts)
const STRUCTURES: &[(u8, u8, u8, &[usize])] = &[
    (0, 0x12, 0x1C, &[4, 5, 8]),
    (4, 0x1A, 0x32, &[4, 7, 0x10, 0x20, 0x21, 0x22]),
    (16, 0x0F, 0x17, &[]),
    (17, 0x15, 0x64, &[0x10, 0x11, 0x17, 0x18, 0x19, 0x1A, 0x2B]),
];

/// A structure with random fields; what only the latest dmidecode knows is left out for an older one.
fn structure(random: &mut Random, handle: u16, is_latest: bool) -> Vec<u8> {
    let (kind, least, most, texts) = STRUCTURES[random.next(4) as usize];
    let length = match random.next(8) {
        0 => 4 + random.next(u64::from(least)) as u8,
        _ => least + random.next(u64::from(most - least) + 1) as u8,
    };
    let mut bytes: Vec<u8> = (0..length).map(|_| random.byte()).collect();
    (bytes[0], bytes[1]) = (kind, length);
    bytes[2..4].copy_from_slice(&handle.to_le_bytes());
    for at in texts {
        if let Some(byte) = bytes.get_mut(*at) {
            *byte = random.next(6) as u8;
        }
    }
    let mut set = |at: usize, byte: u8| {
        if let Some(field) = bytes.get_mut(at) {
            *field = byte;
        }
    };
    // Not told by dmidecode: families of machines this agent is not built for.
    let family = [
        0x100, 0x101, 0x118, 0x140, 0x200, 0xB3, 0x6B, 0x05, 0x06, 0xBE,
    ][random.next(10) as usize];
    match kind {
        4 => {
            let [low, high] = u16::to_le_bytes(family);
            set(0x28, low);
            set(0x29, high);
            if !is_latest {
                if random.next(2) == 0 {
                    set(0x06, 0xFE);
                }
                set(0x19, random.next(0x40) as u8);
                set(0x30, 0);
                set(0x31, 0);
            }
        }
        16 if !is_latest => set(0x04, random.next(0x0C) as u8),
        16 if random.next(2) == 0 => {
            (0x07..0x0B).for_each(|at| set(at, if at == 0x0A { 0x80 } else { 0 }))
        }
        17 if !is_latest => {
            set(0x12, random.next(0x24) as u8);
            bytes.truncate(0x63);
            bytes[1] = bytes.len() as u8;
        }
        _ => {}
    }
    let strings: &[&[u8]] = &[
        b"Intel(R) Corporation",
        b"   ",
        b"Name: with a colon ",
        b"caf\xc3\xa9\t\x7f",
    ];
    let count = random.next(5) as usize;
    for string in &strings[..count] {
        bytes.extend(*string);
        bytes.push(0);
    }
    bytes.extend(if count == 0 { &[0, 0][..] } else { &[0] });
    bytes
}

#[test]
fn made_up_tables_read_as_dmidecode_prints_them() {
    let said = Command::new("dmidecode")
        .arg("--version")
        .output()
        .expect("dmidecode");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let is_latest = said.trim().split_once('.').is_some_and(|(major, minor)| {
        let (major, minor) = (major.parse::<u32>(), minor.parse::<u32>());
        (major.unwrap_or(0), minor.unwrap_or(0)) >= (3, 6)
    });
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut structures = 0;
    for round in 0..200 {
        let count = random.next(20) as u16;
        let table: Vec<u8> = (0..count)
            .flat_map(|handle| structure(&mut random, handle, is_latest))
            .collect();
        let version = [0x0200, 0x0202, 0x0203, 0x0305][random.next(4) as usize];
        same(&table, version, &format!("made-up-{round}"));
        structures += count;
    }
    println!(
        "dmidecode {}: 200 tables, {structures} structures are the same",
        said.trim()
    );
}

#[test]
fn every_value_of_a_byte_reads_as_dmidecode_prints_it() {
    for (kind, _, length, texts) in STRUCTURES {
        let last = if *kind == 17 { 0x63 } else { *length };
        // One structure for each value of the byte, and no other byte set; those of texts have no such values.
        for at in (4..usize::from(last)).filter(|at| !texts.contains(at)) {
            // Later than Debian's: a family, sockets, threads in use, a place and a type of memory.
            let is_older = |value: &u8| match (kind, at) {
                (4, 0x06) => *value != 0x16,
                (4, 0x19) => *value < 0x40,
                (4, 0x30 | 0x31) => false,
                (16, 0x04) => *value != 0xA4,
                (17, 0x12) => *value != 0x24,
                _ => true,
            };
            let structure = |value: u8| {
                let mut bytes = vec![0; last.into()];
                (bytes[0], bytes[1], bytes[at]) = (*kind, last, value);
                if *kind == 17 && !(0x0C..0x0E).contains(&at) {
                    bytes[0x0C] = 1;
                }
                bytes.extend([0, 0]);
                bytes
            };
            let values = (1..=255).filter(is_older);
            let table: Vec<u8> = values.flat_map(structure).collect();
            same(&table, 0x0305, &format!("every-value-{kind}-{at}"));
        }
    }
}

#[test]
fn recorded_machines_read_as_dmidecode_prints_them() {
    for name in ["lab-uefi", "ahci-nvme"] {
        let machine = Machine::recorded(name);
        let table =
            std::fs::read(machine.place("/sys/firmware/dmi/tables/DMI")).expect("it has tables");
        same(&table, 0x0208, name);
        let told = collect(&machine.host()).expect("readable");
        let Value::Object(told) = told else {
            panic!("an object")
        };
        let processors = told.array("cpu").expect("a list").expect("there");
        assert!(!processors.is_empty(), "{name}");
    }
}

#[test]
fn a_machine_without_tables_has_empty_ones() {
    let machine = Machine::recorded("ahci-nvme").without("/sys/firmware/dmi/tables/DMI");
    let told = collect(&machine.host()).expect("nothing to read");
    assert_eq!(
        json::print(&told),
        r#"{"bios":{},"cpu":[],"memory":{"devices":[]}}"#
    );
    // What is there and cannot be read is a failure of the collector.
    let machine = Machine::empty().with("/sys/firmware/dmi/tables/DMI/\n");
    let error = collect(&machine.host()).expect_err("a directory");
    assert!(
        error.details().starts_with("reading the SMBIOS DMI"),
        "{error}"
    );
}

#[test]
fn tables_that_are_cut_or_endless_yield_what_they_can() {
    let count = |table: Vec<u8>| {
        let Value::Object(told) = decode(&Tables::new(table)) else {
            panic!("an object")
        };
        told.array("cpu").expect("a list").expect("there").len()
    };
    let processor = [&[4u8, 0x1A][..], &[0; 0x18], &[0, 0]].concat();
    assert_eq!(count(processor.repeat(3)), 3);
    // Cut in the middle of the third.
    assert_eq!(count(processor.repeat(3)[..70].to_vec()), 2);
    // A length that leads nowhere, or back to where it stands.
    assert_eq!(
        count([&processor[..], &[4, 0, 0, 0, 0, 0], &processor].concat()),
        1
    );
    // More than any machine has.
    assert_eq!(count(processor.repeat(9000)), 2048);
    // A gigabyte by the entry point's word: what is there counts.
    let entry =
        "/sys/firmware/dmi/tables/smbios_entry_point hex 5f534d335f00180305000100ffffff3f\n";
    let digits: String = processor.iter().map(|byte| format!("{byte:02x}")).collect();
    let machine = Machine::empty().with(&format!(
        "{entry}/sys/firmware/dmi/tables/DMI hex {digits}\n"
    ));
    let told = json::print(&collect(&machine.host()).expect("readable"));
    assert!(
        told.contains(r#""Handle":"Handle 0x0000, DMI type 4, 26 bytes""#),
        "{told}"
    );
}

//! Software RAID as bytes: superblocks, configurations, where members lie, and what a power cut leaves of a creation and a deletion.

mod support;

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use ironlet::codec::json::{Object, Value, parse};
use ironlet::disk::raid::apart;
use ironlet::disk::raid::configuration::{self, Circumstances, Volume};
use ironlet::disk::raid::create::{Write, plan};
use ironlet::disk::raid::layout::{self, Bare, Layout};
use ironlet::disk::raid::level::Level;
use ironlet::disk::raid::superblock::{Array, Member};
use ironlet::disk::table::Table;
use ironlet::disk::table::partition_plan::Scheme;
use ironlet::disk::wipe::partition_ranges::Places;
use ironlet::disk::wipe::zeroing_order;
use ironlet::disk::{Hints, Wishes};
use ironlet::error::{Error, Kind, Result};

use support::fake_agent::{Surroundings, post_and_wait, text_at};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

fn object(text: &str) -> Object {
    match parse(text) {
        Ok(Value::Object(object)) => object,
        other => panic!("{text}: {other:?}"),
    }
}

fn config(text: &str, disks: usize, named: bool) -> Result<Vec<Volume>> {
    let about = Circumstances {
        node: "n",
        named,
        disks,
    };
    configuration::parse(&object(text), about)
}

fn read(bytes: &[u8], at: u64, into: &mut [u8]) -> Result<()> {
    let from = bytes
        .get(at as usize..)
        .and_then(|rest| rest.get(..into.len()));
    into.copy_from_slice(from.ok_or_else(|| Error::plain("beyond"))?);
    Ok(())
}

fn find(bytes: &[u8]) -> Option<Member> {
    Member::find(bytes.len() as u64, &mut |at, into| read(bytes, at, into)).expect("all is there")
}

fn array(level: Level, at_end: bool, members: usize, size: u64) -> Array {
    Array {
        name: "root".to_owned(),
        uuid: [7; 16],
        level,
        at_end,
        members: vec![size; members],
        made: 1_700_000_000,
    }
}

fn member(array: &Array, number: usize) -> Vec<u8> {
    let mut device = vec![0xaa; array.members[number] as usize];
    for (at, bytes) in array.pieces(number, [number as u8; 16]) {
        device[at as usize..][..bytes.len()].copy_from_slice(&bytes);
    }
    device
}

#[test]
fn what_is_written_of_a_member_is_read_again_and_nothing_else_is_taken_for_one() {
    for (level, at_end, members) in [
        (Level::Raid0, false, 2),
        (Level::Raid1, false, 2),
        (Level::Raid1, true, 3),
        (Level::Raid10, false, 4),
        (Level::Raid5, false, 3),
        (Level::Raid6, false, 128),
    ] {
        let array = array(level, at_end, members, 16 * MIB);
        for number in [0, members - 1] {
            let mut device = member(&array, number);
            let found = find(&device).expect("it is a member");
            assert_eq!(found.version, (1, if at_end { 0 } else { 2 }), "{level:?}");
            assert_eq!((found.uuid, found.volume()), ([7; 16], "root"));
            assert_eq!((found.level, found.disks), (level.number(), members as u32));
            assert_eq!((found.events, found.role), (0, Some(number as u32)));
            // Every byte that the checksum covers.
            for at in (0..256 + 2 * 128)
                .step_by(5)
                .map(|at| found.at as usize + at)
            {
                device[at] ^= 0x10;
                assert_eq!(find(&device), None, "{level:?}, byte {at}");
                device[at] ^= 0x10;
            }
            // Moved by a sector, as a partition's superblock is on the disk.
            device.splice(0..0, [0; 4096]);
            assert_eq!(find(&device), None, "{level:?}, moved");
        }
    }
    for size in [0, 1, 511, 4096, 8192, 65536, 65537] {
        assert_eq!(find(&vec![0xa9; size]), None, "{size}");
    }
}

#[test]
fn a_volume_s_name_is_told_without_its_machine() {
    let mut array = array(Level::Raid1, false, 2, 16 * MIB);
    for (name, volume) in [
        ("host:data", "data"),
        ("data", "data"),
        ("data (local)", "data"),
        ("", ""),
    ] {
        name.clone_into(&mut array.name);
        assert_eq!(find(&member(&array, 1)).expect("a member").volume(), volume);
    }
}

#[test]
fn every_problem_of_a_configuration_is_told_at_once() {
    const FIRST: &str = r#"{"controller":"software","raid_level":"1","size_gb":10}"#;
    let one = |text: &str| format!(r#"{{"logical_disks":[{text}]}}"#);
    let two = |text: &str| one(&format!("{FIRST},{text}"));
    for (text, disks, named, words) in
        [
            ("{}".to_owned(), 2, false, &["no logical disks"][..]),
            (
                r#"{"logical_disks":7}"#.to_owned(),
                2,
                false,
                &["no logical disks"],
            ),
            (one(""), 2, false, &["no logical disks"]),
            (one("7"), 2, false, &["logical disk 1 is not an object"]),
            (
                one("{}"),
                2,
                false,
                &[
                    "'controller'='software'",
                    "raid_level is missing",
                    "size_gb is missing",
                ],
            ),
            (
                one(&[FIRST; 3].join(",")),
                2,
                false,
                &["one or two logical disks"],
            ),
            (
                one(FIRST),
                1,
                false,
                &["RAID level 1 with only 1 block devices found: it takes at least 2"],
            ),
            (one(FIRST), 129, false, &["it takes at most 128"]),
            (
                one(FIRST),
                2,
                true,
                &["All logical disks are required to have a volume name"],
            ),
            (
                one(&FIRST.replace("\"1\"", "\"5\"")),
                4,
                false,
                &["requires RAID-1 for the first"],
            ),
            (
                one(&FIRST.replace("\"1\"", "1")),
                4,
                false,
                &["raid_level must be a string, not 1"],
            ),
            (
                two(&FIRST.replace("\"1\"", "\"5\"")),
                2,
                false,
                &["RAID level 5 with only 2"],
            ),
            (
                two(&FIRST.replace("\"1\"", "\"6\"")),
                3,
                false,
                &["RAID level 6 with only 3"],
            ),
            (
                two(&FIRST.replace("\"1\"", "\"JBOD\"")),
                3,
                false,
                &["does not support RAID level JBOD"],
            ),
            (
                two(&FIRST.replace("software", "ilo")),
                2,
                false,
                &["'controller'='software'"],
            ),
            (
                one(&FIRST.replace("10", "0")),
                2,
                false,
                &["size_gb must be 'MAX' or a whole number"],
            ),
            (
                one(&FIRST.replace("10", "-1")),
                2,
                false,
                &["size_gb must be"],
            ),
            (
                one(&FIRST.replace("10", "1.5")),
                2,
                false,
                &["size_gb must be"],
            ),
            (
                one(&FIRST.replace("10", "18446744073709551615")),
                2,
                false,
                &["size_gb must be"],
            ),
            (
                one(&FIRST.replace("10", "\"max\"")),
                2,
                false,
                &["size_gb must be"],
            ),
            (
                one(&FIRST.replace("10", r#"10,"volume_name":7"#)),
                2,
                false,
                &["volume_name must be a string"],
            ),
            (
                one(&FIRST.replace("10", r#"10,"volume_name":"a b""#)),
                2,
                false,
                &["volume_name must have 1 to 32 bytes"],
            ),
            (
                one(&FIRST.replace("10", r#"10,"volume_name":"a:b""#)),
                2,
                false,
                &["volume_name must have"],
            ),
            (
                one(&FIRST.replace("10", r#"10,"volume_name":"esp""#)),
                2,
                false,
                &["'esp' is what"],
            ),
            (
                one(&FIRST.replace("10", &format!(r#"10,"volume_name":"{}""#, "a".repeat(33)))),
                2,
                false,
                &["volume_name must"],
            ),
            (
                one(&FIRST.replace("10", r#"10,"is_root_volume":"yes""#)),
                2,
                false,
                &["is_root_volume must be true or false"],
            ),
            (
                one(&FIRST.replace("10", r#"10,"physical_disks":[{"size":7}]"#)),
                2,
                false,
                &["at least 2 items"],
            ),
            (
                one(&FIRST.replace("10", r#"10,"physical_disks":"all""#)),
                2,
                false,
                &["at least 2 items"],
            ),
            (
                one(&FIRST.replace("10", r#"10,"physical_disks":[1,{"colour":"red"}]"#)),
                2,
                false,
                &["(dictionaries)", "'colour' is none of"],
            ),
            (
                two(&FIRST.replace("10", r#""MAX","volume_name":"a","is_root_volume":true"#))
                    .replacen("10", r#""MAX","volume_name":"a","is_root_volume":true"#, 1),
                2,
                false,
                &[
                    r#"Duplicate software RAID device name "a""#,
                    "only one logical disk",
                    "only one RAID device with size 'MAX'",
                ],
            ),
        ]
    {
        let error = config(&text, disks, named).expect_err(&text);
        assert_eq!(error.kind(), Kind::SoftwareRAIDError, "{text}");
        for words in words {
            assert!(error.details().contains(words), "{text}: {error}");
        }
    }
}

#[test]
fn the_volume_that_takes_what_is_left_is_made_last() {
    let text = r#"{"logical_disks":[{"controller":"software","raid_level":"1","size_gb":"MAX","volume_name":"b"},
        {"controller":"software","raid_level":"1+0","size_gb":"20","share_physical_disks":true}]}"#;
    let volumes = config(text, 4, false).expect("a good one");
    let told: Vec<_> = volumes
        .iter()
        .map(|volume| (volume.level, volume.size, volume.name.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (Level::Raid10, Some(20), None),
            (Level::Raid1, None, Some("b"))
        ]
    );
}

fn volume(level: Level, size: Option<u64>) -> Volume {
    Volume {
        level,
        size,
        name: None,
        root: None,
        physical: Vec::new(),
    }
}

fn bare(size: u64, sector: u64) -> Bare {
    Bare {
        name: "/dev/sda".to_owned(),
        size,
        sector,
    }
}

#[test]
fn members_begin_behind_what_the_firmware_needs_and_the_first_ends_where_its_size_says() {
    let both = [volume(Level::Raid1, Some(2)), volume(Level::Raid0, None)];
    let members = [vec![0, 1], vec![0, 1]];
    for (scheme, first, sector) in [
        (Scheme::Uefi, 551 * MIB, 512),
        (Scheme::Uefi, 551 * MIB, 4096),
        (Scheme::BiosGpt, 8 * MIB, 512),
        (Scheme::Mbr, MIB, 512),
    ] {
        let disks = [bare(5 * GIB, sector), bare(7 * GIB + 512 * 8, sector)];
        let layouts = layout::plan(scheme, &disks, &both, &members).expect("there is room");
        for (layout, disk) in layouts.iter().zip(&disks) {
            let places: Vec<_> = layout
                .parts
                .iter()
                .map(|part| (part.number, part.start, part.end))
                .collect();
            let end = places[1].2;
            assert_eq!(
                places,
                [(1, first, 2 * GIB), (2, 2 * GIB, end)],
                "{scheme:?}"
            );
            assert!(
                end <= disk.size && disk.size - end <= 2 * MIB,
                "{scheme:?}: {end}"
            );
        }
    }
    for (scheme, size, volumes) in [
        (
            Scheme::Uefi,
            5 * GIB,
            [volume(Level::Raid1, Some(5)), volume(Level::Raid1, None)],
        ),
        (
            Scheme::Uefi,
            551 * MIB,
            [volume(Level::Raid1, None), volume(Level::Raid1, Some(1))],
        ),
        (
            Scheme::Mbr,
            5 * GIB,
            [volume(Level::Raid1, Some(3)), volume(Level::Raid1, Some(3))],
        ),
    ] {
        let disks = [bare(size, 512), bare(size, 512)];
        let error = layout::plan(scheme, &disks, &volumes, &members).expect_err("no room");
        assert_eq!(error.kind(), Kind::SoftwareRAIDError);
        assert!(
            error.details().matches("no room for logical disk").count() == 2,
            "{error}"
        );
    }
}

/// Two disks of 600 MiB with two arrays on each.
fn creation() -> (Vec<Write>, Vec<Layout>) {
    let volumes = [volume(Level::Raid1, None)];
    let members = [vec![0, 1]];
    let disks = [bare(600 * MIB, 512), bare(600 * MIB, 512)];
    let layouts = layout::plan(Scheme::Uefi, &disks, &volumes, &members).expect("there is room");
    let count = Cell::new(0);
    let random = || {
        count.set(count.get() + 1);
        Ok([count.get(); 16])
    };
    let (writes, _) = plan(&volumes, &members, &layouts, &["md0".to_owned()], 0, random)
        .expect("nothing can fail");
    (writes, layouts)
}

fn apply(disks: &mut [Vec<u8>], write: &Write) {
    match write {
        Write::Bytes(disk, at, bytes) => {
            disks[*disk][*at as usize..][..bytes.len()].copy_from_slice(bytes)
        }
        Write::Zeros(disk, range) => disks[*disk][range.start as usize..range.end as usize].fill(0),
        Write::Flush => {}
    }
}

/// What a kernel finds on a disk: the members in its partitions.
fn members_seen(disk: &[u8]) -> Vec<Option<Member>> {
    let table = Table::read(&disk[..MIB as usize], &[512], disk.len() as u64)
        .ok()
        .flatten();
    let parts = table.map(|table| table.partitions()).unwrap_or_default();
    parts
        .iter()
        .map(|part| find(&disk[part.start as usize..part.end as usize]))
        .collect()
}

/// Bare disks once held an array of the same shape: what is left of it must not be taken for the new one's.
#[test]
fn after_any_write_of_a_creation_each_disk_shows_nothing_or_whole_members() {
    let (writes, layouts) = creation();
    let mut disks = vec![vec![0u8; 600 * MIB as usize]; 2];
    for (disk, layout) in disks.iter_mut().zip(&layouts) {
        disk[layout.parts[0].start as usize + 4096] = 0xfc;
    }
    let mut shown = Vec::new();
    for write in &writes {
        apply(&mut disks, write);
        let seen: Vec<_> = disks.iter().map(|disk| members_seen(disk)).collect();
        let whole = |members: &Vec<Option<Member>>| {
            members
                .iter()
                .all(|member| member.as_ref().is_some_and(|own| own.disks == 2))
        };
        assert!(seen.iter().all(whole), "{write:?}");
        shown.push(seen.iter().filter(|members| !members.is_empty()).count());
    }
    // Never both at once, and a disk alone is one of two.
    shown.dedup();
    assert_eq!(shown, [0, 1, 2]);
}

#[test]
fn after_any_write_of_a_deletion_what_is_left_of_it_is_found_again() {
    let (writes, _) = creation();
    let mut disks = vec![vec![0u8; 600 * MIB as usize]; 2];
    writes.iter().for_each(|write| apply(&mut disks, write));
    let disk = &mut disks[0];
    let size = disk.len() as u64;
    let places = |disk: &[u8]| Places::read(size, 512, &mut |at, into| read(disk, at, into));
    let steps = |disk: &[u8]| {
        let (middle, ends) = zeroing_order::plan(size, 512, &places(disk));
        [&middle[..], &ends[..]].concat()
    };
    let at = 551 * MIB as usize;
    let whole = disk.clone();
    for cut in 0..=steps(&whole).len() {
        disk.copy_from_slice(&whole);
        for range in steps(&whole).into_iter().take(cut) {
            disk[range.start as usize..range.end as usize].fill(0);
        }
        let is_member =
            find(&disk[at..at + places(&whole).partitions[0].end as usize - at]).is_some();
        let is_found = places(disk)
            .partitions
            .iter()
            .any(|place| place.start == at as u64);
        assert!(is_found || !is_member, "after {cut} steps");
        for range in steps(&disk.clone()) {
            disk[range.start as usize..range.end as usize].fill(0);
        }
        assert!(
            members_seen(disk).is_empty()
                && disk[at + 4096..at + 8192].iter().all(|byte| *byte == 0),
            "after {cut} steps"
        );
    }
}

/// A bare disk of 64 MiB, which may be written.
fn disk(surroundings: &Surroundings, kernel: &str) -> PathBuf {
    let path = surroundings.add_named(kernel);
    fs::write(&path, vec![0u8; 64 * MIB as usize]).expect("room for a disk");
    let size = surroundings.host.sys("block").join(kernel).join("size");
    fs::write(size, (64 * MIB / 512).to_string()).expect("a file in the scratch");
    path
}

fn create(surroundings: &mut Surroundings, volumes: &str) -> Object {
    step(surroundings, "create_configuration", volumes)
}

fn step(surroundings: &mut Surroundings, name: &str, volumes: &str) -> Object {
    let node = format!(
        r#"{{"uuid":"u","properties":{{"capabilities":"boot_mode:bios"}},"target_raid_config":{{"logical_disks":[{volumes}]}}}}"#
    );
    let body = format!(
        r#"{{"name":"clean.execute_clean_step","params":{{"node":{node},"ports":[],"step":{{"step":"{name}","interface":"raid"}}}}}}"#
    );
    let engine = surroundings.engine();
    let entry = post_and_wait(&engine, &body);
    engine.join();
    entry
}

const MIRROR: &str = r#"{"controller":"software","raid_level":"1","size_gb":"MAX"}"#;

#[test]
fn partitions_on_a_disk_that_is_wanted_are_a_failure_and_stay() {
    let mut surroundings = Surroundings::new();
    let disks = ["sda", "sdb"].map(|kernel| disk(&surroundings, kernel));
    support::partition_tables::says(
        "sfdisk",
        &["-q", support::partition_tables::name(&disks[1])],
        "label: gpt\nsize=8MiB\n",
    );
    let before = disks
        .clone()
        .map(|path| fs::read(path).expect("it was made"));
    let entry = create(&mut surroundings, MIRROR);
    assert_eq!(
        text_at(&entry, &["command_error", "type"]),
        "SoftwareRAIDError"
    );
    let why = text_at(&entry, &["command_error", "details"]);
    assert!(
        why.contains("Partitions detected on devices /dev/sdb"),
        "{why}"
    );
    assert!(disks.map(|path| fs::read(path).expect("it was made")) == before);
}

#[test]
fn each_physical_disk_takes_a_disk_of_its_own_or_nothing_is_made() {
    for (hints, words) in [
        (
            r#"[{"name":"/dev/sda"},{"name":"/dev/sda"}]"#,
            "No candidates left for physical disk name '/dev/sda'",
        ),
        (
            r#"[{"name":"/dev/sda"},{"name":"/dev/sdx"}]"#,
            "No candidates for physical disk name '/dev/sdx'",
        ),
        // Two of the same hints take two disks, and the kernel of a machine that is files shows no partitions of them.
        (
            r#"[{"size":"<= 1"},{"size":"<= 1"}]"#,
            "the kernel does not show the 2 partitions that md0 was made of",
        ),
    ] {
        let mut surroundings = Surroundings::new();
        let disks = ["sda", "sdb", "sdc"].map(|kernel| disk(&surroundings, kernel));
        let volume = MIRROR.replace("}", &format!(r#","physical_disks":{hints}}}"#));
        let entry = create(&mut surroundings, &volume);
        let why = text_at(&entry, &["command_error", "details"]);
        assert!(why.contains(words), "{why}");
        for path in disks {
            let left = fs::read(&path).expect("it was made");
            assert!(
                left.iter().all(|byte| *byte == 0),
                "{}: {hints}",
                path.display()
            );
        }
    }
}

/// A disk of 64 MiB with these bytes at their places.
fn disk_with(surroundings: &Surroundings, kernel: &str, pieces: &[(u64, Vec<u8>)]) -> PathBuf {
    let path = disk(surroundings, kernel);
    let mut bytes = fs::read(&path).expect("it was made");
    for (at, piece) in pieces {
        bytes[*at as usize..][..piece.len()].copy_from_slice(piece);
    }
    fs::write(&path, bytes).expect("room for a disk");
    path
}

#[test]
fn a_member_of_an_array_that_is_apart_is_known_wherever_it_says_so() {
    let surroundings = Surroundings::new();
    let (size, part) = (64 * MIB, (MIB, 9 * MIB));
    let shifted = |by: u64, length: u64, at_end: bool| {
        let array = array(Level::Raid5, at_end, 3, length);
        let pieces = array.pieces(1, [1; 16]).into_iter();
        pieces
            .map(|(at, bytes)| (by + at, bytes))
            .collect::<Vec<_>>()
    };
    let old = {
        let mut block = vec![0; 4096];
        block[..4].copy_from_slice(&0xa92b_4efcu32.to_le_bytes());
        block[8..12].copy_from_slice(&90u32.to_le_bytes());
        vec![(size - (64 << 10), block)]
    };
    let intel = vec![(size - 1024, b"Intel Raid ISM Cfg Sig. 1.1.00".to_vec())];
    let ddf = vec![(size - 512, b"\xde\x11\xde\x11".to_vec())];
    for (kernel, pieces, table, words) in [
        ("sda", shifted(0, size, false), false, Some("'root', raid5")),
        ("sdb", shifted(0, size, true), false, Some("metadata 1.0")),
        (
            "sdc",
            shifted(part.0, part.1 - part.0, false),
            true,
            Some("in partition 1"),
        ),
        (
            "sdd",
            shifted(part.0, part.1 - part.0, true),
            true,
            Some("in partition 1"),
        ),
        ("sde", old, false, Some("metadata 0.90")),
        ("sdf", intel, false, Some("Intel's (isw_raid_member)")),
        ("sdg", ddf, false, Some("DDF's (ddf_raid_member)")),
        // Where no partition is, and a superblock that is of another place.
        ("sdh", shifted(part.0, part.1 - part.0, false), false, None),
        ("sdi", Vec::new(), true, None),
    ] {
        let path = disk_with(&surroundings, kernel, &pieces);
        if table {
            support::partition_tables::says(
                "sfdisk",
                &["-q", support::partition_tables::name(&path)],
                "label: gpt\nstart=1MiB, size=8MiB\n",
            );
        }
        let found = apart::member_on(&path).expect("it can be read");
        match words {
            Some(words) => assert!(
                found.as_ref().is_some_and(|own| own.contains(words)),
                "{kernel}: {found:?}"
            ),
            None => assert_eq!(found, None, "{kernel}"),
        }
    }
}

/// Whoever deploys, by hints, by hand or by the kernel command line.
#[test]
fn no_deploy_goes_to_a_member_of_an_array_that_is_apart_unless_told_so() {
    let surroundings = Surroundings::new();
    let pieces = array(Level::Raid5, false, 3, 64 * MIB).pieces(1, [1; 16]);
    let path = disk_with(&surroundings, "sda", &pieces);
    let before = fs::read(&path).expect("it was made");
    let hints = |json: &str| Hints::parse(&object(json)).expect("hints");
    for (unguarded, taken) in [(false, false), (true, true)] {
        let wishes = Wishes {
            root: Some(hints(r#"{"name":"/dev/sda"}"#)),
            unguarded,
            ..Wishes::default()
        };
        let chosen = ironlet::disk::root(&surroundings.host, &wishes);
        assert_eq!(chosen.is_ok(), taken);
        if let Err(error) = chosen {
            assert!(
                error
                    .details()
                    .contains("array that is not put together: 'root', raid5"),
                "{error}"
            );
        }
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ironlet"))
        .args(["--write-image", "http://127.0.0.1:1/x", "--checksum"])
        .arg(format!("sha256:{}", "0".repeat(64)))
        .arg("--disk")
        .arg(&path)
        .arg("--allow-disk")
        .arg(&path)
        .output()
        .expect("it was built");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("refusing to write"),
        "{said}"
    );
    assert!(fs::read(&path).expect("it is there") == before);
}

#[test]
fn a_configuration_that_wants_nothing_of_the_agent_says_so_and_one_that_is_none_fails() {
    for (volumes, status, words) in [
        (
            r#"{"controller":"ilo","raid_level":"1","size_gb":"MAX"}"#,
            "SUCCEEDED",
            "",
        ),
        (
            r#"{"raid_level":"1","size_gb":"MAX"},{"controller":null}"#,
            "SUCCEEDED",
            "",
        ),
        ("", "SUCCEEDED", ""),
        ("7", "FAILED", "logical disk 1 is not an object"),
    ] {
        let mut surroundings = Surroundings::new();
        let disks = ["sda", "sdb"].map(|kernel| disk(&surroundings, kernel));
        let entry = create(&mut surroundings, volumes);
        assert_eq!(text_at(&entry, &["command_status"]), status, "{volumes}");
        if status == "FAILED" {
            let why = text_at(&entry, &["command_error", "details"]);
            assert!(why.contains(words), "{why}");
        }
        let left = disks.map(|path| fs::read(path).expect("it was made"));
        let bare = vec![0; 64 * MIB as usize];
        assert!(left.iter().all(|bytes| *bytes == bare), "{volumes}");
    }
    let why = |text: &str| configuration::is_ours(&object(text)).err();
    let other = r#"{"logical_disks":[{"controller":"ilo"},{}]}"#;
    assert_eq!(
        why(other).as_deref(),
        Some("'controller' of its logical disks is \"ilo\", none")
    );
    assert_eq!(
        why(r#"{"logical_disks":[]}"#).as_deref(),
        Some("there is no logical disk")
    );
    for text in [
        r#"{"logical_disks":[{"controller":"ilo"},{"controller":"software"}]}"#,
        "{}",
        r#"{"logical_disks":{}}"#,
    ] {
        assert_eq!(why(text), None, "{text}");
    }
}

/// The power went before the first sector, without which no kernel sees the table; or after the superblocks, in a deletion.
#[test]
fn a_table_that_was_half_made_goes_with_the_arrays() {
    for (with_members, mark, stays) in [
        (true, None, false),
        (false, None, false),
        (false, Some(0x80), true),
    ] {
        let mut surroundings = Surroundings::new();
        let path = disk(&surroundings, "sda");
        let disks = [bare(64 * MIB, 512), bare(64 * MIB, 512)];
        let volumes = [volume(Level::Raid1, None)];
        let layouts =
            layout::plan(Scheme::BiosGpt, &disks, &volumes, &[vec![0, 1]]).expect("there is room");
        let (writes, _) = plan(
            &volumes,
            &[vec![0, 1]],
            &layouts,
            &["md0".to_owned()],
            0,
            || Ok([7; 16]),
        )
        .expect("nothing can fail");
        let mut made = vec![vec![0u8; 64 * MIB as usize]; 2];
        writes.iter().for_each(|write| apply(&mut made, write));
        let mut half = made.swap_remove(0);
        half[..512].fill(0);
        if !with_members {
            let at = layouts[0].parts[0].start as usize;
            half[at..at + MIB as usize].fill(0);
        }
        // A partition of another kind is somebody's.
        if let Some(byte) = mark {
            let end = half.len();
            half[1024] ^= byte;
            half[end - 33 * 512] ^= byte;
        }
        fs::write(&path, &half).expect("room for a disk");
        let entry = step(&mut surroundings, "delete_configuration", "");
        assert_eq!(text_at(&entry, &["command_status"]), "SUCCEEDED");
        let left = fs::read(&path).expect("it is there");
        let places = Places::read(64 * MIB, 512, &mut |at, into| read(&left, at, into));
        assert_eq!(
            !places.partitions.is_empty(),
            stays,
            "{with_members} {mark:?}"
        );
        let first = &layouts[0].parts[0];
        let member = find(&left[first.start as usize..first.end as usize]);
        assert_eq!(member, None);
    }
}
